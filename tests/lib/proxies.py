"""Every proxy that runs a network, computed by PyTorch from its definition, for tests/system/proxies.t and the
benchmarks: the papers' formulas on the networks of torchnets.py, weights and images as `nasweep dump` gives them.
Nothing of nasweep is read but these dumps.

A Lab holds one architecture; DEFINITIONS maps a column to a function of it."""
import contextlib
import functools
import os
import subprocess

import h5py
import numpy as np
import philox
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchnets

NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")


def nasweep(*words):
    done = subprocess.run([NASWEEP, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: status {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


@functools.cache
def architecture(space, arch):
    """What torchnets.build makes the network of: from the listing, whose ids and cells are held to the published ones
    elsewhere."""
    columns = "adjacency,ops" if space == "nb101" else "id"
    line = nasweep("list", space, "--arch", arch, "--columns", columns, "--no-header").strip()
    if space != "nb101":
        return line
    adjacency, ops = line.split(",", 1)
    return adjacency, ops.strip('"')


class Lab:
    """One architecture with its images and any of its sets of weights, in double or single precision."""

    def __init__(self, space, index, size=None, samples=16, seed=777, data="synthetic", folder=".", dtype=torch.float64):
        self.space, self.index, self.samples, self.seed, self.data = space, index, samples, seed, data
        self.size, self.folder, self.dtype = size or {}, folder, dtype
        self.known = {}

    def options(self):
        return [f"--{k}={v}" for k, v in self.size.items()] + [f"--samples={self.samples}", f"--seed={self.seed}",
                                                               f"--data={self.data}"]

    def once(self, name, make):
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]

    def dump(self, weights):
        """The file of a dump, made where it is not there yet."""
        name = "-".join(map(str, [self.space, self.index, self.samples, self.seed, *self.size.values(), weights]))
        path = os.path.join(self.folder, f"dump-{name}.h5")
        if not os.path.exists(path):
            nasweep("dump", self.space, "--arch", self.index, "--norm", "batch", "--weights", weights, "--out", path,
                    *self.options())
        return path

    def architecture(self):
        return architecture(self.space, self.index)

    def fresh(self, weights="own"):
        """A new network in training mode, as after initialisation."""
        arch = self.once("arch", self.architecture)
        with h5py.File(self.dump(weights)) as f:
            size = {"c": int(f.attrs["channels"]), "n": int(f.attrs["cells"]), "classes": int(f.attrs["classes"])}
            net = torchnets.build(self.space, arch, **size).to(self.dtype)
            theirs = torchnets.parameters(net)
            assert len(f["param"]) == len(theirs), "another number of parameters"
            with torch.no_grad():
                for k, p in enumerate(theirs):
                    p.copy_(torch.from_numpy(f[f"param/{k:04d}"][...]))
        return net.train()

    def net(self, weights="own"):
        return self.once(("net", weights), lambda: self.fresh(weights))

    @property
    def x(self):
        return self.once("x", lambda: self.read("x").to(self.dtype))

    @property
    def y(self):
        return self.once("y", lambda: self.read("y").long())

    def read(self, name):
        with h5py.File(self.dump("own")) as f:
            return torch.from_numpy(f[name][...])


def weights_of(net):
    """Weight tensors of convolutions and the classifier."""
    return [m.weight for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]


def gradients(value, tensors, **options):
    found = torch.autograd.grad(value, tensors, allow_unused=True, **options)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found)]


# ---- one backward pass of the mean cross-entropy ----

def trained(lab):
    """(weights, their gradients)."""
    def make():
        weights = weights_of(lab.net())
        return weights, gradients(F.cross_entropy(lab.net()(lab.x), lab.y), weights)
    return lab.once("trained", make)


def grad_norm(lab):
    return sum(g.norm() for g in trained(lab)[1])


def snip(lab):
    return sum((w * g).abs().sum() for w, g in zip(*trained(lab)))


def plain(lab):
    return sum((w * g).sum() for w, g in zip(*trained(lab)))


def l2_norm(lab):
    return sum(w.norm() for w in weights_of(lab.net()))


