#!/usr/bin/python3
"""How fast published files are read, beside Python and bzip2 on the same bytes: NAS-Bench-101's TFRecord file at full size
(1,270,872 records, made here), and NATS-Bench's compressed pickles (made from the real sample where NASWEEP_DATA has it)."""

import base64
import bz2
import collections
import io
import json
import os
import pickle
import random
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
from make_nb101_tfrecord import fields  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
BENCH = os.path.join(BUILD, "tests", "bench_files")
PICKLES = 300
PYTHON_RECORDS = 50000


def bench(*args):
    done = subprocess.run([BENCH] + list(args), stdout=subprocess.PIPE, check=True, universal_newlines=True)
    return done.stdout.split()


def doubles(message):
    """The 15 doubles of the three evaluations, and the parameters and seconds behind them."""
    return [x for number, value in fields(message) for x in ([v for _, v in fields(value)] if number == 1 else [value])]


def python_nb101(name):
    """MB/s of json + base64, and of these with the protocol buffer, over the first records of the file."""
    records = []
    with open(name, "rb") as file:
        while len(records) < PYTHON_RECORDS:
            head = file.read(12)
            if not head:
                break
            records.append(file.read(struct.unpack("<Q", head[:8])[0]))
            file.read(4)
    size = sum(map(len, records)) / 1e6
    start = time.process_time()
    for record in records:
        base64.b64decode(json.loads(record)[4])
    short = time.process_time() - start
    start = time.process_time()
    for record in records:
        doubles(base64.b64decode(json.loads(record)[4]))
    return size / short, size / (time.process_time() - start)


def bench_nb101(folder):
    name = os.path.join(folder, "nasbench_only108.tfrecord")
    with open(os.path.join(folder, "list.csv"), "w") as out:
        subprocess.run([os.path.join(BUILD, "nasweep"), "list", "nb101", "--columns", "id,params,adjacency,ops"], stdout=out,
                       check=True)
    maker = os.path.join(HERE, "..", "lib", "make_nb101_tfrecord.py")
    subprocess.run([sys.executable, maker, os.path.join(folder, "list.csv"), name], stdout=subprocess.DEVNULL, check=True)
    size = os.path.getsize(name) / 1e6
    seconds, _ = bench("nb101-tfrecord", name)
    start = time.time()
    done = subprocess.Popen([os.path.join(BUILD, "nasweep"), "import", "nb101-tfrecord", name, "--out",
                             os.path.join(folder, "out.h5")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(done.pid, 0)
    wall = time.time() - start
    short, long = python_nb101(name)
    ours = size / float(seconds)
    print("nb101-tfrecord, %.0f MB: %.0f MB/s a core with checksums, JSON, base64, protocol buffer and comparison; "
          "Python's json and base64 %.0f MB/s (%.1f times), with the protocol buffer %.0f MB/s (%.0f times)"
          % (size, ours, short, ours / short, long, ours / long))
    print("  the whole import, enumeration and file included: %.1f s, %.0f MB at most (status %d)"
          % (wall, usage.ru_maxrss / 1e3, status))
    os.unlink(name)


class Closed(pickle.Unpickler):
    def find_class(self, module, name):
        import numpy
        known = {("collections", "OrderedDict"): collections.OrderedDict, ("numpy", "dtype"): numpy.dtype,
                 ("numpy.core.multiarray", "scalar"): numpy.core.multiarray.scalar}
        return known[module, name]


def load(data):
    return Closed(io.BytesIO(bz2.decompress(data))).load()


def made_up():
    """One architecture's results with as many numbers as the published ones have."""
    random.seed(4)
    both = collections.OrderedDict()
    for epochs in (12, 200):
        runs = {}
        for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
            for seed in (777, 888, 999) if epochs == 200 else (111,):
                run = {"epochs": epochs, "name": dataset}
                for key in ("train_acc1es", "train_acc5es", "train_losses", "train_times"):
                    run[key] = {e: random.random() for e in range(epochs)}
                for key in ("eval_acc1es", "eval_losses", "eval_times"):
                    run[key] = {"ori-test@%d" % e: random.random() for e in range(epochs)}
                runs[dataset, seed] = run
        both[str(epochs)] = {"all_results": runs}
    return both


def bench_nats(folder):
    ids = subprocess.run([os.path.join(BUILD, "nasweep"), "list", "nb201", "--columns", "id", "--no-header", "--range",
                          "0:%d" % PICKLES], stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout.split()
    real = os.path.join(os.environ.get("NASWEEP_DATA", ""), "NATS-tss-v1_0-3ffb9-simple", "000011.pickle.pbz2")
    both = load(open(real, "rb").read()) if os.path.exists(real) else made_up()
    nats = os.path.join(folder, "nats")
    os.mkdir(nats)
    files = []
    for i, identity in enumerate(ids):
        for info in both.values():
            info["arch_index"], info["arch_str"] = i, identity
        files.append(os.path.join(nats, "%06d.pickle.pbz2" % i))
        with open(files[-1], "wb") as out:
            out.write(bz2.compress(pickle.dumps(both, protocol=4)))

    def bzip2():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["bzip2", "-dc"] + files, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    pairs = []
    for _ in range(3):
        pairs.append((bzip2(), float(bench("nats", nats)[0])))
    ratio = statistics.median(ours / theirs for theirs, ours in pairs)
    start = time.process_time()
    for name in files[:50]:
        with open(name, "rb") as file:
            load(file.read())
    python = (time.process_time() - start) / 50
    ours = statistics.median(o for _, o in pairs)
    print("nats, %d pickles%s: %.2f ms a file, %.3f times what bzip2 -dc takes for them (median of 3); Python %.2f ms "
          "(%.2f times ours); 15,625 would take %.0f s on one core"
          % (PICKLES, "" if os.path.exists(real) else " (made up)", 1e3 * ours / PICKLES, ratio, 1e3 * python,
             python * PICKLES / ours, 15625 * ours / PICKLES))


def main():
    print(subprocess.run([BENCH, "crc"], stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout, end="")
    folder = tempfile.mkdtemp(prefix="nasweep_bench_")
    try:
        bench_nats(folder)
        bench_nb101(folder)
    finally:
        shutil.rmtree(folder)


main()
