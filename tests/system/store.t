#!/usr/bin/python3
"""Result files as others read and write them: h5py, h5dump, and what export makes of them."""

import ast
import csv
import io
import json
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Skip, data_file, nasweep, need_tool, run, test  # noqa: E402

import h5py  # noqa: E402
import numpy as np  # noqa: E402


def sweep(name="r.h5", *words):
    nasweep("score", "nb201", "--proxy", "sed,params,random", "--seed", "1,2,3", "--out", name, *words)
    return h5py.File(name, "r")


def rows(*words):
    return list(csv.DictReader(io.StringIO(nasweep("export", *words).stdout)))


@test("h5py sees format 1: groups, types, lengths and attributes")
def _():
    with sweep() as f:
        assert f.attrs["format"] == "nasweep" and f.attrs["format_version"] == 1
        for name in ("version", "git", "command", "created", "finished", "hosts", "ranks", "mpi", "hdf5", "blas",
                     "blas_kernel", "seed", "data", "data_sha256", "options"):
            assert name in f.attrs, name
        assert f.attrs["ranks"] == 1 and f.attrs["command"].startswith("nasweep score nb201")
        g, n = f["nb201"], 15625
        types = {"index": "uint32", "class": "uint32", "params": "uint64", "macs": "uint64", "score/sed": "float64",
                 "status/sed": "uint8", "seconds/sed": "float32", "score/random": "float64"}
        for name, kind in types.items():
            assert g[name].shape == (n,) and g[name].dtype == kind, name
        assert g["id"].dtype.kind == "S" and g["by_seed/random"].shape == (n, 3)
        assert g["score/sed"].attrs["direction"] == 1 and "nats" in g["score/sed"].attrs["long_name"]
        assert np.array_equal(g["index"], np.arange(n))
        status = g["status/sed"][:]
        assert (status == 2).sum() == 341 and (status == 1).sum() == n - 341
        assert np.allclose(g["score/random"], np.mean(g["by_seed/random"], axis=1), rtol=1e-15)


@test("a data frame is one dictionary comprehension")
def _():
    import pandas
    with sweep() as f:
        frame = pandas.DataFrame({k: v[:] for k, v in f["nb201/score"].items()}, index=f["nb201/id"].asstr()[:])
    assert frame.shape[0] == 15625 and frame["params"].max() > 1e6