def fishers(lab):
    """(weight, half the mean over images of (sum over pixels of activation x gradient) squared by channel) of layers."""
    outputs = []
    layers = [m for m in lab.net().modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    hooks = [m.register_forward_hook(lambda m, i, o: outputs.append((m, o))) for m in layers]
    loss = F.cross_entropy(lab.net()(lab.x), lab.y)
    for h in hooks:
        h.remove()
    back = gradients(loss, [a for _, a in outputs])
    products = [(a * g).sum((2, 3)) if a.ndim == 4 else a * g for (_, a), g in zip(outputs, back)]
    return [(m.weight, 0.5 * p.pow(2).mean(0)) for (m, _), p in zip(outputs, products)]


def fisher_channels(lab):
    return sum(f.sum() for _, f in lab.once("fishers", lambda: fishers(lab)))


def fisher(lab):
    """A channel's value counts once for each of its weights."""
    return sum(f.sum() * w[0].numel() for w, f in lab.once("fishers", lambda: fishers(lab)))


def grasp(lab):
    """-w . H g, by differentiating the gradient once more."""
    weights = weights_of(lab.net())
    first = gradients(F.cross_entropy(lab.net()(lab.x), lab.y), weights, create_graph=True)
    product = sum((g.detach() * g).sum() for g in first)
    return -sum((w * h).sum() for w, h in zip(weights, gradients(product, weights)))


# ---- flow: absolute weights, no normalisation, an image of ones ----

def flow(lab):
    """(weights, gradients of the sum of logits)."""
    def make():
        net = lab.fresh().double()
        for m in list(net.modules()):
            if isinstance(m, nn.BatchNorm2d):
                m.forward = lambda x: x
        with torch.no_grad():
            for p in net.parameters():
                p.abs_()
        weights = weights_of(net)
        return weights, gradients(net(torch.ones_like(lab.x[:1]).double()).sum(), weights)
    return lab.once("flow", make)


def synflow(lab):
    return sum((w * g).abs().sum() for w, g in zip(*flow(lab)))


def logsynflow(lab):
    return sum((w * torch.log(g + 1)).abs().sum() for w, g in zip(*flow(lab)))


WEIGHTS = 1  # purpose of the random numbers


def uniform(lab, key, shape):
    """A weight tensor as it is drawn by the benchmark's rule, from the key of its place."""
    n, bound = int(np.prod(shape)), np.float32(1 / np.sqrt(np.prod(shape[1:])))
    words = philox.blocks(lab.seed, WEIGHTS, key, (n + 3) // 4).ravel()[:n]
    u = (2 * ((words >> 8) + 0.5) / 2 ** 24 - 1).astype(np.float32)
    return torch.from_numpy((u * bound).reshape(shape)).double()


def supernet(lab):
    """nb201's supernet with absolute weights and no normalisation, and its coefficients [6][5], all 1/5."""
    with h5py.File(lab.dump("own")) as f:
        c, n, classes = (int(f.attrs[k]) for k in ("channels", "cells", "classes"))
    alpha = torch.full((6, 5), 0.2, dtype=torch.float64, requires_grad=True)
    net = torchnets.Net201("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", c, n, classes)
    for k, cell in enumerate(net.cells):
        if isinstance(cell, torchnets.Cell201):
            net.cells[k] = torchnets.Supercell201(alpha, c << k // (n + 1))
    net.double()
    convolutions = {(0, 0): net.stem[0]}
    for k, cell in enumerate(net.cells):
        if isinstance(cell, torchnets.Block201):
            convolutions |= {(k + 1, 16): cell.a.conv, (k + 1, 17): cell.b.conv, (k + 1, 18): cell.shortcut}
            continue
        for edge, layers in enumerate(cell.layers):
            convolutions |= {(k + 1, edge * 5 + cell.OPS.index(name)): layer.conv for name, layer in layers.items()}
    last = len(net.cells) + 1
    with torch.no_grad():
        for (section, place), module in [*convolutions.items(), ((last, 1), net.classifier)]:
            module.weight.copy_(uniform(lab, (section * 64 + place) * 4, module.weight.shape).abs())
        net.classifier.bias.zero_()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.forward = lambda x: x
    return net, alpha


def zeros(lab):
    """Sensitivities of the supernet's operations, summed over the cell's own."""
    net, alpha = supernet(lab)
    found = (alpha * gradients(net(torch.ones_like(lab.x[:1]).double()).sum(), [alpha])[0]).abs().tolist()
    ops = [o.split("~")[0] for o in lab.once("arch", lab.architecture).replace("+", "").split("|") if o]
    return sum(row[torchnets.Supercell201.OPS.index(op)] for row, op in zip(found, ops))


# ---- the images' Jacobians ----

def jacobian(lab):
    """[n][values of an image]: gradient of the sum of all logits."""
    def make():
        x = lab.x.clone().requires_grad_()
        return gradients(lab.net()(x).sum(), [x])[0].flatten(1).numpy()
    return lab.once("jacobian", make)


def jacov(lab):
    v = np.linalg.eigvalsh(np.corrcoef(jacobian(lab)).astype(np.float64))
    return -np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5))


def epe_nas(lab):
    classes, found = lab.net().classifier.out_features, []
    for label in np.unique(lab.y.numpy()):
        rows = jacobian(lab)[lab.y.numpy() == label]
        if classes > 100 and len(rows) == 1:
            continue  # the released code's division by the number of rows fails there, and the class is passed over
        corr = np.atleast_2d(np.corrcoef(rows))
        found.append(np.log(np.abs(corr) + 1e-5).sum() / (len(corr) if classes > 100 else 1))
    if classes <= 100:
        return np.abs(found).sum()
    return np.abs(np.subtract.outer(found, found)).sum() / len(found) if found else 0.0


# ---- the neural tangent kernel ----

def kernel(lab):
    """Products of the gradients of every image's summed logits with respect to all tensors called weights."""
    def make():
        net = lab.net()
        tensors = [p for name, p in net.named_parameters() if name.endswith("weight")]
        sums = net(lab.x).sum(1)
        rows = [torch.cat([g.flatten() for g in gradients(s, tensors, retain_graph=True)]) for s in sums]
        rows = torch.stack(rows)
        return (rows @ rows.T).double().numpy()
    return lab.once("kernel", make)


def ntk_cond(lab):
    v = np.linalg.eigvalsh(kernel(lab))
    return v[-1] / v[0]


def lga(lab):
    same = np.where(np.equal.outer(lab.y.numpy(), lab.y.numpy()), 1.0, -1.0)
    centred = kernel(lab) - kernel(lab).mean()
    return (centred * same).sum() / np.linalg.norm(centred) / np.linalg.norm(same)


# ---- forward only ----

@contextlib.contextmanager
def recorded_relus(found):
    """Every input and output of F.relu goes into found."""
    relu = F.relu

    def record(x, *rest, **options):
        y = relu(x, *rest, **options)
        found.append((x, y))
        return y
    F.relu = record
    try:
        yield
    finally:
        F.relu = relu


def live(features, values):
    """Which of the values take part in the features: they are not all zero, and something comes back to them."""
    probe = torch.randn(features.shape, generator=torch.Generator().manual_seed(1)).to(features.dtype)
    back = gradients((features * probe).sum(), values)
    return [bool((v != 0).any()) and bool((g != 0).any()) for v, g in zip(values, back)]


def codes(net, x):
    """[n][ReLUs]: 1 where a ReLU lets its input through; ReLUs on which no feature depends are left out."""
    found = []
    with recorded_relus(found):
        features = net.features(x)
    kept = live(features, [y for _, y in found])
    return torch.cat([(y > 0).flatten(1) for (_, y), k in zip(found, kept) if k], 1).double().numpy()


def naswot(lab):
    c = codes(lab.net(), lab.x)
    return np.linalg.slogdet(c @ c.T + (1 - c) @ (1 - c).T)[1]


def swap(lab):
    return len(np.unique(np.packbits(codes(lab.net(), lab.x).T > 0, axis=1), axis=0))


def batches(lab, count):
    """(mean loss, gradients of all weights) of so many batches, each normalised by itself."""
    weights, n, found = weights_of(lab.net()), lab.samples // count, []
    for b in range(count):
        part = slice(b * n, (b + 1) * n)
        loss = F.cross_entropy(lab.net()(lab.x[part]), lab.y[part])
        found.append((loss.item(), gradients(loss, weights)))
    return found


def zico(lab, count=2):
    found = [g for _, g in lab.once(("batches", count), lambda: batches(lab, count))]
    total = 0.0
    for pair in zip(*found):
        g = np.stack([t.double().numpy().ravel() for t in pair])
        deviation = g.std(0)
        moved = deviation > 0
        ratio = (np.abs(g).mean(0)[moved] / deviation[moved]).sum()
        total += np.log(ratio) if ratio > 0 else 0
    return total


def sigeo_zico(lab):
    return zico(lab, 4)


def sigeo_fr(lab):
    found = [g for _, g in lab.once(("batches", 4), lambda: batches(lab, 4))]
    means = [sum(pieces) / 4 for pieces in zip(*found)]
    return np.log(abs(sum((m * w).sum().item() for m, w in zip(means, weights_of(lab.net())))))


def sigeo_loss(lab):
    return np.mean([loss for loss, _ in lab.once(("batches", 4), lambda: batches(lab, 4))])


def sigeo(lab):
    return sigeo_zico(lab) + sigeo_fr(lab) - sigeo_loss(lab)


def meco(lab, side=64):
    net, outputs = lab.fresh(), []
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            m.register_forward_hook(lambda m, i, o: outputs.append(o))
    features = net.features(gaussian(lab, MECO, 1, side))
    total = 0.0
    for out, kept in zip(outputs, live(features, outputs)):
        if kept:
            corr = np.nan_to_num(np.corrcoef(out[0].detach().double().flatten(1).numpy()))
            total += np.linalg.eigvalsh(np.atleast_2d(corr))[0]
    return total


def local_entropies(lab):
    """Of the last three cells' outputs and of what the classifier averages, on an image of ones."""
    def make():
        side, net = lab.x.shape[-1], lab.fresh()
        ones = torch.ones(1, 3, side, side).to(lab.dtype)
        with torch.no_grad():
            maps = net.cell_outputs(ones)[:0:-1][:3] + [net.features(ones)]
        found = []
        for m in maps:
            m, value = m[0].double().numpy(), 0.0
            places = np.linspace(1, m.shape[-1] - 2, 4).astype(int)
            for h in places:
                for w in places:
                    v = m[:, h - 1:h + 2, w - 1:w + 2].ravel()
                    if v.max() - v.min() < 1e-10:
                        continue
                    p = np.histogram(v, len(v), (v.min(), v.max()))[0] / len(v)
                    q = np.exp(np.abs(v) - np.abs(v).max())
                    q /= q.sum()
                    value += -(p[p > 0] * np.log2(p[p > 0])).sum() * -(q[q > 0] * np.log2(q[q > 0])).sum()
            found.append(value)
        return np.array(found)
    return lab.once("local_entropies", make)


def mlfe(lab):
    h = local_entropies(lab)
    return (h.max() - h[h > 0].min()) * h.sum() if (h > 0).any() else 0.0


def mlfe_entropy(lab):
    return local_entropies(lab).sum()


NOISE = 7  # purpose of the random numbers
IMAGES, DISTURBANCES, AZ_IMAGES, REGIONS, MECO, SIGNS = 0, 1, 2, 3, 4, 16


def gaussian(lab, what, n, side):
    """Images of standard normal numbers."""
    rows = [philox.normal(lab.seed, NOISE, (what << 32) + i, 3 * side * side).astype(np.float32) for i in range(n)]
    return torch.from_numpy(np.stack(rows).reshape(n, 3, side, side)).to(lab.dtype)


def zens_of(net, x, step, gamma=0.01):
    """(with all normalisations, with those that the features depend on)."""
    outputs = {}
    hooks = [m.register_forward_hook(lambda m, i, o: outputs.update({m: o})) for m in net.modules()
             if isinstance(m, nn.BatchNorm2d)]
    before = net.features(x)
    kept = live(before, list(outputs.values()))
    for h in hooks:
        h.remove()
    with torch.no_grad():
        after = net.features(x + gamma * step)
        moved = (before - after).abs().sum((1, 2, 3)).mean().log()
        scales = [0.5 * m.running_var.mean().log() for m in outputs]
        return moved + sum(scales), moved + sum(s for s, k in zip(scales, kept) if k)


def zens(lab, gamma=0.01):
    """(all, live) from one draw; running variances after two batches from 1, as PyTorch's modules keep them."""
    net, side = lab.fresh("normal"), lab.x.shape[-1]
    x, step = (gaussian(lab, what, lab.samples, side) for what in (IMAGES, DISTURBANCES))
    return zens_of(net, x, step, gamma)


def zen(lab):
    return lab.once("zens", lambda: zens(lab))[0]


def zen_live(lab):
    return lab.once("zens", lambda: zens(lab))[1]


def pieces(lab, count, side):
    """Pieces of the data's images, at places drawn by the program's random numbers."""
    places = lab.x.shape[-1] - side + 1
    words = philox.blocks(lab.seed, NOISE, REGIONS << 32, count).astype(int)
    return torch.stack([lab.x[i % lab.samples, :, t % places:t % places + side, l % places:l % places + side]
                        for i, t, l, _ in words])


def regions(lab, images=3000, side=4):
    channels = 1 if lab.space == "nb201" else 5
    thin = Lab(lab.space, lab.index, {"channels": channels, "cells": 1}, lab.samples, lab.seed, lab.data, lab.folder,
               lab.dtype)
    return len(np.unique(np.packbits(codes(thin.fresh("kaiming"), pieces(lab, images, side)) > 0, axis=1), axis=0))


def az_features(lab):
    """Outputs of the stem and the cells, on Gaussian images."""
    def make():
        x = gaussian(lab, AZ_IMAGES, lab.samples, lab.x.shape[-1])
        return lab.net("kaiming").cell_outputs(x)
    return lab.once("az_features", make)


def entropies(lab):
    def make():
        found = []
        for f in az_features(lab):
            rows = f.detach().permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
            v = np.linalg.eigvalsh(np.cov(rows.T, bias=True).reshape(rows.shape[1], -1))
            share = np.maximum(v / v.sum(), 0)
            found.append(-(share * np.log(share + 1e-8)).sum())
        return np.array(found)
    return lab.once("entropies", make)


def az_expressivity(lab):
    return entropies(lab).sum()


def az_progressivity(lab):
    return np.diff(entropies(lab)).min()


def az_trainability(lab):
    features, scores = az_features(lab), []
    for i in range(1, len(features)):
        n, c, side, _ = features[i].shape
        out = philox.signs(lab.seed, NOISE, (SIGNS + i) << 32, n * side * side * c).reshape(n, side, side, c)
        out = torch.from_numpy(out).to(lab.dtype).permute(0, 3, 1, 2)
        if features[i] is features[i - 1]:
            return -np.inf
        back = gradients(features[i], [features[i - 1]], grad_outputs=out, retain_graph=True)[0]
        if back.shape == out.shape and bool((back == out).all()):
            return -np.inf
        back = F.pixel_unshuffle(back, back.shape[-1] // side)
        product = torch.einsum("nahw,nbhw->ab", back.double(), out.double()) / (n * side * side)
        s = torch.linalg.svdvals(product).max().item()
        scores.append(2 - s - 1 / (s + 1e-6))
    return np.mean(scores)


def az_complexity(lab):
    """Multiply-adds by a forward pass with hooks."""
    macs = []

    def count(m, inputs, output):
        macs.append(output[0].numel() * m.weight[0].numel())
    net = lab.fresh()
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            m.register_forward_hook(count)
    net(lab.x[:2])
    return sum(macs)


DEFINITIONS = {f.__name__: f for f in (grad_norm, snip, plain, l2_norm, fisher, fisher_channels, grasp, synflow,
                                       logsynflow, zeros, jacov, epe_nas, ntk_cond, lga, naswot, swap,
                                       zico, sigeo, sigeo_zico, sigeo_fr, sigeo_loss, meco, mlfe, mlfe_entropy, zen, zen_live,
                                       regions, az_expressivity, az_progressivity, az_trainability, az_complexity)}


def value(lab, name):
    return float(DEFINITIONS[name](lab))
