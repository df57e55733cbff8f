#!/usr/bin/python3
"""Scores by processes: columns of a worker are treated as any other; workers that die, hang, write rubbish or too much
cost at most the architecture they were at; what is recorded; the Python module and the examples."""
# tests/run: in turn

import os
import re
import signal
import subprocess
import sys
import time

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import ENV, ROOT, different, messages, report, run, run_parts, start, text_of  # noqa: E402
from workers import column, ranks_of  # noqa: E402

HELLO = '{"nasweep": 1, "columns": [{"direction": -1, "long_name": "twice the parameters"}]}'
# A worker that does something at architecture AT the first TIMES times, as a file counts.
WORKER = r"""
import json, os, sys, time
hello, at, what, times = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
count = os.environ.get("COUNT")
def say(x): print(x if isinstance(x, str) else json.dumps(x), flush=True)
say(hello)
for line in sys.stdin:
    a = json.loads(line)
    once = f"{count}-{a['index']}"
    if what == "each" and a["index"] in (at, at + 2) and not os.path.exists(once):
        open(once, "w")
        os._exit(3)
    seen = os.path.getsize(count) if count and os.path.exists(count) else 0
    if a["index"] == at and seen < times:
        if count:
            open(count, "a").write("x")
        if what == "die": os._exit(3)
        if what == "twice": say({"index": at, "values": {"mine": 2 * a["params"]}})
        if what == "kill": os.kill(os.getpid(), 9)
        if what == "hang": time.sleep(1000)
        if what == "rubbish": say("rubbish"); continue
        if what == "other": say({"index": at + 1, "values": {"mine": 1}}); continue
        if what == "nothing": say({"index": at, "values": {}}); continue
        if what == "flood":
            while True: sys.stdout.write("x" * 65536)
        if what == "shout":
            for _ in range(20000): print("oh " * 30, file=sys.stderr)
        if what == "error": say({"index": at, "error": "it is\nnot to be had"}); continue
        if what == "null": say({"index": at, "values": {"mine": None}}); continue
        if what == "path": say({"index": at, "no_path": True}); continue
        if what == "low": say({"index": at, "values": {"mine": "-inf"}}); continue
    seed = a.get("seed", 0)
    say({"index": a["index"], "values": {c.get("name", "mine"): 2 * a["params"] + seed for c in hello["columns"]}})
"""


def worker(folder, at=-1, what="none", times=1000, hello=HELLO):
    with open(f"{folder}/worker.py", "w") as f:
        f.write(WORKER)
    return f"mine=/usr/bin/python3 {folder}/worker.py '{hello}' {at} {what} {times}"


def score(folder, out, *words, ranks=None, count="", **how):
    return run(ranks, "score", "nb201", "--range", "0:40", "--progress", "0", "--out", f"{folder}/{out}.h5", "--worker",
               worker(folder, **how), *words, env={"COUNT": count})


def told(process):
    """Lines about the worker."""
    return [line for line in messages(process) if line.startswith("nasweep: worker mine")]


def plain(folder):
    p = score(folder, "plain", "--proxy", "params,sed")
    value, status, params = column(folder, "plain")
    report(p.returncode == 0 and (value == 2 * params).all() and (status == 1).all(), "a worker's column beside others",
           p.stderr)
    with h5py.File(f"{folder}/plain.h5") as f:
        about = {k: (v.decode() if isinstance(v, bytes) else v) for k, v in f["nb201/score/mine"].attrs.items()}
        options = text_of(f, "options")
    report(about["direction"] == -1 and about["long_name"] == "twice the parameters" and "command=" in about["options"],
           "what it said of the column is kept", about)
    report(len(re.findall(r":[0-9a-f]{64}", options)) == 2, "hashes of the files its command names are kept", options)
    p = score(folder, "ranks", "--proxy", "params,sed", ranks=2)
    report(p.returncode == 0 and not different(f"{folder}/plain.h5", f"{folder}/ranks.h5"), "two ranks, the same file",
           p.stderr)
    p = run(None, "correlate", f"{folder}/plain.h5", "--format", "csv")
    report("mine" in p.stdout or "accurac" in p.stderr, "correlate knows the column", p.stdout + p.stderr)


