#!/usr/bin/python3
"""Sweeps that go wrong: bad input, disks that fill up or go away, evaluations that crash."""
# tests/run: in turn

import contextlib
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import DUMMY, ENV, command, different, messages, report, run, run_parts, skip, start, wait_until_it_runs  # noqa: E402


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
        (["score", "nb201", "--proxy", "sed", "--out", out, "--range", "15620:"+ "1" * 30], 2, "A:B"),
        (["score", "nb201", "--proxy", "sed", "--out", out, "--range", "20:10"], 2, "20:10"),
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
    late = ["sh", "-c", 'if [ "${OMPI_COMM_WORLD_RANK:-0}" = 0 ]; then sleep 2; fi; exec "$@"', "sh"]
    words = command(3, *cases[5][0])
    p = subprocess.run([*words[:3], *late, *words[3:]], env=ENV, capture_output=True, text=True, timeout=60)
    report(p.returncode == 2 and len(messages(p)) == 1 and cases[5][2] in p.stderr,
           "the message is not lost where the rank that speaks starts last", f"{p.returncode}\n{p.stderr}")
    same = all(open(f"{folder}/{name}", "rb").read() == old for name, old in kept.items())
    report(same, "no file was harmed")


@contextlib.contextmanager
def small_disk(path, size):
    """A file system of its own at a new folder; False where none can be mounted."""
    os.mkdir(path)
    mounted = os.getuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path],
                                                  capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", path], check=False)


def disk_fills_up(mount, go):
    """Full, then read-only, before a run and in the middle of one."""
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


def failing_disks(folder):
    """A small file system that fills up, becomes read-only; a folder that is moved away."""
    go = [*DUMMY, "--sample", "400", "--checkpoint", "0.2"]
    with small_disk(f"{folder}/small", "512k") as mounted:
        if mounted:
            disk_fills_up(f"{folder}/small", go)
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


def full_while_kept(folder):
    """No room for the state of a training that is stopped on the way: told, and nothing that was there is lost."""
    names = ("no room for a training's state", "the state that was there is kept", "goes on from it")
    with small_disk(f"{folder}/narrow", "4m") as mounted:
        if mounted:
            state_meets_full_disk(f"{folder}/narrow", f"{folder}/trained.h5", names)
        else:
            for name in names:
                skip(name, "needs root and mount")


def state_meets_full_disk(mount, reference, names):
    out, filler = f"{mount}/x.h5", f"{mount}/filler"
    go = ["score", "nb201", "--proxy", "valid_accuracy", "--arch", "1462", "--data", "synthetic", "--samples", "64",
          "--set", "train.preset=smoke", "--set", "train.batch=16", "--set", "train.epochs=40", "--progress", "0"]
    state = lambda: {n: open(f"{out}.state/{n}", "rb").read() for n in os.listdir(out + ".state")}
    run(2, *go, "--out", out, "--time-limit", "0.5")
    before = state()
    with open(filler, "wb", buffering=0) as f:  # room for the file of results, which is written first, not for a state
        f.write(bytes(4 * 1024 * 1024 - sum(map(len, before.values())) - 256 * 1024))
    p = run(2, *go, "--out", out, "--time-limit", "0.5")
    told = messages(p)
    report(p.returncode == 1 and len(told) == 1 and "No space left" in told[0] and ".state/train-" in told[0]
           and "architecture 1462" in told[0], names[0], f"{p.returncode}\n{p.stderr}")
    report(state() == before and len(before) == 2, names[1], sorted(before))
    os.unlink(filler)
    p, q = run(2, *go, "--out", out, timeout=120), run(None, *go, "--out", reference, timeout=120)
    report(p.returncode == q.returncode == 0 and not different(reference, out), names[2], p.stderr + q.stderr)


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
    report(p.returncode == 1 and "marked failed" in p.stderr and not os.path.exists(out + ".crashes")
           and "complete, with failed rows" in p.stderr, "the third run marks it failed and completes: status 1", p.stderr)
    with h5py.File(out) as f, h5py.File(reference) as r:
        status, expected = f["nb201/status/dummy"][:], r["nb201/status/dummy"][:]
        hit = classes == victim
        report((status[hit] == 3).all() and numpy.array_equal(status[~hit], expected[~hit])
               and f["nb201/score/dummy"][:][~hit].tobytes() == r["nb201/score/dummy"][:][~hit].tobytes()
               and f["nb201/score/random"][:].tobytes() == r["nb201/score/random"][:].tobytes(),
               "nothing else is lost", index[hit])


