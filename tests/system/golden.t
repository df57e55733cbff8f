#!/usr/bin/python3
"""What topology alone gives for every architecture of a space, held to digests of version 0.1.0: parameters,
multiply-adds, SED, depth, NASGraph's degree, and the counts that `nasweep list` prints.

Values are digested as text of 12 digits, so that the last bits of a C library's logarithm do not matter."""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import h5py  # noqa: E402
from tap import nasweep, run, test  # noqa: E402

COLUMNS = ["params", "macs", "depth", "sed", "sed_conv", "sed_pool", "sed_skip", "avg_degree"]
SCORES = {
    "nb201": {"params": "7725a809eda23b2d",
              "macs": "cf8d17a01c303d68",
              "depth": "d76fbb6e8f801753",
              "sed": "a50b84b2f5fb0a07",
              "sed_conv": "0c14a3a3b031f1a1",
              "sed_pool": "f3ae13049c26b038",
              "sed_skip": "47022f924c41b09f",
              "avg_degree": "ea5e29c9a16fa15e",
              "path": "663e7d5fb5ef81da"},
    "nb101": {"params": "e2648838e863e7e9",
              "macs": "be639728ca55ab4c",
              "depth": "394ebcea1c998692",
              "sed": "2100775b477ddad3",
              "sed_conv": "72b3c5d7d5d455cf",
              "sed_pool": "9880db87ce7d9935",
              "sed_skip": "e0c32bc16a2fb7f7",
              "avg_degree": "4f7f30287a6c7a6e",
              "path": "e47de9670c94b9c3"}}
THIN = {"params": "b0449bcd4a6adf42",
        "macs": "fc0de3b0d09cf8c7",
        "depth": "d43a94292300be28",
        "sed": "704efae76b7226e0",
        "sed_conv": "1c47e907ea08263d",
        "sed_pool": "b9bc893992d68174",
        "sed_skip": "42bd8aae5e19cb4b",
        "avg_degree": "6f76d8d28e0f8d03",
        "path": "4e096636ed30f573"}
LISTING = {"nb201": "c69d48a89ac1fe02",
           "nb101": "0bc9992972a5f0b4"}


def digest(values):
    return hashlib.sha256("\n".join(f"{v:.12g}" for v in values).encode()).hexdigest()[:16]


def scores(space, *options):
    """{column: digest}, the status of rows without a path as a column `path`."""
    nasweep("score", space, "--proxy", ",".join(COLUMNS), "--out", "s.h5", "--progress", "0", "--checkpoint", "0", *options)
    with h5py.File("s.h5") as f:
        found = {column: digest(f[space]["score"][column][...].tolist()) for column in COLUMNS}
        found["path"] = digest(f[space]["status/sed"][...].tolist())
    os.remove("s.h5")
    return found


def listing(space):
    columns = "index,params,macs,class,path,edges,conv3,conv1,pool3" + (",vertices,adjacency,ops" if space == "nb101" else "")
    text = nasweep("list", space, "--columns", columns, "--classes", "100", "--resolution", "16").stdout
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(found, wanted):
    wrong = [f"{column} {found[column]}" for column in wanted if found[column] != wanted[column]]
    assert not wrong, "not as in version 0.1.0: " + ", ".join(wrong)


for space in SCORES:
    @test(f"every topology score of {space}")
    def _(space=space):
        differences(scores(space), SCORES[space])

    @test(f"every count that list prints of {space}")
    def _(space=space):
        assert listing(space) == LISTING[space], listing(space)


@test("a thin network of nb101: other widths, classes and sizes count")
def _():
    differences(scores("nb101", "--channels", "20", "--cells", "2", "--classes", "7", "--resolution", "16",
                       "--set", "avg_degree.channels=12", "--set", "avg_degree.cells=2", "--sample", "20000"), THIN)


run()
