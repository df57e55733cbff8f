"""Every proxy that runs a network beside PyTorch's computation of the same definition (tests/lib/proxies.py, float, one
thread), on the same architectures and number of images, each proxy alone; then all of them in one sweep, which shares
passes. CPU seconds an evaluation, without start-up and PyTorch's building of networks; medians of three turns. Options:
IMAGES_NB201, IMAGES_NB101 and TURNS in the environment."""
import json
import os
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from beside import of_children  # noqa: E402
import proxies  # noqa: E402
import torch  # noqa: E402
from torchnets import INCEPTION  # noqa: E402

TURNS = int(os.environ.get("TURNS", 3))
# (space, cells, images)
CASES = [("nb201", ["7331", "12345"], int(os.environ.get("IMAGES_NB201", 16))),
         ("nb101", [" ".join(INCEPTION)], int(os.environ.get("IMAGES_NB101", 16)))]


def network_proxies():
    listed = json.loads(proxies.nasweep("list", "--proxies", "--format", "json"))
    # az_complexity is counted, and comes with the others of its family.
    return [p["proxy"] for p in listed if p["proxy"] in proxies.DEFINITIONS and p["proxy"] != "az_complexity"]


def cpu(lab, names, seeds):
    """CPU seconds of a whole `nasweep score` of one architecture."""
    out = os.path.join(lab.folder, "score.h5")
    if os.path.exists(out):
        os.remove(out)
    options = [o for o in lab.options() if not o.startswith("--seed")]
    before = of_children()
    proxies.nasweep("score", lab.space, "--arch", lab.index, "--proxy", ",".join(names), "--out", out, "--progress", 0,
                    "--seed", ",".join(map(str, range(1, seeds + 1))), *options)
    return of_children() - before


def enough(lab, names):
    """Evaluations that take about half a second together, so that start-up's own noise is small beside them."""
    return min(20, max(3, int(0.5 / max(ours(lab, names, 3), 1e-3))))


def ours(lab, names, more):
    """CPU seconds of one evaluation: what more seeds add, so that start-up does not count."""
    return (cpu(lab, names, 1 + more) - cpu(lab, names, 1)) / more


def theirs(lab, name):
    """CPU seconds of the definition, on networks built before the clock starts."""
    ready = {w: lab.fresh(w) for w in ("own", "normal", "kaiming")}
    work = proxies.Lab(lab.space, lab.index, lab.size, lab.samples, lab.seed, lab.data, lab.folder, lab.dtype)
    work.known = {"x": lab.x, "y": lab.y}
    work.fresh = lambda weights="own": ready[weights]
    before = time.process_time()
    if name == "l2_norm":  # the weights' making is the work
        ready["own"] = proxies.torchnets.build(lab.space, lab.once("arch", lab.architecture))
    proxies.value(work, name)
    return time.process_time() - before


class Case:
    """One space: its cells, and what was measured of them."""

    def __init__(self, space, cells, samples, folder):
        self.labs = [proxies.Lab(space, c, samples=samples, folder=folder, dtype=torch.float32) for c in cells]
        self.title = f"{space}, {len(cells)} cell{'s' * (len(cells) > 1)}, {samples} images"
        self.sums = [0.0, 0.0]  # each proxy alone: ours, theirs

    def row(self, name):
        """Ours and theirs, means over the cells of medians over the turns."""
        mine = peer = 0.0
        for lab in self.labs:
            more = enough(lab, [name])
            turns = [(ours(lab, [name], more), theirs(lab, name)) for _ in range(TURNS)]
            mine += max(statistics.median(t[0] for t in turns), 1e-5) / len(self.labs)
            peer += statistics.median(t[1] for t in turns) / len(self.labs)
        self.sums = [self.sums[0] + mine, self.sums[1] + peer]
        return mine, peer

    def together(self, names):
        medians = [statistics.median(ours(lab, names, 3) for _ in range(TURNS)) for lab in self.labs]
        return sum(medians) / len(medians)


def line(name, pairs):
    cells = "".join(f"{a:12.4f}{b:12.4f}{b / a:10.1f}" for a, b in pairs)
    print(f"    {name:<16}{cells}", flush=True)


everything = network_proxies()
with tempfile.TemporaryDirectory() as scratch:
    cases = [Case(*case, scratch) for case in CASES]
    print(f"  CPU seconds an architecture, PyTorch {torch.__version__}: " + "; ".join(c.title for c in cases))
    print("    proxy           " + "".join(f"{c.labs[0].space:>12}{'PyTorch':>12}{'ratio':>10}" for c in cases), flush=True)
    for name in everything:
        line(name, [c.row(name) for c in cases])
    line("each alone", [c.sums for c in cases])
    line("all together", [(c.together(everything), c.sums[1]) for c in cases])
