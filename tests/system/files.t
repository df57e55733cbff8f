#!/usr/bin/python3
"""Published files against Python's own readers, value by value: the real samples of NASWEEP_DATA where it is set, and files
written here in the published layouts. TAP."""
import base64
import bz2
import collections
import csv
import io
import json
import math
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import make_nb101_tfrecord as nb101  # noqa: E402
import mpi  # noqa: E402

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")
DATA = os.environ.get("NASWEEP_DATA", "")
NATS = "NATS-tss-v1_0-3ffb9-simple"
SEEDS = [777, 888, 999, 111]
os.environ.update(mpi.ENVIRONMENT)
folder = tempfile.mkdtemp(prefix="nasweep_files_")
tests = []


class Skip(Exception):
    pass


def test(function):
    tests.append(function)
    return function


def sample(name):
    path = os.path.join(DATA, name)
    if not DATA or not os.path.exists(path):
        raise Skip("NASWEEP_DATA has no " + name if DATA else "NASWEEP_DATA is not set")
    return path


def path(name):
    return os.path.join(folder, name)


def nasweep(*args, status=0, ranks=1):
    command = (["mpirun", "-n", str(ranks)] if ranks > 1 else []) + [NASWEEP] + list(args)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=120)
    assert done.returncode == status, "%s: status %d\n%s" % (" ".join(command), done.returncode, done.stderr)
    return done.stderr


def imported(form, *files, out="out.h5", options=(), ranks=1):
    said = nasweep("import", form, *files, "--out", path(out), *options, ranks=ranks)
    return h5py.File(path(out), "r"), said


def refused(part, form, *files, options=(), status=1):
    """One error line that has `part`, and no file."""
    out = path("refused.h5")
    if os.path.exists(out):
        os.unlink(out)
    said = nasweep("import", form, *files, "--out", out, *options, status=status)
    lines = [line for line in said.splitlines() if line.startswith("nasweep: ")]
    assert len(lines) == 1 and part in lines[0], "expected '%s' in: %s" % (part, said)
    assert not os.path.exists(out), "a file was left"


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


# ---- NAS-Bench-101 ----

def frames(data):
    at = 0
    while at < len(data):
        length, = struct.unpack_from("<Q", data, at)
        yield data[at + 12:at + 12 + length]
        at += 16 + length


def compare_nb101(file, data):
    group = file["nb101"]
    row = {identity.decode(): i for i, identity in enumerate(group["id"][:])}
    each = {name: column[:] for name, column in group["accuracy_by_repeat/cifar10"].items()}
    mean = {name: column[:] for name, column in group["accuracy/cifar10"].items()}
    runs = collections.defaultdict(list)
    for record in frames(data):
        identity, epochs, _, _, metrics = json.loads(record)
        evaluations = [dict(nb101.fields(v)) for n, v in nb101.fields(base64.b64decode(metrics)) if n == 1]
        runs[identity, epochs].append(evaluations)
    values = 0
    for (identity, epochs), list_of_runs in runs.items():
        for half, which in (("", 2), ("-half", 1)):
            for name, field, factor in (("test", 5, 100), ("valid", 4, 100), ("train", 3, 100), ("seconds", 2, 1)):
                expected = [run[which][field] * factor for run in list_of_runs]
                column = "%s%s-%dep" % (name, half, epochs)
                got = each[column][row[identity]]
                assert list(got[:len(expected)]) == expected and np.isnan(got[len(expected):]).all(), (identity, column)
                assert math.isclose(mean[column][row[identity]], sum(expected) / len(expected), rel_tol=1e-15)
                values += len(expected)
    assert values == sum(np.isfinite(column).sum() for column in each.values()), "values that no record has"
    return values


@test
def nb101_sample_has_the_values_python_reads():
    name = sample("nb101_format_sample.tfrecord")
    file, said = imported("nb101-tfrecord", name)
    values = compare_nb101(file, open(name, "rb").read())
    assert values == 438 * 8, values
    assert "438 records, 146 architectures with 3 repeats" in said and " 0 records have another cell" in said, said
    assert "of the rest 0 another parameter count" in said, said


listed = []


def list_nb101(count):
    if not listed:
        done = subprocess.run([NASWEEP, "list", "nb101", "--columns", "id,params,adjacency,ops", "--range", "0:2500"],
                              stdout=subprocess.PIPE, check=True, universal_newlines=True)
        listed.extend(csv.DictReader(io.StringIO(done.stdout)))
    return listed[:count]


def make_nb101(name, count, budgets, repeats):
    number = 0
    texts = []
    for cell in list_nb101(count):
        ops = ",".join({"conv3x3": "conv3x3-bn-relu", "conv1x1": "conv1x1-bn-relu"}.get(op, op)
                       for op in cell["ops"].split(","))
        for epochs in budgets:
            for _ in range(repeats):
                message = nb101.metrics(number, epochs, int(cell["params"]))
                texts.append(nb101.record(cell["id"], epochs, cell["adjacency"].replace("|", ""), ops, message))
                number += 1
    with open(path(name), "wb") as out:
        nb101.frame_many(texts, out)