@test("h5dump reads every byte of it")
def _():
    need_tool("h5dump")
    sweep().close()
    done = subprocess.run(["h5dump", "-d", "/nb201/id", "-A", "r.h5"], capture_output=True, text=True)
    assert done.returncode == 0 and "H5T_STR_NULLPAD" in done.stdout and "H5T_CSET_ASCII" in done.stdout
    done = subprocess.run(["h5dump", "r.h5"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0 and done.stderr == ""


@test("export gives back every number bit for bit, as CSV and as JSON")
def _():
    with sweep() as f:
        g = f["nb201"]
        table = rows("r.h5", "--columns", "index,id,sed,status/sed,by_seed/random/2,score/params,seconds/sed")
        assert [int(r["index"]) for r in table] == list(g["index"][:])
        assert [r["id"].encode() for r in table] == list(g["id"][:])
        assert np.array_equal([float(r["sed"]) for r in table], g["score/sed"][:], equal_nan=True)
        assert np.array_equal([float(r["by_seed/random/2"]) for r in table], g["by_seed/random"][:, 2])
        assert np.array_equal([float(r["score/params"]) for r in table], g["params"])
        assert np.array_equal(np.float32([float(r["seconds/sed"]) for r in table]), g["seconds/sed"][:])
        objects = json.loads(nasweep("export", "r.h5", "--format", "json").stdout)
        values = [math.nan if o["sed"] is None else float(o["sed"]) for o in objects]
        assert np.array_equal(values, g["score/sed"][:], equal_nan=True)


@test("a file made by h5py alone, with no more than it must have, is read")
def _():
    with h5py.File("mine.h5", "w") as f:
        f.attrs["format"] = "nasweep"  # variable-length, as h5py does by itself
        f.attrs["format_version"] = 1
        g = f.create_group("nb201")
        g["index"] = np.array([3, 7, 9], "int64")
        g["id"] = np.array([b"a", b"bb", b"ccc"])
        g["score/mine"] = np.array([1.5, math.nan, -2.0], "float32")
        g["accuracy/cifar10/test"] = np.array([90, 91, 92])
    table = rows("mine.h5", "--columns", "index,id,class,mine,status/mine,cifar10/test")
    assert [list(r.values()) for r in table] == [["3", "a", "3", "1.5", "1", "90"], ["7", "bb", "7", "nan", "3", "91"],
                                                 ["9", "ccc", "9", "-2", "1", "92"]]


@test("suite-zero: every nb101 key is a NASLib tuple of the architecture it was made for")
def _():
    names = ["input", "output", "maxpool3x3", "conv1x1-bn-relu", "conv3x3-bn-relu"]
    with open(data_file("nb101_sample_suite_zero.csv")) as f:
        published = {p["hash"]: float(p["params"]) for p in list(csv.DictReader(f))[:40]}
    nasweep("score", "nb101", "--proxy", "params", "--out", "r.h5", *(w for h in published for w in ("--arch", h)))
    exported = json.loads(nasweep("export", "r.h5", "--format", "suite-zero").stdout)["cifar10"]
    spellings = []
    for key in map(ast.literal_eval, exported):
        n = math.isqrt(len(key))  # n * n + n numbers
        matrix = "|".join("".join(map(str, key[i * n:i * n + n])) for i in range(n))
        spellings += ["--arch", matrix + " " + ",".join(names[op] for op in key[n * n:])]
    ids = nasweep("list", "nb101", "--columns", "id", "--no-header", *spellings).stdout.split()
    assert set(ids) == set(published) and len(ids) == len(published)
    for name, entry in zip(ids, exported.values()):
        assert abs(entry["params"]["score"] / 1e6 - published[name]) < 1e-6 * published[name]


@test("suite-zero: an nb201 cell is the tuple of its six operations, no path scores -1e9")
def _():
    arch = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
    dead = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    nasweep("score", "nb201", "--proxy", "sed", "--out", "r.h5", "--arch", arch, "--arch", dead)
    exported = json.loads(nasweep("export", "r.h5", "--format", "suite-zero", "--dataset", "cifar100").stdout)
    # edges 0-1, 0-2, 0-3, 1-2, 1-3, 2-3; skip 0, none 1, 3x3 2, 1x1 3, pool 4
    assert set(exported["cifar100"]) == {"(2, 0, 4, 1, 3, 1)", "(1, 1, 1, 1, 1, 1)"}
    assert exported["cifar100"]["(1, 1, 1, 1, 1, 1)"]["sed"]["score"] == -1e9


SPY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void note(const char *what, const char *name) {
  FILE *f = fopen(getenv("SPY_LOG"), "a");
  if (f) fprintf(f, "%s %s\n", what, name), fclose(f);
}
int fsync(int fd) {
  char link[64], name[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, name, sizeof name - 1) < 0) name[0] = 0;
  note("fsync", name);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}
int rename(const char *from, const char *to) {
  note("rename", to);
  return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}
"""


@test("a result file is on the disk before it has its name")
def _():
    if os.environ.get("ASAN"):
        raise Skip("the sanitizer wants to be loaded first")
    need_tool("cc")
    with open("spy.c", "w") as f:
        f.write(SPY)
    subprocess.run(["cc", "-shared", "-fPIC", "spy.c", "-o", "spy.so", "-ldl"], check=True)
    here = os.getcwd()
    nasweep("score", "nb201", "--proxy", "sed", "--sample", "9", "--out", "r.h5",
            env={"LD_PRELOAD": f"{here}/spy.so", "SPY_LOG": f"{here}/log"})
    with open("log") as f:
        calls = [line.split(" ", 1) for line in f.read().splitlines()]
    named = [i for i, (what, name) in enumerate(calls) if what == "rename" and name.endswith("r.h5")]
    assert named, calls
    assert calls[named[0] - 1][0] == "fsync" and "r.h5" in calls[named[0] - 1][1], calls


run()
