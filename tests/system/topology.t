#!/usr/bin/python3
"""Scores of the cell's topology against a direct computation from the listing."""

import csv
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Skip, nasweep, run, test

try:
    import h5py
    import numpy as np
except ImportError as e:
    h5py = None
    missing = e

try:
    import steady  # noqa: F401
    import torch
    import torch.nn.functional as F
    import philox
    import torchnets
    torch.set_num_threads(1)
except ImportError:
    torch = None

GRAPH = 8  # purpose of the random numbers
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


# ---- NASGraph's average degree: the graph made by running every block on one channel after the other ----

class Graph:
    """Blocks are numbers, nodes (block, channel)."""

    def __init__(self, seed, side):
        self.seed, self.side, self.sizes, self.edges = seed, side, [], set()

    def add(self, channels, parents, run=lambda x: x, cin=None, shifts=None):
        block = len(self.sizes)
        self.sizes.append(channels)
        for k, parent in enumerate(parents):
            width, shift = cin or channels, 0 if shifts is None else shifts[k]
            n = min(self.sizes[parent], width - shift)
            x = torch.zeros(n, width, self.side, self.side, dtype=torch.float64)
            for i in range(n):
                x[i, i + shift] = 1
            for i, j in np.argwhere(run(x).sum((2, 3)).numpy() != 0):
                self.edges.add(((parent, i), (block, j)))
        return block

    def conv(self, cin, channels, parents, kernel, stack, cell, slot, stride=1, pool=False):
        key = stack | (cell + 1) << 2 | slot << 10 | kernel << 16 | (1 if pool else stride) << 20 | cin << 24 | channels << 40
        w = torch.from_numpy(philox.normal(self.seed, GRAPH, key, channels * cin * kernel ** 2).reshape(channels, cin, kernel, kernel))

        def run(x):
            x = F.avg_pool2d(x, 2) if pool else x
            return F.relu(F.conv2d(x, w, stride=stride, padding=kernel // 2))
        return self.add(channels, parents, run, cin)

    def average_degree(self):
        return 2 * len(self.edges) / len({node for edge in self.edges for node in edge})


def start(seed, side, c):
    g = Graph(seed, side)
    return g, g.conv(3, c, [g.add(3, [])], 3, 0, -1, 3)


def degree201(row, seed, side, c, cells):
    g, stem = start(seed, side, c)
    ops = {(x, y): op for x, y, op in edges201(row)}
    into = [stem]
    for stack in range(3):
        if stack:
            a = g.conv(c, 2 * c, into, 3, stack, -1, 0, stride=2)
            down = g.conv(c, 2 * c, into, 1, stack, -1, 2, pool=True)
            g.side, c = g.side // 2, 2 * c
            into = [down, g.conv(c, c, [a], 3, stack, -1, 1)]
        for cell in range(cells):
            ends = [into, [], [], []]
            for slot, (x, y) in enumerate([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]):
                op = ops.get((x, y), "none")
                if "conv" in op:
                    block = g.conv(c, c, ends[x], int(op[-1]), stack, cell, slot)
                else:
                    block = g.add(c, ends[x], {"none": lambda t: 0 * t, "skip_connect": lambda t: t,
                                               "avg_pool_3x3": lambda t: F.avg_pool2d(t, 3, 1, 1)}[op])
                ends[y].append(block)
            into = ends[3]
    g.add(c, into)
    return g.average_degree()


def degree101(row, seed, side, c, cells):
    g, at = start(seed, side, c)
    matrix = [[int(b) for b in line] for line in row["adjacency"].split("|")]
    ops, last, out = row["ops"].split(","), len(matrix) - 1, c
    for stack in range(3):
        if stack:
            at = g.add(c, [at], lambda t: F.max_pool2d(t, 2))
            g.side, out = g.side // 2, 2 * c
        for cell in range(cells):
            width = torchnets.vertex_channels(c, out, matrix)
            into = {v: g.conv(c, width[v], [at], 1, stack, cell, v) for v in range(1, last + 1) if matrix[0][v]}
            block = {}
            for v in range(1, last):
                parents = ([into[v]] if v in into else []) + [block[u] for u in range(1, v) if matrix[u][v]]
                if ops[v] == "maxpool3x3":
                    block[v] = g.add(width[v], parents, lambda t: F.max_pool2d(t, 3, 1, 1))
                else:
                    block[v] = g.conv(width[v], width[v], parents, int(ops[v][-1]), stack, cell, 7 + v)
            feeders = [v for v in range(1, last) if matrix[v][last]]
            shifts = np.cumsum([0] + [width[v] for v in feeders])
            joined = g.add(out, [block[v] for v in feeders], shifts=shifts)
            at = g.add(out, ([into[last]] if last in into else []) + [joined])
            c = out
    return g.average_degree()


def check_degree(space, direct, indices, channels, cells, seed=777):
    if torch is None:
        raise Skip("no PyTorch, SciPy")
    for index in indices:
        row, = listing(space, "--arch", index)
        values, status = scores(space, "avg_degree", "--arch", index, "--seed", seed, "--set",
                                f"avg_degree.channels={channels}", "--set", f"avg_degree.cells={cells}")
        wanted = direct(row, seed, 32, channels, cells)
        assert status[0] == 1 and abs(values[0] - wanted) < 1e-12 * wanted, (index, values[0], wanted)
        os.remove("x.h5")


@test("avg_degree of nb201 is that of the graph made by running every block on every channel")
def avg_degree201():
    none = ["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
            "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_1x1~2|"]
    check_degree("nb201", degree201, [0, 9, 123, 7331, *none], 16, 1)
    check_degree("nb201", degree201, [5000, 13714], 4, 2, seed=5)


@test("avg_degree of nb101 likewise")
def avg_degree101():
    check_degree("nb101", degree101, [0, 1, 2000, 300007], 8, 1)
    check_degree("nb101", degree101, [50000, 400009], 4, 2, seed=5)


if __name__ == "__main__":
    run()
