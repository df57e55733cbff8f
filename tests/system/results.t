#!/usr/bin/python3
"""The study in results/: rows of its file computed again, and its page's numbers against the tables beside it."""
import csv
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import NASWEEP, finish, report, skip  # noqa: E402

import h5py  # noqa: E402
import numpy as np  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
STUDY = os.path.join(ROOT, "results", "study")
REAL = os.path.join(os.environ.get("NASWEEP_DATA", ""), "cifar-10-batches-bin")
rows = sorted(np.random.default_rng(4).choice(15625, 40, replace=False).tolist())


def again(names, index, *words, space="nb201", file="nb201.h5"):
    """Columns of these rows, computed now and as they stand in the study."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "again.h5")
        done = subprocess.run([NASWEEP, "score", space, "--proxy", ",".join(names), "--out", out, "--progress", "0", *words,
                               *(w for i in index for w in ("--arch", str(i)))], capture_output=True, text=True)
        if done.returncode:
            return None, done.stderr
        with h5py.File(out) as now, h5py.File(os.path.join(STUDY, file)) as then:
            at = np.isin(then[f"{space}/index"][:], index)
            return [(n, now[f"{space}/score/{n}"][:], then[f"{space}/score/{n}"][:][at]) for n in names], ""


found, why = again(["sed", "sed_conv", "sed_pool", "sed_skip", "depth", "params", "macs"], rows)
report(found and all(a.tobytes() == b.tobytes() for _, a, b in found), "40 rows of topology, bit for bit", why or found)
found, why = again(["mlfe", "mlfe_entropy", "zeros"], rows[:12], "--seed", "777,1,2")
report(found and all(np.allclose(a, b, rtol=1e-4, equal_nan=True) for _, a, b in found),
       "12 rows of measured entropies and of the supernet's sensitivities, three seeds", why or found)
found, why = again(["avg_degree"], rows, "--seed", "777,1,2")
report(found and np.allclose(found[0][1], found[0][2], rtol=1e-6), "and of avg_degree, three seeds", why or found)
if os.path.exists(REAL):
    few = [i for i in rows if i % 2][:6]
    found, why = again(["knas", "knas_sum"], few[:3], "--data", REAL, "--dataset", "cifar10", "--seed", "777,1,2")
    report(found and all(np.allclose(a, b, rtol=1e-3, equal_nan=True) for _, a, b in found),
           "3 rows of KNAS, three seeds, to float's accuracy on another CPU", why or found)
    networks = ["meco", "naswot", "synflow", "zico", "jacov"]
    found, why = again(networks, few[:2], "--data", REAL, "--dataset", "cifar10", "--samples", "16", "--seed", "777,1,2")
    report(found and all(np.allclose(a, b, rtol=1e-2, equal_nan=True) for _, a, b in found),
           "2 rows of scores that run networks, three seeds", why or found)
    with h5py.File(os.path.join(STUDY, "nb101-sample.h5")) as f:
        cells = f["nb101/index"][:][[3, 150]].tolist()
    found, why = again(["zico", "az_expressivity", "naswot"], cells, "--data", REAL, "--dataset", "cifar10", "--samples", "16",
                       space="nb101", file="nb101-sample.h5")
    report(found and all(np.allclose(a, b, rtol=1e-2, equal_nan=True) for _, a, b in found),
           "2 rows of networks of NAS-Bench-101", why or found)
else:
    skip("rows of KNAS", "no cifar-10-batches-bin in NASWEEP_DATA")

# The page's tables: score, Spearman and Kendall with half widths, as the CSV has them.
with open(os.path.join(ROOT, "results", "README.md"), encoding="utf-8") as f:
    page = f.read()
wrong, seen = [], 0
for space, split, heading in (("nb201", "test-200ep", "## NAS-Bench-201"), ("nb101", "test-108ep", "## NAS-Bench-101, CIFAR-10"),
                              ("nb201-sample", "test-200ep", "## Scores that train"),
                              ("nb101-sample", "test-108ep", "## NAS-Bench-101: scores")):
    with open(os.path.join(STUDY, f"{space}.csv")) as f:
        lines = {r["proxy"]: r for r in csv.DictReader(f) if r["dataset"] == "cifar10" and r["split"] == split}
    section = page[page.index(heading):].split("\n## ")[0]
    for line in re.findall(r"^\| [`*].*\|$", section, re.M):
        cells = [c.strip() for c in line.strip("|").split("|")]
        name = "accuracy:cifar10/valid-12ep" if "12 epochs" in cells[0] else re.match(r"`(\w+)`", cells[0])[1]
        for cell, key in ((cells[1], "spearman"), (cells[2], "kendall_tau_b")):
            shown = float(cell.split(" ")[0].replace("−", "-"))
            seen += 1
            if abs(shown - float(lines[name][key])) > 0.00051:
                wrong.append(f"{space} {name} {key}: {shown} for {lines[name][key]}")
report(not wrong and seen > 200, f"{seen} coefficients of the page are those of the tables beside it", wrong or seen)
done = subprocess.run([NASWEEP, "correlate", os.path.join(STUDY, "nb201.h5"), "--split", "test-200ep", "--dataset", "cifar10",
                       "--format", "csv"], capture_output=True, text=True,
                      env={k: v for k, v in os.environ.items() if k not in ("NASWEEP_DATA", "NASWEEP_TABLES")})
now = {r["proxy"]: r for r in csv.DictReader(done.stdout.splitlines())}
with open(os.path.join(STUDY, "nb201.csv")) as f:
    then = {r["proxy"]: r for r in csv.DictReader(f) if r["dataset"] == "cifar10"}
report(now and all(abs(float(now[k]["spearman"]) - float(then[k]["spearman"])) < 1e-12 for k in now),
       "and those are what the program makes of the file", done.stderr)
finish()