def kinds(folder):
    """Needs, classes, several columns and seeds, batches."""
    hello = HELLO.replace("}]}", '}], "needs": ["seed"], "batch": 7}')
    p = score(folder, "seeds", "--seed", "5,6", hello=hello)
    value, status, params = column(folder, "seeds")
    report(p.returncode == 0 and (value == 2 * params + 5.5).all() and (status == 1).all(), "several seeds, in batches",
           p.stderr)
    hello = HELLO.replace("}]}", '}], "by_class": true, "needs": ["network"]}')
    p = score(folder, "class", "--range", "0:2000", hello=hello)
    with h5py.File(f"{folder}/class.h5") as f:
        value, status, of = f["nb201/score/mine"][:], f["nb201/status/mine"][:], f["nb201/class"][:]
    firsts = {c: v for c, v in zip(of, value)}
    same = all(v == firsts[c] or np.isnan(v) for c, v in zip(of, value))
    evaluations = int(re.search(r"([\d,]+) evaluations, ", p.stderr).group(1).replace(",", ""))
    report(p.returncode == 0 and same and evaluations == len(set(of)), "a class has one value, asked for once", p.stderr)
    nets = run(None, "list", "nb201", "--range", "0:2000", "--columns", "path", "--no-header").stdout.split()
    report([s == 1 for s in status] == [n == "1" for n in nets], "networks without a path are not asked for", p.stderr)
    hello = '{"nasweep": 1, "columns": [{"name": "one"}, {"name": "two", "direction": -1}]}'
    p = score(folder, "two", hello=hello)
    report(p.returncode == 0 and (column(folder, "two", "one")[0] == column(folder, "two", "two")[0]).all(),
           "several columns", p.stderr)
    for what, status, value in (("error", 3, np.nan), ("null", 3, np.nan), ("path", 2, np.nan), ("low", 1, -np.inf)):
        p = score(folder, what, at=7, what=what)
        values, states, _ = column(folder, what)
        report(p.returncode in (0, 1) and states[7] == status and np.array_equal(values[7], value, equal_nan=True) and
               (np.delete(states, 7) == 1).all() and len(told(p)) == (what == "error"), f"an answer: {what}", p.stderr)


def trouble(folder):
    """What a worker does once costs nothing, what it does always costs its architecture."""
    said = {"die": "ended at nb201 architecture 7 \\(exit status 3", "kill": "ended at .*signal 9",
            "hang": "gave no answer for 1 s at", "rubbish": "not a line of JSON: 'rubbish' at",
            "other": "an answer for architecture 8, which it was not asked for", "nothing": "without a value for mine",
            "flood": "wrote a line without an end"}
    for what, words in said.items():
        count = f"{folder}/count-{what}"
        p = score(folder, what, "--worker-timeout", "1", at=7, what=what, times=1, count=count)
        lines = told(p)
        report(p.returncode == 0 and len(lines) == 1 and re.search(words, lines[0]) and "tried again" in lines[0] and
               (column(folder, what)[1] == 1).all(), f"a worker that does once: {what}", p.stderr)
    for what in ("die", "rubbish"):
        p = score(folder, what + "2", at=7, what=what)
        status = column(folder, what + "2")[1]
        report(status[7] == 3 and (np.delete(status, 7) == 1).all() and len(told(p)) == 2 and
               "marked failed" in told(p)[1], f"a worker that always does: {what}", p.stderr)
    batch = HELLO.replace("}]}", '}], "batch": 7}')
    p = score(folder, "each", at=7, what="each", count=f"{folder}/each", hello=batch)
    report(p.returncode == 0 and (column(folder, "each")[1] == 1).all() and len(told(p)) == 2,
           "each architecture of a batch has its own retries", p.stderr)
    p = score(folder, "twice", at=7, what="twice", times=1, count=f"{folder}/twice", hello=batch)
    value, status, params = column(folder, "twice")
    report(p.returncode == 0 and (status == 1).all() and (value == 2 * params).all() and len(told(p)) == 1 and
           "architecture 7, which it was not asked for" in told(p)[0], "an answer that comes twice", p.stderr)
    p = score(folder, "three", "--retries", "3", at=7, what="die", times=2, count=f"{folder}/three")
    report(p.returncode == 0 and (column(folder, "three")[1] == 1).all(), "--retries", p.stderr)
    p = score(folder, "zero", "--retries", "0", at=7, what="die")
    report(p.returncode == 1 and "the run ends" in p.stderr, "--retries 0 ends the run", p.stderr)
    p = score(folder, "shout", at=7, what="shout")
    report(p.returncode == 0 and (column(folder, "shout")[1] == 1).all() and len(told(p)) == 11,
           "standard error is passed on, but no flood of it", p.stderr[-3000:])