def reasons(folder):
    """Rows that failed are told with what they had."""
    out = f"{folder}/failed.h5"
    go = ["score", "nb201", "--proxy", "dummy", "--range", "0:40", "--set", "dummy.rate=1e12", "--out", out]
    with h5py.File(f"{folder}/five.h5") as f:
        victim, name = int(f["nb201/class"][3]), f["nb201/id"][3].decode()
    p = run(2, *go, "--set", f"dummy.fail={victim}")
    lines = [line for line in p.stderr.splitlines() if "failed " in line and "architecture" in line]
    with h5py.File(out) as f:
        status, value = f["nb201/status/dummy"][:], f["nb201/score/dummy"][:]
    report(p.returncode == 1 and status[3] == 3 and numpy.isnan(value[3]) and (status != 3).sum() > 30
           and any(f"architecture 3 ({name}), dummy: its value is nan" in line for line in lines),
           "a failed row is named with its value", p.stderr)


def repairs(folder):
    """Rows that failed, whoever was to blame, are computed again on request, or taken from another file."""
    go = ["score", "nb201", "--proxy", "dummy,random", "--range", "0:60", "--set", "dummy.rate=2e10", "--progress", "0"]
    reference, out = f"{folder}/healthy.h5", f"{folder}/blamed.h5"
    p = run(2, *go, "--out", reference)
    report(p.returncode == 0, "a reference", p.stderr)
    with h5py.File(reference) as f:
        victim = int(f["nb201/class"][17])
    with open(out + ".crashes", "w") as f:  # as three killed runs leave it
        f.writelines(f"dummy 777 {victim} rank 0 on here at 2026-01-01T00:00:0{k}Z\n" for k in range(3))
    p = run(2, *go, "--out", out)
    with h5py.File(out) as f:
        failed = int((f["nb201/status/dummy"][:] == 3).sum())
    report(p.returncode == 1 and failed > 0 and f"{failed} of 60 architectures failed" in p.stderr and "--repair" in p.stderr,
           "a row that is blamed is failed, the status is 1 and the last line says how many and what to do", p.stderr)
    p = run(None, *go, "--out", out)
    report(p.returncode == 1 and "complete already" in p.stderr and f"{failed} of 60" in p.stderr,
           "the same command again says so again", p.stderr)
    p = run(None, *go, "--out", out, "--allow-failed")
    report(p.returncode == 0 and not messages(p), "--allow-failed: status 0", p.stderr)
    blamed = open(out, "rb").read()
    for word in (["--repair"], ["--retries", "0"]):
        open(out, "wb").write(blamed)
        p = run(2, *go, "--out", out, *word)
        found = different(reference, out)
        report(p.returncode == 0 and not found, f"{' '.join(word)} computes it again", f"{found}\n{p.stderr}")
    open(out, "wb").write(blamed)
    one = f"{folder}/one-row.h5"
    run(None, *[w for w in go if w not in ("--range", "0:60")], "--arch", victim, "--arch", 17, "--out", one)
    for files in ([out, one], [one, out]):
        p = run(None, "merge", *files, "--out", f"{folder}/joined.h5")
        with h5py.File(f"{folder}/joined.h5") as f, h5py.File(reference) as r:
            row = list(f["nb201/index"][:]).index(17)
            report(p.returncode == 0 and f["nb201/status/dummy"][row] in (1, 2)
                   and f["nb201/score/dummy"][row] == r["nb201/score/dummy"][17],
                   "a merge takes the scored row over the failed one, whichever file comes first", p.stderr)
    for column in ("dummy", "random"):
        with h5py.File(reference, "r+") as f:
            f[f"nb201/status/{column}"][5] = 0
        p = run(2, *go, "--out", reference)
        with h5py.File(reference) as f:
            good = f[f"nb201/status/{column}"][5] != 0 and bool(f.attrs["finished"])
        report(p.returncode == 0 and good and "there already" in p.stderr and "complete already" not in p.stderr,
               f"a row of {column} set back to pending is done again", p.stderr)
    images = f"{folder}/equal.h5"
    p = run(None, "score", "nb201", "--proxy", "dummy,sed", "--range", "0:3", "--set", "dummy.fail=0", "--out", images)
    report("rows: 2 scored, 0 without a path, 1 failed, 0 pending" in p.stderr and p.returncode == 1,
           "an architecture is counted once, failed where a column of it is", p.stderr)


