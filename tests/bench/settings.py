#!/usr/bin/python3
"""What the published figures of nb201 depend on: scores in our settings and in those of AZ-NAS's released code, by
PyTorch alone, on the same random cells; Spearman with CIFAR-10 test accuracy after 200 epochs.

AZ-NAS's code, and what others made of it, derives from Zen-NAS's: He's normal weights, new ones for every cell; for
grad_norm Gaussian images, random labels and one norm over all parameters, those of normalisations included; for zen all
normalisations, and Gaussian or real images. Cells without a path count there with what comes out, for grasp a zero,
which is not the lowest value.

usage: tests/bench/settings.py [--cells N] [--images N] [--out FILE.csv]
The figures are in the README. With the defaults it takes some ten minutes of one core."""
import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import torchnets  # noqa: E402
from proxies import NASWEEP, gradients, weights_of, zens_of  # noqa: E402

DATA = os.environ.get("NASWEEP_DATA", "")


def images(count):
    """The program's images and labels, from a dump."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "dump.h5")
        data = os.path.join(DATA, "cifar-10-batches-bin")
        subprocess.run([NASWEEP, "dump", "nb201", "--arch", "0", "--samples", str(count), "--channels", "2", "--cells", "1",
                        "--data", data, "--out", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with h5py.File(path) as f:
            return torch.from_numpy(f["x"][...]), torch.from_numpy(f["y"][...]).long()


def draw(net, how):
    """New weights: PyTorch's own, He's normal by fan-in, or standard normal; normalisations as new."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()
        elif isinstance(m, (nn.Conv2d, nn.Linear)):
            m.reset_parameters()
            if how == "he":
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif how == "normal":
                nn.init.normal_(m.weight)
            if how != "own" and m.bias is not None:
                nn.init.zeros_(m.bias)


def norms(net, x, y):
    """(sum over weight tensors of the gradient's norm, one norm over all parameters, snip)."""
    weights, tensors = weights_of(net), list(net.parameters())
    found = gradients(F.cross_entropy(net(x), y), weights + tensors)
    g, whole = found[:len(weights)], found[len(weights):]
    one = torch.sqrt(sum(v.square().sum() for v in whole))
    return sum(v.norm() for v in g), one, sum((w * v).abs().sum() for w, v in zip(weights, g))


def grasp(net, x, y):
    weights = weights_of(net)
    first = gradients(F.cross_entropy(net(x), y), weights, create_graph=True)
    second = gradients(sum((g.detach() * g).sum() for g in first), weights)
    return -sum((w * h).sum() for w, h in zip(weights, second))


def jacov(net, x):
    x = x.clone().requires_grad_()
    rows = gradients(net(x).sum(), [x])[0].flatten(1).double().numpy()
    if not rows.any():
        return -np.inf
    v = np.linalg.eigvalsh(np.corrcoef(rows)) + 1e-5
    return -np.sum(np.log(v) + 1 / v)


def scores(arch, x, y):
    """{what: value} of a cell."""
    net, found = torchnets.Net201(arch).train(), {}
    noise, labels = torch.randn(x.shape), torch.randint(0, 10, y.shape)
    for how, pixels, truth, what in (("own", x, y, "ours"), ("he", x, y, "He's weights"),
                                     ("he", noise, labels, "He's weights, noise")):
        draw(net, how)
        found[f"grad_norm, {what}"], found[f"grad_norm, {what}, one norm"], found[f"snip, {what}"] = norms(net, pixels, truth)
    for how, what in (("own", "ours"), ("he", "He's weights")):
        draw(net, how)
        found[f"grasp, {what}"] = grasp(net, x, y)
        found[f"jacov, {what}"] = jacov(net, x)
    for pixels, step, what in ((noise, torch.randn(x.shape), "noise"), (x, x.roll(1, 0), "real images")):
        draw(net, "normal")
        found[f"zen, {what}"], found[f"zen_live, {what}"] = zens_of(net, pixels, step)
    return {k: float(v) for k, v in found.items()}


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--cells", type=int, default=300)
parser.add_argument("--images", type=int, default=16)
parser.add_argument("--out", help="all values as CSV")
args = parser.parse_args()
path = os.path.join(DATA, "nb201_accuracy_200ep.csv")
if not os.path.exists(path):
    sys.exit(f"settings.py: {path} is not there; NASWEEP_DATA names its folder")
torch.set_num_threads(1)
with open(path, newline="") as f:
    cells = list(csv.DictReader(f))
x, y = images(args.images)
rows = []
for i in random.Random(1).sample(range(len(cells)), args.cells):
    torch.manual_seed(i)
    rows.append({"index": i, "accuracy": float(cells[i]["cifar10_test"]), **scores(cells[i]["arch"], x, y)})
print(f"{len(rows)} cells, {args.images} images: Spearman with CIFAR-10 test accuracy")
for what in list(rows[0])[2:]:
    value = [r[what] for r in rows]
    print(f"  {what:<40}{stats.spearmanr(value, [r['accuracy'] for r in rows]).correlation:>8.3f}")
if args.out:
    with open(args.out, "w", newline="") as f:
        table = csv.DictWriter(f, rows[0])
        table.writeheader()
        table.writerows(rows)
