#!/usr/bin/python3
"""A step of training beside PyTorch's: batch, forward, backward, SGD with momentum. Ours cuts and turns its images and
tracks running statistics on the way; PyTorch's batch is given ready. One thread each, the two take turns; CPU seconds,
medians over steps, the ratio's over pairs of them."""
import csv
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from beside import NASWEEP  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import torchnets  # noqa: E402
from torchnets import INCEPTION  # noqa: E402


class Steps:
    """Our training, a step at a time."""

    def __init__(self, space, index, batch, settings):
        words = [f"batch={batch}", f"train={16 * batch}", "valid=-1", "rate=0.01", "momentum=0.9", "nesterov=1",
                 "decay=5e-4", "crop=4", "flip=1", *settings]
        program = os.path.join(os.path.dirname(NASWEEP), "tests", "train_dump")
        self.process = subprocess.Popen([program, space, index, "1", "synthetic", str(16 * batch), "-", *words],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.macs, self.peak = map(float, self.process.stdout.readline().split())

    def step(self):
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Torch:
    def __init__(self, space, arch, batch, resolution, **size):
        self.net = torchnets.build(space, arch, **size).train()
        self.x, self.y = torch.randn(batch, 3, resolution, resolution), torch.arange(batch) % 10
        self.sgd = torch.optim.SGD(self.net.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def step(self):
        since = time.process_time()
        self.sgd.zero_grad()
        F.cross_entropy(self.net(self.x), self.y).backward()
        self.sgd.step()
        return time.process_time() - since


def listed(space, index, columns):
    text = subprocess.run([NASWEEP, "list", space, "--arch", index, "--columns", columns, "--no-header"], check=True, capture_output=True, text=True).stdout
    return next(csv.reader([text]))


def compare(name, space, cells, batch, rounds, channels, depth, resolution=32):
    ours, theirs, ratio, share = [], [], [], []
    for cell in cells:
        index, *arch = listed(space, cell, "index,id" if space == "nb201" else "index,adjacency,ops")
        mine = Steps(space, index, batch, [f"channels={channels}", f"cells={depth}", f"resolution={resolution}"])
        peer = Torch(space, arch[0] if space == "nb201" else tuple(arch), batch, resolution, c=channels, n=depth)
        turns = [(mine.step(), peer.step()) for _ in range(rounds + 1)][1:]
        mine.close()
        ours += [a for a, _ in turns]
        theirs += [b for _, b in turns]
        ratio += [b / a for a, b in turns]
        share += [6 * mine.macs * batch / a / 1e9 / mine.peak for a, _ in turns]
    print(f"  {name}, batch of {batch}: nasweep {1e3 * statistics.median(ours):.1f} ms, "
          f"{100 * statistics.median(share):.0f} % of the core's FP32 peak; PyTorch {torch.__version__} "
          f"{1e3 * statistics.median(theirs):.1f} ms; ratio {statistics.median(ratio):.2f} ({min(ratio):.2f} to {max(ratio):.2f})",
          flush=True)


torch.manual_seed(0)
picks = [str((k * 2654435761 + 99) % 15625) for k in range(8)]
compare(f"nb201 at full size, {len(picks)} random cells", "nb201", picks, 256, 3, 16, 5)
compare(f"nb201 at EcoNAS's size (4 channels, 8x8), {len(picks)} random cells", "nb201", picks, 256, 9, 4, 5, 8)
compare("nb101, the Inception-like cell at full size", "nb101", [" ".join(INCEPTION)], 32, 3, 128, 3)
