#!/usr/bin/python3
"""NAS-Bench-Suite-Zero's files in every layout that there is: as published, as NASLib's repository keeps them, as its runner
writes them, and as our own export does."""

import gzip
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import data_file, nasweep, run, test  # noqa: E402

KEY = "(4, 0, 3, 1, 4, 3)"  # edges 0-1, 0-2, 0-3, 1-2, 1-3, 2-3
CELL = "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|"


def put(name, content):
    with open(name, "w") as f:
        f.write(content if isinstance(content, str) else json.dumps(content))
    return name


def load(content, space="nb201", options=(), arch=CELL):
    """Values of one architecture."""
    done = nasweep("import", "suite-zero", put("z.json", content), "--out", "z.h5", *options)
    found = {}
    with h5py.File("z.h5") as f:
        g = f[space]
        row = [i.decode() for i in g["id"][:]].index(arch) if isinstance(arch, str) else arch
        for name in g.get("score", {}):
            found[name] = float(g["score"][name][row])
        for dataset in g.get("accuracy", {}):
            for split in g["accuracy"][dataset]:
                found[f"{dataset}/{split}"] = float(g["accuracy"][dataset][split][row])
    return found, done.stderr


@test("flat scores, nested ones, an outer key by benchmark, the runner's list: the same values")
def _():
    right = {"suite_zero.snip": 1.5, "cifar10/valid-suite-zero": 80.0}
    for content in ({"cifar10": {KEY: {"snip": {"score": 1.5, "time": 0.2}, "val_accuracy": 80.0}}},
                    {"cifar10": {KEY: {"snip": 1.5, "val_accuracy": 80.0}}},
                    {"nasbench201": {"cifar10": {KEY: {"snip": 1.5, "val_accuracy": 80.0}}}},
                    {"nasbench301": {"cifar10": {"(1, 2)": {"snip": 3}}},
                     "nasbench201": {"cifar10": {KEY: {"snip": 1.5, "val_accuracy": 80.0}}}},
                    [{"arch": KEY, "snip": {"score": 1.5, "time": 0.2}, "val_accuracy": 80.0, "dataset": "cifar10"}],
                    [{"snip": 1.5, "val_accuracy": 80.0, "dataset": "cifar10", "arch": [4, 0, 3, 1, 4, 3]}]):
        found, said = load(content)
        assert found == right, (content, found)
    assert load([{"arch": KEY, "zen": {"score": 30.1, "time": 0.2}}], options=("--dataset", "cifar10"))[0] == {"suite_zero.zen": 30.1}
    done = nasweep("import", "suite-zero", put("z.json", [{"arch": KEY, "zen": 30.1}]), "--out", "x.h5", status=2)
    assert "say --dataset" in done.stderr


@test("NASLib's own file of 245 cells: every value")
def _():
    path = data_file("naslib/zc_nasbench201.json")
    nasweep("import", "suite-zero", path, "--out", "t.h5")
    with open(path) as f:
        published = json.load(f)["nasbench201"]
    ops = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"]
    with h5py.File("t.h5") as f:
        g, compared, dead = f["nb201"], 0, 0
        rows = {i.decode(): n for n, i in enumerate(g["id"][:])}
        for dataset, cells in published.items():
            for key, values in cells.items():
                c = [ops[i] for i in json.loads(key.replace("(", "[").replace(")", "]"))]
                row = rows[f"|{c[0]}~0|+|{c[1]}~0|{c[3]}~1|+|{c[2]}~0|{c[4]}~1|{c[5]}~2|"]
                for name, value in values.items():
                    if name == "val_accuracy":
                        mine = g[f"accuracy/{dataset}/valid-suite-zero"][row]
                    else:
                        mine = g["score/suite_zero." + name + ("" if dataset == "cifar10" else "." + dataset)][row]
                    if value == -1e8:
                        dead += 1
                        assert np.isnan(mine), (key, name, mine)
                    else:
                        compared += 1
                        assert mine == value, (key, name, mine, value)
        assert compared == 245 * 3 * 12 - 28 and dead == 28, (compared, dead)


