#!/usr/bin/python3
"""nasweep search against what NumPy and SciPy say: exact expectations, the same searches written again in Python, models
refitted, ranks of MPI, published figures, and what must be refused."""

import csv
import io
import json
import math
import os
import re
import sys

import h5py
import numpy as np
import scipy.stats as st

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import nasweep, run, test  # noqa: E402

TABLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "results", "tables")
EMPTY = {"NASWEEP_DATA": "", "NASWEEP_TABLES": TABLES}
OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]


def search(*words, **options):
    done = nasweep("search", *words, "--format", "json", env={**EMPTY, **options.pop("env", {})}, **options)
    return json.loads(done.stdout)


def kind(objects, name, **wanted):
    return [o for o in objects if o["kind"] == name and all(o[k] == v for k, v in wanted.items())]


_real = {}


def real():
    """The space's ids and the accuracies that come with the program."""
    if not _real:
        for epochs in (12, 200):
            nasweep("import", "packed", os.path.join(TABLES, f"nb201_accuracy_{epochs}ep.table"), "--out", f"{epochs}.h5", env=EMPTY)
            with h5py.File(f"{epochs}.h5") as f:
                g = f["nb201"]
                _real["id"] = [i.decode() for i in g["id"][:]]
                for dataset in g["accuracy"]:
                    for split in g["accuracy"][dataset]:
                        _real[f"{dataset}/{split}"] = g["accuracy"][dataset][split][:]
    return _real


def write(path, columns, scores=None, status=None, space="nb201", epochs=None):
    """A result file of the first rows of nb201 with accuracies {DATASET/SPLIT: values} and scores."""
    n = len(next(iter(columns.values()))) if columns else len(next(iter(scores.values())))
    with h5py.File(path, "w") as f:
        f.attrs["format"] = np.bytes_("nasweep")
        f.attrs["format_version"] = np.int32(1)
        g = f.create_group(space)
        g["index"] = np.arange(n, dtype="u4")
        g["class"] = np.arange(n, dtype="u4")
        g["id"] = np.array([b"%06d" % i for i in range(n)], dtype="S95")
        g["params"] = np.arange(n, dtype="u8")
        g["macs"] = np.arange(n, dtype="u8")
        for name, value in columns.items():
            d = g.create_dataset("accuracy/" + name, data=np.asarray(value, dtype="f8"))
            d.attrs["epochs"] = np.int32((epochs or {}).get(name, int(name.rsplit("-", 1)[1][:-2]) if "ep" in name else 9))
        for name, value in (scores or {}).items():
            d = g.create_dataset("score/" + name, data=np.asarray(value, dtype="f8"))
            d.attrs["direction"] = np.int32(1)
            g["status/" + name] = np.asarray(np.ones(n) if status is None else status, dtype="u1")
            g["seconds/" + name] = np.zeros(n, dtype="f4")
    return path


def near(a, b, error, sigmas=4.5):
    assert abs(a - b) <= sigmas * error, f"{a} is not {b} within {sigmas} x {error}"


# ---- random search ----

@test("random search: mean of the best and of what is reported are what order statistics say, at every budget")
def _():
    look, report = real()["cifar10/valid-12ep"], real()["cifar10/test-200ep"]
    order = np.argsort(look, kind="stable")
    n = len(look)
    line, = kind(search("nb201", "--method", "random", "--repeats", 4000, "--budget", 50, "--report",
                        "cifar10/test-200ep"), "search")
    for budget in (1, 7, 50):
        # The best of `budget` drawn without replacement is the i-th smallest (from 1) with this probability.
        i = np.arange(1, n + 1)
        p = np.exp(st.hypergeom.logcdf(0, n, n - i, budget)) - np.exp(st.hypergeom.logcdf(0, n, n - i + 1, budget))
        mean = (p * report[order]).sum()
        deviation = math.sqrt((p * report[order] ** 2).sum() - mean ** 2)
        point = line["curve"][budget - 1]
        assert point["at"] == budget
        near(point["mean"], mean, deviation / math.sqrt(4000))
        near(point["deviation"], deviation, deviation * .08)


# ---- evolution, written again ----

