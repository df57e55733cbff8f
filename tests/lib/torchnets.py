"""The benchmarks' networks in PyTorch, written from their papers, as a check on ours: parameters come in the
definition order that `nasweep dump` uses. Nothing here reads nasweep's own network code or files but the dump."""
import torch
import torch.nn as nn
import torch.nn.functional as F

# nb101's cell with most kinds of convolution, as the cell of Inception has them.
INCEPTION = ("0111010|0000001|0000001|0000100|0000001|0000001|0000000",
             "input,conv1x1,conv3x3,conv3x3,conv3x3,maxpool3x3,output")


class ReLUConvBN(nn.Module):
    def __init__(self, cin, cout, k, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, stride, (k - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return self.bn(self.conv(F.relu(x)))


class Cell201(nn.Module):
    """Operations in edge order 0->1, 0->2, 1->2, 0->3, 1->3, 2->3."""
    EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]

    def __init__(self, ops, c):
        super().__init__()
        self.ops = ops
        kernel = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
        self.layers = nn.ModuleList(ReLUConvBN(c, c, kernel[o]) if o in kernel else nn.Identity() for o in ops)

    def forward(self, x):
        node = [x, 0, 0, 0]
        for (s, t), op, layer in zip(self.EDGES, self.ops, self.layers):
            v = node[s] if torch.is_tensor(node[s]) else torch.zeros_like(x)
            if op == "none":
                y = v * 0
            elif op == "avg_pool_3x3":
                y = F.avg_pool2d(v, 3, 1, 1, count_include_pad=False)
            else:
                y = layer(v)
            node[t] = node[t] + y
        return node[3]


class Supercell201(nn.Module):
    """Every edge the sum of all five operations times alpha[edge][operation]."""
    OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

    def __init__(self, alpha, c):
        super().__init__()
        self.alpha = alpha
        self.layers = nn.ModuleList(nn.ModuleDict({"nor_conv_1x1": ReLUConvBN(c, c, 1), "nor_conv_3x3": ReLUConvBN(c, c, 3)})
                                    for _ in Cell201.EDGES)

    def forward(self, x):
        node = [x, 0, 0, 0]
        for (s, t), alpha, layers in zip(Cell201.EDGES, self.alpha, self.layers):
            v = node[s]
            found = {"none": v * 0, "skip_connect": v, "avg_pool_3x3": F.avg_pool2d(v, 3, 1, 1, count_include_pad=False),
                     **{name: layer(v) for name, layer in layers.items()}}
            node[t] = node[t] + sum(a * found[name] for a, name in zip(alpha, self.OPS))
        return node[3]


class Block201(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.a = ReLUConvBN(cin, cout, 3, 2)
        self.b = ReLUConvBN(cout, cout, 3)
        self.shortcut = nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x):
        return self.shortcut(F.avg_pool2d(x, 2, 2)) + self.b(self.a(x))


class Net201(nn.Module):
    def __init__(self, arch, c=16, n=5, classes=10):
        super().__init__()
        ops = [o.split("~")[0] for o in arch.replace("+", "").split("|") if o]
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        cells = []
        for stage in range(3):
            if stage:
                cells.append(Block201(c << (stage - 1), c << stage))
            cells += [Cell201(ops, c << stage) for _ in range(n)]
        self.cells = nn.Sequential(*cells)
        self.last = nn.BatchNorm2d(c * 4)
        self.classifier = nn.Linear(c * 4, classes)

    def cell_outputs(self, x):
        """The stem's output, then every cell's and residual block's."""
        out = [self.stem(x)]
        for cell in self.cells:
            out.append(cell(out[-1]))
        return out

    def features(self, x):
        """What is averaged over pixels for the classifier."""
        return F.relu(self.last(self.cell_outputs(x)[-1]))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class CellSSS(nn.Module):
    """The size space's one cell: conv3x3 on every edge but 0->3, which is a skip; edges out of node 0 change the width."""

    def __init__(self, cin, c):
        super().__init__()
        skip = nn.Identity() if cin == c else nn.Sequential(nn.Conv2d(cin, c, 1, bias=False), nn.BatchNorm2d(c))
        self.layers = nn.ModuleList([ReLUConvBN(cin, c, 3), ReLUConvBN(cin, c, 3), ReLUConvBN(c, c, 3), skip,
                                     ReLUConvBN(c, c, 3), ReLUConvBN(c, c, 3)])

    def forward(self, x):
        e = self.layers
        one = e[0](x)
        two = e[1](x) + e[2](one)
        return e[3](x) + e[4](one) + e[5](two)


class NetSSS(Net201):
    """arch: five widths joined by colons; c: what 64 becomes."""

    def __init__(self, arch, c=64, n=1, classes=10):
        nn.Module.__init__(self)
        w = [max(1, int(width) * c // 64) for width in arch.split(":")]
        self.stem = nn.Sequential(nn.Conv2d(3, w[0], 3, padding=1, bias=False), nn.BatchNorm2d(w[0]))
        cells, before = [], w[0]
        for i, width in enumerate(w):
            cells += [Block201(before, width)] if i % 2 else [CellSSS(before, width)] + [
                CellSSS(width, width) for _ in range(n - 1)]
            before = width
        self.cells = nn.Sequential(*cells)
        self.last = nn.BatchNorm2d(w[-1])
        self.classifier = nn.Linear(w[-1], classes)


class ConvBNReLU(nn.Module):
    def __init__(self, cin, cout, k):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, k, padding=(k - 1) // 2, bias=False)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def vertex_channels(cin, cout, matrix):
    """Channels of every vertex, from the benchmark's rule."""
    v = len(matrix)
    channels = [0] * v
    channels[0], channels[-1] = cin, cout
    if v == 2:
        return channels
    feeders = [i for i in range(1, v - 1) if matrix[i][v - 1]]
    share, extra = divmod(cout, len(feeders))
    for rank, i in enumerate(feeders):
        channels[i] = share + (rank < extra)
    for i in range(v - 3, 0, -1):
        if not matrix[i][v - 1]:
            channels[i] = max(channels[j] for j in range(i + 1, v - 1) if matrix[i][j])
    return channels


class Cell101(nn.Module):
    def __init__(self, matrix, ops, cin, cout):
        super().__init__()
        v = len(matrix)
        self.matrix, self.ops, self.channels = matrix, ops, vertex_channels(cin, cout, matrix)
        self.projection, self.op = nn.ModuleDict(), nn.ModuleDict()
        self.in_order = nn.ModuleList()
        for t in range(1, v - 1):
            c = self.channels[t]
            if matrix[0][t]:
                self.projection[str(t)] = ConvBNReLU(cin, c, 1)
                self.in_order.append(self.projection[str(t)])
            if ops[t] != "maxpool3x3":
                self.op[str(t)] = ConvBNReLU(c, c, 3 if ops[t] == "conv3x3" else 1)
                self.in_order.append(self.op[str(t)])
        if matrix[0][v - 1]:
            self.projection[str(v - 1)] = ConvBNReLU(cin, cout, 1)
            self.in_order.append(self.projection[str(v - 1)])

    def forward(self, x):
        v = len(self.matrix)
        out = [x] + [None] * (v - 1)
        for t in range(1, v - 1):
            total = 0
            if self.matrix[0][t]:
                total = self.projection[str(t)](x)
            for s in range(1, t):
                if self.matrix[s][t]:
                    total = total + out[s][:, :self.channels[t]]
            out[t] = F.max_pool2d(total, 3, 1, 1) if self.ops[t] == "maxpool3x3" else self.op[str(t)](total)
        feeders = [out[t] for t in range(1, v - 1) if self.matrix[t][v - 1]]
        y = torch.cat(feeders, 1) if feeders else 0
        if self.matrix[0][v - 1]:
            y = y + self.projection[str(v - 1)](x)
        return y

    def ordered(self):
        return [p for m in self.in_order for p in m.parameters()]


class Net101(nn.Module):
    def __init__(self, matrix, ops, c=128, n=3, classes=10):
        super().__init__()
        self.stem = ConvBNReLU(3, c, 3)
        self.cells, cin = nn.ModuleList(), c
        for stack in range(3):
            for _ in range(n):
                self.cells.append(Cell101(matrix, ops, cin, c << stack))
                cin = c << stack
        self.n = n
        self.classifier = nn.Linear(cin, classes)

    def cell_outputs(self, x):
        """The stem's output, then every cell's."""
        out = [self.stem(x)]
        for i, cell in enumerate(self.cells):
            x = F.max_pool2d(out[-1], 2, 2) if i and i % self.n == 0 else out[-1]
            out.append(cell(x))
        return out

    def features(self, x):
        """What is averaged over pixels for the classifier."""
        return self.cell_outputs(x)[-1]

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))

    def ordered(self):
        cells = [p for cell in self.cells for p in cell.ordered()]
        return list(self.stem.parameters()) + cells + list(self.classifier.parameters())


def build(space, arch, **size):
    """arch: the architecture string or widths, or (adjacency rows, operation names) as `nasweep list` prints them."""
    if space == "nb201":
        return Net201(arch, **size)
    if space == "sss":
        return NetSSS(arch, **size)
    matrix = [[int(c) for c in row] for row in arch[0].split("|")]
    return Net101(matrix, arch[1].split(","), **size)


def parameters(net):
    """All parameters in definition order."""
    return net.ordered() if hasattr(net, "ordered") else list(net.parameters())


def sample_gradients(net, x, y):
    """Logits, losses and per-image gradients with every image alone in its batch, as KNAS runs them."""
    net.train()
    logits, losses, grads = [], [], []
    for i in range(len(x)):
        out = net(x[i:i + 1])
        loss = F.cross_entropy(out, y[i:i + 1])
        g = torch.autograd.grad(loss, parameters(net), allow_unused=True)
        grads.append([torch.zeros_like(p) if v is None else v for v, p in zip(g, parameters(net))])
        logits.append(out.detach()[0])
        losses.append(loss.detach())
    return torch.stack(logits), torch.stack(losses), grads
