"""The figures of a report. Each function draws with matplotlib and returns the figure; the rows behind it are returned
beside, for the CSV file. Numbers of statistics come from the program's JSON; columns of the result file are only drawn."""

import textwrap

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, NullFormatter

import theme


def _short(v, _=None):
    """1,200,000 as 1.2M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(v) >= size:
            return f"{v / size:g}{unit}"
    return f"{v:g}".replace("-", "−")


def _label(text, width=46):
    """At most two lines that fit under a small figure."""
    return "\n".join(textwrap.wrap(text, width)[:2])


def _style(k):
    return {"color": theme.colour(theme.SERIES[k % 7]), "linestyle": theme.DASHES[k % 7]}


def _ci(line, key):
    """Ends of an interval: BCa where there is one, else percentile; None where there is none."""
    interval = line.get("intervals", {}).get(key)
    return interval and (interval["bca"] or interval["percentile"])


def score_density(proxy, label, x, y, no_path, target, low):
    """Score against accuracy as hexagons; the ten most accurate cells and the ten with the best score marked."""
    keep = np.isfinite(x) & np.isfinite(y)
    shown = keep & (y >= low)
    where = np.flatnonzero(keep)
    best = where[np.argsort(-y[keep], kind="stable")[:10]]
    top = where[np.argsort(-x[keep], kind="stable")[:10]]

    rows = []

    def draw():
        fig, axes = theme.figure()
        art = axes.hexbin(x[shown], y[shown], gridsize=(38, 15), mincnt=1, linewidths=0.2)
        counts = np.asarray(art.get_array())
        norm, _ = theme.density_norm(counts.max() if len(counts) else 1)
        art.set_cmap(theme.density_map())
        art.set_norm(norm)
        art.set_edgecolor("face")
        rows[:] = [(*centre, int(n)) for centre, n in zip(art.get_offsets(), counts)]
        axes.plot(x[best], np.maximum(y[best], low), "o", ms=3.6, mfc="none", mec=theme.colour("mark"), mew=1.1)
        axes.plot(x[top], np.maximum(y[top], low), "^", ms=3.6, mfc="none", mec=theme.colour("mark2"), mew=1.1)
        high = y[keep].max()
        axes.set_ylim(low, high + 0.05 * (high - low))
        axes.set_title(proxy)
        axes.set_xlabel(_label(label))
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
        axes.set_ylabel(f"{target} accuracy, %")
        return fig

    return draw, ("score", "accuracy", "architectures"), rows


def rank_density(proxy, x, y, no_path, target):
    """Rank against rank, in percent: a perfect score lies on the diagonal. No path: the lowest rank."""
    turned = np.where(no_path, -np.inf, x)
    keep = ~np.isnan(turned) & np.isfinite(y)
    n = keep.sum()

    def percent(values):
        _, code, count = np.unique(values, return_inverse=True, return_counts=True)
        return 100 * (np.cumsum(count) - (count - 1) / 2 - 0.5)[code] / max(1, n)

    rx, ry = percent(turned[keep]), percent(y[keep])
    rows = []

    def draw():
        fig, axes = theme.figure(2.9, 2.7)
        art = axes.hexbin(rx, ry, gridsize=(26, 14), mincnt=1, linewidths=0.2, extent=(0, 100, 0, 100))
        counts = np.asarray(art.get_array())
        art.set_cmap(theme.density_map())
        art.set_norm(theme.level_norm(counts))
        art.set_edgecolor("face")
        rows[:] = [(*centre, int(k)) for centre, k in zip(art.get_offsets(), counts)]
        axes.plot([0, 100], [0, 100], color=theme.colour("mark"), lw=1, ls=(0, (4, 3)))
        axes.set_xlim(-1, 101)
        axes.set_ylim(-1, 101)
        axes.set_title(proxy)
        axes.set_xlabel("rank by score, %")
        axes.set_ylabel(f"rank by {target} accuracy, %")
        return fig

    return draw, ("rank_by_score", "rank_by_accuracy", "architectures"), rows


def _subset_rows(lines, proxies, names):
    out = []
    for k, proxy in enumerate(proxies):
        for at, name in enumerate(names):
            for line in lines:
                if line["proxy"] == proxy and line["subset"] == name and line["kendall_tau_b"] is not None:
                    ends = _ci(line, "kendall_tau_b") or (None, None)
                    out.append((k, at, proxy, name, line["n"], line["kendall_tau_b"], ends[0], ends[1]))
    return out


SUBSET_HEAD = ("proxy", "subset", "n", "kendall_tau_b", "low", "high")


def subset_dots(lines, proxies, names):
    """Kendall on the whole and its parts, with intervals, one row of dots a subset."""
    found = _subset_rows(lines, proxies, names)

    def draw():
        fig, axes = theme.figure(3.5, 0.8 + 0.42 * len(names))
        for k, at, proxy, _, _, tau, low, high in found:
            y = at + (k - (len(proxies) - 1) / 2) * 0.13
            style = _style(k)
            if low is not None:
                axes.plot([low, high], [y, y], color=style["color"], lw=1.4, solid_capstyle="butt")
            axes.plot(tau, y, "osD^vPX"[k % 7], ms=3.8, color=style["color"], label=proxy if at == 0 else None)
        axes.axvline(0, color=theme.colour("muted"), lw=0.8)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_title("Whole and parts")
        axes.set_xlabel("Kendall's tau-b")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), borderpad=0, ncols=4, handlelength=1, columnspacing=1)
        return fig

    return draw, SUBSET_HEAD, [r[2:] for r in found]


def subset_lines(lines, proxies, names, title, label):
    """Kendall along an ordered cut (size, depth, skips), with intervals as bands."""
    found = _subset_rows(lines, proxies, names)
    ticks = [name.split(":")[1] for name in names]

    def draw():
        fig, axes = theme.figure(3.5, 2.7)
        for k, proxy in enumerate(proxies):
            mine = [r for r in found if r[0] == k]
            # A part without a value breaks the line.
            by_place = {r[1]: r for r in mine}
            tau = [by_place[a][5] if a in by_place else np.nan for a in range(len(names))]
            axes.plot(range(len(names)), tau, marker="osD^vPX"[k % 7], ms=3, label=proxy, **_style(k))
            if mine and mine[0][6] is not None:
                ends = [by_place[a][6:8] if a in by_place and by_place[a][6] is not None else (np.nan, np.nan)
                        for a in range(len(names))]
                axes.fill_between(range(len(names)), [e[0] for e in ends], [e[1] for e in ends],
                                  color=_style(k)["color"], alpha=0.15, lw=0)
        axes.axhline(0, color=theme.colour("muted"), lw=0.8)
        axes.set_xticks(range(len(names)), ticks)
        axes.set_title(title)
        axes.set_xlabel(label)
        axes.set_ylabel("Kendall's tau-b")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), borderpad=0, ncols=4, handlelength=2, columnspacing=1)
        return fig

    return draw, SUBSET_HEAD, [r[2:] for r in found]


def _curves(curves, proxies):
    """Curves in drawing order: the proxies, then chance."""
    by_name = {c["proxy"]: c for c in curves}
    return [(k, p, by_name[p]) for k, p in enumerate(proxies) if p in by_name], by_name.get("(random search)")


def top_curves(curves, proxies, key, title, label):
    """Best, or precision, of the k first by score, k on a logarithmic axis, against chance."""
    mine, chance = _curves(curves, proxies)
    rows = [(p, pt["k"], pt[key]) for p, c in [(p, c) for _, p, c in mine] + [("random search", chance)] if c
            for pt in c["points"]]

    def draw():
        fig, axes = theme.figure(3.5, 2.9)
        floor = 0.01
        for k, proxy, c in mine:
            ks, v = [pt["k"] for pt in c["points"]], [pt[key] for pt in c["points"]]
            axes.plot(ks, [max(floor, a) for a in v] if key == "regret" else v, label=proxy, **_style(k))
        if chance:
            ks, v = [pt["k"] for pt in chance["points"]], [pt[key] for pt in chance["points"]]
            axes.plot(ks, [max(floor, a) for a in v] if key == "regret" else v, label="random search",
                      color=theme.colour("ink"), lw=1, ls=(0, (1, 1)))
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        if key == "regret":
            axes.set_yscale("log")
            axes.set_ylim(bottom=floor)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"≤{v:g}" if v <= floor else f"{v:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(-0.02, 1.02)
        axes.set_title(title)
        axes.set_xlabel("k, architectures taken")
        axes.set_ylabel(label)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), borderpad=0, ncols=3, handlelength=2.4, columnspacing=1)
        return fig

    return draw, ("proxy", "k", key), rows


GAIN_HEAD = ("method", "use", "score", "budget", "gain", "standard error")


def search_gains(gains, proxies, title):
    """What each score adds to a search against its budget: the mean over pairs of repeats, and bands of 1.96 standard
    errors. gains: objects of kind `gain` from `nasweep search`, of one method, use and reported column."""
    mine = [(k, p, g) for k, p in enumerate(proxies) for g in gains if g["proxy"] == p]
    rows = [(g["method"], g["use"], p, pt["at"], pt["mean"], pt["error"]) for _, p, g in mine for pt in g["curve"]]

    def draw():
        fig, axes = theme.figure(3.5, 2.9)
        for k, proxy, g in mine:
            points = [pt for pt in g["curve"] if pt["mean"] is not None]
            at, mean = [pt["at"] for pt in points], np.array([pt["mean"] for pt in points])
            error = np.array([np.nan if pt["error"] is None else pt["error"] for pt in points])
            axes.plot(at, mean, label=proxy, **_style(k))
            axes.fill_between(at, mean - 1.96 * error, mean + 1.96 * error, color=_style(k)["color"], alpha=0.15, lw=0)
        axes.axhline(0, color=theme.colour("muted"), lw=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_title(title)
        axes.set_xlabel(f"budget, {gains[0]['unit']}" if gains else "budget")
        axes.set_ylabel("accuracy gained, points")
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), borderpad=0, ncols=3, handlelength=2.4, columnspacing=1)
        return fig

    return draw, GAIN_HEAD, rows


def by_operations(proxy, label, x, operations):
    """Median and middle eight tenths of a score for every number of each operation in the cell."""
    rows = []
    for name, count in operations.items():
        for v in np.unique(count):
            part = x[(count == v) & np.isfinite(x)]
            if len(part):
                rows.append((name, int(v), len(part), *np.percentile(part, [10, 50, 90])))

    def draw():
        fig, axes = theme.figure(3.5, 2.7)
        for k, name in enumerate(operations):
            mine = [r for r in rows if r[0] == name]
            at = [r[1] + (k - (len(operations) - 1) / 2) * 0.16 for r in mine]
            axes.vlines(at, [r[3] for r in mine], [r[5] for r in mine], color=_style(k)["color"], lw=3, alpha=0.35)
            axes.plot(at, [r[4] for r in mine], marker="osD^vPX"[k % 7], ms=3.2, lw=1, color=_style(k)["color"], label=name)
        axes.set_title(proxy)
        axes.set_xlabel("number of the operation in the cell")
        axes.set_ylabel(_label(label, 34))
        axes.yaxis.set_major_formatter(FuncFormatter(_short))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.2), borderpad=0, ncols=4, handlelength=1.4, columnspacing=1)
        return fig

    return draw, ("operation", "number", "architectures", "p10", "median", "p90"), rows


def agreement(pairs, proxies):
    """Kendall of every score with every other, as numbers on colour."""
    n = len(proxies)
    tau = np.full((n, n), np.nan)
    for p in pairs:
        if p["a"] in proxies and p["b"] in proxies and p["kendall_tau_b"] is not None:
            a, b = proxies.index(p["a"]), proxies.index(p["b"])
            tau[a, b] = tau[b, a] = p["kendall_tau_b"]
    rows = [(p["a"], p["b"], p["n"], p["spearman"], p["kendall_tau_b"]) for p in pairs]

    def draw():
        fig, axes = theme.figure(0.9 + 0.44 * n, 0.75 + 0.44 * n)
        for a in range(n):
            for b in range(n):
                if a == b or np.isnan(tau[a, b]):
                    continue
                step = min(6, int(abs(tau[a, b]) * 7))
                axes.add_patch(Rectangle((b - 0.47, a - 0.47), 0.94, 0.94, color=theme.colour(theme.DENSITY[step]), lw=0))
                axes.text(b, a, f"{tau[a, b]:.2f}".replace("-", "−"), ha="center", va="center", fontsize=6.5,
                          color=theme.colour("surface" if step >= 4 else "ink"))
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_xticks(range(n), proxies, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(n), proxies)
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_title("Kendall's tau-b between scores")
        return fig

    return draw, ("a", "b", "n", "spearman", "kendall_tau_b"), rows