def evolve(look, report, genes, index_of, rng, budget, population=10, sample=10):
    alive, best = [], None
    for step in range(budget):
        if step < population:
            child = int(rng.integers(len(genes)))
        else:
            parent = max((alive[k] for k in rng.integers(0, population, sample)), key=lambda c: look[c])
            word = list(genes[parent])
            g = rng.integers(6)
            word[g] = int(rng.choice([v for v in range(5) if v != word[g]]))
            child = index_of[tuple(word)]
        alive = (alive + [child])[-population:]
        if best is None or look[child] > look[best]:
            best = child
    return report[best]


@test("evolution: the same search written again in Python finds the same, in distribution")
def _():
    data = real()
    look, report, ids = data["cifar10/valid-12ep"], data["cifar10/test-200ep"], data["id"]
    genes = [tuple(OPS.index(word.split("~")[0]) for word in re.findall(r"[a-z0-9_]+~", i)) for i in ids]
    index_of = {g: i for i, g in enumerate(genes)}
    rng = np.random.default_rng(1)
    for population, sample in ((10, 10), (30, 4)):
        slow = np.array([evolve(look, report, genes, index_of, rng, 60, population, sample) for _ in range(250)])
        line, = kind(search("nb201", "--method", "evolution", "--repeats", 2000, "--budget", 60, "--report",
                            "cifar10/test-200ep", "--set", f"evolution.population={population}", "--set",
                            f"evolution.sample={sample}"), "search")
        error = math.hypot(slow.std() / math.sqrt(250), line["deviation"] / math.sqrt(2000))
        near(line["mean"], slow.mean(), error, 4)
        near(line["median"], np.median(slow), 2 * slow.std() / math.sqrt(250), 4)


@test("published baselines: random search and evolution on nb201 are within their errors, and the table says so")
def _():
    objects = search("nb201", "--method", "random,evolution", "--budget", 97)
    published = {("random", "cifar10"): (93.70, .36), ("random", "cifar100"): (71.04, 1.07),
                 ("random", "ImageNet16-120"): (44.57, 1.25), ("evolution", "cifar10"): (93.92, .30),
                 ("evolution", "cifar100"): (71.84, .99), ("evolution", "ImageNet16-120"): (45.54, 1.03)}
    for (method, dataset), (mean, deviation) in published.items():
        line, = kind(objects, "search", method=method, dataset=dataset)
        assert (line["look"], line["split"], line["repeats"]) == ("cifar10/valid-12ep", "test-200ep", 500)
        bound = .1 * deviation if method == "random" else deviation
        assert abs(line["mean"] - mean) < bound, (method, dataset, line["mean"])
        figure, = kind(objects, "published", method=method, dataset=dataset)
        assert (figure["mean"], figure["deviation"], figure["source"]) == (mean, deviation, "arXiv 2001.00326")
    out = nasweep("search", "nb201", "--repeats", 2, "--published", env=EMPTY).stdout
    assert "published: 93.70 ± 0.36" in out and "published: DrNAS" in out and "published: L2NAS" in out


@test("every method: the curve rises with the accuracies looked at, the same for 1, 2 and 3 ranks")
def _():
    words = ["nb201", "--method", "random,evolution,local,reinforce,prune,ridge,gp,mlp,gcn,score,two-step", "--proxy",
             "params", "--use", "start,ties,inputs,start+filter", "--repeats", 3, "--budget", 25, "--seed", 7, "--report",
             "cifar10/test-200ep,cifar100/test-200ep"]
    for model in ("mlp", "gcn"):
        words[1:1] = ["--set", f"{model}.epochs=20"]
    one = search(*words)
    assert search(*words, ranks=2) == one
    assert search(*words, ranks=3) == one
    assert search(*[w if w != 7 else 8 for w in words]) != one
    seen = {(o["method"], o["use"], o["proxy"]) for o in kind(one, "search")}
    assert len(seen) == 9 * (1 + 3) + 4 + 2, len(seen)
    look = kind(search(*words[:-1], "cifar10/valid-12ep"), "search")
    for line in look:
        values = [p["mean"] for p in line["curve"]]
        assert all(a <= b + 1e-12 for a, b in zip(values, values[1:])), line["method"]
        assert line["looked"] == line["mean"]


