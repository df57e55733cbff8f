#!/usr/bin/python3
"""One self-contained page about a result file: report.py results/nb201.h5 -o report.html

All statistics are computed by the program (`nasweep correlate` and `nasweep select`); the page holds their JSON. Each
figure is also written as PNG, SVG and the CSV behind it into a folder beside the page."""

import argparse
import csv
import html
import io
import json
import os
import re
import shutil
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402
import nasweep  # noqa: E402
import theme  # noqa: E402

COEFFICIENTS = [("kendall_tau_b", "Kendall τ<sub>b</sub>"), ("spearman", "Spearman ρ"), ("weighted_tau", "weighted τ"),
                ("pearson", "Pearson r"), ("partial_params", "ρ given params"), ("partial_macs", "ρ given macs")]

STYLE = """
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
 -webkit-text-size-adjust:100%}
main{max-width:1120px;margin:0 auto;padding:1.5rem 1.25rem 4rem}
h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0 .25rem;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.2rem;margin:3rem 0 .25rem;padding-top:1rem;border-top:1px solid var(--grid)}
h3{font-size:1rem;margin:1.5rem 0 .4rem}
p{margin:.4rem 0;max-width:70ch}
.sub,.caption,footer{color:var(--muted)}
.caption{font-size:.85rem;max-width:85ch}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(235px,1fr));gap:.75rem;margin:1.25rem 0}
.card{border:1px solid var(--grid);border-radius:10px;padding:.8rem 1rem}
.card b{display:block;font-size:1.55rem;line-height:1.25;font-variant-numeric:tabular-nums}
.card span{color:var(--muted);font-size:.85rem}
.card i{font-style:normal;color:var(--muted);font-size:.85rem;display:block}
.wide{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;min-width:100%}
th,td{padding:.32rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--muted);vertical-align:bottom}
th:first-child,td:first-child{text-align:left}
td small{display:block;color:var(--muted);font-size:.78em;line-height:1.2}
tr.best td:first-child{font-weight:700}
tr.trained td:first-child{font-style:italic}
th button{all:unset;cursor:pointer;border-radius:3px}
th button:focus-visible{outline:2px solid var(--s0)}
th[aria-sort=ascending] button::after{content:" ▲"}
th[aria-sort=descending] button::after{content:" ▼"}
input[type=search]{font:inherit;font-size:.85rem;color:inherit;background:transparent;border:1px solid var(--grid);border-radius:6px;
 padding:.25rem .6rem;max-width:100%}
td.bar{position:relative;min-width:5.5rem}
td.bar::before{content:"";position:absolute;left:0;bottom:0;height:3px;width:calc(var(--v)*100%);background:var(--s0)}
td.text{text-align:left;white-space:normal;overflow-wrap:anywhere}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:1.25rem 1.5rem;margin:.75rem 0;
 align-items:start}
figure{margin:0}
figure svg{width:100%;max-width:440px;height:auto;display:block}
figure .links{font-size:.75rem;color:var(--muted)}
figure .links a{color:inherit}
.key{display:inline-flex;flex-wrap:wrap;gap:.3rem 1rem;align-items:center;font-size:.85rem;color:var(--muted)}
.key svg{width:11px;height:11px;vertical-align:-1px}
.ramp i{display:inline-block;width:15px;height:11px}
details{margin:.5rem 0}
summary{cursor:pointer}
code{font-size:.85em;overflow-wrap:anywhere}
.warn{border-left:4px solid var(--mark);padding:.3rem .8rem;margin:1rem 0}
@media (max-width:520px){main{padding:1rem .9rem 3rem}h1{font-size:1.4rem}th,td{padding:.3rem .45rem}}
@page{margin:14mm 13mm}
@media print{input[type=search]{display:none}:root{--muted:#454f59}body{-webkit-print-color-adjust:exact;print-color-adjust:exact;font-size:10pt}
 main{max-width:none;padding:0}h1{font-size:17pt}h2{margin-top:1.4rem}h2,h3,h2+p{break-after:avoid}
 figure,.card,tr,.caption{break-inside:avoid}.caption{break-before:avoid;max-width:none}.links{display:none}
 .cards{grid-template-columns:repeat(4,1fr);gap:.5rem}.card{padding:.5rem .6rem}.card b{font-size:1.2rem}
 .figures{grid-template-columns:repeat(2,1fr);gap:.6rem 1.2rem}.figures:has(>:only-child){grid-template-columns:1fr}
 .wide{overflow:visible}.headline{break-inside:avoid}table{font-size:8pt}th,td{padding:.2rem .35rem}td small{font-size:6.6pt}td.bar{min-width:4.6rem}
 .headline th:nth-last-child(-n+3),.headline td:nth-last-child(-n+3){padding-left:.15rem}}
"""


