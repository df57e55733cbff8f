#!/usr/bin/python3
"""Trained accuracies: the tables that come with the program against the published ones that they were packed from, and
where the program looks for accuracies."""

import csv
import gzip
import os
import shutil
import subprocess
import sys
import zlib

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import NASWEEP, ROOT, data_file, nasweep, run, test  # noqa: E402

TABLES = os.path.join(ROOT, "results", "tables")
SOURCES = {
    "nb201_accuracy_200ep": ("nb201_accuracy_200ep.csv", {
        "cifar10_test": "cifar10/test-200ep", "cifar100_test": "cifar100/test-200ep",
        "imagenet16_120_test": "ImageNet16-120/test-200ep"}),
    "nb201_accuracy_12ep": ("nb201_12_epochs/nb201_accuracy_12ep.csv", {
        f"{name}_{split}": f"{label}/{split}-12ep" for split in ("test", "valid") for name, label in
        (("cifar10", "cifar10"), ("cifar100", "cifar100"), ("imagenet16_120", "ImageNet16-120"))}),
    "nb101_accuracy_108ep": ("nb101_accuracy_108ep.csv.gz", {"cifar10_test": "cifar10/test-108ep"}),
}


def scores(space="nb201", out="s.h5", rows="0:40"):
    nasweep("score", space, "--proxy", "sed", "--range", rows, "--out", out)
    return out


def truths(*words, **env):
    """Accuracy columns that correlate finds, and what it said."""
    base = {"NASWEEP_DATA": "", "NASWEEP_TABLES": TABLES}
    done = nasweep("correlate", *words, "--format", "csv", env={**base, **env})
    rows = list(csv.DictReader(done.stdout.splitlines()))
    return {f"{r['dataset']}/{r['split']}" for r in rows}, done.stderr


for table in SOURCES:
    @test(f"{table}.table: every value is the published one, to the last decimal")
    def _(table=table):
        name, columns = SOURCES[table]
        path, space = data_file(name), table[:5]
        nasweep("import", "packed", os.path.join(TABLES, table + ".table"), "--out", "t.h5")
        with h5py.File("t.h5") as f:
            ids = {key.decode(): i for i, key in enumerate(f[space]["id"][:])}
            values = {label: f[space]["accuracy"][label][:] for label in columns.values()}
            assert all(f"-{int(f[space]['accuracy'][c].attrs['epochs'])}ep" in c for c in columns.values())
        with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
            rows = list(csv.DictReader(f))
        assert len(rows) == len(ids)
        at = np.array([ids[r.get("arch") or r["module_hash"]] for r in rows])
        assert len(set(at)) == len(ids)
        for column, label in columns.items():
            published = np.array([float(r[column]) for r in rows])
            assert np.abs(values[label][at] - published).max() < 1e-6, label


@test("all tables together are smaller than 1.5 MB, and README names each")
def _():
    files = [f for f in os.listdir(TABLES) if f.endswith(".table")]
    assert sorted(f[:-6] for f in files) == sorted(SOURCES)
    assert sum(os.path.getsize(os.path.join(TABLES, f)) for f in files) < 1.5e6
    with open(os.path.join(TABLES, "README")) as f:
        text = f.read()
    assert all(f in text for f in files)


@test("they are found beside the program: in the source tree, and as installed")
def _():
    scores()
    env = {k: v for k, v in os.environ.items() if k not in ("NASWEEP_TABLES", "NASWEEP_DATA")}
    os.makedirs("usr/bin")
    shutil.copy(NASWEEP, "usr/bin/nasweep")
    shutil.copytree(TABLES, "usr/share/nasweep/tables")
    for program in (NASWEEP, "usr/bin/nasweep"):
        done = subprocess.run([program, "correlate", "s.h5", "--format", "csv"], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.returncode == 0 and "cifar10,test-200ep" in done.stdout, done.stderr
        assert "nb201_accuracy_200ep.table, which comes with the program" in done.stderr, done.stderr
    shutil.rmtree("usr/share")
    done = subprocess.run(["usr/bin/nasweep", "correlate", "s.h5"], env=env, text=True, stderr=subprocess.PIPE)
    assert "no trained accuracies" in done.stderr


@test("an own table of that data set, split and epochs goes before; what it lacks is filled from ours")
def _():
    scores()
    os.mkdir("d")
    with open("d/nb201_accuracy_200ep.csv", "w") as f:
        f.write("index,cifar10_test\n" + "".join(f"{i},{50 + i}\n" for i in range(40)))
    found, said = truths("s.h5", NASWEEP_DATA="d")
    assert {"cifar100/test-200ep", "ImageNet16-120/test-200ep", "cifar10/test-12ep", "cifar10/valid-12ep"} <= found
    assert len([f for f in found if f.startswith("cifar10/")]) == 3, found
    assert "cifar100/test-200ep, ImageNet16-120/test-200ep from nb201_accuracy_200ep.table" in said, said
    found, said = truths("s.h5", "--truth", "d/nb201_accuracy_200ep.csv")
    assert len(found) == 1 and "comes with" not in said
    found, said = truths("s.h5", NASWEEP_TABLES="")
    assert "no trained accuracies" in said, (found, said)
    found, said = truths("s.h5", "--truth", os.path.join(TABLES, "nb201_accuracy_12ep.table"))
    assert len(found) == 6


@test("a damaged packed table is one message that names it")
def _():
    with open(os.path.join(TABLES, "nb201_accuracy_12ep.table"), "rb") as f:
        whole = f.read()
    head, stream = whole.split(b"\n\n", 1)
    cases = {
        b"": "is empty", whole[:200]: "no packed table", whole[:5000]: "damaged",
        head + b"\n\n" + zlib.compress(b"short"): "damaged", b"nasweep table 2\n" + whole[16:]: "no packed table",
        head.replace(b"15625", b"x") + b"\n\n" + stream: "header", head.replace(b"12 10000", b"12 0") + b"\n\n": "header",
        head.replace(b"rows: 15625", b"rows: 99999999") + b"\n\n" + stream: "header",
        head.replace(b"space: nb201", b"space: nb999") + b"\n\n" + stream: "nb999",
    }
    for content, says in cases.items():
        with open("bad.table", "wb") as f:
            f.write(content)
        done = nasweep("import", "packed", "bad.table", "--out", "x.h5", status=1)
        assert "bad.table" in done.stderr and says in done.stderr and done.stderr.count("\n") <= 2, (says, done.stderr)
        assert not os.path.exists("x.h5")


run()
