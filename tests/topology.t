#!/usr/bin/python3
"""Scores of the cell's topology against a direct computation from the listing."""

import csv
import io
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import Skip, nasweep, run, test

try:
    import h5py
    import numpy as np
except ImportError as e:
    h5py = None
    missing = e

OPERATIONS = {"nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "conv1x1", "conv3x3", "maxpool3x3"}


def listing(space, *words):
    columns = "index,id" if space == "nb201" else "index,adjacency,ops"
    text = nasweep("list", space, "--columns", columns, *words).stdout
    return list(csv.DictReader(io.StringIO(text)))


def scores(space, name, *words):
    """Values and statuses of a column."""
    if h5py is None:
        raise Skip(missing)
    nasweep("score", space, "--proxy", name, "--out", "x.h5", "--progress", 0, *words)
    with h5py.File("x.h5") as f:
        return f[f"{space}/score/{name}"][:], f[f"{space}/status/{name}"][:]


def edges201(row):
    """(from, to, operation) of every edge that is not `none`."""
    nodes = [[term.split("~") for term in node.split("|") if term] for node in row["id"].split("+")]
    return [(int(source), to + 1, op) for to, node in enumerate(nodes) for op, source in node if op != "none"]


def edges101(row):
    """(from, to, operation of the target)."""
    ops, rows = row["ops"].split(","), row["adjacency"].split("|")
    return [(x, y, ops[y]) for x, line in enumerate(rows) for y, bit in enumerate(line) if bit == "1"]


def longest(edges, at, end):
    """Operations on the longest path by trying every path; None where there is none."""
    if at == end:
        return 0
    found = [(op in OPERATIONS) + rest for x, y, op in edges if x == at
             for rest in [longest(edges, y, end)] if rest is not None]
    return max(found, default=None)


def check_depth(space, rows, values, status):
    for row, value, state in zip(rows, values, status):
        edges = edges201(row) if space == "nb201" else edges101(row)
        wanted = longest(edges, 0, 3 if space == "nb201" else len(row["ops"].split(",")) - 1)
        if wanted is None:
            assert state == 2 and np.isnan(value), (row, value, state)
        else:
            assert state == 1 and value == wanted, (row, value, state, wanted)


@test("depth of every cell of nb201 is the longest of all its paths")
def depth201():
    rows = listing("nb201")
    values, status = scores("nb201", "depth")
    assert (status == 2).sum() == 341
    check_depth("nb201", rows, values, status)


@test("depth of nb101's first cells, and of some of each size, likewise")
def depth101():
    for part in ("0:3000", "30000:31000", "400000:401000"):
        values, status = scores("nb101", "depth", "--range", part)
        check_depth("nb101", listing("nb101", "--range", part), values, status)
        os.remove("x.h5")


if __name__ == "__main__":
    run()