def pauses(folder):
    """Evaluations longer than a run: stopped on the way, kept, resumed; what they come to is the same."""
    rows = ["score", "nb201", "--proxy", "dummy", "--range", "0:6", "--seed", "3,4", "--progress", "0", "--set",
            "dummy.points=20"]
    reference, out = f"{folder}/one-go.h5", f"{folder}/paused.h5"
    p = run(3, *rows, "--set", "dummy.rate=1e12", "--out", reference)
    report(p.returncode == 0 and not os.path.exists(reference + ".state"), "curves in one go", p.stderr)
    with h5py.File(reference) as f:
        curve, score = f["nb201/curve/dummy_curve-seed3"][:], f["nb201/by_seed/dummy"][:, 0]
        there = numpy.isfinite(score)
        report(curve.shape == (6, 20) and curve.dtype == "float32" and there.sum() > 3
               and numpy.array_equal(curve[there, -1], score[there].astype("float32")), "a curve for each row and seed",
               curve.shape)
    with h5py.File(reference) as f:
        longest = float(f["nb201/macs"][:].max())
    slow = [*rows, "--set", f"dummy.rate={longest / 1.5:.0f}", "--out", out]  # up to 1.5 s an evaluation
    halt, stops, kept = f"{folder}/pause", 0, 0
    open(halt, "w").close()
    for k in range(40):
        limit = ["--halt-file", halt] if k == 1 else ["--time-limit", "0.4"]
        p = run((3, 2, None)[k % 3], *slow, *limit, timeout=60)
        if p.returncode != 75:
            break
        stops += 1
        kept += any(n.startswith("dummy-") for n in os.listdir(out + ".state"))
    found = different(reference, out)
    report(p.returncode == 0 and stops > 3 and kept > 2 and not found and not os.path.exists(out + ".state"),
           "evaluations longer than the limit are stopped on the way and resumed, to the same end",
           f"{stops} stops, {kept} with states, {found}\n{p.stderr}")
    state = f"{folder}/stale.h5.state"
    os.mkdir(state)
    open(f"{state}/dummy-3-0", "wb").write(b"of other options")
    p = run(None, *rows, "--set", "dummy.rate=1e12", "--out", f"{folder}/stale.h5")
    report(p.returncode == 0 and not different(reference, f"{folder}/stale.h5"), "states of other options are thrown away",
           p.stderr)


def one_writer(folder):
    """Two runs on one file; a killed run is in nobody's way."""
    out = f"{folder}/shared.h5"
    go = [*DUMMY, "--sample", "300", "--retries", "0", "--out", out]
    slow = [*go, "--set", "dummy.rate=1e8"]  # minutes, were it not stopped
    process = start(2, *slow)
    wait_until_it_runs(process)
    p = run(None, *slow)
    told = messages(p)
    report(p.returncode == 1 and len(told) == 1 and "another run is writing it" in told[0] and out in told[0]
           and "process " in told[0] and os.uname().nodename in told[0], "a second run on the same file is refused", p.stderr)
    p = run(3, *go[:-1], f"{folder}/other-one.h5", timeout=60)
    report(p.returncode == 0, "one on another file is not", p.stderr)
    process.send_signal(signal.SIGUSR1)
    _, text = process.communicate(timeout=60)
    report(process.returncode == 75 and "stopped by signal USR1" in text and not os.path.exists(out + ".lock"),
           "the first one is not disturbed, and no lock is left", text)
    os.unlink(out)
    process = start(None, *go)
    wait_until_it_runs(process)
    process.kill()
    process.communicate(timeout=30)
    report(os.path.exists(out + ".lock"), "a killed run leaves its lock's file")
    p = run(2, *go, "--time-limit", "0.3")
    report(p.returncode == 75 and not os.path.exists(out + ".lock"), "and the next one goes on with it", p.stderr)


def pending(number):
    """For preexec_fn: the signal is there before the program is, which lets it through as soon as it can."""
    def ask():
        signal.pthread_sigmask(signal.SIG_BLOCK, [number])
        os.kill(os.getpid(), number)
    return ask