@test
def nb101_full_file_has_four_budgets():
    make_nb101("full.tfrecord", 100, (4, 12, 36, 108), 3)
    file, said = imported("nb101-tfrecord", path("full.tfrecord"))
    assert compare_nb101(file, open(path("full.tfrecord"), "rb").read()) == 1200 * 8
    assert " 0 records have another cell than their hash says, 0 its vertices" in said, said
    one, _ = imported("nb101-tfrecord", path("full.tfrecord"), out="one.h5", options=("--epochs", "36", "--split", "valid"))
    assert list(one["nb101/accuracy/cifar10"]) == ["valid-36ep"]
    assert np.array_equal(one["nb101/accuracy/cifar10/valid-36ep"][:], file["nb101/accuracy/cifar10/valid-36ep"][:],
                          equal_nan=True)


@test
def nb101_accuracies_are_compared_and_seconds_are_not():
    if os.environ.get("ASAN"):
        raise Skip("takes long under the sanitizers, which see import, score and correlate elsewhere")
    make_nb101("few.tfrecord", 60, (108,), 3)
    imported("nb101-tfrecord", path("few.tfrecord"), out="truth.h5")[0].close()
    nasweep("score", "nb101", "--proxy", "params", "--range", "0:60", "--out", path("scores.h5"))
    done = subprocess.run([NASWEEP, "correlate", path("scores.h5"), "--truth", path("truth.h5"), "--format", "json"],
                          stdout=subprocess.PIPE, check=True, universal_newlines=True)
    lines = json.loads(done.stdout)
    assert {line["split"] for line in lines} == {s + "-108ep" for s in ("test", "valid", "train", "test-half", "valid-half",
                                                                      "train-half")}, lines
    assert all(line["n"] == 60 for line in lines), lines


@test
def nb101_disagreements_are_counted():
    cells = list_nb101(100)
    other = dict(cells[60], params="1")
    texts = []
    for cell in (cells[50], other, dict(cells[70], id=cells[71]["id"])):
        ops = cell["ops"].replace("conv3x3", "conv3x3-bn-relu").replace("conv1x1", "conv1x1-bn-relu")
        texts.append(nb101.record(cell["id"], 108, cell["adjacency"].replace("|", ""), ops,
                                  nb101.metrics(1, 108, int(cell["params"]))))
    with open(path("odd.tfrecord"), "wb") as out:
        nb101.frame_many(texts, out)
    _, said = imported("nb101-tfrecord", path("odd.tfrecord"))
    assert " 1 records have another cell" in said and "of the rest 1 another parameter count" in said, said


@test
def nb101_damage_is_refused():
    make_nb101("whole.tfrecord", 5, (108,), 1)
    data = open(path("whole.tfrecord"), "rb").read()
    lengths = [len(r) + 16 for r in frames(data)]
    random.seed(1)

    def write(changed):
        with open(path("bad.tfrecord"), "wb") as out:
            out.write(changed)

    # Under the sanitizers making nb101 takes seconds, and test_tfrecord has been through all of this in process.
    for cut in (lengths[0] + 5, 11, len(data) - 1)[:1 if os.environ.get("ASAN") else 3]:
        write(data[:cut])
        number = 0 if cut < lengths[0] else 1 if cut < sum(lengths[:2]) else 4
        refused("record %d, at byte %d: the file ends in it" % (number, sum(lengths[:number])), "nb101-tfrecord",
                path("bad.tfrecord"))
    if not os.environ.get("ASAN"):
        bit = random.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        write(flipped)
        refused("checksum of its", "nb101-tfrecord", path("bad.tfrecord"))
        write(b"\0" * 7 + b"\x80" + struct.pack("<I", nb101.masked(b"\0" * 7 + b"\x80")))
        refused("record 0, at byte 0: longer than 1 MiB", "nb101-tfrecord", path("bad.tfrecord"))
        write(data * 4)
        refused("it is the fourth of its architecture and epochs", "nb101-tfrecord", path("bad.tfrecord"))
        write(nb101.framed(nb101.record("0" * 32, 108, "0100", "input,output", nb101.metrics(1, 108, 1))))
        refused("none of 1 records", "nb101-tfrecord", path("bad.tfrecord"))
    bad = nb101.record("0" * 32, 108, "0100", "input,output", nb101.metrics(1, 108, 1)).replace(b"108", b"NaN")
    write(data + nb101.framed(bad))
    refused("record 5, at byte %d: its epochs are no whole number" % len(data), "nb101-tfrecord", path("bad.tfrecord"))
    refused("No such file", "nb101-tfrecord", path("nothing"))
    refused("is a folder", "nb101-tfrecord", folder)


# ---- NATS-Bench and NAS-Bench-201 ----

class Closed(pickle.Unpickler):
    def find_class(self, module, name):
        known = {("collections", "OrderedDict"): collections.OrderedDict, ("numpy", "dtype"): np.dtype,
                 ("numpy.core.multiarray", "scalar"): np.core.multiarray.scalar}
        return known[module, name]


def load_nats(name):
    return Closed(io.BytesIO(bz2.decompress(open(name, "rb").read()))).load()


