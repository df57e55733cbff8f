"""snip (Lee et al., 2019) in PyTorch, on the run's own images: what `--proxy snip` computes."""
import torch.nn.functional as F
from torch import nn

import nasweep


def snip(architecture):
    """snip by PyTorch: sum of |weight x gradient of the loss|"""
    net = architecture.torch()
    images, labels = architecture.images()
    F.cross_entropy(net(images), labels).backward()
    weights = [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return sum((w * w.grad).abs().sum() for w in weights if w.grad is not None)


if __name__ == "__main__":
    nasweep.serve(snip, needs=["network", "data", "seed"])