def last_words(folder):
    """Of a worker that ends at once; also those that come after the end of its output."""
    hello = f"echo '{HELLO}'; read line; "
    for when, before in (("before its first line", ""), ("at nb201 architecture 0", hello)):
        for how, words in (("at once", "echo no such licence >&2; exit 3"),
                           ("after its output", "exec 1>&-; sleep 0.2; echo no such licence >&2; exit 3")):
            with open(f"{folder}/last.sh", "w") as f:
                f.write(before + words + "\n")
            p = run(None, "score", "nb201", "--range", "0:4", "--retries", "0", "--out",
                    f"{folder}/{when} {how}.h5".replace(" ", "-"), "--worker", f"mine=sh {folder}/last.sh")
            told_so = f"ended {when} (exit status 3; its last words: no such licence)"
            report(p.returncode == 1 and told_so in p.stderr, f"last words {when}, {how}", p.stderr)


def refusals(folder):
    first = {"none=/does/not/exist": "No such file", "mine=false": "before its first line (exit status 1",
             "mine=echo rubbish": "not a line of JSON: 'rubbish'", "mine=echo '{}'": "no {\"nasweep\": 1",
             "mine=echo '{\"nasweep\": 2}'": "version 2 of the protocol",
             "mine=echo '{\"nasweep\": 1, \"columns\": []}'": "not a list", "sed=cat": "taken", "cat": "NAME=COMMAND",
             "a b=cat": "cannot name a score", "mine='": "a quote that is not closed"}
    for text, words in first.items():
        if text == "sed=cat":
            text = worker(folder).replace("mine=", "sed=")
        p = run(None, "score", "nb201", "--range", "0:4", "--out", f"{folder}/refused.h5", "--worker", text)
        last = messages(p)[-1:] or [""]
        report(p.returncode in (1, 2) and words in " ".join(messages(p)) and not os.path.exists(f"{folder}/refused.h5"),
               f"refused: {last[0][:100]}", p.stderr)
    p = score(folder, "resume", "--worker-timeout", "1", "--retries", "0", at=20, what="hang")
    report(p.returncode == 1 and (column(folder, "resume")[1] == 1).sum() >= 20, "a run that ends keeps what it had",
           p.stderr)
    begun = time.monotonic()
    p = score(folder, "limit", "--time-limit", "1", at=20, what="hang")
    report(p.returncode == 75 and time.monotonic() - begun < 20 and (column(folder, "limit")[1] == 0).sum() == 20,
           "a run that is to stop does not wait for a worker for long", p.stderr)
    p = score(folder, "resume", at=20, what="none")
    report(p.returncode == 2 and "other options" in p.stderr and "hang" in p.stderr, "another command is refused", p.stderr)
    words = ["score", "nb201", "--range", "0:40", "--out", f"{folder}/resume.h5", "--worker"]
    line = worker(folder, 20, "hang")
    with open(f"{folder}/worker.py", "a") as f:
        f.write("# changed\n")
    p = run(None, *words, line)
    report(p.returncode == 2 and "other options" in p.stderr and "worker.py:" in p.stderr, "another file is refused",
           p.stderr)


def ends(folder):
    """No worker is left behind, whatever its rank dies of."""
    line = worker(folder, 20, "hang")
    for ranks, number in ((1, signal.SIGKILL), (2, signal.SIGKILL), (1, signal.SIGTERM)):
        p = start(ranks, "score", "nb201", "--range", "0:40", "--progress", "0", "--worker-timeout", "2", "--out",
                  f"{folder}/ends{ranks}{number}.h5", "--worker", line)
        for _ in range(200):
            if left(folder):
                break
            time.sleep(0.05)
        began = len(left(folder))
        time.sleep(0.5)
        for pid in ranks_of(p.pid):
            os.kill(pid, number)
            break
        p.communicate(timeout=60)
        for _ in range(100):
            if not left(folder):
                break
            time.sleep(0.05)
        report(began and not left(folder), f"{ranks} ranks, one ended by {signal.Signals(number).name}: no worker left",
               left(folder))


