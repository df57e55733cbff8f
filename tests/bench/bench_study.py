#!/usr/bin/python3
"""Statistics at 423,624 rows beside SciPy in the same run: one Kendall, 1,000 bootstrap resamples on two ranks, and a plain
`correlate` with six scores. Real columns where NASWEEP_DATA has them."""

import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import scipy.stats

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mpi import ENVIRONMENT  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
NASWEEP = os.path.join(BUILD, "nasweep")
ENV = dict(os.environ, **ENVIRONMENT)
EVALUATIONS = 5


def run(*words):
    """(seconds of the clock, seconds of CPU of all processes)"""
    start, before = time.perf_counter(), os.times()
    subprocess.run(list(map(str, words)), env=ENV, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def median(values):
    return float(np.median(values))


def resampled(job):
    """EVALUATIONS resamples and their kendalltau: seconds an evaluation, of this process's CPU."""
    x, y, seed = job
    rng = np.random.default_rng(seed)
    start = time.process_time()
    for _ in range(EVALUATIONS):
        at = rng.integers(0, len(x), len(x))
        scipy.stats.kendalltau(x[at], y[at])
    return (time.process_time() - start) / EVALUATIONS


def main():
    with tempfile.TemporaryDirectory(prefix="nasweep_bench_") as folder:
        scores, file = os.path.join(folder, "scores.h5"), os.path.join(folder, "nb101.h5")
        run(NASWEEP, "score", "nb101", "--proxy", "sed,params,macs", "--out", scores)
        if os.environ.get("NASWEEP_DATA"):
            run(NASWEEP, "correlate", scores, "--proxy", "sed", "--out", file)
        else:
            os.rename(scores, file)
            with h5py.File(file, "r+") as f:
                rng = np.random.default_rng(1)
                f["nb101/accuracy/cifar10/test"] = np.clip(80 + 2 * f["nb101/score/sed"][:] + 4 * rng.normal(size=423624), 0, 100)
        with h5py.File(file) as f:
            x, y = f["nb101/score/sed"][:], f["nb101/accuracy/cifar10/test"][:]
        columns = os.path.join(folder, "columns")
        np.concatenate([x, y]).tofile(columns)
        text = subprocess.run([os.path.join(BUILD, "tests/bench_study"), columns], check=True, stdout=subprocess.PIPE, text=True).stdout
        ours = {name: float(v) for name, v in re.findall(r"^(\w+) ([\d.]+)", text, re.M)}

        peer = {}
        for name, f in (("kendall", scipy.stats.kendalltau), ("weighted", scipy.stats.weightedtau), ("spearman", scipy.stats.spearmanr),
                        ("pearson", scipy.stats.pearsonr)):
            times = []
            for _ in range(5):
                start = time.process_time()
                f(x, y)
                times.append(1e3 * (time.process_time() - start))
            peer[name] = median(times)
        print(f"{len(x):,} rows, CPU ms of one core, medians; ours with ranking, SciPy {scipy.__version__}")
        ranking = float(re.search(r"ranks ([\d.]+)", text)[1])
        for name in peer:
            mine = ours[name] + (ranking if name in ("weighted", "spearman") else 0)
            print(f"  {name:9} {mine:8.1f}   SciPy {peer[name]:8.1f}   {peer[name] / mine:5.1f} times")

        with multiprocessing.Pool(2) as pool:
            each = sum(pool.map(resampled, [(x, y, 1), (x, y, 2)])) / 2
        print(f"one resample, CPU of one core while two work: ours {ours['resample']:.2f} ms (Kendall, Spearman and Pearson), "
              f"SciPy {1e3 * each:.0f} ms (drawing and kendalltau): {1e3 * each / ours['resample']:.0f} times")
        plain = [run("mpirun", "-n", 2, NASWEEP, "correlate", file, "--proxy", "sed") for _ in range(3)]
        whole = run("mpirun", "-n", 2, NASWEEP, "correlate", file, "--proxy", "sed", "--intervals", 1000)
        wall, cpu = (whole[k] - median([p[k] for p in plain]) for k in range(2))
        print(f"1,000 resamples with BCa on two ranks: {wall:.1f} s, {cpu:.1f} s of CPU, beyond a plain correlate; SciPy's kendalltau as "
              f"often {1000 * each:.0f} s of CPU: {1000 * each / cpu:.0f} times")
        times = [run(NASWEEP, "correlate", file) for _ in range(5)]
        print(f"plain correlate, six scores: {median([t[0] for t in times]):.2f} s, {median([t[1] for t in times]):.2f} s of CPU")
        print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
