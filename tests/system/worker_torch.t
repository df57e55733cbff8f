#!/usr/bin/python3
"""Workers in PyTorch: architecture.torch() and images() against dumps, the examples against the built-in scores, and a
sweep that is killed on two ranks and resumed one."""

import json
import os
import signal
import sys
import time

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "..", "analysis")]
try:
    import steady  # noqa: F401
    import torch
except ImportError:
    print("1..0 # SKIP no python3-torch")
    sys.exit(0)
from sweeps import NASWEEP, ROOT, different, report, run, run_parts, start  # noqa: E402
from workers import column, ranks_of  # noqa: E402

os.environ["NASWEEP"] = NASWEEP
import nasweep  # noqa: E402

EXAMPLES = os.path.join(ROOT, "jobs", "examples")
PYTHON = "/usr/bin/python3"


def begun(path):
    """Whether some rows are there and others are not."""
    try:
        with h5py.File(path) as f:
            return 0 < (f["nb201/status/sn"][:] == 0).sum() < 20
    except OSError:
        return False


def networks(folder):
    """Networks and images in PyTorch: weights and images bit for bit those of dumps, logits the same."""
    torch.set_num_threads(1)
    kinds = nasweep.run("list", "--help")
    cases = [("nb201", i, "own") for i in (0, 123, 1462, 13144, 7364)] + [("nb101", i, "own") for i in (0, 1, 1234, 300001)]
    cases += [("nb201", 123, w) for w in ("absolute", "normal", "kaiming")] + [("nb101", 77, "kaiming")]
    cases += [("sss", 4321, "own")] if "sss" in kinds else []
    wrong = []
    for space, index, weights in cases:
        small = ["--channels", "16", "--cells", "1"] if space == "nb101" else []
        run(None, "dump", space, "--arch", index, "--norm", "batch", "--weights", weights, "--samples", "3", "--out",
            f"{folder}/dump.h5", *small)
        line = json.loads(nasweep.run("list", space, "--format", "worker", "--arch", index))
        for stage, channels in zip(line["arch"]["stages"], (16, 16, 16, 32, 32, 64)) if small else ():
            stage.update(channels=channels, repeat=1)
        one = nasweep.Architecture(dict(line, seed=777, data="synthetic", dataset="cifar10", samples=3))
        net, (x, y) = one.torch(weights=weights), one.images()
        with h5py.File(f"{folder}/dump.h5") as f:
            ours, theirs = [f[f"param/{k}"][...] for k in sorted(f["param"])], [p.detach().numpy() for p in net.parameters()]
            bits = len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs))
            bits = bits and np.array_equal(f["x"][...], x.numpy()) and np.array_equal(f["y"][...], y.numpy())
            logits = f["logits"][...]
        near = np.abs(net(x).detach().numpy() - logits).max() <= 2e-4 * np.abs(logits).max() + 1e-6
        if not (bits and near):
            wrong.append((space, index, weights, bits, near))
    report(not wrong, f"{len(cases)} networks in PyTorch have the bits of their dumps", wrong)


def pytorch(folder):
    """Scores in PyTorch against the built-in ones; killed on two ranks and resumed one, the same file."""
    workers = ["--worker", f"flow={PYTHON} {EXAMPLES}/synflow.py", "--worker", f"sn={PYTHON} {EXAMPLES}/snip.py"]
    p = run(2, "score", "nb201", "--sample", "200", "--progress", "0", "--proxy", "synflow", "--out", f"{folder}/flow.h5",
            *workers[:2], timeout=250)
    ours, theirs = column(folder, "flow", "synflow")[0], column(folder, "flow", "flow")[0]
    off = np.nanmax(np.abs(theirs / ours - 1))
    report(p.returncode == 0 and (np.isnan(ours) == np.isnan(theirs)).all() and off < 1e-5,
           f"synflow in PyTorch and ours on 200 cells: at most {off:.1e} apart", p.stderr)
    words = ["score", "nb201", "--sample", "24", "--progress", "0", "--samples", "8", "--proxy", "snip", *workers[2:]]
    p = run(2, *words, "--out", f"{folder}/whole.h5", timeout=250)
    ours, theirs = column(folder, "whole", "snip")[0], column(folder, "whole", "sn")[0]
    off = np.abs(theirs / ours - 1)
    report(p.returncode == 0 and np.nanmedian(off) < 1e-5 and np.nanmax(off) < 5e-3, "snip in PyTorch on the run's images",
           f"{off} {p.stderr}")
    p = start(2, *words, "--out", f"{folder}/killed.h5", "--checkpoint", "0.05")
    until = time.monotonic() + 100
    while time.monotonic() < until and not begun(f"{folder}/killed.h5"):
        time.sleep(0.01)
    for pid in ranks_of(p.pid):
        os.kill(pid, signal.SIGKILL)
    p.kill()
    p.communicate()
    pending = (column(folder, "killed", "sn")[1] == 0).sum()
    p = run(1, *words, "--out", f"{folder}/killed.h5", timeout=250)
    report(p.returncode == 0 and 0 < pending < 24 and not different(f"{folder}/whole.h5", f"{folder}/killed.h5"),
           f"killed on two ranks with {pending} of 24 to do, resumed one: the identical file", p.stderr)


if __name__ == "__main__":
    run_parts(networks, pytorch)
