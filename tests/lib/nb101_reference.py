"""nb101's module hash and visiting order with hashlib, as the benchmark defines them: what the C program is compared
with, and timed beside."""

import hashlib
import itertools


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def module_hash(edges, labels):
    """Hash of a labelled graph: pairs (from, to), and labels of all vertices (input -1, output -2)."""
    n = len(labels)
    sources = [[x for x, y in edges if y == v] for v in range(n)]
    targets = [[y for x, y in edges if x == v] for v in range(n)]
    digests = [md5(str((len(targets[v]), len(sources[v]), labels[v]))) for v in range(n)]
    for _ in range(n):
        digests = [
            md5("".join(sorted(digests[s] for s in sources[v])) + "|"
                + "".join(sorted(digests[t] for t in targets[v])) + "|" + digests[v])
            for v in range(n)
        ]
    return md5(str(sorted(digests)))


def edges_of(vertices, bits):
    return [(x, y) for y in range(1, vertices) for x in range(y) if bits >> (x + y * (y - 1) // 2) & 1]


def masks(vertices):
    """Edge bits of the graphs the enumeration visits, ascending."""
    columns = [range(1, 1 << y) for y in range(vertices - 1, 0, -1)]
    for choice in itertools.product(*columns):  # the last vertex's column first: the most significant bits
        out = bits = 0
        for y, column in zip(range(vertices - 1, 0, -1), choice):
            out |= column
            bits |= column << (y * (y - 1) // 2)
        if out == (1 << (vertices - 1)) - 1 and bin(bits).count("1") <= 9:
            yield bits


def visited(vertices):
    """(edges, labels) of every graph the enumeration visits with so many vertices, in its order."""
    for bits in masks(vertices):
        edges = edges_of(vertices, bits)
        for inner in itertools.product(range(3), repeat=vertices - 2):
            yield edges, (-1, *inner, -2)