def left(folder):
    """Processes that run this folder's worker."""
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/cmdline") as f:
                if name.isdigit() and f.read().startswith(f"/usr/bin/python3\0{folder}/worker.py"):
                    found.append(int(name))
        except OSError:
            pass
    return found


def jobs(folder):
    with open(f"{folder}/study.conf", "w") as f:
        f.write(f"[score]\nspace = nb201\nrange = 0:40\nworker = {worker(folder)}\nout = {folder}/job.h5\n")
    p = run(2, "run", f"{folder}/study.conf")
    report(p.returncode == 0 and (column(folder, "job")[1] == 1).all(), "a job file with a worker", p.stderr)


# ---- the examples ----

EXAMPLES = os.path.join(ROOT, "jobs", "examples")
PYTHON = "/usr/bin/python3"


def examples(folder):
    p = subprocess.run(["make", "-C", EXAMPLES, f"OUT={folder}"], capture_output=True, text=True, env=ENV)
    report(p.returncode == 0, "the example in C is built by make", p.stderr)
    p = run(2, "score", "nb201", "--out", f"{folder}/own.h5", "--progress", "0", "--proxy", "params,macs", "--worker",
            f"density={PYTHON} {EXAMPLES}/density.py", "--worker", f"kernels={folder}/kernels", cwd="/")
    macs, _, params = column(folder, "own", "macs")
    with h5py.File(f"{folder}/own.h5") as f:
        ids = f["nb201/id"][:]
    ours = [9 * i.count(b"3x3~") - 9 * i.count(b"pool_3x3~") + i.count(b"1x1~") for i in ids]
    report(p.returncode == 0 and np.allclose(column(folder, "own", "density")[0], macs / params, rtol=1e-15),
           "three lines of Python", p.stderr)
    report(p.returncode == 0 and (column(folder, "own", "kernels")[0] == ours).all(), "a worker in C", p.stderr)
    p = run(2, "run", f"{EXAMPLES}/study.conf", f"folder={folder}", f"examples={EXAMPLES}", f"out={folder}/study.h5",
            f"file={folder}/study.h5")
    report(p.returncode == 0, "the example's job file", p.stderr)
    lines = run(None, "list", "nb201", "--range", "0:3", "--format", "worker").stdout
    p = subprocess.run([PYTHON, f"{EXAMPLES}/density.py"], input=lines, capture_output=True, text=True,
                       env=dict(ENV, PYTHONPATH=f"{ROOT}/analysis"))
    report(len(p.stdout.splitlines()) == 4, "a worker tried out by hand", p.stdout + p.stderr)
    p = run(None, "list", "--proxies", "--worker", f"density={PYTHON} {EXAMPLES}/density.py")
    report(p.stdout.splitlines()[-1].startswith("density,worker,+1,topology,multiply-adds a parameter"),
           "list --proxies --worker", p.stdout + p.stderr)


def python(folder):
    """What serve() makes of functions: several columns, exceptions, printing."""
    with open(f"{folder}/mine.py", "w") as f:
        f.write("""import nasweep
def score(a):
    'words'
    print("hello", a.index) if a.index == 1 else None
    if a.index == 2: raise ValueError("two\\nlines")
    if a.index == 3: raise nasweep.NoPath
    return a.params, float("-inf") if a.index == 4 else len(a.ops)
nasweep.serve(score, columns=[{"name": "one"}, {"name": "two", "direction": -1}], batch=16)
""")
    p = run(2, "score", "nb201", "--range", "0:30", "--progress", "0", "--out", f"{folder}/py.h5", "--worker",
            f"mine={PYTHON} {folder}/mine.py", env={"PYTHONUNBUFFERED": ""})
    (one, status, params), (two, _, _) = column(folder, "py", "one"), column(folder, "py", "two")
    rest = [i for i in range(30) if i not in (2, 3)]
    report(list(status[[2, 3]]) == [3, 2] and (one[rest] == params[rest]).all() and two[4] == -np.inf and two[5] == 6,
           "serve: several columns, exceptions, no path", p.stderr)
    report("says: hello 1" in p.stderr and "ValueError: two lines" in p.stderr, "serve: what it prints is passed on",
           p.stderr)


if __name__ == "__main__":
    run_parts(plain, kinds, trouble, last_words, refusals, beside=[ends, jobs, examples, python])
