#!/usr/bin/python3
"""Normalisations as training and evaluation need them, against PyTorch: scales and shifts other than 1 and 0, statistics
of the batch and running ones. Networks are rebuilt from `nasweep dump --weights affine`."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
os.environ.setdefault("OMP_NUM_THREADS", "1")
import tap  # noqa: E402

try:
    import h5py
    import numpy as np
    import proxies
    import steady  # noqa: F401
    import torch
    import torch.nn.functional as F
    import torchnets
except ImportError as e:
    print(f"ok 1 - normalisations against PyTorch # SKIP {e}")
    print("1..1")
    sys.exit(0)

DRAWS = 4  # a value within float's rounding of a ReLU's edge takes a pixel's gradient along: then the next draw is taken
CELLS = [("nb201", 4374, {"channels": 8, "cells": 1}), ("nb201", 12345, {"channels": 8, "cells": 1}),
         ("nb201", 9999, {"cells": 1}),
         ("nb101", 1, {"channels": 16, "cells": 1}), ("nb101", 50000, {"channels": 32, "cells": 1}),
         ("nb101", 300007, {"channels": 24, "cells": 1})]


def build(space, index, size, dump, dtype):
    """The network with all parameters and running statistics of the dump, and its normalisations by number."""
    names = {"channels": "c", "cells": "n"}
    net = torchnets.build(space, proxies.architecture(space, index), **{names[k]: v for k, v in size.items()}).to(dtype)
    parameters = torchnets.parameters(net)
    norms = {id(m.weight): m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    by_number = {k: norms[id(p)] for k, p in enumerate(parameters) if id(p) in norms}
    with torch.no_grad():
        for k, p in enumerate(parameters):
            p.copy_(torch.from_numpy(dump[f"param/{k:04d}"][...]))
        for k, m in by_number.items():
            mean, variance = dump[f"running/{k:04d}"][...]
            m.running_mean.copy_(torch.from_numpy(mean))
            m.running_var.copy_(torch.from_numpy(variance))
    return net, parameters, by_number


def run(net, parameters, dump, dtype, training):
    net.train(training)
    x, y = torch.from_numpy(dump["x"][...]).to(dtype), torch.from_numpy(dump["y"][...]).long()
    logits = net(x)
    loss = F.cross_entropy(logits, y, reduction="none")
    grads = torch.autograd.grad(loss.mean(), parameters, allow_unused=True)
    return logits.detach().numpy(), loss.detach().numpy(), [None if g is None else g.numpy() for g in grads]


def gradient_error(dump, grads):
    """The largest error of a live parameter's gradient over the norm of the whole gradient."""
    whole = np.sqrt(sum((g ** 2).sum() for g in grads if g is not None))
    live = [k for k in range(len(grads)) if dump[f"grad/{k:04d}"].attrs["live"]]
    kinds = {dump[f"grad/{k:04d}"].attrs["name"].split(".")[-1] for k in live}
    assert len(kinds) > 2, f"only {kinds} are compared"
    return max(np.linalg.norm(dump[f"grad/{k:04d}"][...] - grads[k]) for k in live) / whole


def statistics_error(dump, norms):
    worst = 0
    for k, m in norms.items():
        data = dump[f"tracked/{k:04d}"]
        if data.attrs["live"]:
            ours, theirs = data[...], np.stack([m.running_mean.numpy(), m.running_var.numpy()])
            worst = max(worst, np.abs(ours - theirs).max() / np.abs(theirs).max())
            assert np.abs(ours - dump[f"running/{k:04d}"][...]).max() > 0.01, "running statistics did not move"
    return worst


def one_draw(space, index, size, norm, seed, reference, samples=8):
    options = [f"--{k}={v}" for k, v in size.items()] + [f"--seed={seed}", f"--samples={samples}", f"--norm={norm}"]
    options += ["--data=synthetic:3", "--weights=affine"] + (["--reference"] if reference else [])
    tap.nasweep("dump", space, "--arch", index, "--out", "net.h5", *options)
    with h5py.File("net.h5") as dump:
        net, parameters, norms = build(space, index, size, dump, torch.float64)
        logits, loss, grads = run(net, parameters, dump, torch.float64, norm == "batch")
        errors = {"logits": np.abs(dump["logits"][...] - logits).max() / np.abs(logits).max(),
                  "loss": np.abs(dump["loss"][...] - loss).max() / loss.max(),
                  "gradient": gradient_error(dump, grads)}
        if norm == "batch":
            errors["statistics"] = statistics_error(dump, norms)
    return errors


def compare(space, index, size, norm, samples=8):
    """The naive kernels in double to 1e-9 (running statistics are float), the engine to 1e-4."""
    exact = one_draw(space, index, size, norm, 1, True, samples)
    for what, error in exact.items():
        assert error < (1e-6 if what == "statistics" else 1e-9), f"naive kernels, {what}: off by {error:.2e}"
    draws = []
    while len(draws) < DRAWS and not (draws and max(draws[-1].values()) < 1e-4):
        draws.append(one_draw(space, index, size, norm, len(draws) + 1, False, samples))
    assert max(draws[-1].values()) < 1e-4, f"{draws}"


torch.set_num_threads(1)
for space, index, size in CELLS:
    for norm in ["batch", "running"]:
        tap.test(f"{space} {index}, normalised by {norm}, scales and shifts drawn")(
            lambda space=space, index=index, size=size, norm=norm: compare(space, index, size, norm))
tap.test("many images, whose statistics are brought together piece by piece")(
    lambda: compare("nb101", 1, {"channels": 8, "cells": 1}, "batch", 67))
sys.exit(tap.run())