def compare_nb201(file, objects, space="nb201", budgets=("12", "200")):
    group = file[space]
    each, mean = group["accuracy_by_repeat"], group["accuracy"]
    values = 0
    for index, both in objects.items():
        for budget in budgets:
            epochs = int(budget)
            for (dataset, seed), run in both[budget]["all_results"].items():
                seconds = sum(run["train_times"].values())
                assert abs(each["%s/seconds-%dep" % (dataset, epochs)][index, SEEDS.index(seed)] - seconds) < 1e-9 * seconds
                for split in run["eval_names"] + ["train"]:
                    value = (run["train_acc1es"][epochs - 1] if split == "train" else
                             run["eval_acc1es"]["%s@%d" % (split, epochs - 1)])
                    got = each["%s/%s-%dep" % (dataset, split, epochs)][index, SEEDS.index(seed)]
                    assert got == value, (index, dataset, split, seed, got, value)
                    values += 1
    finite = 0
    for dataset in each:
        for column in each[dataset]:
            if column.startswith("seconds"):
                continue
            runs = each[dataset][column][:]
            finite += np.isfinite(runs).sum()
            for index in objects:
                some = [x for x in runs[index] if not math.isnan(x)]
                expected = sum(some) / len(some) if some else math.nan
                assert same(mean[dataset][column][index], expected), (dataset, column, index)
    assert values == finite, (values, finite)
    return values


@test
def nats_sample_has_the_values_python_reads():
    source = sample(NATS)
    objects = {i: load_nats(os.path.join(source, "%06d.pickle.pbz2" % i)) for i in (0, 11)}
    file, _ = imported("nats", source)
    assert compare_nb201(file, objects) == 110
    for index, both in objects.items():
        seeds = both["200"]["dataset_seed"]["cifar10"]
        there = np.isfinite(file["nb201/accuracy_by_repeat/cifar10/ori-test-200ep"][index])
        assert {s for s, t in zip(SEEDS, there) if t} == set(seeds)


@test
def nats_sample_agrees_with_the_published_table():
    file, _ = imported("nats", sample(NATS))
    with open(sample("nb201_accuracy_200ep.csv"), newline="") as table:
        rows = {int(r["index"]): r for r in csv.DictReader(table)}
    for dataset, split, name in (("cifar10", "ori-test", "cifar10_test"), ("cifar100", "x-test", "cifar100_test"),
                                 ("ImageNet16-120", "x-test", "imagenet16_120_test")):
        for index in (0, 11):
            got = file["nb201/accuracy/%s/%s-200ep" % (dataset, split)][index]
            assert abs(got - float(rows[index][name])) < 1e-5, (dataset, index, got, rows[index][name])