TRAINED = "accuracy:"  # begins the name of accuracies taken as a score


def esc(text):
    return html.escape(str(text), quote=True)


def real(value, digits=3):
    """The one way in which numbers are shown; a missing one is a dash."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def ends(line, key):
    found = line.get("intervals", {}).get(key)
    return found and (found["bca"] or found["percentile"])


def cell(i, line, key):
    """A table cell that says where in the page's JSON its number stands."""
    value, interval = line.get(key), ends(line, key)
    low = f"<small>{real(interval[0])} – {real(interval[1])}</small>" if interval else ""
    bar = f' class="bar" style="--v:{min(1, max(0, value)):.3f}"' if key == "kendall_tau_b" and value is not None else ""
    return f'<td{bar} data-i="{i}" data-key="{key}"><span>{real(value)}</span>{low}</td>'


def name_of(proxy):
    """A score's name for people: accuracies taken as a score are so many epochs of training."""
    if not proxy.startswith(TRAINED):
        return proxy
    dataset, split = proxy[len(TRAINED):].split("/", 1)
    epochs = re.search(r"-(\d+)ep$", split)
    return f"training for {epochs[1]} epochs ({split})" if epochs else f"training ({dataset} {split})"


def same_data(dataset, other):
    """NATS-Bench's tables call CIFAR-10's training half cifar10-valid."""
    return re.sub("-valid$", "", dataset) == re.sub("-valid$", "", other)


