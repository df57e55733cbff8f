"""KNAS beside PyTorch on the same cells, images and core: the released procedure (every image alone, forward and
backward) and, for nb101's Inception-like cell, one batch of 50. One thread each; the two take turns, a few cells at a
time. CPU seconds."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from beside import NASWEEP, of_children  # noqa: E402
import torch  # noqa: E402
import torchnets  # noqa: E402
from torchnets import INCEPTION  # noqa: E402


def run(space, archs, seeds):
    """CPU seconds of a whole `nasweep score`, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [NASWEEP, "score", space, "--proxy", "knas", "--out", os.path.join(folder, "x.h5"), "--progress", "0"]
        command += ["--seed", ",".join(map(str, range(seeds)))] + [w for a in archs for w in ("--arch", a)]
        before = of_children()
        subprocess.run(command, check=True, capture_output=True)
        return of_children() - before


def ours_cells(archs, others):
    """CPU seconds an evaluation, as in a sweep: what these architectures add to a run of some others."""
    return (run("nb201", others + archs, 1) - run("nb201", others, 1)) / len(archs)


def ours_seeds(space, arch):
    """Likewise, what two more seeds add."""
    return (run(space, [arch], 3) - run(space, [arch], 1)) / 2


def theirs(net, x, y, batch):
    net.train()
    before = time.process_time()
    for i in range(0, len(x), batch):
        loss = torch.nn.functional.cross_entropy(net(x[i:i + batch]), y[i:i + batch])
        net.zero_grad()
        loss.backward()
    return time.process_time() - before


torch.manual_seed(0)
x, y = torch.randn(50, 3, 32, 32), torch.arange(50) % 10
listing = subprocess.run([NASWEEP, "list", "nb201", "--columns", "index,id", "--no-header"], check=True,
                         capture_output=True, text=True).stdout.split()
picks = [listing[(k * 2654435761 + 99) % 15625].split(",") for k in range(20)]
cells, others = picks[:16], [index for index, _ in picks[16:]]
mine, single = [], []
for _ in range(5):
    turns = [(ours_cells([index for index, _ in four], others),
              [theirs(torchnets.build("nb201", arch), x, y, 1) for _, arch in four])
             for four in (cells[k:k + 4] for k in range(0, 16, 4))]
    mine.append(statistics.mean(our for our, _ in turns))
    single.append(statistics.mean(seconds for _, their in turns for seconds in their))
ratio = statistics.median(q / p for p, q in zip(mine, single))
print(f"  nb201, {len(cells)} random cells, 50 images: nasweep {statistics.median(mine):.3f} s a cell, PyTorch {torch.__version__} "
      f"one image at a time {statistics.median(single):.3f} s; ratio {ratio:.1f}")
net = torchnets.build("nb101", INCEPTION)
mine, batch, single = [], [], []
for _ in range(3):
    mine.append(ours_seeds("nb101", " ".join(INCEPTION)))
    batch.append(theirs(net, x, y, 50))
    single.append(theirs(net, x, y, 1))
mine, batch, single = map(statistics.median, (mine, batch, single))
print(f"  nb101, Inception-like cell, 50 images: nasweep {mine:.2f} s, PyTorch one batch {batch:.2f} s (ratio {batch / mine:.1f}), "
      f"one image at a time {single:.2f} s (ratio {single / mine:.1f})")