@test("what is looked at and reported are different columns unless both are named, which is said")
def _():
    line, = kind(search("nb201", "--method", "random", "--repeats", 3, "--report", "cifar10/test-200ep"), "search")
    assert line["look"] == "cifar10/valid-12ep"
    done = nasweep("search", "nb201", "--look", "cifar10/valid", "--report", "cifar10/valid", "--repeats", 2, env=EMPTY)
    assert "looked at and reported" in done.stderr


# ---- scores ----

@test("gains: mean over pairs as the repeats of both searches give it, interval as a bootstrap of NumPy's gives it")
def _():
    rng = np.random.default_rng(2)
    n = 900
    look, report = rng.normal(70, 5, n), rng.normal(70, 5, n)
    write("s.h5", {"a/valid-9ep": look, "a/test-9ep": report}, {"good": report + rng.normal(0, 1, n)})
    objects = search("s.h5", "--method", "random", "--proxy", "good", "--use", "filter", "--budget", 5, "--repeats", 300)
    plain, = kind(objects, "search", use="")
    used, = kind(objects, "search", use="filter")
    gain, = kind(objects, "gain")
    assert abs(gain["mean"] - (used["mean"] - plain["mean"])) < 1e-9
    assert gain["pairs"] == 300 == gain["better"] + gain["equal"] + gain["worse"]
    assert gain["beside"] == "random" and len(gain["curve"]) == 5
    assert abs(gain["curve"][-1]["mean"] - gain["mean"]) < 1e-12
    error = gain["curve"][-1]["error"]
    assert abs((gain["high"] - gain["low"]) / (2 * 1.96 * error) - 1) < .12
    assert gain["low"] > 0, "a good score must help"


@test("a score alone with one training is its top; two steps are best of the top k of those drawn")
def _():
    rng = np.random.default_rng(3)
    n = 500
    look, report, score = rng.random(n), rng.random(n), rng.permutation(n).astype(float)
    write("s.h5", {"a/valid-9ep": look, "a/test-9ep": report}, {"s": score})
    line, = kind(search("s.h5", "--method", "score", "--proxy", "s", "--budget", 1, "--repeats", 9), "search",
                 method="score")
    assert line["mean"] == report[score.argmax()] and line["deviation"] == 0
    assert line["found"][0]["index"] == score.argmax() and line["found"][0]["times"] == 9
    # All drawn: no chance is left.
    line, = kind(search("s.h5", "--method", "two-step", "--proxy", "s", "--budget", 20, "--repeats", 9, "--set",
                        f"two-step.candidates={n}"), "search", method="two-step")
    top = np.argsort(-score)[:20]
    assert line["mean"] == report[top[look[top].argmax()]]
    # Fewer drawn: expectation by simulation.
    line, = kind(search("s.h5", "--method", "two-step", "--proxy", "s", "--budget", 10, "--repeats", 2000, "--set",
                        "two-step.candidates=50"), "search", method="two-step")
    slow = []
    for _ in range(2000):
        drawn = rng.permutation(n)[:50]
        top = drawn[np.argsort(-score[drawn])[:10]]
        slow.append(report[top[look[top].argmax()]])
    near(line["mean"], np.mean(slow), np.std(slow) / math.sqrt(1000))


@test("a row whose score failed or is pending is left out and counted; one without a path takes part as the worst")
def _():
    n = 100
    look = np.arange(n, dtype=float)
    status = np.ones(n)
    status[90:95] = 3
    status[95:98] = 0
    status[98:] = 2
    write("s.h5", {"a/valid-9ep": look, "a/test-9ep": look}, {"s": look}, status)
    done = nasweep("search", "s.h5", "--method", "score", "--proxy", "s", "--budget", 1, "--format", "json", env=EMPTY)
    line, = kind(json.loads(done.stdout), "search", method="score")
    assert (line["n"], line["unscored"], line["mean"]) == (92, 8, 89)
    assert "8 are left out as a score of theirs failed or is pending" in done.stderr
    line, = kind(search("s.h5", "--method", "random", "--budget", 100), "search")
    assert (line["n"], line["mean"]) == (100, 99), "without the score all take part"