class Page:
    """A report under way: what it is about, where its files go, and the HTML so far."""

    def __init__(self, args, joined, space, numbers, search):
        self.args, self.space = args, space
        self.numbers, self.search = numbers, search  # all spaces; indexes into these are the page's references
        self.data, self.attrs = nasweep.columns(joined, space)
        self.lines = [(i, n) for i, n in enumerate(numbers) if n["kind"] == "correlation" and n["space"] == space and
                      (not n["proxy"].startswith(TRAINED) or same_data(n["proxy"][len(TRAINED):].split("/")[0], n["dataset"]))]
        self.out, self.hunts = [], []
        self.folder = args.files
        self.targets = list(dict.fromkeys((n["dataset"], n["split"]) for _, n in self.lines))
        self.proxies = list(dict.fromkeys(n["proxy"] for _, n in self.lines)) or list(self.attrs["proxies"])
        self.main = self.targets[0] if self.targets else None
        self.all = {n["proxy"]: n for _, n in self.of(self.main, "all")} if self.main else {}
        free = [p for p in self.proxies if not p.startswith(TRAINED)]
        order = sorted(free, key=lambda p: -(self.all.get(p, {}).get("kendall_tau_b") or -1))
        # Scores with figures of their own: the best few, one of those that rank alike, and always size.
        alike = {(n["a"], n["b"]) for n in numbers if n["kind"] == "agreement" and n["space"] == space and
                 n["subset"] == "all" and (n["kendall_tau_b"] or 0) > 0.99}
        self.shown = []
        for p in order:
            if p in self.attrs["proxies"] and not any((p, q) in alike or (q, p) in alike for q in self.shown):
                self.shown.append(p)
        self.shown = self.shown[:args.most]
        if "params" in order and "params" not in self.shown and not any(("params", q) in alike for q in self.shown):
            self.shown[-1:] = ["params"]
        self.order = order

    def of(self, target, subset=None):
        return [(i, n) for i, n in self.lines if (n["dataset"], n["split"]) == target and subset in (None, n["subset"])]

    def add(self, text):
        self.out.append(text)

    def score(self, proxy):
        """(turned values, NaN where there is none; whether no path; label)"""
        info = self.attrs["proxies"][proxy]
        value = self.data[nasweep.score_name(proxy, self.data)] * float(info.get("direction", 1))
        status = self.data["status/" + proxy]
        label = info.get("long_name", proxy)
        if float(info.get("direction", 1)) < 0:
            label = f"minus {label}"
        value = np.where((status == 1) & np.isfinite(value), value, np.nan)
        return value, status == 2, label

    def drawn_score(self, proxy):
        """The same for drawing values: their logarithm where they are positive and span orders of magnitude."""
        value, no_path, label = self.score(proxy)
        known = value[np.isfinite(value)]
        if len(known) and known.min() > 0 and known.max() > 50 * np.median(known):
            return np.log10(value), no_path, "log10 of " + label
        return value, no_path, label

    def figure(self, name, drawn, label):
        """Draws for the page and into files, with the rows behind it."""
        draw, head, rows = drawn
        name = f"{self.space}_{name}"
        drawing = theme.Drawing(draw(), name)
        base = os.path.join(self.folder, re.sub(r"[^\w.+-]", "_", name))
        with open(base + ".svg", "w", encoding="utf-8") as f:
            f.write(drawing.light_svg())
        with open(base + ".csv", "w", encoding="utf-8", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(head)
            writer.writerows([["" if v is None else v for v in row] for row in rows])
        theme.save_png(draw, base + ".png")
        local = os.path.basename(self.folder) + "/" + os.path.basename(base)
        links = " ".join(f'<a href="{esc(local)}.{e}">{e.upper()}</a>' for e in ("png", "svg", "csv"))
        return f'<figure>{drawing.inline(label)}<div class="links">{links}</div></figure>'

    def figures(self, items, caption):
        self.add('<div class="figures">' + "".join(items) + f'</div><p class="caption">{caption}</p>')


def excluded_text(n):
    parts = [f"{n['n']:,} architectures"]
    for key, what in (("no_path", "without a path, taking part with the lowest rank"), ("pending", "pending, left out"),
                      ("failed", "failed, left out"), ("accuracy_unknown", "without accuracy, left out")):
        if n[key]:
            parts.append(f"{n[key]:,} {what}")
    return "; ".join(parts)


def interval_text(lines):
    for _, n in lines:
        if "intervals" in n:
            i = n["intervals"]
            return (f"{100 * i['level']:g} % bootstrap intervals (BCa where defined, else percentile), "
                    f"{i['resamples']:,} resamples of the rows, seed {i['seed']}")
    return "no intervals"


def title(target):
    return f"{target[0]} {target[1]}"


def cards(page):
    if not page.main or not page.all:
        return
    best = page.order[0]
    line = page.all[best]
    i = next(i for i, n in page.of(page.main, "all") if n["proxy"] == best)
    tau = ends(line, "kendall_tau_b")
    out = [f'<div class="card"><span>ranks best on {esc(title(page.main))}</span><b>{esc(best)}</b>'
           f'<i>Kendall <span data-i="{i}" data-key="kendall_tau_b">{real(line["kendall_tau_b"])}</span>'
           + (f" ({real(tau[0])} – {real(tau[1])})" if tau else "") + "</i></div>"]
    size = page.all.get("params")
    if size and best != "params":
        gap = (line["kendall_tau_b"] or 0) - (size["kendall_tau_b"] or 0)
        out.append(f'<div class="card"><span>size alone (params)</span><b>{real(size["kendall_tau_b"])}</b>'
                   f'<i>{esc(best)} is {real(abs(gap))} {"above" if gap > 0 else "below"}; given size its ρ is '
                   f'{real(line["partial_params"])}</i></div>')
    curves = {c["proxy"]: c for c in page.search if c["kind"] == "curve" and c["space"] == page.space and
              (c["dataset"], c["split"]) == page.main and c.get("points")}
    if best in curves:
        first = curves[best]["points"][0]
        chance = next((p["k"] for p in curves.get("(random search)", {}).get("points", []) if p["best"] >= first["best"]), None)
        out.append(f'<div class="card"><span>its first choice, trained</span><b>{real(first["best"], 2)} %</b>'
                   f'<i>{real(first["regret"], 2)} below the best cell' +
                   (f"; chance needs about {chance:,} architectures" if chance and chance > 1 else
                    "; no better than one drawn at random" if chance else "") + "</i></div>")
    trained = [n for p, n in page.all.items() if p.startswith(TRAINED)]
    if trained:
        short = max(trained, key=lambda n: n["kendall_tau_b"] or -2)
        gap = (line["kendall_tau_b"] or 0) - (short["kendall_tau_b"] or 0)
        out.append(f'<div class="card"><span>{esc(name_of(short["proxy"]))}</span><b>{real(short["kendall_tau_b"])}</b>'
                   f'<i>Kendall; {esc(best)}, without any training, is {real(abs(gap))} {"above" if gap > 0 else "below"}</i></div>')
    out.append(f'<div class="card"><span>compared</span><b>{line["n"]:,}</b><i>{esc(excluded_text(line).split("; ", 1)[-1]) if "; " in excluded_text(line) else "architectures, none left out"}</i></div>')
    page.add('<div class="cards">' + "".join(out) + "</div>")


def headline(page):
    page.add("<h2>How well does each score rank?</h2>")
    for target in page.targets:
        lines = page.of(target, "all")
        best = max((n["kendall_tau_b"] or -2 for _, n in lines))
        rows = []
        for i, n in sorted(lines, key=lambda p: -(p[1]["kendall_tau_b"] if p[1]["kendall_tau_b"] is not None else -2)):
            note = f" <small>undefined: {esc(n['undefined'])}</small>" if n["undefined"] else ""
            marks = ["best"] * (n["kendall_tau_b"] == best) + ["trained"] * n["proxy"].startswith(TRAINED)
            row = f'<tr{f""" class="{" ".join(marks)}" """ if marks else ""}><td>{esc(name_of(n["proxy"]))}{note}</td>'
            row += "".join(cell(i, n, key) for key, _ in COEFFICIENTS)
            row += f'<td data-i="{i}" data-key="n"><span>{n["n"]:,}</span></td>'
            row += "".join(f'<td data-i="{i}" data-key="{k}"><span>{n[k]:,}</span></td>' for k in ("no_path", "pending", "failed"))
            rows.append(row + "</tr>")
        head = "".join(f"<th>{t}</th>" for _, t in COEFFICIENTS)
        epochs = f", {lines[0][1]['epochs']} epochs" if lines[0][1]["epochs"] else ""
        page.add(f'<h3>{esc(title(target))} accuracy{epochs}</h3><div class="wide"><table class="headline"><thead><tr><th>score</th>{head}'
                 "<th>n</th><th>no path</th><th>pending</th><th>failed</th></tr></thead><tbody>" + "".join(rows) +
                 "</tbody></table></div>")
        page.add(f'<p class="caption">{esc(excluded_text(lines[0][1]))}. Accuracies: {esc(lines[0][1]["accuracy_source"] or "in the file")}. '
                 f"{esc(interval_text(lines))}. Weighted τ: hyperbolic weights, best architectures first. “Given”: partial "
                 "Spearman, what is left of the score when size is taken out. Pearson is over finite scores.</p>")


MARKS = ('<span class="key"><span class="ramp">' + "".join(f'<i style="background:var(--{d})"></i>' for d in theme.DENSITY) +
         '</span> few to many, by powers <span><svg viewBox="0 0 10 10"><circle cx="5" cy="5" r="3.6" fill="none" '
         'stroke="var(--mark)" stroke-width="1.8"/></svg> ten most accurate</span><span><svg viewBox="0 0 10 10"><path d="M5 1 9 9 1 9z" '
         'fill="none" stroke="var(--mark2)" stroke-width="1.8"/></svg> ten best by score</span></span>')


def densities(page):
    target = title(page.main)
    y = page.data[f"accuracy/{page.main[0]}/{page.main[1]}"]
    known = y[np.isfinite(y)]
    low, high = np.percentile(known, [8, 100])
    low -= 0.1 * (high - low)
    page.add(f"<h2>Score against accuracy</h2><p>{MARKS}</p>")
    items, ranks = [], []
    for proxy in page.shown:
        x, no_path, label = page.drawn_score(proxy)
        items.append(page.figure(f"density_{proxy}", figures.score_density(proxy, label, x, y, no_path, target, low),
                                 f"density of {proxy} against {target} accuracy"))
        ranks.append(page.figure(f"ranks_{proxy}", figures.rank_density(proxy, x, y, no_path, target),
                                 f"density of rank by {proxy} against rank by {target} accuracy"))
    below, lost = int((known < low).sum()), page.all[page.shown[0]]["no_path"]
    page.figures(items, f"{len(known):,} architectures with {esc(target)} accuracy; {below:,} below the axis are not drawn, nor are those "
                 f"without a path ({lost:,}), pending or failed. Scores turned so that larger is better.")
    page.add("<h2>Rank against rank</h2>")
    page.figures(ranks, "Average ranks in percent, density in steps of equal width; the dashed diagonal is a perfect score. Architectures without a path have the "
                 "lowest rank. Bands are scores with few distinct values.")


def subsets(page):
    names = list(dict.fromkeys(n["subset"] for _, n in page.lines))
    parts = [s for s in names if ":" not in s or s.startswith("top")]
    lines = [n for _, n in page.of(page.main)]
    few = page.shown[:4]
    items = []
    if len(parts) > 1:
        items.append(page.figure("subsets", figures.subset_dots(lines, few, parts), "Kendall by subset"))
    for key, head, label in (("size", "By size", "tenth of the space by parameters, 1 the smallest"),
                             ("depth", "By depth", "operations on the longest path"), ("skips", "By skip connections", "skip connections")):
        mine = [s for s in names if s.startswith(key + ":")]
        if len(mine) > 1:
            items.append(page.figure(key, figures.subset_lines(lines, few, mine, head, label), f"Kendall by {key}"))
    if items:
        page.add("<h2>Where does it hold, where does it fail?</h2>")
        page.figures(items, f"Kendall's tau-b with {esc(title(page.main))} accuracy within each part; {esc(interval_text(page.lines))}. "
                     "top:P: the best P percent by accuracy. unique: the first of each class of equal functions. "
                     "Parts where a score is constant have no correlation and no mark.")


def searches(page):
    page.add("<h2>What would a search have found?</h2>")
    for target in page.targets:
        curves = [c for c in page.search if c["kind"] == "curve" and c["space"] == page.space and
                  (c["dataset"], c["split"]) == target and c.get("points") and
                  (not c["proxy"].startswith(TRAINED) or same_data(c["proxy"][len(TRAINED):].split("/")[0], target[0]))]
        if not curves:
            continue
        best, tag = curves[0]["best_accuracy"], "_".join(target)
        items = [page.figure(f"regret_{tag}", figures.top_curves(curves, page.shown, "regret", f"{title(target)}: regret",
                                                                   "best cell less best of k, points"), f"regret by k on {title(target)}"),
                 page.figure(f"precision_{tag}", figures.top_curves(curves, page.shown, "precision", f"{title(target)}: precision at k",
                                                                      "share of the true top k"), f"precision by k on {title(target)}")]
        page.figures(items, f"{curves[0]['n']:,} candidates, best {real(best, 2)} %. Expected values: over all orders of equal scores, "
                     "and for random search over all draws, computed exactly.")
        rows = []
        for c in curves:
            at = {p["k"]: p for p in c["points"]}
            j = page.search.index(c)
            row = f'<tr><td>{esc(name_of(c["proxy"].strip("()")))}</td>'
            for k in (1, 10, 100, 1000):
                row += (f'<td data-s="{j}" data-k="{k}" data-key="best"><span>{real(at[k]["best"], 2)}</span></td>' if k in at else "<td>–</td>")
            row += (f'<td data-s="{j}" data-k="100" data-key="precision"><span>{real(at[100]["precision"])}</span></td>' if 100 in at else "<td>–</td>")
            top = c.get("top") or []
            row += (f'<td class="text"><code>{esc(top[0]["id"])}</code>' + (f' <small>one of {top[0]["tied"]:,} with this score</small>' if top[0]["tied"] > 1 else "") + "</td>" if top else '<td class="text">–</td>')
            rows.append(row + "</tr>")
        page.add('<div class="wide"><table class="search"><thead><tr><th>search by</th><th>top 1</th><th>top 10</th><th>top 100</th>'
                 '<th>top 1,000</th><th>precision at 100</th><th style="text-align:left">first choice</th></tr></thead><tbody>' + "".join(rows) + "</tbody></table></div>")
    steps = [s for s in page.search if s["kind"] == "two_step" and s["space"] == page.space]
    if steps:
        rows = "".join(f'<tr><td>{esc(s["proxy"])}, k = {s["k"]}, {esc(s["dataset"])} {esc(s["split"])}</td><td>{real(s["accuracy_mean"], 2)} ± '
                       f'{real(s["accuracy_deviation"], 2)}</td></tr>' for s in steps)
        page.add('<h3>Two-step search</h3><div class="wide"><table><thead><tr><th>draw, take the k best by score, keep the best by '
                 f'{esc(steps[0]["second_step"])}</th><th>accuracy found</th></tr></thead><tbody>{rows}</tbody></table></div>'
                 f'<p class="caption">{steps[0]["candidates"]:,} candidates drawn, {steps[0]["runs"]:,} runs, seed {steps[0]["seed"]}; mean ± deviation over runs.</p>')


USES = {("random", "start"): "random search begun with its top", ("evolution", "start"): "evolution begun with its top",
        ("evolution", "filter"): "evolution, mutants filtered by it", ("score", ""): "its top alone, beside random search"}


def gains(page):
    """What scores add to searches that train, and what published searches report."""
    hunts = page.hunts
    found = [h for h in hunts if h["kind"] == "search" and (h["dataset"], h["split"]) == page.main]
    if not found:
        return
    target, first = page.main, found[0]
    page.add("<h2>What does a score add to a search?</h2>")
    items = []
    for (method, use), words in USES.items():
        mine = [h for h in hunts if h["kind"] == "gain" and (h["method"], h["use"]) == (method, use) and
                (h["dataset"], h["split"]) == target]
        if mine:
            name = "_".join(w for w in ("gain", method, use) if w)
            items.append(page.figure(name, figures.search_gains(mine, page.shown, words[0].upper() + words[1:]),
                                     f"accuracy gained on {title(target)} against budget: {words}"))
    page.figures(items, f"Searches that look at {esc(first['look'])} and are judged by {title(target)} of the best they looked at: "
                 f"{first['repeats']:,} repeats, each with and without the score and with the same random numbers. Bands are 1.96 standard "
                 "errors over these pairs: the chance of searches, not that of trainings.")
    rows = [(h["method"] if not h["proxy"] else f'{h["method"]}{", " + h["use"] if h["use"] else ""} by {name_of(h["proxy"])}',
             h["mean"], h["deviation"], f'here, {h["budget"]:g} {h["unit"]}') for h in found]
    rows += [(h["method"], h["mean"], h["deviation"], "; ".join(t for t in (h["source"], h["note"]) if t))
             for h in hunts if h["kind"] == "published" and (h["dataset"], h["split"]) in (target, (None, None))]
    rows.sort(key=lambda r: -(r[1] or -1))
    page.add('<h3>Beside published searches</h3><div class="wide"><table><thead><tr><th>search</th><th>accuracy found</th><th style="text-align:left">'
             "source</th></tr></thead><tbody>" + "".join(
                 f'<tr><td>{esc(name)}</td><td>{real(mean, 2)}{"" if deviation is None else " ± " + real(deviation, 2)}</td>'
                 f'<td class="text">{esc(source)}</td></tr>' for name, mean, deviation, source in rows) + "</tbody></table></div>")


def operations(page):
    text = nasweep.run("list", page.space, "--columns", "index,conv3,conv1,pool3")
    table = np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1, dtype=np.int64)
    at = np.searchsorted(table[:, 0], page.data["index"])
    counts = {name: table[at, k] for k, name in ((1, "conv 3×3"), (2, "conv 1×1"), (3, "pool 3×3"))}
    items = [page.figure(f"operations_{p}", figures.by_operations(p, page.drawn_score(p)[2], page.drawn_score(p)[0], counts),
                         f"{p} by numbers of operations") for p in page.shown]
    page.add("<h2>What does a score look at?</h2>")
    page.figures(items, "Score by the number of each operation in the cell: median, and the middle eight tenths as bars. "
                 "Architectures without a path, pending or failed are left out.")


