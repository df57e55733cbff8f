#!/usr/bin/python3
"""Sweeps: the same rows for any number of ranks, stopped and resumed or not; what their files hold."""
# tests/run: in turn

import os
import signal
import sys
import time

import h5py
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import (DUMMY, content, different, messages, report, run, run_parts, start, text_of,  # noqa: E402
                    wait_until_it_runs)


def same_for_any_number_of_ranks(folder):
    cases = {
        "nb201": (["nb201", "--proxy", "sed,params,macs,random", "--seed", "1,2,3"], (1, 2, 3, 5)),
        "nb101": (["nb101", "--proxy", "sed,params,random"], (1, 3)),
        "knas": (["nb201", "--proxy", "knas", "--sample", "12", "--samples", "4", "--seed", "1,2"], (1, 2, 5)),
    }
    for name, (words, numbers) in cases.items():
        for ranks in numbers:
            out = f"{folder}/{name}-{ranks}.h5"
            p = run(ranks, "score", *words, "--out", out)
            ok = p.returncode == 0 and not messages(p)
            found = different(f"{folder}/{name}-1.h5", out) if ok else "not written"
            report(ok and not found, f"{name} on {ranks} ranks" + (" as on one" if ranks > 1 else ""),
                   f"{found}\n{p.stderr}")
    p = run(3, "score", *cases["nb201"][0], "--out", f"{folder}/serves.h5", "--rank0", "serves")
    report(p.returncode == 0 and not different(f"{folder}/nb201-1.h5", f"{folder}/serves.h5"),
           "nb201 on 3 ranks of which rank 0 only serves, as on one", p.stderr)
    with h5py.File(f"{folder}/serves.h5") as f:
        report(f["nb201/timing/busy"][0] == 0 and f["nb201/timing/evaluations"][1:].sum() > 0,
               "a rank 0 that serves does not evaluate")


def what_a_file_holds(folder):
    with h5py.File(f"{folder}/nb201-3.h5") as f:
        want = {"format", "format_version", "version", "git", "command", "created", "finished", "hosts", "ranks", "mpi",
                "hdf5", "seed", "data", "data_sha256", "options"}
        report(want <= set(f.attrs), "all root attributes are there", want - set(f.attrs))
        report(f.attrs["ranks"] == 3 and len(f["nb201/timing/span"]) == 3, "ranks and their times are there")
        values, seeds = f["nb201/score/random"][:], f["nb201/by_seed/random"][:]
        report(seeds.shape == (15625, 3) and numpy.array_equal(values, (seeds[:, 0] + seeds[:, 1] + seeds[:, 2]) / 3),
               "a score of several seeds is their mean")
        report("by_seed/sed" not in f["nb201"], "a score without a seed is computed once")
        status, sed = f["nb201/status/sed"][:], f["nb201/score/sed"][:]
        report((status == 2).sum() == 341 and numpy.array_equal(numpy.isneginf(sed), status == 2),
               "341 cells without a path have that status and the lowest score")
    for seed in (1, 2, 3):
        run(None, "score", "nb201", "--proxy", "random", "--seed", seed, "--out", f"{folder}/seed{seed}.h5")
    with h5py.File(f"{folder}/nb201-3.h5") as f:
        alone = [h5py.File(f"{folder}/seed{s}.h5")["nb201/score/random"][:] for s in (1, 2, 3)]
        report(numpy.array_equal(f["nb201/by_seed/random"][:], numpy.stack(alone, axis=1)),
               "several seeds in one sweep give what one sweep each gives")


def selections(folder):
    def rows(*words):
        out = f"{folder}/selection.h5"
        if os.path.exists(out):
            os.unlink(out)
        p = run(None, "score", "nb201", "--proxy", "random", "--out", out, *words)
        if p.returncode:
            print(f"# {p.returncode}: {p.stderr}".replace("\n", "\n# "), flush=True)
            return []
        with h5py.File(out) as f:
            return f["nb201/index"][:].tolist()

    report(rows("--range", "100:103") == [100, 101, 102], "--range leaves out its end")
    report(rows("--range", "15620:16000") == list(range(15620, 15625)) == rows("--range", "15620:"),
           "--range ends with the space")
    p = run(2, "score", "nb201", "--proxy", "random", "--range", "16000:16500", "--out", f"{folder}/behind.h5")
    report(p.returncode == 0 and "nothing to do" in p.stderr and not os.path.exists(f"{folder}/behind.h5"),
           "a range behind the end ends well: there was nothing to do", p.stderr)
    unique = rows("--unique")
    report(len(unique) == 6466, "--unique leaves the 6,466 classes", len(unique))
    sample = rows("--sample", "50")
    report(len(set(sample)) == 50 and sample == sorted(sample) and sample == rows("--sample", "50", "--seed", "9"),
           "--sample draws each once, and the same for other seeds of the scores")
    report(rows("--sample", "50", "--sample-seed", "1") != sample, "--sample-seed draws others")
    report(set(rows("--sample", "50", "--unique")) <= set(unique), "--sample with --unique draws among the unique")
    zero = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    report(rows("--arch", "9", "--arch", zero, "--arch", "9") == [0, 9], "--arch takes indices and strings, each once")
    p = run(None, "list", "nb101", "--range", "1000:1001", "--columns", "id", "--no-header")
    q = run(2, "score", "nb101", "--proxy", "params", "--arch", p.stdout.strip(), "--out", f"{folder}/hash.h5")
    with h5py.File(f"{folder}/hash.h5") as f:
        report(q.returncode == 0 and f["nb101/index"][:].tolist() == [1000], "--arch takes a module hash", q.stderr)


