#!/usr/bin/python3
"""NATS-Bench's size space: its list of architectures as published, parameters and FLOPs as published, and the whole way
from a sweep to a report, by commands that know nothing of it."""
import bz2
import csv
import io
import json
import json
import os
import pickle
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import h5py  # noqa: E402
import numpy  # noqa: E402
from tap import data_file, nasweep, run, test  # noqa: E402


class Plain(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name} is not wanted")


def listing(*options):
    return list(csv.DictReader(io.StringIO(nasweep("list", "sss", *options).stdout)))


@test("all 32,768 are in the published order")
def _():
    with bz2.open(data_file("NATS-sss-v1_0-50262-simple/meta.pickle.pbz2")) as f:
        published = Plain(f).load()["meta_archs"]
    assert [row["id"] for row in listing("--columns", "id")] == published


@test("parameters and FLOPs are the published ones")
def _():
    known = {"8:8:8:8:8": (11714, 4.481114), "8:8:8:16:32": (49202, 6.84065), "8:8:40:32:40": (144834, 21.827994)}
    rows = listing("--columns", "id,params,macs", *[word for name in known for word in ("--arch", name)])
    for row in rows:
        params, flops = known[row["id"]]
        assert int(row["params"]) == params, row
        # The published count adds the classifier's ten biases.
        assert abs((int(row["macs"]) + 10) / 1e6 - flops) < 1e-9, row
    assert len(rows) == 3


@test("names that are none are refused")
def _():
    for name in ["8:8:8:8", "8:8:8:8:8:8", "8:8:8:8:9", "8:8:8:8:72", "8:8:8:8:0", "08:8:8:8:8", "8 :8:8:8:8", "", "40000",
                 "-8:8:8:8:8"]:
        assert "sss" in nasweep("list", "sss", "--arch", name, status=2).stderr, name


@test("scores of the cell alone are refused by name and left out of groups")
def _():
    assert "the same in all of sss" in nasweep("score", "sss", "--proxy", "sed", "--out", "x.h5", status=2).stderr
    nasweep("score", "sss", "--proxy", "cheap", "--range", "0:3", "--out", "cheap.h5", "--progress", "0")
    with h5py.File("cheap.h5") as f:
        assert set(f["sss/score"]) == {"params", "macs", "avg_degree"}, set(f["sss/score"])


@test("a sweep by every other score, its correlations and its export")
def _():
    nasweep("score", "sss", "--proxy", "all,control", "--range", "0:32768", "--sample", "6", "--samples", "20", "--channels", "32",
            "--set", "regions.images=200", "--out", "all.h5", "--progress", "0")
    with h5py.File("all.h5") as f:
        names = set(f["sss/score"])
        for name in names:
            values = f[f"sss/score/{name}"][...]
            assert (f[f"sss/status/{name}"][...] == 1).all(), name
            assert numpy.isfinite(values).all(), name
            # Few images have few patterns, and a network thin enough for regions to differ would have one width.
            assert len(set(values)) > 1 or name in {"swap", "regions"}, f"{name} is the same for all"
        params, macs = f["sss/score/params"][...], f["sss/score/macs"][...]
    assert {"knas", "grad_norm", "zen", "naswot", "az_trainability", "ntk_cond", "avg_degree"} <= names
    with open("truth.csv", "w") as f:
        f.write("index,accuracy\n")
        with h5py.File("all.h5") as h:
            for index, value in zip(h["sss/index"][...], params):
                f.write(f"{index},{50 + value / 1e5}\n")
    nasweep("import", "csv", "truth.csv", "--space", "sss", "--dataset", "cifar10", "--split", "test", "--out", "truth.h5")
    table = nasweep("correlate", "all.h5", "--truth", "truth.h5", "--dataset", "cifar10", "--format", "csv").stdout
    rows = {row["proxy"]: row for row in csv.DictReader(io.StringIO(table))}
    assert abs(float(rows["params"]["spearman"]) - 1) < 1e-12, rows["params"]
    assert "suite" in nasweep("export", "all.h5", "--format", "suite-zero", status=2).stderr.lower()


