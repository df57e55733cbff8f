#!/usr/bin/python3
"""Job files, merging of result files, and the simulator against real runs."""
# tests/run: in turn

import math
import os
import sys

import h5py

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import ROOT, different, messages, report, run, run_parts, text_of  # noqa: E402


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


def checked_before_it_runs(folder):
    """Values, files and folders of all sections, before the first of them runs."""
    os.mkdir(f"{folder}/check")
    job = f"{folder}/check/two.conf"
    with open(job, "w") as f:
        f.write("[score a]\nspace = nb201\nproxy = params\nrange = 0:50\nout = " + folder + "/check/a.h5\n"
                "[score b]\nspace = nb201\nproxy = random\nout = " + folder + "/check/b b.h5\n"
                "[correlate]\nfile = " + folder + "/check/b b.h5\nagreement = yes\n")
    wrong = {"b.proxy=paramz": "did you mean 'params'", "b.range=10:5": "10:5", "b.space=nb202": "nb202",
             "b.data=/no/where b.proxy=naswot": "/no/where", "b.out=/no/x.h5": "/no", "b.set=random.x=1": "random.x",
             "b.dataset=cifar-10": "did you mean 'cifar10'", "b.arch=zzz": "zzz", "b.seed=x": "'x'", "b.sample=16000": "16000",
             "b.proxy=dummy b.set=dummy.rate=-1": "rate", f"b.out={folder}/check/a.h5": "written by [score a]",
             "b.proxy=naswot b.data=" + folder: "no data set", "correlate.subset=uniq": "--subset uniq",
             "correlate.file=none.h5": "none.h5", "correlate.level=2": "--level", "correlate.compare=sed": "A,B",
             "correlate.format=pdf": "pdf"}
    for words, fragment in wrong.items():
        p = run(2 if "proxy=p" in words else None, "run", job, *words.split(" "))
        report(p.returncode in (1, 2) and len(messages(p)) == 1 and fragment in p.stderr and "two.conf: [" in p.stderr
               and "[1/" not in p.stderr and os.listdir(f"{folder}/check") == ["two.conf"],
               f"{words.replace(folder, 'FOLDER')}: refused before anything runs", p.stderr)
    p = run(2, "run", job)
    report(p.returncode == 0 and os.path.exists(f"{folder}/check/b b.h5"), "a file with a blank in its name", p.stderr)
    p = run(None, "run", job, f"correlate.file='{folder}/check/b b.h5' \"{folder}/check/a.h5\"")
    report(p.returncode == 0 and "random" in p.stdout and "params" in p.stdout, "several of them in quotes",
           p.stderr + p.stdout)
    p = run(None, "run", job, f"b.out=\"{folder}/check/c c.h5\"", "correlate.needs=/none")
    report(p.returncode == 0 and os.path.exists(f"{folder}/check/c c.h5"), "quotes are no part of a name", p.stderr)
    p = run(2, "run", job, f"b.out={folder}/check/d.h5", "b.proxy=dummy", "b.set=dummy.fail=0", "b.range=0:20",
            f"correlate.file={folder}/check/a.h5")
    report(p.returncode == 1 and "[3/3]" in p.stderr and "1 of 3 sections left failed rows" in p.stderr,
           "failed rows do not keep later sections from running, and show in the status", p.stderr)


def read_before_it_is_made(folder):
    with open(f"{folder}/early.conf", "w") as f:
        f.write(f"[correlate]\nfile = {folder}/late.h5\nagreement = yes\n"
                f"[score]\nspace = nb201\nproxy = params\nrange = 0:9\nout = {folder}/late.h5\n")
    p = run(None, "run", f"{folder}/early.conf")
    report(p.returncode == 1 and "no section before makes it" in p.stderr and not os.path.exists(f"{folder}/late.h5"),
           "a file that only a later section makes cannot be read", p.stderr)