@test("a score that is the same for all chooses at random, and that is said")
def _():
    n = 400
    look = np.arange(n, dtype=float)
    write("s.h5", {"a/valid-9ep": look, "a/test-9ep": look}, {"s": np.full(n, 2.5)})
    done = nasweep("search", "s.h5", "--method", "score", "--proxy", "s", "--budget", 1, "--repeats", 3000, "--format",
                   "json", env=EMPTY)
    assert "all candidates have the same score s" in done.stderr
    line, = kind(json.loads(done.stdout), "search", method="score")
    near(line["mean"], (n - 1) / 2, n / math.sqrt(12) / math.sqrt(3000))


# ---- models ----

def paths(ident):
    """Counts of operations, and of paths by the operations on them."""
    ops = [OPS.index(w.split("~")[0]) for w in re.findall(r"[a-z0-9_]+~", ident)]
    out = {("op", o): ops.count(o) for o in range(5)}
    for route in ((3,), (0, 4), (1, 5), (0, 2, 5)):
        on = tuple(ops[e] for e in route)
        if 0 not in on:
            out[on] = out.get(on, 0) + 1
    return out


@test("ridge: NumPy's fits to random samples rank the space as well, by Spearman")
def _():
    data = real()
    look, report = data["cifar10/valid-12ep"], data["cifar10/test-200ep"]
    rows = [paths(i) for i in data["id"]]
    names = sorted({k for r in rows for k in r}, key=str)
    x = np.array([[r.get(k, 0) for k in names] for r in rows], dtype=float)
    x -= x.mean(0)
    x /= math.sqrt(x.var(0).mean())
    gram_of = lambda a, b: a @ b.T / x.shape[1]
    rng = np.random.default_rng(4)
    slow = []
    for _ in range(40):
        s = rng.permutation(len(x))[:100]
        y = st.norm.ppf((st.rankdata(look[s]) - .5) / 100)
        k, best = gram_of(x[s], x[s]), None
        for noise in (.003, .01, .03, .1, .3, 1, 3):
            inverse = np.linalg.inv(k + noise * np.eye(100))
            error = np.mean((inverse @ y / np.diag(inverse)) ** 2)
            if best is None or error < best[0]:
                best = error, inverse @ y
        slow.append(st.spearmanr(gram_of(x, x[s]) @ best[1], report)[0])
    objects = search("nb201", "--method", "ridge", "--budget", 100, "--repeats", 60, "--report", "cifar10/test-200ep")
    line, = kind(objects, "model", column="cifar10/test-200ep")
    near(line["spearman"], np.mean(slow), math.hypot(np.std(slow) / math.sqrt(40), line["spearman_deviation"] / math.sqrt(60)))


@test("models find more than random search, and more with a score that tells as an input")
def _():
    data = real()
    look, report = data["cifar10/valid-12ep"], data["cifar10/test-200ep"]
    rng = np.random.default_rng(5)
    write("s.h5", {"cifar10/valid-12ep": look, "cifar10/test-200ep": report},
          {"s": look + rng.normal(0, look.std() / 4, len(look))})
    objects = search("s.h5", "--method", "ridge,gp,mlp,gcn", "--proxy", "s", "--use", "inputs", "--budget", 80,
                     "--repeats", 6)
    chance, = kind(search("s.h5", "--method", "random", "--budget", 80), "search")
    for method in ("ridge", "gp", "mlp", "gcn"):
        plain, = kind(objects, "search", method=method, use="")
        assert plain["looked"] > chance["looked"], method
        without, = kind(objects, "model", method=method, use="", column="cifar10/valid-12ep")
        scored, = kind(objects, "model", method=method, use="inputs", column="cifar10/valid-12ep")
        assert scored["spearman"] > without["spearman"] + .05, (method, scored["spearman"], without["spearman"])


