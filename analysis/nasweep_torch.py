"""Architectures of nasweep as PyTorch networks, of any space: built from the description that the program gives of them,
with the program's own weights, bit for bit, and its images. Used by nasweep.Architecture; see there.

A network's stages stand one after the other in `cells` (stem and tail too), its parameters in the order of
`nasweep dump`. ReLUs are modules of their own, each used once, so that hooks see them."""

import collections
import math

import numpy as np
import torch
from torch import nn

KERNELS = {"conv1x1": 1, "conv3x3": 3, "project": 1}
POOLS = {"avgpool3x3": lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False), "maxpool3x3": lambda: nn.MaxPool2d(3, 1, 1),
         "avgpool2x2": lambda: nn.AvgPool2d(2, 2), "maxpool2x2": lambda: nn.MaxPool2d(2, 2)}


# ---- networks ----

class Layer(nn.Module):
    """A convolution, or a sum, with what stands around it."""

    def __init__(self, node, reads, makes):
        super().__init__()
        kernel = KERNELS.get(node["op"])
        self.before = nn.ReLU() if node.get("relu_before") else None
        self.conv = nn.Conv2d(reads, makes, kernel, node.get("stride", 1), (kernel - 1) // 2, bias=False) if kernel else None
        self.bn = nn.BatchNorm2d(makes) if node.get("norm") else None
        self.after = nn.ReLU() if node.get("relu_after") else None

    def forward(self, x):
        for part in (self.before, self.conv, self.bn, self.after):
            if part is not None:
                x = part(x)
        return x


class Graph(nn.Module):
    """One graph of a description in its place: `channels_in` come in, its stage has `channels`."""

    def __init__(self, graph, channels_in, channels):
        super().__init__()
        self.nodes = graph["nodes"]
        self.makes, self.layer = [channels_in], nn.ModuleDict()
        for number, node in enumerate(self.nodes[1:], 1):
            own = self.share(node, channels)
            reads = own if node.get("cut") else self.makes[(node["inputs"] or [0])[0]]
            self.makes.append(own if node["op"] in KERNELS or node["op"] in ("concat", "none") else reads)
            if node["op"] in KERNELS or node.get("norm"):
                self.layer[str(number)] = Layer(node, reads, self.makes[-1])
            elif node["op"] in POOLS:
                self.layer[str(number)] = POOLS[node["op"]]()

    @staticmethod
    def share(node, channels):
        part, parts = node.get("share", (0, 1))
        return channels // parts + (part < channels % parts)

    def forward(self, x):
        values = [x]
        for number, node in enumerate(self.nodes[1:], 1):
            inputs = [values[i] for i in node["inputs"] if values[i] is not None]
            values.append(self.value(number, node, inputs))
        return values[-1]

    def value(self, number, node, inputs):
        """What a node gives, None where nothing comes in. Zeros are numbers here: branches behind them are run."""
        if not inputs:
            return None
        if node["op"] == "concat":
            return torch.cat(inputs, 1)
        if node.get("cut"):
            width = self.makes[number] if node["op"] in KERNELS else self.share(node, self.makes[-1])
            inputs = [x[:, :width] for x in inputs]
        x = inputs[0]
        for other in inputs[1:]:
            x = x + other
        if node["op"] == "none":
            return x * 0
        if str(number) in self.layer:
            x = self.layer[str(number)](x)
        return x * node["scale"] if "scale" in node else x


class Network(nn.Module):
    def __init__(self, description):
        super().__init__()
        self.cells, channels = nn.ModuleList(), 3
        for stage in description["stages"]:
            for _ in range(stage["repeat"]):
                self.cells.append(Graph(description["graphs"][stage["graph"]], channels, stage["channels"]))
                channels = stage["channels"]
        self.classifier = nn.Linear(channels, description["classes"])

    def features(self, x):
        """What is averaged over pixels for the classifier."""
        for cell in self.cells:
            x = cell(x)
        return x

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


# ---- the program's random numbers (Philox 4x32-10, src/base/random.h) ----

LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
FOR_WEIGHTS = 1


def words(seed, which, count, purpose=FOR_WEIGHTS):
    """The first `count` 32-bit words of a stream."""
    mixed = (seed + purpose * 0x9E3779B97F4A7C15) % 2 ** 64
    made = np.empty(((count + 3) // 4, 4), np.uint32)
    for first in range(0, len(made), 4096):  # pieces that stay in the cache
        at = np.arange(first, min(first + 4096, len(made)), dtype=np.uint64)
        c = [at & LOW, at >> HALF, np.uint64(which % 2 ** 32), np.uint64(which >> 32)]
        key = [mixed % 2 ** 32, mixed >> 32]
        for _ in range(10):
            a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
            c = [(b >> HALF) ^ c[1] ^ np.uint64(key[0]), b & LOW, (a >> HALF) ^ c[3] ^ np.uint64(key[1]), a & LOW]
            key = [(key[0] + 0x9E3779B9) % 2 ** 32, (key[1] + 0xBB67AE85) % 2 ** 32]
        for i in range(4):
            made[first:first + len(at), i] = c[i]
    return made.ravel()[:count]


def uniform(word, bound):
    """In (-bound, bound), float32 throughout as the program does it."""
    half, step = np.float32(0.5), np.float32(2.0 ** -24)
    return (np.float32(2) * (((word >> np.uint32(8)).astype(np.float32) + half) * step) - np.float32(1)) * np.float32(bound)


def polynomial(coefficients, x):
    total = coefficients[0] * x
    for c in coefficients[1:-1]:
        total = (total + c) * x
    return total + coefficients[-1]


ABOVE = (-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02, 1.383577518672690e+02,
         -3.066479806614716e+01, 2.506628277459239e+00)
BELOW = (-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
         -1.328068155288572e+01, 1.0)
TAIL_ABOVE = (-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00, -2.549732539343734e+00,
              4.374664141464968e+00, 2.938163982698783e+00)
TAIL_BELOW = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00, 1.0)


def normal(word, deviation, cut=0):
    """Normal numbers by Acklam's inverse of the distribution function, cut off at so many deviations."""
    low = 0.5 * math.erfc(float(np.float32(cut)) * math.sqrt(0.5)) if cut else 0.0  # in double, NumPy 2 too
    p = low + (1 - 2 * low) * ((word.astype(np.float64) + 0.5) * 2.0 ** -32)
    q = p - 0.5
    r = q * q
    x = polynomial(ABOVE, r) * q / polynomial(BELOW, r)
    for i in np.flatnonzero(np.minimum(p, 1 - p) < 0.02425):
        q = math.sqrt(-2 * math.log(p[i] if p[i] < 0.5 else 1 - p[i]))
        tail = polynomial(TAIL_ABOVE, q) / polynomial(TAIL_BELOW, q)
        x[i] = -tail if p[i] > 0.5 else tail
    return (x * float(np.float32(deviation))).astype(np.float32)


# ---- weights ----

class Cache:
    """Tensors drawn, the latest used ones: architectures share most of theirs."""

    def __init__(self, most):
        self.most, self.bytes, self.known = most, 0, collections.OrderedDict()

    def get(self, key, make):
        if key in self.known:
            self.known.move_to_end(key)
            return self.known[key]
        value = self.known[key] = make()
        self.bytes += value.nbytes
        while self.bytes > self.most and len(self.known) > 1:
            self.bytes -= self.known.popitem(last=False)[1].nbytes
        return value


CACHE = Cache(256 << 20)


def draw(tensor, kind, how, seed, key):
    """Fills a tensor: kind uniform, cut (normal, at two deviations), normal or zeros; how: bound or deviation."""
    n = tensor.numel()
    make = {"uniform": lambda: uniform(words(seed, key, n), how), "cut": lambda: normal(words(seed, key, n), how, 2),
            "normal": lambda: normal(words(seed, key, n), how), "zeros": lambda: np.zeros(n, np.float32)}[kind]
    found = make() if kind == "zeros" else CACHE.get((kind, float(np.float32(how)), seed, key, n), make)
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(found).view(tensor.shape))


def rule_of(description, weights, fan_in, linear, channels):
    """How a weight is drawn: kind, and bound or deviation."""
    if weights in ("normal", "kaiming"):
        return "normal", 1.0 if weights == "normal" else math.sqrt(2 / fan_in)
    if description["init"] == "nb101":
        if linear:
            return "uniform", math.sqrt(6.0 / (channels + description["classes"]))
        return "cut", math.sqrt(1.0 / fan_in) / 0.87962566103423978
    return "uniform", 1.0 / math.sqrt(fan_in)


def initialise(network, description, seed, weights="own"):
    """Gives a network the program's weights. Keys: (section * slots + slot) * 4 (net/program.c)."""
    if weights not in ("own", "absolute", "normal", "kaiming"):
        raise ValueError(f"weights are own, absolute, normal or kaiming, not {weights}")
    section, at = 0, iter(network.cells)
    for number, stage in enumerate(description["stages"]):
        for _ in range(stage["repeat"]):
            cell = next(at)
            for place, node in enumerate(cell.nodes):
                if node["op"] in KERNELS:
                    conv = cell.layer[str(place)].conv.weight
                    kind, how = rule_of(description, weights, conv[0].numel(), False, None)
                    draw(conv, kind, how, seed, (section * description["slots"] + node["slot"]) * 4)
            section += number == 0 or bool(stage.get("numbered"))
    head, key = network.classifier, (section * description["slots"] + description["classifier_slot"]) * 4
    kind, how = rule_of(description, weights, head.in_features, True, head.in_features)
    draw(head.weight, kind, how, seed, key)
    zeros = kind == "normal" or description["init"] == "nb101"
    draw(head.bias, "zeros" if zeros else "uniform", how, seed, key + 1)
    if weights == "absolute":
        with torch.no_grad():
            for p in network.parameters():
                p.abs_()
    return network


def build(description, seed, weights="own"):
    """The network of a description, in training mode, with its weights."""
    with torch.random.fork_rng(devices=[]):  # PyTorch's own draws, which are overwritten, disturb nobody's
        network = Network(description)
    return initialise(network, description, seed, weights).train()