def waits_for_it(folder):
    """Where it is told to, a run waits for the one before on its file to end, or until it is asked to stop."""
    out = f"{folder}/handed-on.h5"
    slow = [*DUMMY, "--sample", "300", "--out", out, "--set", "dummy.rate=1e8"]  # minutes
    first = start(2, *slow)
    wait_until_it_runs(first)
    patient = dict(ENV, NASWEEP_LOCK_WAIT="600")
    second = subprocess.Popen(command(None, *slow), env=patient, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    waited = second.poll() is None
    second.send_signal(signal.SIGUSR1)
    _, text = second.communicate(timeout=60)
    report(waited and second.returncode == 1 and "another run is writing it" in text, "a run that waits for a file can be stopped",
           f"{second.returncode}\n{text}")
    early = subprocess.run(command(None, *slow), env=patient, preexec_fn=pending(signal.SIGUSR1), capture_output=True,
                           text=True, timeout=60)
    report(early.returncode == 1 and "another run is writing it" in early.stderr, "also where it was told so before it waits",
           f"{early.returncode}\n{early.stderr}")
    third = subprocess.Popen(command(3, *slow, "--time-limit", "0.5"), env=patient, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    waited = third.poll() is None
    first.send_signal(signal.SIGUSR1)
    _, before = first.communicate(timeout=60)
    _, text = third.communicate(timeout=60)
    report(waited and first.returncode == 75 and third.returncode == 75 and "there already" in text,
           "one that may wait goes on when the first has ended", before + text)


def small_ones(folder):
    go = ["score", "nb201", "--proxy", "random", "--range", "0:5000", "--out"]
    for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE"):
        p = run(None, *go, f"{folder}/alien.h5", env={variable: "3"})
        report(p.returncode == 2 and len(messages(p)) == 1 and "3 tasks" in p.stderr and variable in p.stderr
               and not os.path.exists(f"{folder}/alien.h5"), f"another MPI's launcher ({variable}) is refused", p.stderr)
    os.mkdir(f"{folder}/links")
    os.symlink("../target.h5", f"{folder}/links/link.h5")
    p = run(None, *go, f"{folder}/links/link.h5")
    report(p.returncode == 0 and os.path.islink(f"{folder}/links/link.h5") and os.path.isfile(f"{folder}/target.h5"),
           "a link whose target is not there: the target is made", p.stderr)
    p = run(None, *go, f"{folder}/links/link.h5")
    report(p.returncode == 0 and "complete already" in p.stderr, "and is resumed", p.stderr)
    os.symlink("loop.h5", f"{folder}/loop.h5")
    p = run(None, *go, f"{folder}/loop.h5")
    report(p.returncode == 1 and len(messages(p)) == 1, "a link to itself is an error", p.stderr)
    p = subprocess.run(["bash", "-c", "ulimit -f 8; exec \"$@\"", "bash", *command(None, *go, f"{folder}/long.h5")], env=ENV,
                       capture_output=True, text=True, timeout=60)
    left = [n for n in os.listdir(folder) if n.startswith("long")]
    report(p.returncode == 1 and "File too large" in p.stderr and not left, "a limit of file size is told, nothing is left",
           f"{left}\n{p.stderr}")
    p = run(None, "list", "nb201", "--arch", " 5\r\n", "--columns", "index", "--no-header")
    report(p.returncode == 0 and p.stdout == "5\n", "blanks and line ends around an architecture's id", p.stderr)
    for name in ("CIFAR100", "imagenet16-120"):
        p = run(None, "score", "nb201", "--proxy", "params", "--dataset", name, "--range", "0:3", "--out", f"{folder}/{name}.h5")
        with h5py.File(f"{folder}/{name}.h5") as f:
            classes = {"CIFAR100": 100, "imagenet16-120": 120}[name]
            report(p.returncode == 0 and f"classes={classes}" in f.attrs["options"], f"--dataset {name} is known", p.stderr)
    p = run(None, "score", "nb201", "--proxy", "naswot", "--classes", "5", "--range", "0:3", "--out", f"{folder}/few.h5")
    report(p.returncode == 2 and "--classes 5" in p.stderr and "10 classes" in p.stderr,
           "fewer classes than the images have are refused", p.stderr)
    begun = time.monotonic()
    p = run(None, "score", "nb201", "--proxy", "naswot", "--samples", "1000000", "--range", "0:3", "--out", f"{folder}/many.h5")
    report(p.returncode == 1 and "1000000 samples" in p.stderr and "8000000 MB" in p.stderr and not
           os.path.exists(f"{folder}/many.h5") and time.monotonic() - begun < 30,
           "samples whose pairs no memory holds are refused before images are made", p.stderr)


def early_signals(folder):
    """A request to stop that comes before anything else has begun, MPI for one."""
    for number in (signal.SIGUSR1, signal.SIGTERM):
        out = f"{folder}/early-{number}.h5"
        p = subprocess.run(command(None, *DUMMY, "--sample", "60", "--out", out), env=ENV, preexec_fn=pending(number),
                           capture_output=True, text=True, timeout=60)
        report(p.returncode == 75 and "stopped by signal " + number.name[3:] in p.stderr and os.path.exists(out),
               f"{number.name} at the very start: status 75", f"{p.returncode}\n{p.stderr}")
        p = run(2, *DUMMY, "--sample", "60", "--out", out)
        report(p.returncode == 0, "and the same command goes on", p.stderr)


if __name__ == "__main__":
    run_parts(bad_input, failing_disks, full_while_kept, crashes, reasons, repairs, pauses, one_writer, waits_for_it,
              small_ones, early_signals)