@test("a graph network fitted to nb101 ranks nb201 untouched")
def _():
    objects = search("nb101", "nb201", "--transfer", "nb101", "--transfer-sample", 3000, "--method", "score", "--budget",
                     1, "--repeats", 2, "--report", "cifar10/test-200ep", timeout=300)
    line, = kind(objects, "model", column="cifar10/test-200ep")
    assert line["proxy"] == "gcn:nb101" and line["spearman"] > .6, line["spearman"]
    assert not kind(objects, "search", space="nb101")
    found, = kind(objects, "search", method="score")
    assert found["mean"] > 92


# ---- budgets of other kinds ----

@test("seconds of training: by a column, or by the epoch")
def _():
    rng = np.random.default_rng(6)
    n = 300
    look = rng.random(n)
    write("s.h5", {"a/valid-9ep": look, "a/test-9ep": look, "a/seconds-9ep": np.full(n, 25.)})
    with h5py.File("s.h5", "r+") as f:
        f["nb201/accuracy/a/seconds-9ep"].attrs["unit"] = np.bytes_("seconds")
    line, = kind(search("s.h5", "--method", "random", "--seconds", 1000, "--repeats", 4), "search")
    assert (line["unit"], line["budget"], line["trainings"]) == ("seconds", 1000, 40)
    line, = kind(search("s.h5", "--method", "random", "--seconds", 1000, "--epoch-seconds", 10, "--repeats", 4), "search")
    assert line["trainings"] == 11
    by_count, = kind(search("s.h5", "--method", "random", "--budget", 11, "--repeats", 4), "search")
    assert line["mean"] == by_count["mean"], "the same searches, whatever the budget is counted in"


@test("hyperband and bohb: short trainings cost their share of epochs")
def _():
    rng = np.random.default_rng(7)
    n = 2000
    look = rng.random(n)
    write("s.h5", {"a/valid-90ep": look, "a/valid-30ep": look, "a/valid-10ep": look, "a/test-90ep": look})
    objects = search("s.h5", "--method", "random,hyperband,bohb", "--look", "a/valid-90ep", "--budget", 40, "--repeats", 200)
    mean = {o["method"]: o["mean"] for o in kind(objects, "search")}
    tried = {o["method"]: o["trainings"] for o in kind(objects, "search")}
    assert tried["random"] == 40 and tried["hyperband"] > 60 and tried["bohb"] > 60
    # Short trainings that rank as long ones do make the best of more.
    near(mean["random"], 40 / 41, .01)
    assert mean["hyperband"] > mean["random"]


# ---- formats and bad input ----

@test("CSV has a line for every point of every curve; --out writes files by their names, whole or not at all")
def _():
    nasweep("search", "nb201", "--repeats", 3, "--budget", 20, "--points", 10, "--out", "a.csv", env=EMPTY)
    nasweep("search", "nb201", "--repeats", 3, "--budget", 20, "--points", 10, "--out", "a.json", env=EMPTY)
    with open("a.csv") as f:
        rows = list(csv.DictReader(f))
    with open("a.json") as f:
        lines = kind(json.load(f), "search")
    assert len(rows) == 2 * 3 * 10 == sum(len(line["curve"]) for line in lines)
    for row, point in zip(rows, (p for line in lines for p in line["curve"])):
        assert float(row["mean"]) == point["mean"] and float(row["q95"]) == point["q95"]
    done = nasweep("search", "nb201", "--out", "no/where.json", status=1, env=EMPTY)
    assert "no/where.json" in done.stderr or "no" in done.stderr
    text = nasweep("search", "nb201", "--repeats", 3, "--format", "csv", env=EMPTY).stdout
    assert len(list(csv.DictReader(io.StringIO(text)))) == 600