def stops_and_goes_on(folder):
    rows = ["--sample", "300", "--set", "dummy.rate=5e9"]
    reference, out = f"{folder}/whole.h5", f"{folder}/parts.h5"
    p = run(5, *DUMMY, *rows, "--out", reference)
    report(p.returncode == 0, "a sweep in one go", p.stderr)
    go = [*DUMMY, *rows, "--out", out, "--checkpoint", "0.2"]
    p = run(2, *go, "--time-limit", "0.4")
    report(p.returncode == 75 and "time limit" in p.stderr, "a time limit stops it with status 75", p.stderr)
    with h5py.File(out) as f:
        status = f["nb201/status/dummy"][:]
        report(text_of(f, "finished") == "" and (status == 0).any() and (status == 1).any(),
               "the file is there, whole, and unfinished")
    for ranks, how in ((3, "USR1"), (None, "TERM"), (None, "INT"), (2, "halt")):
        halt = f"{folder}/halt"
        process = start(ranks, *go, "--halt-file", halt)
        wait_until_it_runs(process)
        time.sleep(0.25)
        if how == "halt":
            open(halt, "w").close()
        else:
            process.send_signal(getattr(signal, "SIG" + how))
        _, text = process.communicate(timeout=60)
        report(process.returncode == 75, f"{'a halt file' if how == 'halt' else how} stops it with status 75",
               f"{process.returncode}\n{text}")
        if how == "halt":
            os.unlink(halt)
    last = f"{folder}/last.h5"
    p = run(2, "score", "nb201", "--proxy", "dummy", "--range", "1:3", "--set", "dummy.rate=1e8", "--time-limit", "0.3", "--out",
            last)
    with h5py.File(last) as f:
        report(p.returncode == 0 and "complete" in p.stderr and bool(text_of(f, "finished")),
               "what completes as its time limit falls is complete: status 0", p.stderr)
    before = content(out)
    bytes_before = open(out, "rb").read()
    p = run(2, *DUMMY, *rows, "--out", out, "--set", "dummy.rate=2e10")
    report(p.returncode == 2 and "rate=5e9" in p.stderr and "rate=2e10" in p.stderr and len(messages(p)) == 1,
           "other options are refused, with the difference", p.stderr)
    p = run(2, "score", "nb201", "--proxy", "sed", "--sample", "699", "--out", out)
    report(p.returncode == 2 and "sample=699" in p.stderr and "proxy" in p.stderr,
           "other rows and proxies are refused, with the difference", p.stderr)
    report(open(out, "rb").read() == bytes_before, "a refusal leaves the file as it was")
    p = run(3, *go)
    report(p.returncode == 0 and "there already" in p.stderr, "another number of ranks finishes it", p.stderr)
    found = different(reference, out)
    report(not found, "stopped five times and resumed, it is the file of one go", found)
    with h5py.File(out) as f:
        report(len(text_of(f, "sessions").splitlines()) >= 5, "the file tells of its sessions")
    finished = open(out, "rb").read()
    p = run(2, *go)
    report(p.returncode == 0 and "complete already" in p.stderr and open(out, "rb").read() == finished,
           "a finished sweep is left alone", p.stderr)
    report(before.keys() == content(out).keys(), "an unfinished file has the layout of a finished one")


def readable_while_it_runs(folder):
    out = f"{folder}/live.h5"
    process, seen = start(2, *DUMMY, "--sample", "150", "--out", out, "--checkpoint", "0.05"), 0
    bad = []
    while process.poll() is None:
        if os.path.exists(out):
            try:
                with h5py.File(out, "r") as f:
                    seen += len(f["nb201/status/dummy"][:]) == 150
            except OSError as error:
                bad.append(str(error))
        time.sleep(0.01)
    process.communicate()
    report(process.returncode == 0 and seen > 10 and not bad, "the file can be read at any moment of a run",
           f"{seen} good, {bad}")


if __name__ == "__main__":
    run_parts(same_for_any_number_of_ranks, what_a_file_holds, selections, readable_while_it_runs, beside=[stops_and_goes_on])
