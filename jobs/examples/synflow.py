"""synflow (Tanaka et al., 2020) in PyTorch, in double precision: what `--proxy synflow` computes."""
import torch
from torch import nn

import nasweep


def synflow(architecture):
    """synflow by PyTorch: sum of |weight x gradient|, absolute weights, an image of ones, no normalisation"""
    net = architecture.torch(weights="absolute").double()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.forward = lambda x: x
    size = architecture.arch["resolution"]
    net(torch.ones(1, 3, size, size, dtype=torch.float64)).sum().backward()
    weights = [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return sum((w * w.grad).abs().sum() for w in weights if w.grad is not None)


if __name__ == "__main__":
    nasweep.serve(synflow, needs=["network", "seed"])