@test("one clear message for what cannot be done")
def _():
    n = 50
    value = np.arange(n, dtype=float)
    write("plain.h5", {"a/test-9ep": value})
    write("both.h5", {"a/valid-9ep": value, "a/test-9ep": value}, {"s": value})
    write("none.h5", {}, {"s": value})
    nothing = np.full(n, np.nan)
    write("gaps.h5", {"a/valid-9ep": nothing, "a/test-9ep": value})
    for words, status, text in (
            (["plain.h5"], 1, "no validation accuracies"),
            (["plain.h5"], 1, "a/test-9ep"),
            (["none.h5"], 1, "no trained accuracies"),
            (["gaps.h5"], 1, "no architecture has all the columns"),
            (["both.h5", "--budget", 51], 2, "beyond the space: nb201 has 50 candidates"),
            (["both.h5", "--budget", 0], 2, "--budget"),
            (["both.h5", "--repeats", 0], 2, "--repeats"),
            (["both.h5", "--look", "a/vaild"], 2, "no such column; nb201 has a/test-9ep, a/valid-9ep"),
            (["both.h5", "--method", "evolutoin"], 2, "did you mean 'evolution'"),
            (["both.h5", "--method", "score"], 2, "name one with --proxy"),
            (["both.h5", "--proxy", "t"], 2, "no such score; nb201 has s"),
            (["both.h5", "--use", "begin", "--proxy", "s"], 2, "start, filter, ties or inputs"),
            (["both.h5", "--set", "evolution.size=3"], 2, "no such setting"),
            (["both.h5", "--method", "evolution", "--budget", 5, "--set", "evolution.population=0"], 2, "from 1"),
            (["both.h5", "--method", "hyperband", "--budget", 5], 2, "fewer epochs"),
            (["both.h5", "--seconds", 100], 1, "--epoch-seconds"),
            (["both.h5", "--seconds", -1], 2, "above 0"),
            (["both.h5", "--seconds", 9, "--budget", 9], 2, "one of them"),
            (["both.h5", "--transfer", "nb101"], 2, "none of the operands"),
            ([], 2, "missing")):
        for ranks in (None, 2):
            if ranks and text != "no validation accuracies":
                continue
            done = nasweep("search", *words, status=status, ranks=ranks, env={**EMPTY, "NASWEEP_TABLES": ""})
            assert text in done.stderr, (words, done.stderr)
            assert done.stderr.count("nasweep:") == 1, done.stderr


@test("a damaged table of published figures is refused with its line")
def _():
    os.mkdir("tables")
    head = "method,kind,dataset,split,mean,deviation,source,note\n"
    value = np.arange(50, dtype=float)
    write("both.h5", {"a/valid-9ep": value, "a/test-9ep": value})
    for text, message in ((head + "A,b,a,test-9ep,12.5,1,somewhere,\n", None), ("method\n", "line 1"),
                          (head + "A,b,a,test-9ep,120,1,somewhere,\n", "line 2: mean '120' is no percentage"),
                          (head + "A,b,a,test-9ep,12,1,,\n", "needs a method, a data set, a split and a source"),
                          (head + "A,b,a\n", "3 fields instead of 8")):
        with open("tables/nb201_published.csv", "w") as f:
            f.write(text)
        done = nasweep("search", "both.h5", "--budget", 5, "--repeats", 2, "--format", "json", "--method", "random",
                       status=1 if message else 0, env={**EMPTY, "NASWEEP_TABLES": "tables"})
        if message:
            assert message in done.stderr, done.stderr
        else:
            figure, = kind(json.loads(done.stdout), "published")
            assert (figure["mean"], figure["note"]) == (12.5, None)


@test("completion offers methods, and the columns of files at hand")
def _():
    value = np.arange(50, dtype=float)
    write("both.h5", {"a/valid-9ep": value, "a/test-9ep": value}, {"s": value})
    for line, wanted in (("nasweep search both.h5 --method evo", ["evolution"]),
                         ("nasweep search both.h5 --method random,two", ["random,two-step"]),
                         ("nasweep search both.h5 --look a/v", ["a/valid-9ep"]),
                         ("nasweep search both.h5 --proxy ", ["s"]), ("nasweep search nb2", ["nb201"]),
                         ("nasweep search both.h5 --format j", ["json"])):
        done = nasweep("help", "--complete", line)
        assert done.stdout.split() == wanted, (line, done.stdout)


@test("--list-methods tells every method, its settings and its source")
def _():
    out = nasweep("search", "--list-methods").stdout
    for word in ("random", "evolution", "two-step", "gcn", "--set evolution.population=10", "WeakNAS"):
        assert word in out, word


run()
