"""A training in PyTorch from the program's first weights, images and recipe: which images stand where, how each is cut,
is computed here from the published random numbers (philox.py); the network is torchnets.py's, the optimiser PyTorch's."""
import math

import h5py
import numpy as np
import philox
import torch
import torch.nn as nn
import torch.nn.functional as F

TRAINING = 9  # purpose of the random numbers
SPLIT, ORDER, CUT = 0, 1, 2


def shuffled(seed, what, epoch, n):
    """Fisher and Yates from the end, by 64 bits a draw."""
    words = philox.blocks(seed, TRAINING, (what << 32) + epoch, (n + 1) // 2 + 1).ravel()
    bits = (words[1::2].astype(object) << 32) | words[0::2].astype(object)
    order = np.arange(n)
    for i in range(n, 1, -1):
        j = int(bits[i - 1]) * i >> 64
        order[i - 1], order[j] = order[j], order[i - 1]
    return order


def cuts(seed, epoch, images, crop, flip):
    words = philox.blocks(seed, TRAINING, (CUT << 32) + epoch, images).astype(np.uint64)
    places = np.uint64(2 * crop + 1)
    down, right = ((words[:, k] * places >> np.uint64(32)).astype(int) - crop for k in (0, 1))
    return down, right, (words[:, 2] >> np.uint64(31) == 1) & flip


def cut(x, down, right, turned, crop):
    padded = F.pad(x, (crop,) * 4)
    if turned:
        padded = padded.flip(-1)
        right = -right
    size = x.shape[-1]
    return padded[:, crop + down:crop + down + size, crop + right:crop + right + size]


def train(net, x, y, seed, epochs, batch, rate, momentum=0.9, nesterov=False, decay=0.0, clip=0.0, smoothing=0.0, crop=0,
          flip=False, schedule="cosine", train=0, valid=0, shrink=1, split=0, **_):
    """(mean loss, accuracy) of the last epoch, (loss, accuracy) of the other part, sum of steps' losses."""
    if shrink > 1:
        x = F.avg_pool2d(x.double(), shrink).float().to(x.dtype)  # kept in float, as the program does
    n = len(x)
    train, valid = (train, valid) if train else (n // 2, n - n // 2)
    member = shuffled(split, SPLIT, 0, n)
    ours, held = np.sort(member[:train]), np.sort(member[train:train + valid])
    optimiser = torch.optim.SGD(net.parameters(), rate, momentum=momentum, nesterov=nesterov, weight_decay=decay)
    steps, sotl = math.ceil(train / batch), 0.0
    net.train()
    for epoch in range(epochs):
        order = ours[shuffled(seed, ORDER, epoch, train)]
        down, right, turned = cuts(seed, epoch, n, crop, flip)
        loss_sum = hits = 0.0
        for step in range(steps):
            which = order[step * batch:(step + 1) * batch]
            if schedule == "cosine":
                for group in optimiser.param_groups:
                    group["lr"] = 0.5 * rate * (1 + math.cos(math.pi * (epoch * steps + step) / (epochs * steps)))
            images = torch.stack([cut(x[i], down[i], right[i], turned[i], crop) for i in which])
            logits = net(images)
            loss = F.cross_entropy(logits, y[which], label_smoothing=smoothing)
            optimiser.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimiser.step()
            loss_sum += loss.item() * len(which)
            hits += (logits.argmax(1) == y[which]).sum().item()
            sotl += loss.item()
    net.eval()
    with torch.no_grad():
        logits = net(x[held])
    return (loss_sum / train, 100 * hits / train, F.cross_entropy(logits, y[held]).item(), percent(logits, y[held]), sotl)


def percent(logits, y):
    return 100 * (logits.argmax(1) == y).double().mean().item()


def accuracy(net, x, y, train, valid, shrink=1, split=0):
    """Of a network as it is, on the other part."""
    if shrink > 1:
        x = F.avg_pool2d(x, shrink).float().to(x.dtype)
    held = np.sort(shuffled(split, SPLIT, 0, len(x))[train:train + valid])
    net.eval()
    with torch.no_grad():
        return percent(net(x[held]), y[held])


def numbers(net, parameters, live):
    """All live parameters one behind the other, and then mean and variance of every live normalisation."""
    norms = {id(m.weight): m for m in net.modules() if isinstance(m, nn.BatchNorm2d)}
    out = [p.detach().double().flatten().numpy() for p, k in zip(parameters, live) if k]
    for p, k in zip(parameters, live):
        if k and id(p) in norms:
            out += [norms[id(p)].running_mean.double().numpy(), norms[id(p)].running_var.double().numpy()]
    return np.concatenate(out)


def set_numbers(net, parameters, live, values):
    """The other way round."""
    norms = {id(m.weight): m for m in net.modules() if isinstance(m, nn.BatchNorm2d)}
    at = 0

    def take(tensor):
        nonlocal at
        tensor.copy_(torch.from_numpy(values[at:at + tensor.numel()]).reshape(tensor.shape))
        at += tensor.numel()

    with torch.no_grad():
        for p, k in zip(parameters, live):
            if k:
                take(p)
        for p, k in zip(parameters, live):
            if k and id(p) in norms:
                take(norms[id(p)].running_mean)
                take(norms[id(p)].running_var)


def images(path):
    with h5py.File(path) as f:
        return torch.from_numpy(f["x"][...]), torch.from_numpy(f["y"][...]).long()
