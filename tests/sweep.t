#!/usr/bin/python3
"""Sweeps: the same rows for any number of ranks, stopped and resumed or not; bad input; disks that fail; crashes; job
files; merging; the simulator against real runs."""

import os
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sweeps import (NASWEEP, Folder, content, different, finish, messages, report, run, skip, start,  # noqa: E402
                    text_of, wait_until_it_runs)

DUMMY = ["score", "nb201", "--proxy", "dummy,random", "--seed", "3,4", "--progress", "0"]


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


def bad_input(folder):
    out = f"{folder}/bad.h5"
    with open(f"{folder}/foreign.h5", "wb") as f:
        f.write(b"not a result file" * 100)
    with h5py.File(f"{folder}/other.h5", "w") as f:
        f["x"] = 1
    run(None, "score", "nb201", "--proxy", "random", "--range", "0:5", "--out", f"{folder}/five.h5")
    cut = open(f"{folder}/five.h5", "rb").read()[:-700]
    open(f"{folder}/cut.h5", "wb").write(cut)
    cases = [
        (["score", "nb102", "--proxy", "sed", "--out", out], 2, "nb102"),
        (["score", "nb201", "--proxy", "sedd", "--out", out], 2, "sedd"),
        (["score", "nb201", "--proxy", "sed,", "--out", out], 2, "empty"),
        (["score", "nb201", "--out", out], 2, "--proxy"),
        (["score", "nb201", "--proxy", "sed"], 2, "--out"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--colour", "red"], 2, "--colour"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--range", "15620:15626"], 2, "15625"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--arch", "15625"], 2, "15625"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--arch", "|nothing~0|"], 2, "nothing"),
        (["score", "nb101", "--proxy", "sed", "--out", out, "--arch", "f" * 32], 2, "f" * 32),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--sample", "15626"], 2, "15626"),
        (["score", "nb201", "--proxy", "random", "--out", out, "--seed", "1,1"], 2, "twice"),
        (["score", "nb201", "--proxy", "random", "--out", out, "--seed", "x"], 2, "'x'"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--set", "sed.colour=1"], 2, "colour"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--set", "knas.x=1"], 2, "knas"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--set", "nonsense"], 2, "PROXY.KEY=VALUE"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--time-limit", "-1"], 2, "--time-limit"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--dataset", "mnist"], 2, "mnist"),
        (["score", "nb201", "--proxy", "knas", "--out", out, "--data", f"{folder}/none"], 1, "none"),
        (["score", "nb201", "--proxy", "sed", "--out", f"{folder}/none/x.h5"], 1, "none"),
        (["score", "nb201", "--proxy", "sed", "--out", folder], 1, folder),
        (["score", "nb201", "--proxy", "sed", "--out", f"{folder}/foreign.h5"], 1, "foreign.h5"),
        (["score", "nb201", "--proxy", "sed", "--out", f"{folder}/other.h5"], 1, "other.h5"),
        (["score", "nb201", "--proxy", "random", "--range", "0:5", "--out", f"{folder}/cut.h5"], 1, "cut.h5"),
        (["score", "nb101", "--proxy", "sed", "--out", f"{folder}/five.h5"], 2, "nb201"),
        (["merge", f"{folder}/five.h5", f"{folder}/none.h5", "--out", out], 1, "none.h5"),
        (["merge", f"{folder}/five.h5", f"{folder}/other.h5", "--out", out], 1, "other.h5"),
        (["simulate", "nb201", "--proxy", "dummy", "--ranks", "0"], 2, "--ranks"),
        (["simulate", "nb201", "--proxy", "dummy", "--measured", f"{folder}/five.h5"], 1, "five.h5"),
        (["run", f"{folder}/none.conf"], 1, "none.conf"),
    ]
    kept = {name: open(f"{folder}/{name}", "rb").read() for name in ("foreign.h5", "other.h5", "five.h5", "cut.h5")}
    for i, (words, status, fragment) in enumerate(cases):
        ranks = 3 if i % 5 == 0 and words[0] == "score" else None  # no rank is left hanging
        p = run(ranks, *words, timeout=30)
        text = messages(p)
        report(p.returncode == status and len(text) == 1 and fragment in text[0] and not os.path.exists(out),
               " ".join(words).replace(folder, "FOLDER") + f": status {status}" + (f" on {ranks} ranks" if ranks else ""),
               f"{p.returncode}\n{p.stderr}")
    same = all(open(f"{folder}/{name}", "rb").read() == old for name, old in kept.items())
    report(same, "no file was harmed")


