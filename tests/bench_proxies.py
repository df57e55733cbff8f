"""Every proxy that runs a network beside PyTorch's computation of the same definition (tests/proxies.py, float, one
thread), on the same architectures and number of images, each proxy alone; then all of them in one sweep, which shares
passes. CPU seconds an evaluation, without start-up and PyTorch's building of networks; medians of three turns."""
import json
import os
import resource
import statistics
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import proxies
    import torch
except ImportError as e:
    print(f"  left out: {e}")
    sys.exit(0)

TURNS = int(os.environ.get("TURNS", 3))
INCEPTION = ("0111010|0000001|0000001|0000100|0000001|0000001|0000000 "
             "input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output")
# (space, cells, images)
CASES = [("nb201", ["7331", "12345"], 16), ("nb101", [INCEPTION], 4)]


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
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    proxies.nasweep("score", lab.space, "--arch", lab.index, "--proxy", ",".join(names), "--out", out, "--progress", 0,
                    "--seed", ",".join(map(str, range(1, seeds + 1))), *options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(lab, names, more=10):
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


def measure(space, cells, samples, names, folder):
    labs = [proxies.Lab(space, c, samples=samples, folder=folder, dtype=torch.float32) for c in cells]
    mine, peer = {n: [] for n in [*names, "together"]}, {n: [] for n in names}
    for lab in labs:
        for n in names:
            turns = [(ours(lab, [n]), theirs(lab, n)) for _ in range(TURNS)]
            mine[n].append(max(statistics.median(t[0] for t in turns), 1e-5))
            peer[n].append(statistics.median(t[1] for t in turns))
        mine["together"].append(statistics.median(ours(lab, names) for _ in range(TURNS)))
    count = len(cells)
    print(f"  {space}, {count} cell{'s' * (count > 1)}, {samples} images: CPU seconds an architecture")
    for n in names:
        a, b = sum(mine[n]) / count, sum(peer[n]) / count
        print(f"    {n:<16} nasweep {a:8.4f}   PyTorch {torch.__version__} {b:8.3f}   ratio {b / a:6.1f}")
    a, b = sum(mine["together"]) / count, sum(sum(peer[n]) for n in names) / count
    print(f"    {'all together':<16} nasweep {a:8.3f}   each alone {sum(sum(mine[n]) for n in names) / count:8.3f}   "
          f"PyTorch, each alone {b:8.3f}   ratio {b / a:6.1f}", flush=True)


torch.set_num_threads(1)
everything = network_proxies()
with tempfile.TemporaryDirectory() as scratch:
    for case in CASES:
        measure(*case, everything, scratch)