@test("-1e8 of a broken network is no value; where the cell has no path, its row says so")
def _():
    none = "(1, 1, 1, 1, 1, 1)"
    found, said = load({"cifar10": {KEY: {"jacov": -1e8, "snip": 2.0}, none: {"jacov": -1e8, "snip": 1e9}}})
    assert found["suite_zero.snip"] == 2 and np.isnan(found["suite_zero.jacov"]), found
    assert "3 scores of broken networks" in said, said
    with h5py.File("z.h5") as f:
        row = [i.decode() for i in f["nb201/id"][:]].index("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
        assert f["nb201/status/suite_zero.jacov"][row] == 2 and f["nb201/status/suite_zero.snip"][row] == 2


@test("nb101: keys of one cell, once its dead ends are off, give one row: means of scores and of seconds")
def _():
    plain = "(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1)"
    dead_end = "(0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 1)"
    load({"cifar10": {plain: {"snip": {"score": 1, "time": 1}}, dead_end: {"snip": {"score": 2, "time": 4}}}},
         space="nb101", options=("--space", "nb101"), arch=0)
    with h5py.File("z.h5") as f:
        score, seconds = f["nb101/score/suite_zero.snip"][:], f["nb101/seconds/suite_zero.snip"][:]
        row, = np.flatnonzero(np.isfinite(score))
        assert (score[row], seconds[row]) == (1.5, 2.5), (score[row], seconds[row])


@test("nb101: two vertices stay nb101 where anything tells, and nothing is guessed where nothing does")
def _():
    two = "(0, 1, 0, 0, 0, 1)"
    done = nasweep("import", "suite-zero", put("z.json", {"cifar10": {two: {"val_accuracy": 83.1}}}), "--out", "x.h5", status=2)
    assert "say --space" in done.stderr and not os.path.exists("x.h5"), done.stderr
    right = {"cifar10/valid-suite-zero": 83.1}
    assert load({"cifar10": {two: {"val_accuracy": 83.1}}}, space="nb101", options=("--space", "nb101"), arch=0)[0] == right
    assert load({"nasbench101": {"cifar10": {two: {"val_accuracy": 83.1}}}}, space="nb101", arch=0)[0] == right
    three = "(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 1)"
    assert load({"cifar10": {two: {"val_accuracy": 83.1}, three: {"val_accuracy": 9}}}, space="nb101", arch=0)[0] == right


@test("our export is read back, both spaces, all sizes of cells, under every name of CIFAR-10's validation")
def _():
    for space, rows in (("nb101", "0:2600"), ("nb201", "0:400")):
        nasweep("score", space, "--proxy", "sed,params", "--range", rows, "--out", f"{space}.h5")
        for outer in (False, True):
            text = nasweep("export", f"{space}.h5", "--format", "suite-zero").stdout
            if outer:
                text = json.dumps({{"nb101": "nasbench101", "nb201": "nasbench201"}[space]: json.loads(text)})
            with gzip.open("back.json.gz", "wt") as f:
                f.write(text)
            nasweep("import", "suite-zero", "back.json.gz", "--out", "back.h5")
            with h5py.File("back.h5") as a, h5py.File(f"{space}.h5") as b:
                n = len(b[space]["index"])
                for name in ("sed", "params"):
                    mine, back = b[space]["score"][name][:], a[space]["score"]["suite_zero." + name][:n]
                    status, there = b[space]["status"][name][:], a[space]["status"]["suite_zero." + name][:n]
                    scored = status == 1
                    assert np.array_equal(mine[scored], back[scored]), (space, name)
                    assert np.array_equal(status, there), (space, name)


@test("val_accuracy is found under NATS-Bench's names, the longest training first")
def _():
    nasweep("score", "nb201", "--proxy", "sed", "--range", "0:3", "--out", "s.h5")
    with h5py.File("s.h5", "a") as f:
        for split, epochs, value in (("x-valid-12ep", 12, 1.0), ("x-valid-200ep", 200, 2.0), ("ori-test-200ep", 200, 3.0)):
            d = f["nb201"].require_group("accuracy/cifar10-valid").create_dataset(split, data=np.full(3, value))
            d.attrs["epochs"] = np.bytes_(str(epochs))
    done = nasweep("export", "s.h5", "--format", "suite-zero")
    found = json.loads(done.stdout)
    assert list(found) == ["cifar10"] and {v["val_accuracy"] for v in found["cifar10"].values()} == {2.0}, done.stderr
    assert "val_accuracy is cifar10-valid/x-valid-200ep" in done.stderr


run()