def failing_disks(folder):
    """A small file system that fills up, becomes read-only; a folder that is moved away."""
    go = [*DUMMY, "--sample", "400", "--checkpoint", "0.2"]
    mount = f"{folder}/small"
    os.mkdir(mount)
    small = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", mount],
                                                capture_output=True).returncode == 0
    if small:
        try:
            out = f"{mount}/x.h5"
            p = run(2, *go, "--out", out, "--time-limit", "0.4")
            before = open(out, "rb").read()
            with open(f"{mount}/filler", "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 4096)
                except OSError:
                    pass
            p = run(3, *go, "--out", out)
            report(p.returncode == 1 and len(messages(p)) == 1 and "No space" in p.stderr,
                   "a full disk ends it with status 1 and one message", p.stderr)
            report(open(out, "rb").read() == before, "and the last whole file is kept")
            os.unlink(f"{mount}/filler")
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
            p = run(2, *go, "--out", out)
            report(p.returncode == 1 and len(messages(p)) == 1 and open(out, "rb").read() == before,
                   "a read-only folder ends it with status 1 and one message", p.stderr)
            subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
            process = start(2, *go, "--out", out)
            wait_until_it_runs(process)
            time.sleep(0.3)
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
            _, text = process.communicate(timeout=60)
            lines = [line for line in text.splitlines() if line.startswith("nasweep: ")]
            with h5py.File(out) as f:
                whole = len(f["nb201/status/dummy"][:]) == 400
            report(process.returncode == 1 and len(lines) == 1 and whole,
                   "a folder that becomes read-only in the middle: one message, a whole file", text)
        finally:
            subprocess.run(["umount", mount], check=False)
    else:
        for name in ("a full disk", "the last whole file is kept", "a read-only folder", "read-only in the middle"):
            skip(name, "needs root and mount")
    os.mkdir(f"{folder}/here")
    process = start(2, *go, "--out", f"{folder}/here/x.h5")
    appeared = time.time() + 30
    while not os.path.exists(f"{folder}/here/x.h5") and time.time() < appeared:
        time.sleep(0.02)
    os.rename(f"{folder}/here", f"{folder}/gone")
    _, text = process.communicate(timeout=60)
    lines = [line for line in text.splitlines() if line.startswith("nasweep: ")]
    with h5py.File(f"{folder}/gone/x.h5") as f:
        whole = len(f["nb201/status/dummy"][:]) == 400
    report(process.returncode == 1 and len(lines) == 1 and whole,
           "a folder that vanishes in the middle: one message, a whole file", text)


def crashes(folder):
    out = f"{folder}/crash.h5"
    one_seed = [w if w != "3,4" else "3" for w in DUMMY]
    go = [*one_seed, "--sample", "60", "--out", out, "--set"]
    reference = f"{folder}/no-crash.h5"
    run(1, *one_seed, "--sample", "60", "--out", reference, "--set", "dummy.crash=none")
    with h5py.File(reference) as f:
        index, classes = f["nb201/index"][:], f["nb201/class"][:]
    victim = int(classes[30])
    shown = "dummy.crash=" + str(victim)
    for attempt in (1, 2):
        p = run(2, *go, shown)
        told = [m for m in messages(p) if "died" in m]
        report(p.returncode not in (0, 75) and len(told) == 1 and f"architecture {victim} " in told[0]
               and "rank " in told[0] and os.uname().nodename in told[0],
               f"crash {attempt}: one message names rank, host and architecture", p.stderr)
    p = run(2, *go, shown)
    report(p.returncode == 0 and "marked failed" in p.stderr and not os.path.exists(out + ".crashes"),
           "the third run marks it failed and completes", p.stderr)
    with h5py.File(out) as f, h5py.File(reference) as r:
        status, expected = f["nb201/status/dummy"][:], r["nb201/status/dummy"][:]
        hit = classes == victim
        report((status[hit] == 3).all() and numpy.array_equal(status[~hit], expected[~hit])
               and f["nb201/score/dummy"][:][~hit].tobytes() == r["nb201/score/dummy"][:][~hit].tobytes()
               and f["nb201/score/random"][:].tobytes() == r["nb201/score/random"][:].tobytes(),
               "nothing else is lost", index[hit])


def job_files(folder):
    with open(f"{folder}/study.conf", "w") as f:
        f.write("# a study\nspace = nb201\nseed = 5\n\n[variables]\nwhere = " + folder + "\n\n"
                "[score first]\nproxy = random\n   sed\nout = ${where}/first.h5\n\n"
                "[score second]\nproxy = params\nunique = yes\nout = ${where}/${NAME:-second}.h5\n\n"
                "[score third]\nneeds = ${where}/nothing\nproxy = nonsense-not-run\nout = ${where}/third.h5\n")
    job = f"{folder}/study.conf"
    p = run(2, "run", job, "sample=30", "second.proxy=macs")
    report(p.returncode == 0 and "passed over" in p.stderr and not os.path.exists(f"{folder}/third.h5"),
           "a job file runs, and passes over what needs a missing file", p.stderr)
    ok = os.path.exists(f"{folder}/second.h5") and os.path.exists(f"{folder}/first.h5")
    if ok:
        with h5py.File(f"{folder}/first.h5") as a, h5py.File(f"{folder}/second.h5") as b:
            ok = (len(a["nb201/index"]) == len(b["nb201/index"]) == 30 and list(b["nb201/score"]) == ["macs"]
                  and {"random", "sed"} <= set(a["nb201/score"]) and a.attrs["seed"] == 5)
    report(ok, "overrides, common keys, variables and lists take effect")
    p = run(2, "run", job, "sample=30", "second.proxy=macs")
    report(p.returncode == 0 and p.stderr.count("complete already") == 2, "a finished job is left alone", p.stderr)
    text = open(job).read()
    for change, fragment in ((("unique = yes", "uniqe = yes"), "'unique'"), (("unique = yes", "unique = maybe"), "maybe"),
                             (("[score second]", "[scor second]"), "'score'"), (("seed = 5", "sead = 5"), "'seed'"),
                             (("${where}/first", "${nowhere}/first"), "nowhere"), (("unique = yes", "unique"), ":15"),
                             (("proxy = params", "proxy = params\nout = y"), "twice")):
        open(f"{folder}/bad.conf", "w").write(text.replace(*change, 1))
        p = run(None, "run", f"{folder}/bad.conf")
        report(p.returncode == 2 and len(messages(p)) == 1 and fragment in p.stderr and "bad.conf" in p.stderr
               and "[1/" not in p.stderr, f"{change[1]!r}: refused before anything runs", p.stderr)
    p = run(None, "run", job, "smaple=3")
    report(p.returncode == 2 and "'sample'" in p.stderr, "an override that no section knows is refused", p.stderr)


def merging(folder):
    def score(name, *words):
        run(None, "score", "nb201", "--proxy", "random,sed", "--out", f"{folder}/{name}.h5", *words)
        return f"{folder}/{name}.h5"

    parts = [score(f"m{s}", "--seed", s) for s in (1, 2, 3)]
    whole = score("m123", "--seed", "1,2,3")
    out = f"{folder}/merged.h5"
    p = run(None, "merge", parts[2], parts[0], parts[1], "--out", out)
    report(p.returncode == 0 and not different(whole, out), "seeds merged are the sweep of all seeds", p.stderr)
    low, high = score("low", "--range", "0:9000", "--seed", "1"), score("high", "--range", "8000:15625", "--seed", "1")
    p = run(None, "merge", low, high, "--out", out)
    report(p.returncode == 0 and not different(parts[0], out), "rows merged, some of them twice, are the whole", p.stderr)
    kept = open(out, "rb").read()
    with h5py.File(low, "r+") as f:
        f["nb201/score/random"][8500] += 1e-9
    odd = score("odd", "--set", "sed.skip=2", "--seed", "1")
    wide = score("wide", "--channels", "32", "--seed", "1")
    for files, fragment in (((low, high), "8500"), ((high, odd), "skip=2"), ((high, wide), "channels")):
        p = run(None, "merge", *files, "--out", out)
        report(p.returncode == 1 and fragment in p.stderr and open(out, "rb").read() == kept,
               f"merging what conflicts is refused ({fragment})", p.stderr)


def simulator(folder):
    """Real times on 1, 2 and 4 ranks (evaluations that sleep, so that cores do not matter) against simulated ones."""
    work = ["--proxy", "dummy", "--sample", "500", "--set", "dummy.spread=0.3", "--set", "dummy.rate=1e10"]
    real = {}
    for ranks in (1, 2, 4):
        out = f"{folder}/real{ranks}.h5"
        run(ranks, "score", "nb201", *work, "--out", out)
        with h5py.File(out) as f:
            last = dict(item.split("=") for item in text_of(f, "sessions").splitlines()[-1].split())
        real[ranks] = float(last["wall"])
    p = run(None, "simulate", "nb201", *work, "--measured", f"{folder}/real1.h5", "--ranks", "1,2,4", "--format", "csv")
    lines = [line.split(",") for line in p.stdout.splitlines()]
    place = lines[0].index("seconds")
    for line in lines[1:]:
        ranks, seconds = int(line[0]), float(line[place])
        report(abs(seconds / real[ranks] - 1) < 0.05, f"simulated time on {ranks} ranks within 5 % of the real one",
               f"simulated {seconds}, real {real[ranks]}")


def main():
    if not shutil.which("mpirun"):
        print("1..0 # SKIP no mpirun")
        return
    parts = (same_for_any_number_of_ranks, what_a_file_holds, selections, stops_and_goes_on, readable_while_it_runs,
             bad_input, failing_disks, crashes, job_files, merging, simulator)
    spent = []
    with Folder() as folder:
        for part in parts:
            begun = time.monotonic()
            part(folder)
            spent.append((part.__name__, time.monotonic() - begun))
    if os.environ.get("V") == "1":
        print("# " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent))
    finish()


if __name__ == "__main__":
    assert os.path.exists(NASWEEP), NASWEEP
    main()
