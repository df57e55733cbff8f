#!/usr/bin/python3
"""Our scores beside those that NAS-Bench-Suite-Zero published for the same architectures (other weights, other images):
rank correlation a column. Scores just those rows, on real CIFAR-10 images where NASWEEP_DATA has them.

usage: tests/bench/published.py [--space nb101|nb201] [--samples N] [--ranks N] [--channels N] [--every K]
                          [--columns LIST] [--out FILE.csv]
The figures are in the README; with the defaults (64 images for nb201, 16 for nb101) it takes some minutes on two cores."""
import argparse
import csv
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from mpi import ENVIRONMENT  # noqa: E402

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")
DATA = os.environ.get("NASWEEP_DATA", "")
OURS = {"flops": "macs"}  # theirs: ours, where the names differ
LEAVE = {"hash", "enumeration_index", "adjacency", "ops", "repeats", "cifar10_valid", "dataset", "arch", "index",
         "valid_accuracy"}


def rows_of(space, every):
    """(architecture, row) of the published table, CIFAR-10 only."""
    path = os.path.join(DATA, f"{space}_sample_suite_zero.csv")
    if not os.path.exists(path):
        sys.exit(f"published.py: {path} is not there; NASWEEP_DATA names its folder")
    with open(path, newline="") as f:
        rows = [r for r in csv.DictReader(f) if r.get("dataset", "cifar10") == "cifar10"]
    unique = {int(r["enumeration_index" if space == "nb101" else "index"]): r for r in rows}
    return dict(list(unique.items())[::every])


def score(space, rows, columns, args):
    """{column: {index: value}} for the scored rows."""
    images = os.path.join(DATA, "cifar-10-batches-bin")
    options = ["--samples", str(args.samples), "--progress", "20"]
    options += ["--data", images] if os.path.exists(images) else []
    options += ["--channels", str(args.channels)] if args.channels else []
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "scores.h5")
        names = ",".join(OURS.get(c, c) for c in columns)
        command = ["mpirun", "-n", str(args.ranks)] if args.ranks > 1 else []
        command += [NASWEEP, "score", space, "--proxy", names, "--out", out, *options]
        command += [w for i in rows for w in ("--arch", str(i))]
        env = dict(os.environ, **ENVIRONMENT)
        subprocess.run(command, check=True, env=env)
        with h5py.File(out) as f:
            index = f[f"{space}/index"][:]
            scored = {c: f[f"{space}/status/{OURS.get(c, c)}"][:] == 1 for c in columns}
            return {c: dict(zip(index[scored[c]], f[f"{space}/score/{OURS.get(c, c)}"][:][scored[c]])) for c in columns}


def report(space, rows, columns, ours, out):
    accuracy = "cifar10_valid" if space == "nb101" else "valid_accuracy"
    print(f"\n{space}: ours against published, and each against the published validation accuracy (Spearman)")
    print(f"  {'column':<12}{'rows':>6}{'ours~theirs':>13}{'ours~acc':>10}{'theirs~acc':>12}{'median ours/theirs':>20}")
    table = []
    for c in columns:
        pairs = [(ours[c][i], float(r[c]), float(r[accuracy])) for i, r in rows.items() if i in ours[c] and r[c]]
        a, b, y = np.array([p for p in pairs if np.all(np.isfinite(p[1:]))]).T
        rho = [stats.spearmanr(p, q).correlation for p, q in ((a, b), (a, y), (b, y))]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.nanmedian(a / b)
        print(f"  {c:<12}{len(a):>6}{rho[0]:>13.3f}{rho[1]:>10.3f}{rho[2]:>12.3f}{ratio:>20.4g}")
        table += [[space, c, i, ours[c].get(i), r[c]] for i, r in rows.items()]
    if out:
        with open(out, "w", newline="") as f:
            csv.writer(f).writerows([["space", "column", "index", "ours", "published"], *table])


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--space", choices=["nb101", "nb201"])
parser.add_argument("--samples", type=int)
parser.add_argument("--ranks", type=int, default=2)
parser.add_argument("--channels", type=int, help="of the first stage, where the benchmark's own take too long")
parser.add_argument("--every", type=int, default=1, help="only every K-th row of the table")
parser.add_argument("--columns", help="only these of the table, separated by commas")
parser.add_argument("--out", help="both values of every row as CSV")
args = parser.parse_args()
for space in [args.space] if args.space else ["nb201", "nb101"]:
    here = argparse.Namespace(**{**vars(args), "samples": args.samples or {"nb201": 64, "nb101": 16}[space]})
    rows = rows_of(space, args.every)
    columns = [c for c in next(iter(rows.values())) if c not in LEAVE]
    columns = [c for c in columns if not args.columns or c in args.columns.split(",")]
    report(space, rows, columns, score(space, rows, columns, here), args.out)
