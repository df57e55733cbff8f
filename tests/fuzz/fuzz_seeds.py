#!/usr/bin/python3
"""Writes corpus seeds for the fuzz targets: fuzz_seeds.py FOLDER makes FOLDER/fuzz_TARGET/*. Needs no downloaded data."""
import base64
import bz2
import collections
import io
import json
import os
import pickle
import struct
import sys
import tarfile
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import make_nb101_tfrecord as nb101  # noqa: E402



def write(folder, target, name, data):
    folder = os.path.join(folder, "fuzz_" + target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def nats_object(epochs=2, index=0):
    result = {"name": "cifar10", "train_acc1es": {0: 10.0, 1: 20.5}, "eval_acc1es": {"ori-test@0": 1.5, "ori-test@1": 2.5},
              "params": np.float64(0.25), "epochs": epochs, "seed": "0777", "latency": [0.1], "flop": np.float32(3),
              "train_times": collections.OrderedDict([(0, 1.0), (1, 2.0)]), "net_state_dict": None}
    info = {"arch_index": index, "arch_str": "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "clear_net_done": True,
            "all_results": {("cifar10", 777): result}, "dataset_seed": {"cifar10": [777]}}
    return collections.OrderedDict([("12", info), ("200", info)])


def pickles():
    objects = [nats_object(), {"data": np.arange(12, dtype=np.uint8).reshape(3, 4), "labels": [1, 2, 3]},
               [1, -1, 2**40, 1.5, True, None, "text", "\u00e9\u4e2d", b"bytes", (), (1,), (1, 2, 3, 4), {1, 2}, frozenset([3])],
               np.arange(3, dtype=">f8"), bytearray(b"abc"), [[[[[]]]]]]
    return [pickle.dumps(o, protocol=p) for o in objects for p in (1, 2, 4, 5)]


def records():
    message = nb101.metrics(5, 108, 882570)
    ops = "input,conv3x3-bn-relu,maxpool3x3,output"
    return [nb101.record("0123456789abcdef" * 2, 108, "0110001100010000", ops, message), message]


def suite_zero():
    proxy = {"score": 1.5, "time": 0.1}
    one = {"id": 1, "val_accuracy": 90.5, "params": proxy, "synflow": {"score": -1e300, "time": 1}}
    small = {"cifar10": {"(0, 1, 2, 3, 4, 0)": one, "(4, 4, 4, 4, 4, 4)": one}}
    rows = (0, 1, 0, 0, 0, 0, 0) + (0, 0, 1, 0, 0, 0, 0) + (0,) * 35
    big = {"cifar10": {str(rows + (0, 3, 1, 2, 2, 2, 2)): one}}
    return [json.dumps(small).encode(), json.dumps(big, indent=1).encode(), b'{"a":{"\\u0041\\n":[1,2,{"b":null}]}}']


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def whole_files(folder):
    """Files that the importers of fuzz_truth.c take whole: its tables have these architectures."""
    cell = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    empty = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    both = {}
    for key, name, epochs in (("12", "less", 12), ("200", "full", 200)):
        info = nats_object(epochs)["12"]
        info["arch_str"] = cell
        run = info["all_results"]["cifar10", 777]
        run["train_acc1es"] = {epochs - 1: 50.5}
        run["eval_acc1es"] = {"ori-test@%d" % (epochs - 1): 40.5}
        both[key] = both[name] = info
    split = {key: both[key] for key in ("12", "200")}
    packed = bz2.compress(pickle.dumps(split, protocol=4))
    write(folder, "truth", "nats", b"\1" + tar_of([("a/000000.pickle.pbz2", packed)]))
    graph = {"meta_archs": [cell, empty], "arch2infos": {0: {"full": both["full"], "less": both["less"]}},
             "evaluated_indexes": {0}}
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
    legacy = magic + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + pickle.dumps(graph, 2)
    write(folder, "truth", "legacy", b"\2" + legacy)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(graph, 2))
    write(folder, "truth", "zip", b"\2" + out.getvalue())
    write(folder, "truth", "tfrecord", b"\0" + nb101.framed(records()[0]) * 2)
    for i, data in enumerate(suite_zero()[:2]):
        write(folder, "truth", "json%d" % i, b"\3" + data)


def main():
    folder = sys.argv[1]
    whole_files(folder)
    for i, data in enumerate(pickles()):
        write(folder, "pickle", "seed%02d" % i, data)
    json_record, message = records()
    both = nb101.framed(json_record) * 2
    for i, data in enumerate((b"\0" + both, b"\1" + both, b"\2" + json_record, b"\3" + message)):
        write(folder, "tfrecord", "seed%d" % i, data)
    for i, data in enumerate(suite_zero()):
        write(folder, "json", "seed%d" % i, data)
    hello = {"nasweep": 1, "columns": [{"name": "a", "direction": -1, "long_name": "x"}], "needs": ["data", "seed"],
             "by_class": True, "samples": 8, "batch": 4, "source": "s", "note": "n"}
    answers = [{"index": 1, "values": {"a": 1.5, "b": "-inf"}}, {"index": 2, "error": "no"}, {"index": 3, "no_path": True}]
    for i, line in enumerate([json.dumps(x) for x in [hello, *answers]] + ["mine=python3 'a b.py' \"c\""]):
        write(folder, "guest", "seed%d" % i, line.encode())
    packed = bz2.compress(pickle.dumps(nats_object(), protocol=4))
    archive = tar_of([("a/000000.pickle.pbz2", packed), ("b" * 150 + "/000001.pickle.pbz2", packed[:40])])
    write(folder, "archive", "tar", b"\0" + archive)
    for name, force in (("zip", False), ("zip64", True)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            with archive.open("a/data.pkl", "w", force_zip64=force) as member:
                member.write(b"K\1.")
            archive.writestr("a/version", "3\n")
        write(folder, "archive", name, b"\2" + out.getvalue())
    write(folder, "archive", "bzip2", b"\1" + packed)
    write(folder, "archive", "two", b"\1" + bz2.compress(b"abc") + bz2.compress(b"def"))
    write(folder, "images", "cifar10", b"\0" + bytes(3073 * 2))
    write(folder, "images", "cifar100", b"\1" + bytes(3074))
    batch = {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 9]}
    write(folder, "images", "python", b"\2" + pickle.dumps(batch, protocol=2))
    batch = {"data": np.zeros((2, 768), np.uint8), "labels": [1, 500], "mean": np.zeros(768)}
    write(folder, "images", "imagenet16", b"\3" + pickle.dumps(batch, protocol=2))


if __name__ == "__main__":
    main()
