#!/usr/bin/python3
"""A picture of a score against trained accuracy, as density: plot.py results/nb201.h5 -o results/nb201.png

Accuracies must be in the file (`nasweep correlate FILE --out FILE` joins them); without any, the score is drawn against
another score. --proxy and --dataset choose; the format
is told by the ending (png, svg, pdf)."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nasweep  # noqa: E402
import theme  # noqa: E402


def lowest_for_no_path(score, status, direction):
    """Scores turned so that larger is better, NaN where a row takes no part, and whether each has no path."""
    import numpy as np

    turned = np.where(status == 1, direction * score, np.nan)
    return np.where(np.isfinite(turned), turned, np.nan), status == 2


def density(axes, x, y, theme_grid=40):
    """Hexagons on axes; returns (centres, counts) of those that hold anything."""
    import numpy as np

    art = axes.hexbin(x, y, gridsize=(theme_grid, int(theme_grid * 0.4)), mincnt=1, linewidths=0.15)
    counts = np.asarray(art.get_array())
    norm, edges = theme.density_norm(counts.max() if len(counts) else 1)
    art.set_cmap(theme.density_map())
    art.set_norm(norm)
    art.set_edgecolor("face")
    return art.get_offsets(), counts, edges


def low_end(y):
    """Where to cut an axis of accuracies: most of them crowd at the top, a few at chance."""
    import numpy as np

    low, high = np.nanpercentile(y, [4, 100])
    return low - 0.15 * (high - low), high + 0.04 * (high - low)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("-o", "--out", required=True)
    parser.add_argument("--space")
    parser.add_argument("--proxy", help="default: the first score")
    parser.add_argument("--dataset", help="DATASET/SPLIT; default: the first accuracy")
    args = parser.parse_args()

    import numpy as np

    try:
        data, attrs = nasweep.columns(args.file, args.space)
    except (OSError, ValueError) as e:
        sys.exit(f"plot.py: {e}")
    proxy = args.proxy or ("sed" if "sed" in attrs["proxies"] else next(iter(attrs["proxies"]), None))
    target = args.dataset or next(iter(attrs["accuracies"]), None)
    other = next((p for p in ("params", *attrs["proxies"]) if p in attrs["proxies"] and p != proxy), None)
    against_score = proxy in attrs["proxies"] and not attrs["accuracies"] and not args.dataset and other
    if proxy not in attrs["proxies"] or (target not in attrs["accuracies"] and not against_score):
        sys.exit(f"plot.py: {args.file}: scores {', '.join(attrs['proxies']) or 'none'}, accuracies "
                 f"{', '.join(attrs['accuracies']) or 'none'}")
    x, no_path = lowest_for_no_path(data[nasweep.score_name(proxy, data)], data["status/" + proxy],
                                    float(attrs["proxies"][proxy].get("direction", 1)))
    y = data[nasweep.score_name(other, data)] if against_score else data["accuracy/" + target]
    keep = np.isfinite(x) & np.isfinite(y)
    low, high = low_end(y[keep])
    shown = keep & (y >= low)

    theme.STAND_IN = {name: c[0] for name, c in theme.COLOURS.items()}
    theme.setup()
    fig, axes = theme.figure(5.2, 3.8)
    _, _, edges = density(axes, x[shown], y[shown], 60)
    best = np.flatnonzero(keep)[np.argsort(-y[keep], kind="stable")[:10]]
    axes.plot(x[best], y[best], "o", ms=4, mfc="none", mec=theme.colour("mark"), mew=1.2, label=f"ten best by {other}" if against_score else "ten most accurate")
    top = np.flatnonzero(keep)[np.argsort(-x[keep], kind="stable")[:10]]
    axes.plot(x[top], y[top], "^", ms=4, mfc="none", mec=theme.colour("mark2"), mew=1.2, label=f"ten best by {proxy}")
    axes.set_ylim(low, high)
    long_name = attrs["proxies"][proxy].get("long_name", proxy)
    axes.set_xlabel(f"{proxy}: {long_name}" if long_name != proxy else proxy)
    axes.set_ylabel(other if against_score else target.replace("/", " ") + " accuracy, %")
    axes.set_title(f"{attrs['space']}: {proxy} against {other if against_score else 'trained accuracy'}")
    axes.legend(loc="lower right")
    axes.text(0, -0.2, f"{keep.sum():,} architectures; {(keep & (y < low)).sum():,} below the axis, "
              f"{no_path.sum():,} without a path left out; darker: more, by powers of {edges[2] / edges[1]:.1f}",
              transform=axes.transAxes, fontsize=6.5, color=theme.colour("muted"))
    fig.savefig(args.out, facecolor=theme.COLOURS["surface"][0])
    print(args.out)


if __name__ == "__main__":
    main()
