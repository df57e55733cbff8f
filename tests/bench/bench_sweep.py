#!/usr/bin/python3
"""Sweeps from outside: whole processes, two ranks against one, and simulated large machines.

NSW_BENCH_IMAGES (50) and NSW_BENCH_TURNS (3) make the two ranks' part shorter. The costs of the simulation: measured ones where NSW_BENCH_NB101 and NSW_BENCH_NB201 name result files with KNAS, else a
few measured here for nb201 and modelled ones for nb101."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import NASWEEP, run, text_of  # noqa: E402


IMAGES = int(os.environ.get("NSW_BENCH_IMAGES", "50"))
TURNS = int(os.environ.get("NSW_BENCH_TURNS", "3"))


def processes(folder):
    for words in (["nb201", "--proxy", "sed"], ["nb101", "--proxy", "sed,params,macs"]):
        for ranks in (None, 1, 2):
            times = []
            for _ in range(5):
                out = f"{folder}/x.h5"
                if os.path.exists(out):
                    os.unlink(out)
                start = time.monotonic()
                run(ranks, "score", *words, "--out", out)
                times.append(time.monotonic() - start)
            how = "alone" if ranks is None else f"mpirun -n {ranks}"
            print(f"score {' '.join(words)}, {how}: {statistics.median(times):.3f} s whole process (median of 5)")


def times_of(path):
    """Seconds of the sweep, of its evaluations over all ranks, of those on a processor, and of the longest idle end."""
    with h5py.File(path) as f:
        last = dict(item.split("=") for item in text_of(f, "sessions").splitlines()[-1].split())
        timing = f["nb201/timing"]
        return float(last["wall"]), timing["busy"][:].sum(), timing["cpu"][:].sum(), timing["idle"][:].max()


def two_ranks(folder):
    """The same work on one and on two ranks, in turns, medians. What others do on the machine lengthens the wall time but
    hardly the evaluations' processor time, so the efficiency is given both ways: by wall time, and as the product of what
    the program can lose (the part of the ranks' time that is not in evaluations) and what the machine does (processor
    time of the same evaluations while one core works, over that while two do: caches, memory, clock)."""
    for name, images, words in (("knas, 500 classes", IMAGES, ["--proxy", "knas", "--samples", str(IMAGES), "--unique"]),
                                ("dummy that sleeps, 500 classes", None, ["--proxy", "dummy", "--unique"])):
        found = {1: [], 2: []}
        for i in range(TURNS):
            for ranks in (1, 2):
                out = f"{folder}/e{ranks}-{i}-{name[:4]}.h5"
                run(ranks, "score", "nb201", *words, "--sample", "540", "--progress", "0", "--out", out, timeout=3600)
                found[ranks].append(times_of(out))
        one, two = ([statistics.median(t[k] for t in found[r]) for k in range(4)] for r in (1, 2))
        share = statistics.median(t[1] / (2 * t[0]) for t in found[2])
        print(f"{name}{f', {images} images' if images else ''}: {one[0]:.2f} s on one rank, {two[0]:.2f} s on two, efficiency "
              f"{one[0] / (2 * two[0]):.3f} by wall time; evaluating {share:.4f} of two ranks' time, idle at the end "
              f"{1e3 * max(t[3] for t in found[2]):.1f} ms at most")
        if images:
            print(f"  processor time of the evaluations {one[2]:.2f} s on one rank, {two[2]:.2f} s on two: {one[2] / two[2]:.3f}; times "
                  f"{share:.4f} is an efficiency of {one[2] / two[2] * share:.3f} without others. Of their time the evaluations had a "
                  f"processor {one[2] / one[1]:.2f} and {two[2] / two[1]:.2f}; load of the machine {os.getloadavg()[0]:.1f}", flush=True)
            if min(one[2] / one[1], two[2] / two[1]) < 0.95:
                print("  the machine was busy with other things: only the part of the time in evaluations says something")


def simulated(folder):
    measured = {"nb201": os.environ.get("NSW_BENCH_NB201"), "nb101": os.environ.get("NSW_BENCH_NB101")}
    if not measured["nb201"]:
        measured["nb201"] = f"{folder}/some.h5"
        run(2, "score", "nb201", "--proxy", "knas", "--sample", "40", "--out", measured["nb201"])
    for space in ("nb201", "nb101"):
        words = ["--measured", measured[space]] if measured[space] else ["--speed", "100", "--spread", "0.3"]
        print(f"simulated {space} by knas, {'times after ' + measured[space] if measured[space] else 'modelled times'}:",
              flush=True)
        subprocess.run([NASWEEP, "simulate", space, "--proxy", "knas", *words, "--ranks", "1,64,1024,4096,16384"],
                       stderr=subprocess.STDOUT, check=False)


with tempfile.TemporaryDirectory() as folder:
    for part in (processes, two_ranks, simulated):
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            part(folder)