def shipped_jobs(folder):
    """Every file of jobs/ is understood, but for a value that is made wrong; the smoke test runs."""
    names = sorted(name for name in os.listdir(f"{ROOT}/jobs") if name.endswith(".conf"))
    bad = []
    for name in names:
        p = run(None, "run", f"{ROOT}/jobs/{name}", f"where={folder}", "checkpoint=never")
        if p.returncode != 2 or "[1/" in p.stderr or "--checkpoint" not in messages(p)[-1]:
            bad.append(name + ": " + p.stderr)
    report(names and not bad, f"all {len(names)} shipped job files are understood", "\n".join(bad))
    p = run(2, "run", f"{ROOT}/jobs/smoke.conf", f"where={folder}", "nb101.needs=/none")
    report(p.returncode == 0 and p.stderr.count(": complete") == 2, "the smoke test runs", p.stderr)


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
    few = ["score", "nb201", "--range", "0:300", "--proxy", "random", "--out"]
    some = {}
    for seeds in ("1", "1,2", "2,3", "3,2", "1,2,3"):
        some[seeds] = f"{folder}/some{seeds}.h5"
        run(None, *few, some[seeds], "--seed", seeds)
    for one, two in (("1,2", "2,3"), ("2,3", "1,2"), ("3,2", "1"), ("1,2", "1,2,3")):
        p = run(None, "merge", some[one], some[two], "--out", out)
        report(p.returncode == 0 and not different(some["1,2,3"], out), f"seeds {one} and {two}: each is taken once", p.stderr)
    few = ["score", "nb201", "--range", "0:3", "--out"]
    for proxy in ("mlfe", "meco", "synflow", "l2_norm"):  # take none of the data's images
        names = [f"{folder}/{proxy}{samples}.h5" for samples in (4, 8)]
        told = [run(None, *few, name, "--proxy", proxy, "--samples", samples).returncode
                for name, samples in zip(names, ("4", "8"))]
        p = run(None, "merge", *names, "--out", f"{folder}/images.h5")
        with h5py.File(f"{folder}/images.h5") as f:
            options = f[f"nb201/score/{proxy}"].attrs.get("options", "")
        report(told == [0, 0] and p.returncode == 0 and "samples=" not in options,
               f"{proxy} is the same whatever --samples", p.stderr + str(options))
    p = run(None, "merge", low, high, "--out", out)
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
    real = {1: math.inf, 2: math.inf, 4: math.inf}

    def again(ranks):
        """Keeps the run if it is the shortest: a busy machine makes one longer, and never shorter."""
        out = f"{folder}/real{ranks}.h5"
        if os.path.exists(out):
            os.remove(out)
        run(ranks, "score", "nb201", *work, "--out", out)
        with h5py.File(out) as f:
            last = dict(item.split("=") for item in text_of(f, "sessions").splitlines()[-1].split())
        if float(last["wall"]) < real[ranks]:
            real[ranks] = float(last["wall"])
            os.replace(out, f"{folder}/least{ranks}.h5")  # what is simulated is the run that it is held to

    for ranks in (1, 2, 4, 1, 2, 4, 1, 2, 4):
        again(ranks)
    p = run(None, "simulate", "nb201", *work, "--measured", f"{folder}/least1.h5", "--ranks", "1,2,4", "--format", "csv")
    lines = [line.split(",") for line in p.stdout.splitlines()]
    place = lines[0].index("seconds")
    for line in lines[1:]:
        ranks, seconds = int(line[0]), float(line[place])
        for _ in range(9):
            if real[ranks] > 1.05 * seconds:
                again(ranks)
        report(abs(seconds / real[ranks] - 1) < 0.05, f"simulated time on {ranks} ranks within 5 % of the real one",
               f"simulated {seconds}, real {real[ranks]}")


if __name__ == "__main__":
    run_parts(job_files, checked_before_it_runs, read_before_it_is_made, shipped_jobs, merging, simulator)
