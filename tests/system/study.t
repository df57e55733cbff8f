#!/usr/bin/python3
"""Correlations, selection and their commands against SciPy and NumPy, on random columns with heavy ties and on the real
tables."""

import csv
import gzip
import io
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import warnings

import h5py
import numpy as np
import scipy.stats as st

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import finish, report, skip  # noqa: E402

warnings.filterwarnings("ignore")

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")
DATA = os.environ.get("NASWEEP_DATA")
EMPTY = dict(os.environ)
EMPTY.pop("NASWEEP_DATA", None)


def run(*words, env=EMPTY, ranks=0):
    line = (["mpirun", "-n", str(ranks)] if ranks else []) + [NASWEEP, *map(str, words)]
    return subprocess.run(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def load(*words, **options):
    r = run(*words, "--format", "json", **options)
    if r.returncode:
        raise RuntimeError(f"status {r.returncode}: {r.stderr}")
    return json.loads(r.stdout)


FOLDER = tempfile.TemporaryDirectory(prefix="nasweep_study_")


def path(name):
    return os.path.join(FOLDER.name, name)


def write(name, scores, accuracy, params=None, macs=None, status=None, space="nb201", seeds=None):
    """A result file with the least a reader needs."""
    n = len(accuracy)
    with h5py.File(path(name), "w") as f:
        f.attrs["format"] = np.bytes_("nasweep")
        f.attrs["format_version"] = np.int32(1)
        g = f.create_group(space)
        g["index"] = np.arange(n, dtype="u4")
        g["class"] = np.arange(n, dtype="u4")
        g["id"] = np.array([b"%06d" % i for i in range(n)], dtype="S80" if space == "nb201" else "S32")
        g["params"] = np.asarray(np.arange(n) if params is None else params, dtype="u8")
        g["macs"] = np.asarray(np.arange(n) if macs is None else macs, dtype="u8")
        for proxy, value in scores.items():
            d = g.create_dataset("score/" + proxy, data=np.asarray(value, dtype="f8"))
            d.attrs["direction"] = np.int32(-1 if proxy.startswith(("minus", "ntk_")) else 1)
            g["status/" + proxy] = np.asarray(np.ones(n) if status is None else status, dtype="u1")
            g["seconds/" + proxy] = np.zeros(n, dtype="f4")
            if seeds and proxy in seeds:
                g["by_seed/" + proxy] = np.asarray(seeds[proxy], dtype="f8")
        if accuracy is not None:
            g["accuracy/cifar10/test"] = np.asarray(accuracy, dtype="f8")
    return path(name)


def close(a, b, absolute=1e-12, relative=1e-12):
    """A null of ours is a NaN of SciPy's."""
    if a is None:
        return b is None or not math.isfinite(b)
    return b is not None and math.isfinite(b) and abs(a - b) <= absolute + relative * abs(b)


def expect(x, y):
    """What SciPy says of two columns."""
    with np.errstate(all="ignore"):
        n = len(x)
        out = dict.fromkeys(("spearman", "spearman_p", "kendall_tau_b", "kendall_p", "weighted_tau", "pearson"))
        if n >= 2:
            # Dense ranks in place of values: SciPy takes -inf and inf together for a NaN.
            r = np.unique(x, return_inverse=True)[1]
            rho = st.spearmanr(r, y)
            out["spearman"], out["spearman_p"] = rho[0], rho[1] if n > 2 else 1.0
            tau = st.kendalltau(r, y)
            out["kendall_tau_b"], out["kendall_p"] = tau[0], tau[1]
            out["weighted_tau"] = st.weightedtau(r, y)[0]
            keep = np.isfinite(x)
            if keep.sum() >= 2 and len(set(x[keep])) > 1 and len(set(y[keep])) > 1:
                out["pearson"] = st.pearsonr(x[keep], y[keep])[0]
    if out["spearman"] is None or not math.isfinite(out["spearman"]):
        out["spearman_p"] = None
    return out


def compare(found, wanted):
    """Names of what differs. SciPy's p-values near 0 carry its own rounding: 1e-9 of their size."""
    bad = []
    for key, value in wanted.items():
        relative = 1e-9 if key.endswith("_p") else 1e-12
        if not close(found[key], value, relative=relative):
            bad.append(f"{key}: {found[key]} for {value}")
    return bad


# ---- random columns ----
rng = np.random.default_rng(7)
bad, tried = [], 0
for n in (0, 1, 2, 3, 5, 20, 33, 34, 60, 200, 1500):
    for values in (1, 2, 6, 40, 10**6):
        x = rng.integers(0, values, n).astype(float)
        y = np.round(np.minimum(100, rng.integers(0, values, n) / values * 60 + x / max(1, values) * 40), 3)
        infinite = x.copy()
        infinite[rng.random(n) < 0.1] = -np.inf
        infinite[rng.random(n) < 0.05] = np.inf
        # The last row has no accuracy: a file is never quite empty.
        columns = {"plain": x, "infinite": infinite, "minus": x}
        file = write("random.h5", {k: np.append(v, 1) for k, v in columns.items()}, np.append(y, np.nan))
        for found in load("correlate", file):
            x = columns[found["proxy"]]
            wrong = compare(found, expect(-x if found["proxy"] == "minus" else x, y))
            if found["n"] != n or found["excluded"] != 1:
                wrong.append(f"n {found['n']}, excluded {found['excluded']}")
            if n >= 2 and found["ties_proxy"] != n - np.sum(np.unique(x, return_counts=True)[1] == 1):
                wrong.append("ties_proxy")
            bad += [f"n {n} values {values} {found['proxy']}: {w}" for w in wrong]
            tried += 1
report(not bad, f"{tried} random pairs of columns equal SciPy to 1e-12, ties, infinities, n = 0, 1, 2", "\n".join(bad[:8]))

# ---- partial correlation, by the residuals' own definition ----
n = 400
size = rng.integers(1, 50, n)
x, y = size + rng.normal(0, 20, n), np.clip(size + rng.normal(0, 20, n) + 30, 0, 100)
(found,) = load("correlate", write("partial.h5", {"x": x}, y, params=size, macs=size[::-1]))
ranks = [st.rankdata(v) for v in (x, y, size)]
design = np.c_[np.ones(n), ranks[2]]
residual = [r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in ranks[:2]]
report(close(found["partial_params"], np.corrcoef(*residual)[0, 1]), "partial correlation is that of the residuals of ranks",
       f"{found['partial_params']} {np.corrcoef(*residual)[0, 1]}")

# ---- no path, failed, pending ----
n = 300
x, y = rng.normal(size=n), rng.uniform(10, 90, n)
status = rng.choice([0, 1, 2, 3], n, p=[0.1, 0.6, 0.2, 0.1])
x[status != 1] = np.nan
file = write("status.h5", {"x": x}, y, status=status)
(found,) = load("correlate", file)
lowest = np.where(status == 2, -np.inf, x)
part = (status == 1) | (status == 2)
wrong = compare(found, {k: v for k, v in expect(lowest[part], y[part]).items()})
counts = [found[k] for k in ("n", "no_path", "pending", "failed", "pearson_n")]
if counts != [int(part.sum())] + [int((status == s).sum()) for s in (2, 0, 3, 1)]:
    wrong.append(str(counts))
table = run("correlate", file).stdout
if f"{(status == 0).sum()} pending, left out" not in table:
    wrong.append(table)
report(not wrong, "no path takes part with the lowest rank; pending and failed are left out and counted", wrong)

(found,) = load("correlate", write("constant.h5", {"x": np.ones(50)}, rng.uniform(0, 90, 50)))
ok = all(found[k] is None for k in ("spearman", "kendall_tau_b", "pearson", "weighted_tau", "kendall_p"))
report(ok and found["undefined"] == "constant score", "a constant score has no correlation, and it is said", found)

# ---- formats say the same numbers ----
file = write("formats.h5", {"a_b": rng.normal(size=80), "c%d&e#f": rng.normal(size=80)}, rng.uniform(10, 90, 80))
as_json = load("correlate", file, "--intervals", 50)
as_csv = list(csv.DictReader(io.StringIO(run("correlate", file, "--intervals", 50, "--format", "csv").stdout)))
ok = len(as_csv) == 2 and all(float(c["spearman"]) == j["spearman"] and c["proxy"] == j["proxy"] and
                              float(c["kendall_tau_b_bca_low"]) == j["intervals"]["kendall_tau_b"]["bca"][0]
                              for c, j in zip(as_csv, as_json))
report(ok, "CSV and JSON hold the same numbers")
latex, markdown = (run("correlate", file, "--format", f).stdout for f in ("latex", "markdown"))
shown = f"{as_json[0]['spearman']:.3f}"
report("\\toprule" in latex and "a\\_b" in latex and "c\\%d\\&e\\#f &" in latex and shown in latex and f"| {shown} |" in markdown,
       "LaTeX and Markdown tables", latex + markdown)
with h5py.File(file, "a") as f:
    f.copy("nb201/accuracy/cifar10/test", "nb201/accuracy/cifar10/valid-12ep")
heads = re.findall(r"multicolumn.*?\{l\}\{(.*?)\}", run("correlate", file, "--format", "latex").stdout)
report([h.split(", ")[:2] for h in heads] == [["cifar10", "test"], ["cifar10", "valid-12ep"]],
       "LaTeX: a heading for every split of a data set", heads)

# ---- intervals ----
n = 120
x = rng.integers(0, 30, n) + rng.normal(0, 0.01, n) * (rng.random(n) < 0.5)
y = np.round(np.clip(50 + x + rng.normal(0, 9, n), 0, 100), 1)
file = write("interval.h5", {"x": x}, y)
words = ("correlate", file, "--intervals", 2000, "--seed", 3, "--weighted-intervals", "--format", "json")
texts = [run(*words, ranks=r).stdout for r in (1, 2, 3, 5)]
report(texts[0] and len(set(texts)) == 1 and run(*words).stdout == texts[0],
       "intervals are identical for 1, 2, 3 and 5 ranks, and without mpirun")
(found,) = json.loads(texts[0])
wrong = []
for key, f in (("spearman", lambda a, b: st.spearmanr(a, b)[0]), ("kendall_tau_b", lambda a, b: st.kendalltau(a, b)[0]),
               ("pearson", lambda a, b: st.pearsonr(a, b)[0]), ("weighted_tau", lambda a, b: st.weightedtau(a, b)[0])):
    for method in ("percentile", "bca"):
        ours = found["intervals"][key][method]
        peer = st.bootstrap((x, y), f, vectorized=False, paired=True, n_resamples=2000, method=method,
                            random_state=1).confidence_interval
        # Both ends carry the chance of 2,000 resamples: a tenth of the width is some four of its deviations.
        if max(abs(ours[0] - peer.low), abs(ours[1] - peer.high)) > 0.1 * (peer.high - peer.low):
            wrong.append(f"{key} {method}: {ours} for {peer}")
report(not wrong, "percentile and BCa intervals agree with scipy.stats.bootstrap", "\n".join(wrong))

status = np.ones(n)
status[:30] = 2
(gap,) = load("correlate", write("gap.h5", {"x": np.where(status == 2, np.nan, x)}, y, status=status), "--intervals", 2000)
peer = st.bootstrap((x[30:], y[30:]), lambda a, b: st.pearsonr(a, b)[0], vectorized=False, paired=True, n_resamples=2000,
                    method="BCa", random_state=1).confidence_interval
ours = gap["intervals"]["pearson"]["bca"]
report(max(abs(ours[0] - peer.low), abs(ours[1] - peer.high)) < 0.1 * (peer.high - peer.low) and
       gap["pearson_n"] == 90 and gap["n"] == 120, "Pearson's interval is over the rows with finite scores", gap)

# ---- ensembles, agreement, stability, permutation test ----
n = 500
a, b = rng.normal(size=n), rng.integers(0, 9, n)
y = np.clip(50 + 8 * a + 2 * b + rng.normal(0, 9, n), 0, 100)
by_seed = np.c_[a + rng.normal(0, 0.5, n), a + rng.normal(0, 0.5, n), a]
noise = rng.normal(size=n)
file = write("several.h5", {"a": by_seed.mean(1), "b": b, "noise": noise}, y, seeds={"a": by_seed})
found = load("correlate", file, "--ensemble", "a+b", "--agreement", "--stability", "--compare", "a,noise", "--permutations", 200)
kinds = {}
for f in found:
    kinds.setdefault(f["kind"], []).append(f)
a = by_seed.mean(1)
mean_rank = (st.rankdata(a) + st.rankdata(b)) / 2
report(close(kinds["correlation"][3]["kendall_tau_b"], st.kendalltau(mean_rank, y)[0]) and
       kinds["correlation"][3]["proxy"] == "a+b", "an ensemble is the mean of average ranks")

def log_ranks(*columns):
    """AZ-NAS's aggregate: the sum of log(rank / n), rank n the best; by whole numbers, so that ties are ties."""
    product = [1] * len(columns[0])
    for c in columns:
        product = [p * int(2 * rank) for p, rank in zip(product, st.rankdata(c))]
    return np.array([math.log(p) - len(columns) * math.log(2 * len(columns[0])) for p in product])


parts = {"az_expressivity": a, "az_progressivity": -b, "az_trainability": rng.integers(0, 40, n), "az_complexity": noise,
         "ntk_cond": np.exp(-a + rng.normal(size=n)), "regions": rng.integers(1, 50, n).astype(float)}
parts["ntk_cond"][:9] = np.inf
status = np.ones(n)
status[3:20] = 2
published = write("published.h5", parts, y, status=status)
found = {f["proxy"]: f for f in load("correlate", published, "--ensemble", "az_nas", "--ensemble", "te_nas",
                                     "--ensemble", "mine=log:regions+az_expressivity",
                                     "--ensemble", "many=log:" + "+".join(["az_trainability", "regions"] * 9))}
dead = status == 2
ranked = {k: np.where(dead, -np.inf, -v if k == "ntk_cond" else v) for k, v in parts.items()}
wanted = {"az_nas": log_ranks(*(ranked["az_" + k] for k in ("expressivity", "progressivity", "trainability", "complexity"))),
          "te_nas": st.rankdata(ranked["ntk_cond"]) + st.rankdata(ranked["regions"]),
          "mine": log_ranks(ranked["regions"], ranked["az_expressivity"]),
          "many": log_ranks(ranked["regions"], ranked["az_trainability"])}  # 18 members: the same order
wrong = [f"{k} {c}: {found[k][c]} for {f(v, y)[0]}" for k, v in wanted.items()
         for c, f in (("spearman", st.spearmanr), ("kendall_tau_b", st.kendalltau), ("weighted_tau", st.weightedtau),
                      ("pearson", st.pearsonr)) if not close(found[k][c], f(v, y)[0])]
wrong += [f"sum of logs: {found[k]['pearson']}" for k in ("az_nas", "mine") if not close(
    found[k]["pearson"], st.pearsonr(sum(np.log(st.rankdata(ranked[m]) / n) for m in
                                         ([m for m in parts if m[:2] == "az"] if k == "az_nas" else ("regions", "az_expressivity"))), y)[0])]
report(not wrong and found["az_nas"]["n"] == n, "AZ-NAS, TE-NAS and named ensembles by SciPy's ranks", wrong)
ok = len(kinds["agreement"]) == 6 and close(kinds["agreement"][0]["spearman"], st.spearmanr(a, b)[0])
report(ok, "agreement of all pairs of scores")
s = kinds["stability"][0]
pairs = [st.kendalltau(by_seed[:, i], by_seed[:, j])[0] for i in range(3) for j in range(i)]
with_y = [st.spearmanr(by_seed[:, i], y)[0] for i in range(3)]
report(close(s["kendall_mean"], np.mean(pairs)) and close(s["kendall_min"], min(pairs)) and s["seeds"] == 3 and
       close(s["accuracy_spearman_mean"], np.mean(with_y)) and close(s["accuracy_spearman_deviation"], np.std(with_y, ddof=1), 1e-9),
       "stability over seeds", s)
c = kinds["contest"][0]
report(close(c["difference"], st.spearmanr(a, y)[0] - st.spearmanr(noise, y)[0])
       and c["p"] == 1 / 201, "permutation test finds a difference that is there", c)
few = np.random.default_rng(3).normal(size=(3, 10))  # so few that all 1,024 permutations can be gone through
u, v, w = ((r - r.mean()) / np.linalg.norm(r - r.mean()) for r in map(st.rankdata, few))
gap = (u - v) * w
flips = np.array(list(itertools.product((1, -1), repeat=10))) @ gap
exact = np.mean(np.abs(flips) >= abs(gap.sum()) * (1 - 1e-9))
for names in ("p,q", "q,p"):
    found = load("correlate", write("few.h5", {"p": few[0], "q": few[1]}, 50 + 10 * few[2]), "--compare", names, "--permutations", 40000)
    report(0.1 < exact < 0.9 and close(found[-1]["p"], exact, 0.02), f"{names}: the share of all permutations, by both tails",
           (exact, found[-1]))
found = load("correlate", write("null.h5", {"p": rng.normal(size=n), "q": rng.normal(size=n)}, y), "--compare", "p,q")
report(found[-1]["p"] > 0.02, "and none where there is none", found[-1])
words = ("correlate", file, "--compare", "b,noise", "--format", "json")
report(run(*words, ranks=3).stdout == run(*words).stdout, "permutations are identical for 1 and 3 ranks")

# ---- subsets, on real cells ----
whole = path("whole.h5")
r = run("score", "nb201", "--proxy", "sed,params", "--out", whole)
with h5py.File(whole, "r+") as f:
    g = f["nb201"]
    ids, params, cls, index = [x.decode() for x in g["id"][:]], g["params"][:], g["class"][:], g["index"][:]
    accuracy = np.clip(np.round(50 + 10 * np.random.default_rng(2).normal(size=len(ids)), 1), 0, 100)
    g["accuracy/cifar10/test"] = accuracy
    connected = g["status/sed"][:] != 2
    sed = np.where(connected, g["score/sed"][:], -np.inf)
skips = np.array([i.count("skip_connect") for i in ids])
found = load("correlate", whole, "--proxy", "sed", "--subset", "all,unique,path,top:10,size,skips,depth")
n_of = {f["subset"]: f["n"] for f in found}
border = np.sort(accuracy)[-math.ceil(0.1 * len(accuracy))]
wanted = {"all": 15625, "unique": int((cls == index).sum()), "path": int(connected.sum()), "top:10": int((accuracy >= border).sum())}
wanted.update({f"skips:{k}": int((skips == k).sum()) for k in range(7)})
wrong = [f"{k}: {n_of.get(k)} for {v}" for k, v in wanted.items() if n_of.get(k) != v]
wrong += [] if n_of["unique"] == 6466 and n_of["path"] == 15284 else ["unique or path"]
wrong += [] if sum(v for k, v in n_of.items() if k.startswith("size:")) == 15625 else ["sizes"]
wrong += [] if [n_of[f"depth:{d}"] for d in range(4)][0] == 341 else ["depth:0"]
top = [f for f in found if f["subset"] == "top:10"][0]
wrong += compare(top, {"spearman": st.spearmanr(sed[accuracy >= border], accuracy[accuracy >= border])[0]})
report(not wrong, "subsets hold the rows they say", wrong)

# ---- selection ----
found = load("select", whole, "--proxy", "sed", "--max-params", 600000)
curve = {f["proxy"]: f for f in found}
inside = params <= 600000
acc, score = accuracy[inside], sed[inside]
order = np.argsort(-score, kind="stable")
wrong = [] if curve["sed"]["n"] == inside.sum() and curve["sed"]["best_accuracy"] == acc.max() else ["n or best"]
ascending = np.sort(acc)
for p in curve["(random search)"]["points"]:
    k, m = p["k"], len(acc)
    log_c = lambda a: math.lgamma(a + 1) - math.lgamma(a - k + 1)
    below = np.array([math.exp(log_c(i) - log_c(m)) if i >= k else 0 for i in range(m + 1)])
    if not close(p["best"], float(ascending @ np.diff(below)), 1e-6):
        wrong.append(f"random best of {k}: {p['best']} for {ascending @ np.diff(below)}")
simulated = {}
draw = np.random.default_rng(5)
for _ in range(300):
    shuffled = draw.permutation(len(acc))
    shuffled = shuffled[np.argsort(-score[shuffled], kind="stable")]
    for p in curve["sed"]["points"]:
        simulated.setdefault(p["k"], []).append((acc[shuffled[:p["k"]]].max(), acc[shuffled[:p["k"]]].mean()))
for p in curve["sed"]["points"]:
    for key, column in (("best", 0), ("mean", 1)):
        values = np.array(simulated[p["k"]])[:, column]
        if abs(values.mean() - p[key]) > 5 * values.std() / math.sqrt(300) + 1e-9:
            wrong.append(f"{key} of {p['k']}: {p[key]} for {values.mean()}")
    if not close(p["regret"], acc.max() - p["best"]):
        wrong.append("regret")
report(not wrong, "selection: limits, exact expectations for chance and for equal scores", "\n".join(wrong[:6]))

# ---- the two-step search looks at validation accuracies alone ----
rng2 = np.random.default_rng(12)
report_at = np.round(rng2.normal(80, 3, 400), 2)
steps = path("steps.h5")
write("steps.h5", {"naswot": rng2.normal(0, 1, 400)}, report_at)
with h5py.File(steps, "a") as f:
    g = f["nb201/accuracy"]
    g.move("cifar10/test", "cifar10/ori-test-200ep")
    g["cifar10-valid/x-valid-200ep"] = long = report_at + rng2.normal(0, 2, 400)
    g["cifar10-valid/x-valid-12ep"] = short = report_at + rng2.normal(0, 4, 400)
SEARCH = ("select", steps, "--knas-proxy", "naswot", "--split", "ori-test", "--runs", 20, "--knas", 5)
two = [f for f in load(*SEARCH) if f["kind"] == "two_step"]
report([f["second_step"] for f in two] == ["cifar10-valid/x-valid-12ep"] and two[0]["k"] == 5 and
       report_at.min() < two[0]["accuracy_mean"] <= report_at.max() and
       [f for f in load(*SEARCH) if f["kind"] == "two_step"] == two,
       "the two-step search goes by validation accuracy near 20 epochs, under its importer's name, and repeats itself", two)
best = [report_at[np.argmax(by)] for by in (short, long, report_at)]  # three, so that one is not taken for another
whole_pool = load(*SEARCH, "--candidates", 400, "--knas", 400)[-1]
report(len(set(best)) == 3 and close(whole_pool["accuracy_mean"], best[0]) and whole_pool["accuracy_deviation"] < 1e-9,
       "of all candidates it finds the one with the best validation accuracy", (best, whole_pool))
named = load(*SEARCH, "--candidates", 400, "--knas", 400, "--knas-split", "x-valid-200ep")[-1]
report(named["second_step"] == "cifar10-valid/x-valid-200ep" and close(named["accuracy_mean"], best[1]),
       "or by the column named", named)
wrong = []
for status, says, *words in (
        (2, "no such accuracies", *SEARCH, "--knas-split", "valid-200"),
        (2, "what is reported", *SEARCH, "--knas-split", "ori-test-200ep"),
        (1, "no validation accuracies", "select", whole, "--proxy", "params", "--knas-proxy", "params")):
    r = run(*words)
    if r.returncode != status or says not in r.stderr or r.stdout:
        wrong.append(f"{words}: status {r.returncode}, {r.stderr!r}")
report(not wrong, "a wrong name, the reported column, or no validation accuracies at all end it", "\n".join(wrong))

# ---- accuracies as scores ----
found = load("correlate", steps, "--score", "accuracy:cifar10-valid/x-valid-12ep", "--split", "ori-test", "--intervals", 50)
by_name = {f["proxy"]: f for f in found}
report(close(by_name["accuracy:cifar10-valid/x-valid-12ep"]["spearman"], st.spearmanr(short, report_at)[0]) and
       len(found) == 2, "a short training is correlated as a score", found)
found = load("select", steps, "--score", "cifar10-valid/x-valid-12ep", "--split", "ori-test", "--proxy", "naswot")
curve = [f for f in found if f.get("proxy", "").startswith("accuracy:")][0]
top = curve["points"][0]
report(top["k"] == 1 and close(top["best"], report_at[np.argmax(short)]), "and selected by", top)

# ---- what a score costs beside training ----
spent = {"cifar10/seconds-200ep": rng2.uniform(900, 1100, 400), "cifar10-valid/seconds-12ep": rng2.uniform(20, 40, 400),
         "cifar10/seconds-12ep": rng2.uniform(50, 70, 400), "cifar10/seconds-half-200ep": np.full(400, 500.0),
         "cifar10/latency-200ep": np.full(400, 0.01)}
spent["cifar10/seconds-200ep"][7:] = np.nan
took = rng2.uniform(0.1, 0.3, 400).astype("f4")
with h5py.File(steps, "a") as f:
    f["nb201/seconds/naswot"][...] = took
    for name, seconds in spent.items():
        f["nb201/accuracy/" + name] = seconds
        f["nb201/accuracy/" + name].attrs["unit"] = "seconds"
COST = ("correlate", steps, "--timing", "--score", "accuracy:cifar10-valid/x-valid-12ep")
by_name = {(f["proxy"], f["split"]): f for f in load(*COST, "--split", "ori-test") if f["kind"] == "timing"}
line, short_line = by_name["naswot", "seconds-200ep"], by_name["accuracy:cifar10-valid/x-valid-12ep", "seconds-200ep"]
trained = spent["cifar10/seconds-200ep"][:7].mean()
report(len(by_name) == 2 and line["dataset"] == "cifar10" and line["trained"] == 7 and line["n"] == 400 and
       close(line["training_seconds_each"], trained) and close(line["seconds_each"], took.astype(float).mean()) and
       close(line["share_of_training"], took.astype(float).mean() / trained) and
       close(short_line["seconds_each"], spent["cifar10-valid/seconds-12ep"].mean()),
       "a score's time stands beside the seconds of training of the same data set and epochs, a short training's as well", by_name)
table = run(*COST, "--split", "ori-test").stdout
report(f"{line['share_of_training']:.3g} of the {trained:.4g} s of training one (cifar10 seconds-200ep, mean of 7)" in table,
       "and in the table", table)
both = [(f["dataset"], f["split"]) for f in load(*COST, "--proxy", "naswot") if f["kind"] == "timing" and f["proxy"] == "naswot"]
report(both == [("cifar10", "seconds-200ep"), ("cifar10-valid", "seconds-12ep")],
       "each training that accuracies come from has its own line, once", both)

found = load("correlate", whole, "--dataset", "CIFAR10", "--ensemble", "sed+params", "--proxy", "sed")
report([f["proxy"] for f in found] == ["sed", "sed+params"],
       "a data set's name is known in capitals, and an ensemble asked for is there whatever --proxy says", found)

# ---- several files, joined by index ----
first, second = path("first.h5"), path("second.h5")
run("score", "nb201", "--proxy", "sed", "--range", "0:9000", "--out", first)
run("score", "nb201", "--proxy", "params", "--range", "5000:15625", "--out", second)
truth = path("truth.csv")
with open(truth, "w") as f:
    f.write("arch,cifar10_test\n" + "".join(f"{i},{a}\n" for i, a in zip(ids, accuracy)))
out = path("joined.h5")
found = load("correlate", first, second, "--truth", truth, "--proxy", "sed,params", "--agreement", "--out", out)
ok = [f["n"] for f in found] == [9000, 15625 - 5000, 4000] and found[0]["pending"] == 0
report(ok, "files are joined by index; rows that a file lacks are not pending", found)
with h5py.File(out) as f:
    report(np.array_equal(f["nb201/accuracy/cifar10/test"][:], accuracy) and f["nb201/score/sed"].shape == (15625,),
           "--out holds scores and accuracies joined")

# ---- the real tables ----
if DATA:
    with_data = dict(os.environ)
    r = run("score", "nb201", "--proxy", "sed,params,macs", "--out", path("nb201.h5"))
    found = load("correlate", path("nb201.h5"), env=with_data)
    rows = list(csv.DictReader(open(os.path.join(DATA, "nb201_accuracy_200ep.csv"))))
    wrong = []
    for f in found:
        column = {"cifar10": "cifar10_test", "cifar100": "cifar100_test", "ImageNet16-120": "imagenet16_120_test"}[f["dataset"]]
        y = np.array([float(x[column]) for x in rows])
        with h5py.File(path("nb201.h5")) as h:
            x = np.where(h["nb201/status/" + f["proxy"]][:] == 2, -np.inf, h["nb201/score/" + f["proxy"]][:])
        wrong += [f"{f['proxy']} {f['dataset']} {w}" for w in compare(f, expect(x, y))]
    report(not wrong, "nb201: all correlations equal SciPy's to 1e-12", "\n".join(wrong))
    sed = {f["dataset"]: f for f in found if f["proxy"] == "sed"}
    size = {f["dataset"]: f for f in found if f["proxy"] == "params"}
    sets = ("cifar10", "cifar100", "ImageNet16-120")
    ok = [round(sed[d]["spearman"], 3) for d in sets] == [0.833, 0.801, 0.804]
    ok = ok and [round(size[d]["spearman"], 3) for d in sets] == [0.753, 0.728, 0.691 + 0.001 * (size[sets[2]]["spearman"] > 0.6915)]
    report(ok and [round(sed[d]["kendall_tau_b"], 3) for d in sets[:2]] == [0.658, 0.622],
           "nb201: correlations of sed and params as published with the definition")
    r = run("score", "nb101", "--proxy", "sed,params", "--out", path("nb101.h5"))
    found = load("correlate", path("nb101.h5"), "--proxy", "sed,params", env=with_data)
    lines = gzip.open(os.path.join(DATA, "nb101_accuracy_108ep.csv.gz"), "rt").read().split("\n")[1:-1]
    table = {line[:32]: float(line[33:]) for line in lines}
    wrong = []
    with h5py.File(path("nb101.h5")) as h:
        y = np.array([table[i.decode()] for i in h["nb101/id"][:]])
        for f in found:
            wrong += [f"{f['proxy']} {w}" for w in compare(f, expect(h["nb101/score/" + f["proxy"]][:], y))]
    report(not wrong, "nb101: all correlations over 423,624 rows equal SciPy's to 1e-12", "\n".join(wrong))
    report([round(f["spearman"], 3) for f in found] == [0.568, 0.435] and [round(f["kendall_tau_b"], 3) for f in found] == [0.404, 0.307]
           and found[0]["n"] == 423624, "nb101: correlations of sed and params as published with the definition", found)
    r = run("import", "csv", os.path.join(DATA, "nb201_accuracy_200ep.csv"), "--out", path("t201.h5"))
    report(r.returncode == 0 and "key arch and index" in r.stderr and
           load("correlate", path("nb201.h5"), "--truth", path("t201.h5"), "--proxy", "sed")[0]["spearman"] == sed["cifar10"]["spearman"],
           "import csv says what it guessed, and its file serves as --truth", r.stderr)
else:
    for name in ("nb201: all correlations", "nb201: correlations of sed and params", "nb101: all correlations", "nb101: correlations of sed and params", "import csv"):
        skip(name, "NASWEEP_DATA is not set")

# ---- bad input: one message, status 1 or 2, nothing on standard output ----
open(path("foreign.csv"), "w").write("arch,cifar10_test\nnobody,5\n")
with h5py.File(path("future.h5"), "w") as f:
    f.attrs["format"] = np.bytes_("nasweep")
    f.attrs["format_version"] = np.int32(99)
cases = [
    (1, "none of 1 records", "correlate", whole, "--truth", path("foreign.csv")),
    (1, "", "correlate", path("missing.h5")),
    (1, "", "correlate", path("future.h5")),
    (1, "", "correlate", truth),
    (2, "--proxy zen: there is none", "correlate", whole, "--proxy", "zen"),
    (2, "--subset top:0", "correlate", whole, "--subset", "top:0"),
    (2, "--subset worst", "correlate", whole, "--subset", "worst"),
    (2, "--format xml", "correlate", whole, "--format", "xml"),
    (2, "--level", "correlate", whole, "--level", "1.5"),
    (2, "there is no score zen", "correlate", whole, "--ensemble", "sed+zen"),
    (2, "ensemble az_nas: there is no score az_expressivity", "correlate", whole, "--ensemble", "az_nas"),
    (2, "median is no rule; mean or log", "correlate", whole, "--ensemble", "median:sed+params"),
    (2, "there is a score sed already", "correlate", whole, "--ensemble", "sed=sed+params"),
    (2, "--compare", "correlate", whole, "--compare", "sed"),
    (2, "did you mean 'cifar10'", "correlate", whole, "--dataset", "cifar-10"),
    (2, "--dataset svhn: there is none; there are cifar10", "correlate", whole, "--dataset", "svhn"),
    (2, "--dataset cifar10: there is nothing to choose from: no accuracies were found", "correlate", path("first.h5"),
     "--dataset", "cifar10"),
    (2, "--split valid: there is none; there are test", "select", whole, "--split", "valid"),
    (2, "--proxy sedd: there is none; did you mean 'sed'?", "correlate", whole, "--proxy", "sedd"),
    (2, "no accuracies 'accuracy:cifar10/valid-12ep'", "correlate", whole, "--score", "accuracy:cifar10/valid-12ep"),
    (1, "no trained accuracies", "select", path("first.h5")),
    (2, "no format xls", "import", "xls", truth, "--out", path("x.h5")),
    (2, "--max-unmatched", "import", "csv", truth, "--out", path("x.h5"), "--max-unmatched", "2"),
    (2, "--out", "import", "csv", truth),
    (1, "", "import", "csv", path("missing.csv"), "--out", path("x.h5"), "--space", "nb201"),
    (1, "", "import", "csv", truth, "--out", path("no/such/folder.h5")),
]
wrong = []
for status, says, *words in cases:
    r = run(*words)
    lines = [line for line in r.stderr.split("\n") if line.startswith("nasweep: ")]
    if r.returncode != status or r.stdout or len(lines) != 1 or says not in lines[0]:
        wrong.append(f"{words}: status {r.returncode}, {r.stderr!r}, {r.stdout[:80]!r}")
report(not wrong, f"{len(cases)} kinds of bad input: one message each, status 1 or 2", "\n".join(wrong))
report(not os.path.exists(path("x.h5")), "and no file is left behind")
r = run("correlate", first)
report(r.returncode == 0 and "no trained accuracies" in r.stderr and "$NASWEEP_DATA" in r.stderr,
       "without accuracies the scores are compared among themselves, and it is said how to get them", r.stderr)
finish()