def agreements(page):
    pairs = [n for n in page.numbers if n["kind"] == "agreement" and n["space"] == page.space and n["subset"] == "all"]
    stable = [n for n in page.numbers if n["kind"] == "stability" and n["space"] == page.space and n["subset"] == "all"]
    if pairs:
        names = [p for p in page.order][:12]
        page.add("<h2>Do the scores agree?</h2>")
        page.figures([page.figure("agreement", figures.agreement(pairs, names), "Kendall between all pairs of scores")],
                     f"Over architectures that take part in both ({min(p['n'] for p in pairs):,} to {max(p['n'] for p in pairs):,}).")
    if stable:
        rows = "".join(f'<tr><td>{esc(s["proxy"])}</td><td>{esc(s["dataset"] or "")} {esc(s["split"] or "")}</td><td>{s["seeds"]}</td><td>{real(s["kendall_mean"])}</td><td>{real(s["kendall_min"])}</td>'
                       f'<td>{real(s["accuracy_spearman_mean"])} ± {real(s["accuracy_spearman_deviation"])}</td></tr>' for s in stable)
        page.add('<h3>Stability over seeds</h3><div class="wide"><table><thead><tr><th>score</th><th>accuracy</th><th>seeds</th><th>Kendall, mean</th><th>least</th>'
                 f"<th>Spearman with accuracy</th></tr></thead><tbody>{rows}</tbody></table></div>")


