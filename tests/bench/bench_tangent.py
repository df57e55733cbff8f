"""GraSP beside PyTorch's double backward (float) on the same cells, images and core, and what its tangents cost beside
one forward and backward pass. One thread each, taking turns; CPU seconds of an evaluation, medians."""
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from beside import NASWEEP, of_children  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torchnets  # noqa: E402

SEEDS, ROUNDS = 4, 3


def ours(space, index, proxy, samples):
    """CPU seconds of an evaluation; nasweep's start is spread over the seeds."""
    with tempfile.TemporaryDirectory() as folder:
        before = of_children()
        subprocess.run([NASWEEP, "score", space, "--arch", index, "--proxy", proxy, "--samples", str(samples), "--seed",
                        ",".join(map(str, range(1, SEEDS + 1))), "--out", os.path.join(folder, "x.h5"), "--progress",
                        "0"], check=True, capture_output=True)
    return (of_children() - before) / SEEDS


def theirs(net, x, y):
    weights = [p for p in net.parameters() if p.ndim > 1]
    before = time.process_time()
    first = torch.autograd.grad(F.cross_entropy(net(x), y), weights, create_graph=True, allow_unused=True)
    product = sum((g.detach() * g).sum() for g in first if g is not None)
    torch.autograd.grad(product, weights, allow_unused=True)
    return time.process_time() - before


def listed(space, index, columns):
    text = subprocess.run([NASWEEP, "list", space, "--arch", index, "--columns", columns, "--no-header"], check=True,
                          capture_output=True, text=True).stdout
    return next(csv.reader([text]))


torch.manual_seed(0)
for space, index, samples in (("nb201", "777", 64), ("nb201", "15000", 64), ("nb101", "200001", 16)):
    cell = listed(space, index, "id" if space == "nb201" else "adjacency,ops")
    net = torchnets.build(space, cell[0] if space == "nb201" else tuple(cell)).train()
    x, y = torch.randn(samples, 3, 32, 32), torch.arange(samples) % 10
    turns = [(ours(space, index, "l2_norm", samples), ours(space, index, "grad_norm", samples),
              ours(space, index, "grasp", samples), theirs(net, x, y)) for _ in range(ROUNDS)]
    start, train, grasp, torchs = (statistics.median(t[k] for t in turns) for k in range(4))
    print(f"  {space} {index}, {samples} images: GraSP {1e3 * (grasp - start):.0f} ms, of it tangents "
          f"{(grasp - train) / (train - start):.2f} times a pass forward and back; PyTorch {1e3 * torchs:.0f} ms, "
          f"{torchs / (grasp - start):.1f} times as long")
