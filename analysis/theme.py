"""One look for all figures: colours that the colour-blind tell apart, in light and dark.

Figures are drawn once with stand-in colours. In a page these become CSS variables, so that a drawing follows the
reader's light or dark mode; in files they become the light values."""

import io
import re

import matplotlib
import numpy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.colors import BoundaryNorm, ListedColormap  # noqa: E402

# name: (light, dark). Series are Okabe and Ito's set; density is one hue by lightness.
COLOURS = {
    "ink": ("#1b1f24", "#e8eaed"),
    "muted": ("#5b6570", "#9aa4af"),
    "grid": ("#e3e7eb", "#2d343b"),
    "surface": ("#ffffff", "#14181d"),
    "mark": ("#d55e00", "#ff8c42"),
    "mark2": ("#009e73", "#2fd3a2"),
    "s0": ("#0072b2", "#56b4e9"),
    "s1": ("#d55e00", "#ff8c42"),
    "s2": ("#009e73", "#2fd3a2"),
    "s3": ("#cc79a7", "#e79cc6"),
    "s4": ("#b8860b", "#f0c75e"),
    "s5": ("#5e4fa2", "#a99bea"),
    "s6": ("#7a7f85", "#b4bac0"),
    "d0": ("#dbe9f6", "#12283d"),
    "d1": ("#b9d5ec", "#153c5c"),
    "d2": ("#8bbbe0", "#1a5480"),
    "d3": ("#5a9bd0", "#2271aa"),
    "d4": ("#2f78b8", "#3f94d1"),
    "d5": ("#155796", "#79b9e6"),
    "d6": ("#08366b", "#c6e2f7"),
}
NAMES = list(COLOURS)
# #f1ee00, #f1ee01, ...: colours that nothing else uses.
STAND_IN = {name: "#f1ee%02x" % i for i, name in enumerate(NAMES)}
DENSITY = [f"d{i}" for i in range(7)]
SERIES = [f"s{i}" for i in range(7)]
DASHES = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), "-", (0, (3, 1.5)), (0, (1, 2.5))]


def colour(name):
    return STAND_IN[name]


def css():
    """The variables, for both modes."""
    light = "".join(f"--{n}:{c[0]};" for n, c in COLOURS.items())
    dark = "".join(f"--{n}:{c[1]};" for n, c in COLOURS.items())
    return (f":root{{color-scheme:light dark;{light}}}\n"
            f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
            f"@media print{{:root{{color-scheme:light;{light}}}}}\n")


def setup():
    matplotlib.rcParams.update({
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 8,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 8,
        "axes.labelcolor": colour("muted"),
        "axes.edgecolor": colour("muted"),
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "grid.color": colour("grid"),
        "grid.linewidth": 0.6,
        "text.color": colour("ink"),
        "xtick.color": colour("muted"),
        "ytick.color": colour("muted"),
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "xtick.major.size": 0,
        "ytick.major.size": 0,
        "lines.linewidth": 1.6,
        "legend.frameon": False,
        "legend.fontsize": 7,
        "svg.fonttype": "none",
        "svg.hashsalt": "nasweep",
        "figure.dpi": 100,
        "savefig.dpi": 220,
    })


def density_map():
    return ListedColormap([colour(n) for n in DENSITY])


def density_norm(largest):
    """Seven steps of the logarithm of a count."""
    top = max(largest, 2)
    edges = [top ** (i / 7) for i in range(8)]
    edges[0] = 0.5
    return BoundaryNorm(edges, 7), edges


def level_norm(counts):
    """Seven steps of equal width up to the count that one hexagon in a hundred exceeds."""
    top = max(float(numpy.percentile(counts, 99)) if len(counts) else 1, 7)
    return BoundaryNorm([top * i / 7 for i in range(8)], 7, clip=True)


def figure(width=3.5, height=2.7):
    return pyplot.subplots(figsize=(width, height), layout="constrained")


def _substitute(text, value):
    return re.sub(r"#f1ee([0-9a-f]{2})", lambda m: value(NAMES[int(m[1], 16)]), text)


class Drawing:
    """A finished figure: SVG for the page, and files."""

    def __init__(self, fig, name):
        self.name = name
        buffer = io.StringIO()
        fig.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        pyplot.close(fig)
        self.svg = buffer.getvalue()

    def inline(self, label):
        """An <svg> element for a page, scaling with its column; label is read out to those who cannot see it."""
        svg = self.svg[self.svg.index("<svg"):]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
        svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
        svg = re.sub(r' width="[^"]*pt"| height="[^"]*pt"| version="[^"]*"', "", svg.split(">", 1)[0]) + ">" + svg.split(">", 1)[1]
        # Names must differ between the drawings of one page.
        prefix = re.sub(r"\W", "_", self.name) + "-"
        svg = re.sub(r'id="([^"]+)"', lambda m: f'id="{prefix}{m[1]}"', svg)
        svg = re.sub(r'"#([\w-]+)"', lambda m: f'"#{prefix}{m[1]}"', svg)
        svg = re.sub(r"url\(#([\w-]+)\)", lambda m: f"url(#{prefix}{m[1]})", svg)
        svg = re.sub(r"font: ([^;\"]*?)'DejaVu Sans'[^;\"]*", r"font: \1 system-ui, sans-serif", svg)
        svg = re.sub(r"\s*\n\s*", "\n", svg)
        label = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
        return _substitute(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1), lambda n: f"var(--{n})")

    def light_svg(self):
        return _substitute(self.svg, lambda n: COLOURS[n][0])


def save_png(draw, path):
    """Draws again with light colours, into a PNG file."""
    global STAND_IN
    kept, STAND_IN = STAND_IN, {name: c[0] for name, c in COLOURS.items()}
    try:
        setup()
        fig = draw()
        fig.savefig(path, facecolor=COLOURS["surface"][0])
        pyplot.close(fig)
    finally:
        STAND_IN = kept
        setup()