def duration(seconds):
    if seconds is None:
        return "–"
    for unit, size in (("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def share(value):
    return "–" if value is None else f"{100 * value:.2g} %" if value >= 1e-4 else f"1/{1 / value:,.0f}"


def times(page):
    lines = [n for n in page.numbers if n["kind"] == "timing" and n["space"] == page.space]
    if not lines:
        return
    trainings = {(n["dataset"], n["split"]): n for n in lines if n["training_seconds_each"] is not None}
    rows, head, told = [], "", []
    for first in (n for n in lines if (n["dataset"], n["split"]) == (lines[0]["dataset"], lines[0]["split"])):
        beside = {(n["dataset"], n["split"]): n for n in lines if n["proxy"] == first["proxy"]}
        rows.append(f'<tr><td>{esc(name_of(first["proxy"]))}</td><td>{first["n"]:,}</td><td>{duration(first["seconds"])}</td>'
                    f'<td>{duration(first["seconds_each"])}</td>' +
                    "".join(f'<td>{share(beside[t]["share_of_training"])}</td>' for t in trainings) + "</tr>")
    for (dataset, split), n in trainings.items():
        name = esc(f"{dataset} {split.replace('seconds-', '')}")
        head += f"<th>of training, {name}</th>"
        told.append(f'{name} {duration(n["training_seconds_each"])} (mean of {n["trained"]:,})')
    page.add('<h2>What does a score cost?</h2><div class="wide"><table class="costs"><thead><tr><th>score</th><th>rows timed</th><th>together</th>'
             f"<th>each</th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
             '<p class="caption">Wall time of the evaluations as recorded with the rows; columns of one proxy come from one evaluation and '
             "share it. " + (f"Training one architecture took, on its authors' machines: {'; '.join(told)}." if told else
                             "The accuracy tables hold no training times, so the share of trained cost is not given.") + "</p>")


def provenance(page, commands):
    rows = "".join(f'<tr><td>{esc(k)}</td><td class="text">{esc(v)}</td></tr>' for k, v in sorted(page.attrs["file"].items()) if str(v))
    for proxy, info in page.attrs["proxies"].items():
        rows += (f'<tr><td>score {esc(proxy)}</td><td class="text">' +
                 esc("; ".join(f"{k}: {v}" for k, v in sorted(info.items()) if str(v))) + "</td></tr>")
    for name, info in page.attrs["accuracies"].items():
        rows += (f'<tr><td>accuracy {esc(name)}</td><td class="text">' +
                 esc("; ".join(f"{k}: {v}" for k, v in sorted(info.items()) if str(v))) + "</td></tr>")
    page.add('<h2>Provenance</h2><div class="wide"><table><tbody>' + rows + "</tbody></table></div>")
    page.add("<p class=caption>Numbers of this page: " + "; ".join(f"<code>{esc(c)}</code>" for c in commands) + "</p>")


def warnings(page):
    worst = max((n for _, n in page.lines), key=lambda n: n["pending"], default=None)
    if worst and worst["pending"]:
        page.add(f'<p class="warn">This file is not finished: {worst["pending"]:,} architectures are pending for '
                 f'{esc(worst["proxy"])} and left out of every number about it.</p>')


def body(page, commands):
    n = len(page.data["index"])
    page.add(f'<h1>{esc(page.space)}: how well do training-free scores rank {n:,} architectures?</h1>')
    page.add(f'<p class="sub">{len(page.proxies)} scores against {", ".join(esc(title(t)) for t in page.targets) or "each other"}</p>')
    warnings(page)
    if page.targets:
        cards(page)
        headline(page)
        densities(page)
        subsets(page)
        searches(page)
        gains(page)
    else:
        page.add('<p class="warn">No trained accuracies: scores are compared among themselves. Name a table with --truth, or put one '
                 "into the folder NASWEEP_DATA.</p>")
    operations(page)
    agreements(page)
    times(page)
    provenance(page, commands)
    return "\n".join(page.out)


def choose(joined, wanted):
    """What is reported, and the shorter trainings that it is compared with: splits, and accuracies as scores."""
    splits, trained = [], []
    for space in nasweep.spaces(joined):
        there = nasweep.columns(joined, space)[1]["accuracies"]
        names = [n.split("/", 1) for n, a in there.items() if a.get("unit") not in ("seconds", "nats")]
        epochs = {tuple(n): int((re.search(r"-(\d+)ep$", n[1]) or [0, 0])[1]) for n in names}
        for dataset in dict.fromkeys(n[0] for n in names):
            mine = [n for n in epochs if same_data(n[0], dataset)]
            most = max(epochs[n] for n in mine)
            tests = [n for n in mine if epochs[n] == most and "test" in n[1]] or [n for n in mine if epochs[n] == most]
            reported = [n for n in mine if n[1] in wanted] if wanted else tests
            splits += [n[1] for n in reported]
            trained += [f"{TRAINED}{n[0]}/{n[1]}" for n in mine if "valid" in n[1] and n not in reported and epochs[n] < most]
    return list(dict.fromkeys(splits)), list(dict.fromkeys(trained))


def embed(numbers):
    return json.dumps(numbers).replace("</", "<\\/")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files_in", nargs="+", metavar="FILE.h5")
    parser.add_argument("-o", "--out", required=True, help="the page; figures go into a folder of its name beside it")
    parser.add_argument("--truth", action="append", default=[], help="accuracies, as `nasweep correlate --truth`")
    parser.add_argument("--intervals", type=int, default=200, help="bootstrap resamples (default 200; 0: none)")
    parser.add_argument("--ranks", type=int, default=1, help="MPI ranks for the resamples (default 1)")
    parser.add_argument("--most", type=int, default=6, help="scores with figures of their own (default 6)")
    parser.add_argument("--split", action="append", help="accuracies reported (default: after the longest training, tests where there are any)")
    parser.add_argument("--subset", default="all,unique,path,top:10,top:1,size,depth,skips")
    args = parser.parse_args()
    args.files = re.sub(r"\.html?$", "", args.out) + "_files"
    theme.setup()
    scratch = tempfile.mkdtemp(prefix="nasweep_report_")
    try:
        joined = os.path.join(scratch, "joined.h5")
        truth = [w for t in args.truth for w in ("--truth", t)]
        words = [*args.files_in, *truth, "--subset", args.subset, "--intervals", args.intervals, "--agreement", "--stability", "--timing"]
        nasweep.correlate(*args.files_in, *truth, "--subset", "unique", "--out", joined)
        targets, trained = choose(joined, args.split)
        chosen = (["--split", ",".join(targets)] if targets else []) + [w for t in trained for w in ("--score", t)]
        words += chosen
        numbers = nasweep.correlate(*words, "--out", joined, ranks=args.ranks)
        measured = any(n["kind"] == "correlation" for n in numbers)
        picks = [*args.files_in, *truth, *chosen]
        search = nasweep.select(*picks) if measured else []
        commands = ["nasweep correlate " + " ".join(map(str, words)) + " --format json"]
        if measured:
            commands.append("nasweep select " + " ".join(picks) + " --format json")
        os.makedirs(args.files, exist_ok=True)
        pages = [Page(args, joined, space, numbers, search) for space in nasweep.spaces(joined)]
        for page in pages:
            compared = [n for n in numbers if n["kind"] == "correlation" and n["space"] == page.space]
            # A search takes 100 trainings: of as many architectures.
            if (page.main and page.shown and any(n["proxy"].startswith(TRAINED) for n in compared) and
                    all(n["n"] >= 100 for n in compared if n["subset"] == "all")):
                hunt = [*args.files_in, *truth, "--space", page.space, "--proxy", ",".join(page.shown), "--method",
                        "random,evolution,score", "--use", "start,filter", "--report", "/".join(page.main)]
                page.hunts = nasweep.search(*hunt)
                commands.append("nasweep search " + " ".join(hunt) + " --format json")
        parts = [body(page, commands) for page in pages]
    except (OSError, ValueError, RuntimeError) as e:
        sys.exit(f"report.py: {e}")
    finally:
        shutil.rmtree(scratch)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.js"), encoding="utf-8") as f:
        script = f.read()
    page = ("<!doctype html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>"
            f"<title>nasweep: {esc(os.path.basename(args.files_in[0]))}</title><link rel=icon href='data:,'><style>{theme.css()}{STYLE}</style></head>\n"
            f"<body><main>\n{''.join(parts)}\n</main>\n"
            f"<script type='application/json' id=numbers>{embed(numbers)}</script>\n"
            f"<script type='application/json' id=search>{embed(search)}</script>\n<script>{script}</script>\n</body></html>\n")
    with open(args.out + ".part", "w", encoding="utf-8") as f:
        f.write(page)
    os.replace(args.out + ".part", args.out)
    print(args.out)


if __name__ == "__main__":
    main()
