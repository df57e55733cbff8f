#!/usr/bin/python3
"""Sweeps from outside: whole processes, two ranks against one, and simulated large machines.

The costs of the simulation: measured ones where NSW_BENCH_NB101 and NSW_BENCH_NB201 name result files with KNAS, else a
few measured here for nb201 and modelled ones for nb101."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

import h5py

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sweeps import NASWEEP, run, text_of  # noqa: E402


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


def wall(path):
    with h5py.File(path) as f:
        last = dict(item.split("=") for item in text_of(f, "sessions").splitlines()[-1].split())
        timing = f["nb201/timing"]
        return float(last["wall"]), float(last["busy"]), float(timing["idle"][:].max())


def two_ranks(folder):
    """Same work on one and on two ranks, in turns; the ratio of the medians."""
    for name, words in (("knas, 500 classes, 10 images", ["--proxy", "knas", "--samples", "10", "--unique"]),
                        ("dummy that sleeps, 500 classes", ["--proxy", "dummy", "--unique"])):
        walls = {1: [], 2: []}
        for i in range(3):
            for ranks in (1, 2):
                out = f"{folder}/e{ranks}-{i}-{name[:4]}.h5"
                run(ranks, "score", "nb201", *words, "--sample", "500", "--progress", "0", "--out", out)
                walls[ranks].append(wall(out))
        one, two = (statistics.median(w[0] for w in walls[r]) for r in (1, 2))
        used = statistics.median(w[1] / (2 * w[0]) for w in walls[2])
        idle = max(w[2] for w in walls[2])
        print(f"{name}: {one:.2f} s on one rank, {two:.2f} s on two: efficiency {one / (2 * two):.3f}; "
              f"evaluating {100 * used:.1f} % of two ranks' time, idle at the end {idle * 1e3:.1f} ms at most")


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
    processes(folder)
    two_ranks(folder)
    simulated(folder)