def list_nb201():
    done = subprocess.run([NASWEEP, "list", "nb201", "--columns", "id", "--no-header"], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    return done.stdout.split()


def make_run(dataset, seed, epochs, base):
    splits = {"cifar10-valid": ["x-valid", "ori-test"], "cifar10": ["ori-test"]}.get(dataset, ["ori-test", "x-valid", "x-test"])
    return {"name": dataset, "seed": "%04d" % seed, "epochs": epochs, "eval_names": splits, "params": np.float64(0.5),
            "train_acc1es": {e: base + e / 1000 for e in range(epochs)}, "net_state_dict": None, "latency": [0.5, 0.25],
            "train_losses": {e: 1.0 for e in range(epochs)}, "flop": 15.5,
            "train_times": collections.OrderedDict((e, 2.0) for e in range(epochs)),
            "eval_acc1es": {"%s@%d" % (s, e): base / 2 + e / 1000 + i for i, s in enumerate(splits) for e in range(epochs)}}


def make_architecture(index, cell):
    both = collections.OrderedDict()
    for epochs in (12, 200):
        runs, number = {}, 0
        for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
            for seed in [111, 777][:2 if dataset == "cifar10-valid" else 1] if epochs == 12 else SEEDS[:1 + index % 3]:
                runs[dataset, seed] = make_run(dataset, seed, epochs, 10 + index % 50 + number / 7)
                number += 1
        both[str(epochs)] = {"arch_index": index, "arch_str": cell, "all_results": runs, "clear_net_done": True}
    return both


def make_nats(name, indexes, cells):
    os.makedirs(path(name), exist_ok=True)
    objects = {i: make_architecture(i, cells[i]) for i in indexes}
    for i, both in objects.items():
        with open(path("%s/%06d.pickle.pbz2" % (name, i)), "wb") as out:
            out.write(bz2.compress(pickle.dumps(both, protocol=4)))
    return objects


@test
def nats_folder_archive_and_ranks_give_the_same():
    cells = list_nb201()
    objects = make_nats("nats", [0, 1, 2, 7, 500, 15624], cells)
    with open(path("nats/meta.pickle.pbz2"), "wb") as out:
        out.write(bz2.compress(pickle.dumps({"meta_archs": cells, "evaluated_indexes": set()}, protocol=4)))
    file, said = imported("nats", path("nats"))
    assert compare_nb201(file, objects) > 100
    assert "15619 architectures have no file" in said, said
    for form, name in ((tarfile.USTAR_FORMAT, "ustar.tar"), (tarfile.GNU_FORMAT, "gnu.tar"), (tarfile.PAX_FORMAT, "pax.tar")):
        with tarfile.open(path(name), "w", format=form) as archive:
            archive.add(path("nats"), arcname="long" * 24 + "/" + NATS)
        other, _ = imported("nats", path(name), out=name + ".h5")
        compare_nb201(other, objects)
    shared, _ = imported("nats", path("gnu.tar"), out="shared.h5", ranks=3)
    for kind in ("accuracy", "accuracy_by_repeat"):
        for dataset in file["nb201"][kind]:
            for column in file["nb201"][kind][dataset]:
                a, b = (f["nb201"][kind][dataset][column] for f in (file, shared))
                assert a[:].tobytes() == b[:].tobytes() and dict(a.attrs) == dict(b.attrs), (kind, dataset, column)


@test
def nats_damage_is_refused():
    cells = list_nb201()
    make_nats("bad", [3], cells)
    name = path("bad/000003.pickle.pbz2")
    good = open(name, "rb").read()

    def write(data):
        with open(name, "wb") as out:
            out.write(data)

    write(good[:-5])
    refused("000003.pickle.pbz2: bzip2 data ends too early", "nats", path("bad"))
    write(good[:50] + bytes([good[50] ^ 1]) + good[51:])
    refused("bzip2 data is damaged", "nats", path("bad"))
    write(b"PK" + good)
    refused("not bzip2 data", "nats", path("bad"))
    write(bz2.compress(b"\0" * (80 << 20)))
    refused("opcode 0x00", "nats", path("bad"))

    class Trap:
        def __reduce__(self):
            return os.system, ("touch " + path("ran"),)

    for protocol in (2, 4):
        write(bz2.compress(pickle.dumps({"12": Trap()}, protocol=protocol)))
        refused("wants posix.system, which is not data; refused", "nats", path("bad"))
    assert not os.path.exists(path("ran"))
    both = make_architecture(3, cells[3])
    both["200"]["arch_str"] = cells[4]
    write(bz2.compress(pickle.dumps(both)))
    refused("its cell has index 4 in the benchmark's order, and it says 3", "nats", path("bad"))
    both = make_architecture(4, cells[4])
    write(bz2.compress(pickle.dumps(both)))
    refused("holds architecture 4 instead of 3", "nats", path("bad"))
    both = make_architecture(3, cells[3])
    both["200"]["all_results"]["cifar10", 5] = both["200"]["all_results"]["cifar10", 777]
    write(bz2.compress(pickle.dumps(both)))
    refused("seed 5 is not one of the benchmark's", "nats", path("bad"))
    both = make_architecture(3, cells[3])
    run = both["200"]["all_results"]["cifar10", 777]
    both["200"]["all_results"] = {("cifar10", i): run for i in range(10**5)}
    run["eval_acc1es"] = {"ori-test@%d" % i: 1.0 for i in range(10**5)}
    write(bz2.compress(pickle.dumps(both)))
    refused("100000 training runs where the benchmark has at most 16", "nats", path("bad"))
    refused("architecture 0 is there twice with 12 epochs", "nats", path("nats"), path("nats"))
    both = make_architecture(3, cells[3])
    both["12"]["all_results"] = both["200"]["all_results"]
    write(bz2.compress(pickle.dumps(both)))
    refused("is not one of 12 epochs", "nats", path("bad"))
    write(good[:-5])
    said = nasweep("import", "nats", path("bad"), "--out", path("refused.h5"), status=1, ranks=2)
    assert said.count("bzip2 data ends too early") == 1 and not os.path.exists(path("refused.h5")), said
    write(good)
    shutil.copy(name, path("bad/meta.pickle.pbz2"))
    refused("meta_archs has 0 architectures", "nats", path("bad"))
    os.unlink(path("bad/meta.pickle.pbz2"))
    with tarfile.open(path("bad.tar"), "w", format=tarfile.GNU_FORMAT) as archive:
        archive.add(name, arcname="x/000003.pickle.pbz2")
    data = open(path("bad.tar"), "rb").read()
    with open(path("bad.tar"), "wb") as out:
        out.write(data[:700])
    refused("a member larger than the archive", "nats", path("bad.tar"))
    with open(path("bad.tar"), "wb") as out:
        out.write(data[:10] + b"x" + data[11:])
    refused("tar header at byte 0: its checksum is wrong", "nats", path("bad.tar"))
    refused("no such data set, split and epochs", "nats", path("bad"), options=("--epochs", "500"), status=2)
    refused("--also sound: curves, losses or times", "nats", path("bad"), options=("--also", "sound"), status=2)


@test
def nats_other_epochs_curves_losses_and_times():
    source = sample(NATS)
    objects = {i: load_nats(os.path.join(source, "%06d.pickle.pbz2" % i)) for i in (0, 11)}
    file, said = imported("nats", source, options=("--also", "curves,losses", "--also", "times"))
    assert "34 runs whose parameters and FLOPs were compared with ours" in said and "other" not in said, said
    group = file["nb201"]
    for index, both in objects.items():
        for epochs in (12, 200):
            runs = both[str(epochs)]["all_results"]
            for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
                mine = {seed: run for (name, seed), run in runs.items() if name == dataset}
                for seed, run in mine.items():
                    def got(split):
                        return group["accuracy_by_repeat/%s/%s-%dep" % (dataset, split, epochs)][index, SEEDS.index(seed)]
                    assert got("latency") == np.mean(run["latency"])
                    assert got("loss-train") == run["train_losses"][epochs - 1]
                    for split in run["eval_names"]:
                        assert got("loss-" + split) == run["eval_losses"]["%s@%d" % (split, epochs - 1)]
                        assert got("eval-" + split) == run["eval_times"]["%s@%d" % (split, epochs - 1)]
                split = {"cifar10-valid": "x-valid"}.get(dataset, "ori-test")
                for kind, values in (("accuracy", "eval_acc1es"), ("loss", "eval_losses")):
                    curve = group["curve/%s.%s.%s-%dep" % (kind, dataset, split, epochs)][index]
                    right = [np.mean([r[values]["%s@%d" % (split, e)] for r in mine.values()]) for e in range(epochs)]
                    assert np.allclose(curve, right, rtol=1e-6), (kind, dataset, split, epochs)
                right = [np.mean([r["train_acc1es"][e] for r in mine.values()]) for e in range(epochs)]
                assert np.allclose(group["curve/accuracy.%s.train-%dep" % (dataset, epochs)][index], right, rtol=1e-6)
    assert np.isnan(group["curve/accuracy.cifar10.ori-test-200ep"][5]).all()
    assert group["accuracy/cifar10/loss-train-12ep"].attrs["unit"] in (b"nats", "nats")
    shared, _ = imported("nats", source, out="shared.h5", ranks=2, options=("--also", "curves,losses,times"))
    for curve in group["curve"]:
        assert group["curve"][curve][:].tobytes() == shared["nb201/curve"][curve][:].tobytes(), curve
    file, said = imported("nats", source, options=("--epochs", "24"))
    for index, both in objects.items():
        for (dataset, seed), run in both["200"]["all_results"].items():
            got = file["nb201/accuracy_by_repeat/%s/seconds-24ep" % dataset][index, SEEDS.index(seed)]
            assert abs(got - sum(run["train_times"][e] for e in range(24))) < 1e-9 * got
            assert file["nb201/accuracy_by_repeat/%s/train-24ep" % dataset][index, SEEDS.index(seed)] == run["train_acc1es"][23]
            if dataset == "cifar10-valid":
                assert file["nb201/accuracy_by_repeat/cifar10-valid/x-valid-24ep"][index, SEEDS.index(seed)] == run["eval_acc1es"]["x-valid@23"]
    file, said = imported("nats", source, options=("--dataset", "CIFAR10-valid", "--split", "x-valid"))
    assert list(file["nb201/accuracy"]) == ["cifar10-valid"] and sorted(file["nb201/accuracy/cifar10-valid"]) == ["x-valid-12ep", "x-valid-200ep"]


@test
def nats_size_space():
    if subprocess.run([NASWEEP, "list", "sss", "--range", "0:1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode:
        raise Skip("no space sss in this build")
    source = sample("NATS-sss-v1_0-50262-simple")
    objects = {i: load_nats(os.path.join(source, "%06d.pickle.pbz2" % i)) for i in (0, 11)}
    file, said = imported("nats", source, options=("--also", "curves,times"))
    assert compare_nb201_some(file, objects) > 100
    assert "runs whose parameters and FLOPs were compared with ours" in said and "other parameters" not in said, said
    run = objects[11]["90"]["all_results"]["cifar10-valid", 777]
    curve = file["sss/curve/accuracy.cifar10-valid.x-valid-90ep"][11]
    assert np.allclose(curve, [run["eval_acc1es"]["x-valid@%d" % e] for e in range(90)], rtol=1e-6)
    for split, times in (("x-valid", [run["eval_times"]["x-valid@%d" % e] for e in range(90)]),
                         ("train", [run["train_times"][e] for e in range(90)])):
        assert np.allclose(file["sss/curve/seconds.cifar10-valid.%s-90ep" % split][11], times, rtol=1e-6), split
    assert file["sss/accuracy/cifar10/latency-90ep"][11] == np.mean(objects[11]["90"]["all_results"]["cifar10", 777]["latency"])


def compare_nb201_some(file, objects):
    """The size space: every accuracy and second of the runs there are."""
    values = 0
    for index, both in objects.items():
        for budget in ("01", "12", "90"):
            epochs = int(budget)
            for (dataset, seed), run in both[budget]["all_results"].items():
                for split in run["eval_names"] + ["train"]:
                    value = (run["train_acc1es"][epochs - 1] if split == "train" else
                             run["eval_acc1es"]["%s@%d" % (split, epochs - 1)])
                    got = file["sss/accuracy_by_repeat/%s/%s-%dep" % (dataset, split, epochs)][index, SEEDS.index(seed)]
                    assert got == value, (index, dataset, split, seed, got, value)
                    values += 1
                seconds = sum(run["train_times"].values())
                got = file["sss/accuracy_by_repeat/%s/seconds-%dep" % (dataset, epochs)][index, SEEDS.index(seed)]
                assert abs(got - seconds) < 1e-9 * seconds
    return values


@test
def nats_reasons_lead_to_the_remedy():
    cells = list_nb201()
    make_nats("up/" + NATS, [3], cells)
    refused("name the folder inside it: " + path("up/" + NATS), "nats", path("up"))
    os.makedirs(path("empty"), exist_ok=True)
    refused("holds no file like 000000.pickle.pbz2", "nats", path("empty"))
    one = path("up/%s/000003.pickle.pbz2" % NATS)
    refused("is the pickle of one architecture: name the folder", "nats", one)
    for mode, name in (("gz", "a.tar.gz"), ("bz2", "a.tbz2"), ("xz", "a.tar.xz")):
        with tarfile.open(path(name), "w:" + mode) as archive:
            archive.add(one, arcname="x/000003.pickle.pbz2")
        refused("unpack it (`tar xf`", "nats", path(name))
    with tarfile.open(path("none.tar"), "w") as archive:
        archive.add(one, arcname="x/something")
    refused("without files like 000000.pickle.pbz2", "nats", path("none.tar"))


@test
def wrong_files_are_called_by_their_name():
    cases = {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n": "git lfs pull",
             "<!DOCTYPE html><html>": "web page (HTML)", "\n<html><head>": "web page (HTML)", "": "is empty"}
    for form in ("csv", "nats", "nb201-pth", "nb101-tfrecord", "suite-zero", "packed"):
        for content, says in cases.items():
            with open(path("wrong"), "w") as out:
                out.write(content)
            refused(says, form, path("wrong"), options=("--space", "nb101" if "101" in form else "nb201"))
    with open(path("p.pickle"), "wb") as out:
        pickle.dump({"a": 1}, out)
    with h5py.File(path("h.h5"), "w"):
        pass
    refused("a Python pickle", "csv", path("p.pickle"), options=("--space", "nb201"))
    refused("an HDF5 file", "csv", path("h.h5"), options=("--space", "nb201"))
    refused("a Python pickle", "nb101-tfrecord", path("p.pickle"))
    refused("a Python pickle", "suite-zero", path("p.pickle"))
    refused("a Python pickle", "nb201-pth", path("p.pickle"))
    refused("is a folder", "csv", folder, options=("--space", "nb201"))
    refused("is a folder", "nb101-tfrecord", folder)


@test
def nb101_packed_and_wishes_that_fit_nothing():
    source = sample("nb101_format_sample.tfrecord")
    plain, _ = imported("nb101-tfrecord", source, out="plain.h5")
    import gzip
    with gzip.open(path("sample.tfrecord.gz"), "wb") as out:
        out.write(open(source, "rb").read())
    packed, _ = imported("nb101-tfrecord", path("sample.tfrecord.gz"), out="packed.h5")
    for column in plain["nb101/accuracy/cifar10"]:
        assert plain["nb101/accuracy/cifar10"][column][:].tobytes() == packed["nb101/accuracy/cifar10"][column][:].tobytes()
    refused("there are test, valid, train", "nb101-tfrecord", source, options=("--split", "nosuch"), status=2)
    refused("no record of 36 epochs; there are 108", "nb101-tfrecord", source, options=("--epochs", "36"))
    file, _ = imported("nb101-tfrecord", source, options=("--split", "valid-108ep", "--dataset", "CIFAR10"))
    assert list(file["nb101/accuracy/cifar10"]) == ["valid-108ep"]


@test
def torch_files_of_both_forms_are_read():
    try:
        import torch
    except ImportError:
        raise Skip("no PyTorch for " + sys.executable)
    cells = list_nb201()
    indexes = [0, 1, 2, 1500, 15624] + list(range(20, 60))
    objects = {i: make_architecture(i, cells[i]) for i in indexes}
    infos = {i: {"full": both["200"], "less": both["12"]} for i, both in objects.items()}
    infos[1]["full"]["all_results"]["cifar10", 777]["net_state_dict"] = collections.OrderedDict(
        [("stem", torch.zeros(3, 4)), ("head", torch.nn.Parameter(torch.ones(2))), ("half", torch.zeros(2, dtype=torch.float16))])
    graph = {"meta_archs": cells, "arch2infos": infos, "evaluated_indexes": set(indexes)}
    for zipped in (True, False):
        torch.save(graph, path("nb201.pth"), _use_new_zipfile_serialization=zipped)
        file, said = imported("nb201-pth", path("nb201.pth"))
        compare_nb201(file, objects)
        assert "%d records" % (2 * len(indexes)) in said, said
        data = open(path("nb201.pth"), "rb").read()
        with open(path("cut.pth"), "wb") as out:
            out.write(data[:len(data) // 2])
        refused("not a zip archive, or cut short" if zipped else "the input ends in the middle", "nb201-pth", path("cut.pth"))
    torch.save({"meta_archs": cells, "arch2infos": {0: os.system}}, path("bad.pth"))
    refused("wants posix.system", "nb201-pth", path("bad.pth"))
    torch.save(dict(graph, meta_archs=cells[:-1]), path("bad.pth"))
    refused("architecture 15624 is not that of the benchmark's order", "nb201-pth", path("bad.pth"))
    with open(path("bad.pth"), "wb") as out:
        out.write(b"neither")
    refused("neither of the two forms", "nb201-pth", path("bad.pth"))


# ---- NAS-Bench-Suite-Zero ----

def compare_suite_zero(file, space, data):
    """data: {dataset: {row index: list of entries}}."""
    group = file[space]
    values = 0
    for dataset, rows in data.items():
        names = {n for entries in rows.values() for e in entries for n in e if isinstance(e[n], dict)}
        for index, entries in rows.items():
            accuracy = [e["val_accuracy"] for e in entries]
            got = group["accuracy/%s/valid-suite-zero" % dataset][index]
            assert math.isclose(got, sum(accuracy) / len(accuracy), rel_tol=1e-14), (dataset, index, got)
        for name in names:
            column = "suite_zero." + name + ("" if dataset == "cifar10" else "." + dataset)
            score, status = group["score/" + column][:], group["status/" + column][:]
            expected = {i: [e[name]["score"] for e in entries if name in e and e[name]["score"] != -1e8]
                        for i, entries in rows.items()}
            dead = [i for i, entries in rows.items() if entries and not expected[i] and all(name in e for e in entries)]
            assert np.isnan(score[dead]).all()
            values += len(dead)
            for index, list_of in expected.items():
                if list_of:
                    assert math.isclose(score[index], sum(list_of) / len(list_of), rel_tol=1e-13, abs_tol=1e-300)
                    values += 1
            assert (status == 1).sum() == sum(1 for list_of in expected.values() if list_of)
    return values


def entry(number, names=("synflow", "grasp", "params")):
    out = {"id": number, "val_accuracy": 50 + number % 1000 / 100}
    out.update({n: {"score": (-1) ** number * (number + 0.1) * 10.0 ** (k * number % 200 - 100), "time": 0.5 + k}
                for k, n in enumerate(names)})
    return out


OPS_201 = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"]


def key_201(cell):
    ops = {}
    for node, text in enumerate(cell.split("+"), 1):
        for term in text.strip("|").split("|"):
            op, source = term.split("~")
            ops[int(source), node] = OPS_201.index(op)
    return str(tuple(ops[e] for e in ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))))


@test
def suite_zero_nb201_is_read():
    cells = list_nb201()
    rows = {d: {i: [entry(i + k)] for i in (0, 9, 123, 15624)} for k, d in enumerate(("cifar10", "ImageNet16-120"))}
    rows["cifar10"][9][0].pop("grasp")
    data = {d: {key_201(cells[i]): list_of[0] for i, list_of in r.items()} for d, r in rows.items()}
    with open(path("zc.json"), "w") as out:
        json.dump(data, out, indent=1)
    file, _ = imported("suite-zero", path("zc.json"))
    assert compare_suite_zero(file, "nb201", rows) == 23
    file, _ = imported("suite-zero", path("zc.json"), options=("--dataset", "cifar10"))
    assert list(file["nb201/accuracy"]) == ["cifar10"]


@test
def suite_zero_nb101_keys_are_pruned_and_averaged():
    codes = {"input": 0, "output": 1, "maxpool3x3": 2, "conv1x1": 3, "conv3x3": 4}
    cells = list_nb101(2500)
    rows, data = collections.defaultdict(list), {}
    random.seed(2)
    for number, index in enumerate([1, 5, 90, 1200, 2400] * 4):
        matrix = [list(map(int, line)) for line in cells[index]["adjacency"].split("|")]
        ops = [codes[op] for op in cells[index]["ops"].split(",")]
        size = len(ops)
        # Extra vertices between input and output that lead nowhere: pruning gives the cell again.
        order = [0] + sorted(random.sample(range(1, 6), size - 2)) + [6]
        big = [[0] * 7 for _ in range(7)]
        labels = [random.choice((2, 3, 4)) for _ in range(7)]
        for a in range(size):
            labels[order[a]] = ops[a]
            for b in range(size):
                big[order[a]][order[b]] = matrix[a][b]
        key = str(tuple(sum(big, []) + labels))
        if key in data:
            continue
        data[key] = entry(number)
        rows[index].append(data[key])
    with open(path("zc101.json"), "w") as out:
        json.dump({"cifar10": data}, out)
    file, said = imported("suite-zero", path("zc101.json"))
    assert max(map(len, rows.values())) > 1, "the draw gave no two keys for one cell"
    assert compare_suite_zero(file, "nb101", {"cifar10": rows}) == 15, said
    assert "up to %d keys are one architecture" % max(map(len, rows.values())) in said, said


def suite_zero_sample(name, space):
    """The sample tables back in the JSON layout, keyed as the published files are."""
    cells = list_nb201() if space == "nb201" else None
    rows = collections.defaultdict(dict)
    data = collections.defaultdict(dict)
    with open(sample(name), newline="") as table:
        for r in csv.DictReader(table):
            names = list(r)[list(r).index("params"):]
            one = {n: {"score": float(r[n]), "time": 1.0} for n in names}
            dataset = r.get("dataset", "cifar10")
            one["val_accuracy"] = float(r.get("valid_accuracy", r.get("cifar10_valid")))
            if space == "nb201":
                index, key = int(r["index"]), key_201(r["arch"])
                assert cells[index] == r["arch"]
            else:
                index = int(r["enumeration_index"])
                matrix = [list(map(int, line)) for line in r["adjacency"].split("|")]
                ops = [op.replace("-bn-relu", "") for op in r["ops"].split(",")]
                codes = [{"input": 0, "output": 1, "maxpool3x3": 2, "conv1x1": 3, "conv3x3": 4}[op] for op in ops]
                n = len(ops)
                place = list(range(n - 1)) + [6]
                big = [[0] * 7 for _ in range(7)]
                labels = [2] * 7
                for a in range(n):
                    labels[place[a]] = codes[a]
                    for b in range(n):
                        big[place[a]][place[b]] = matrix[a][b]
                key = str(tuple(sum(big, []) + labels))
            data[dataset][key] = one
            rows[dataset][index] = [one]
    return data, rows


@test
def suite_zero_samples_land_on_their_rows():
    for name, space in (("nb101_sample_suite_zero.csv", "nb101"), ("nb201_sample_suite_zero.csv", "nb201")):
        data, rows = suite_zero_sample(name, space)
        with open(path("zcs.json"), "w") as out:
            json.dump(data, out)
        file, said = imported("suite-zero", path("zcs.json"))
        assert compare_suite_zero(file, space, rows) == 11 * sum(map(len, rows.values())), said


@test
def suite_zero_damage_is_refused():
    good = json.dumps({"cifar10": {"(0, 1, 2, 3, 4, 0)": entry(1)}})

    def bad(text, part):
        with open(path("bad.json"), "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        refused(part, "suite-zero", path("bad.json"))

    bad(good[:-1], "JSON, byte %d: the input ends in the middle" % (len(good) - 1))
    bad(good.replace("50.01", "NaN"), "NaN, which is no JSON")
    bad(good.replace("50.01", "-Infinity"), "an infinity, which is no JSON")
    bad(good.replace("50.01", "150.01"), "an accuracy that is no percentage")
    bad(good.replace("(0, 1", "(7, 1"), "no key of it is an architecture")
    bad(good.replace("params", "p\ud800").encode("utf-8", "surrogatepass"), "a text that is not UTF-8")
    bad('{"cifar10": ' + "[" * 1000, "more than 64 containers nested")
    bad("[]", "no key of it is an architecture")


# ---- images ----

def check_images(data, dataset, count, pixels, labels, mean, deviation):
    out = path("dump.h5")
    if os.path.exists(out):
        os.unlink(out)
    nasweep("dump", "nb201", "--arch", "0", "--data", data, "--dataset", dataset, "--samples", str(count), "--out", out)
    with h5py.File(out, "r") as file:
        x, y = file["x"][:], file["y"][:]
    expected = (pixels[:count].astype(np.float64) - np.array(mean)[:, None, None]) / np.array(deviation)[:, None, None]
    assert x.shape == expected.shape, x.shape
    assert np.abs(x - expected).max() < 1e-6 and list(y) == list(labels[:count])


@test
def images_in_pickles_are_read_as_python_reads_them():
    if "dump" not in subprocess.run([NASWEEP, "--help"], stdout=subprocess.PIPE, universal_newlines=True).stdout:
        raise Skip("this program has no dump")
    rng = np.random.RandomState(3)

    def write(name, batch, protocol):
        os.makedirs(os.path.dirname(path(name)), exist_ok=True)
        with open(path(name), "wb") as out:
            pickle.dump(batch, out, protocol=protocol)

    cifar10 = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
    cifar100 = (129.3, 124.1, 112.4), (68.2, 65.4, 70.4)
    imagenet = (122.68, 116.66, 104.01), (63.22, 61.26, 65.09)
    for protocol in (2, 4, 5):
        pixels = rng.randint(0, 256, (30, 3072)).astype(np.uint8)
        labels = rng.randint(0, 10, 30).tolist()
        for i in range(2):
            part = slice(15 * i, 15 * i + 15)
            write("py/data_batch_%d" % (i + 1), {b"batch_label": b"x", b"labels": labels[part], b"data": pixels[part],
                                                 b"filenames": [b"a.png"] * 15}, protocol)
        check_images(path("py"), "cifar10", 20, pixels.reshape(-1, 3, 32, 32), labels, *cifar10)
        fine = rng.randint(0, 100, 30).tolist()
        write("py100/train", {b"fine_labels": fine, b"coarse_labels": labels, b"data": pixels}, protocol)
        check_images(path("py100"), "cifar100", 30, pixels.reshape(-1, 3, 32, 32), fine, *cifar100)
        small = rng.randint(0, 256, (300, 768)).astype(np.uint8)
        classes = rng.randint(1, 1001, 300).tolist()
        write("in/train_data_batch_1", {"data": small, "labels": classes, "mean": np.zeros(768)}, protocol)
        taken = [i for i, label in enumerate(classes) if label <= 120]
        check_images(path("in"), "ImageNet16-120", len(taken), small[taken].reshape(-1, 3, 16, 16),
                     [classes[i] - 1 for i in taken], *imagenet)


def main():
    """All tests, or those whose name has one of the words on the command line."""
    failed = 0
    tests[:] = [t for t in tests if len(sys.argv) < 2 or any(word in t.__name__ for word in sys.argv[1:])]
    print("1..%d" % len(tests))
    for number, function in enumerate(tests, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (number, name), flush=True)
        except Skip as reason:
            print("ok %d - %s # SKIP %s" % (number, name, reason), flush=True)
        except Exception as problem:  # a test of its own: the others still run
            failed += 1
            print("not ok %d - %s" % (number, name), flush=True)
            print("\n".join("# " + line for line in ("%s: %s" % (type(problem).__name__, problem)).splitlines()), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