@test("what a score takes is set beside the training that an accuracy comes from")
def _():
    nasweep("import", "nats", data_file("NATS-sss-v1_0-50262-simple"), "--out", "nats.h5")
    nasweep("score", "sss", "--proxy", "params,plain", "--samples", "2", "--arch", "0", "--arch", "11", "--out", "two.h5",
            "--progress", "0")
    with h5py.File("nats.h5") as f:
        trained = {(d, s): f[f"sss/accuracy/{d}/{s}"][[0, 11]] for d in f["sss/accuracy"] for s in f[f"sss/accuracy/{d}"]
                   if s.startswith("seconds-")}
    assert len(trained) == 12, trained.keys()
    pairs = [("cifar10/ori-test-90ep", "cifar10", "seconds-90ep"), ("cifar100/x-valid-12ep", "cifar100", "seconds-12ep"),
             ("cifar10-valid/x-valid-1ep", "cifar10-valid", "seconds-1ep")]
    for accuracy, dataset, split in pairs:
        options = ["--dataset", accuracy.split("/")[0], "--split", accuracy.split("/")[1], "--timing", "--format", "json"]
        lines = json.loads(nasweep("correlate", "two.h5", "--truth", "nats.h5", *options).stdout)
        lines = {line["proxy"]: line for line in lines if line["kind"] == "timing"}
        assert set(lines) == {"params", "plain"}, lines
        for line in lines.values():
            mean = trained[dataset, split].mean()
            assert (line["dataset"], line["split"], line["trained"], line["n"]) == (dataset, split, 2, 2), line
            assert abs(line["training_seconds_each"] / mean - 1) < 1e-6, (line, mean)
            assert abs(line["share_of_training"] / (line["seconds"] / 2 / mean) - 1) < 1e-6, line
    # An accuracy taken as a score took its training.
    lines = json.loads(nasweep("correlate", "two.h5", "--truth", "nats.h5", "--dataset", "cifar10", "--split", "ori-test-90ep",
                               "--score", "accuracy:cifar10/ori-test-12ep", "--timing", "--format", "json").stdout)
    line, = [x for x in lines if x["kind"] == "timing" and x["proxy"].startswith("accuracy:")]
    assert abs(line["seconds"] / trained["cifar10", "seconds-12ep"].sum() - 1) < 1e-6, line


@test("the archive's folder is accuracies, and seconds of training beside those of a score")
def _():
    folder = data_file("NATS-sss-v1_0-50262-simple")
    ids = ["8:8:8:8:8", "8:8:8:16:32"]
    nasweep("score", "sss", "--proxy", "knas,params", "--samples", "4", *[w for i in ids for w in ("--arch", i)], "--out", "two.h5",
            "--progress", "0")
    words = ("two.h5", "--truth", folder, "--dataset", "cifar10", "--split", "ori-test-90ep")
    found = json.loads(nasweep("correlate", *words, "--timing", "--format", "json").stdout)
    lines = {line["proxy"]: line for line in found if line["kind"] == "timing"}
    assert lines["knas"]["split"] == "seconds-90ep" and lines["knas"]["trained"] == 2, lines
    chosen = json.loads(nasweep("select", *words, "--proxy", "params", "--format", "json").stdout)
    curve = next(line for line in chosen if line["proxy"] == "params")
    assert curve["n"] == 2 and curve["points"][0]["best"] == curve["best_accuracy"], curve
    hunt = nasweep("search", "sss", "--truth", folder, "--method", "random", "--look", "cifar10-valid/x-valid-90ep", "--report",
                   "cifar10/ori-test-90ep", "--repeats", "3", "--budget", "2").stdout
    assert "random" in hunt, hunt


run()
