"""Result files of nasweep as pandas DataFrames.

    import nasweep
    df = nasweep.load("results/nb201.h5")
    df[["sed", "params", "accuracy/cifar10/test"]].corr("spearman")
    df.attrs["proxies"]["sed"]["direction"]

Columns: index, id, class, params, macs; a score under its own name (score/NAME where that is taken already, as by params
and macs); status/NAME and seconds/NAME; accuracy/DATASET/SPLIT; by_seed/NAME/k where there are several seeds. Scores are
as stored: NaN where pending or failed and where there is no path (status 2). Attributes of the file and of its columns
are in df.attrs.

Numbers about a file come from the program itself: correlate() and select() run it and give what it prints as JSON.

A score of your own is a function of an architecture:

    import nasweep
    def score(architecture):
        return architecture.params / architecture.macs
    nasweep.serve(score)

in mine.py, and `nasweep score nb201 --worker 'mine=python3 mine.py' --out mine.h5` computes it for all of them, on as
many ranks as there are. architecture.torch() is its network in PyTorch, architecture.images() the images of the run.
Outside of a run, architecture("nb201", 123) and architectures("nb201", range(10)) give them for trying things out."""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

STATUS = {0: "pending", 1: "scored", 2: "no path", 3: "failed"}


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if hasattr(value, "item") else value


def attributes(node):
    """Attributes of a file, group or dataset as a dictionary of texts and numbers."""
    return {key: _text(value) for key, value in node.attrs.items()}


def spaces(path):
    """Names of the spaces that a result file holds."""
    import h5py  # not at the top: a score of one's own needs neither this nor NumPy

    with h5py.File(path, "r") as f:
        if _text(f.attrs.get("format", "")) != "nasweep":
            raise ValueError(f"{path}: not a result file of nasweep")
        if int(f.attrs["format_version"]) > 1:
            raise ValueError(f"{path}: format version {f.attrs['format_version']} is of a later nasweep")
        return [name for name in f if isinstance(f[name], h5py.Group) and "index" in f[name]]


def columns(path, space=None):
    """(columns, attrs): every column of one space as NumPy arrays by name, in order, and the attributes."""
    import h5py
    import numpy as np

    there = spaces(path)
    if space is None:
        if len(there) != 1:
            raise ValueError(f"{path}: holds {', '.join(there) or 'no space'}; say which")
        space = there[0]
    if space not in there:
        raise ValueError(f"{path}: holds {', '.join(there)}, not {space}")
    with h5py.File(path, "r") as f:
        g = f[space]
        data = {name: g[name][:] for name in ("index", "id", "class", "params", "macs")}
        data["id"] = np.char.decode(data["id"], "ascii").astype(object)
        attrs = {"path": path, "space": space, "file": attributes(f), "proxies": {}, "accuracies": {}}
        for name in g.get("score", ()):
            data["score/" + name if name in data else name] = g["score"][name][:]
            attrs["proxies"][name] = attributes(g["score"][name])
        for part in ("status", "seconds"):
            for name in g.get(part, ()):
                data[f"{part}/{name}"] = g[part][name][:]
        for name in g.get("by_seed", ()):
            for k in range(g["by_seed"][name].shape[1]):
                data[f"by_seed/{name}/{k}"] = g["by_seed"][name][:, k]
        for dataset in g.get("accuracy", ()):
            for split in g["accuracy"][dataset]:
                data[f"accuracy/{dataset}/{split}"] = g["accuracy"][dataset][split][:]
                attrs["accuracies"][f"{dataset}/{split}"] = attributes(g["accuracy"][dataset][split])
    return data, attrs


def load(path, space=None):
    """One space of a result file as a DataFrame, with attributes in .attrs."""
    import pandas

    data, attrs = columns(path, space)
    frame = pandas.DataFrame(data)
    frame.attrs.update(attrs)
    return frame


def score_name(name, data):
    """The column that holds a score: its own name, or score/NAME where that is taken."""
    return "score/" + name if "score/" + name in data else name


def program():
    """The nasweep program: $NASWEEP, the one built beside this file, or the one on the path."""
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                          os.environ.get("BUILD", "build"), "nasweep")
    found = os.environ.get("NASWEEP") or (beside if os.access(beside, os.X_OK) else shutil.which("nasweep"))
    if not found:
        raise FileNotFoundError("no program nasweep: build it with make, or name it in $NASWEEP")
    return found


def run(*words, ranks=1):
    """Runs the program and returns its standard output; its messages go to standard error."""
    line = [program(), *map(str, words)]
    if ranks > 1:
        line = ["mpirun", "-n", str(ranks), *line]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}: exit status {done.returncode}")
    return done.stdout


def correlate(*words, ranks=1):
    """What `nasweep correlate WORDS --format json` prints: a list of dictionaries."""
    return json.loads(run("correlate", *words, "--format", "json", ranks=ranks))


def select(*words):
    """What `nasweep select WORDS --format json` prints."""
    return json.loads(run("select", *words, "--format", "json"))


def search(*words):
    """What `nasweep search WORDS --format json` prints."""
    return json.loads(run("search", *words, "--format", "json"))


# ---- architectures ----

class Architecture:
    """What a run tells of an architecture: space, index, id, class_, params, macs, path (whether input and output are
    connected), seed (None where the score needs none), dataset, data, samples, and arch: the whole network's description
    as a dictionary (`nasweep score --help`; src/arch/json.h says what is in it)."""

    def __init__(self, line):
        self.line = line
        self.space, self.index, self.id = line["space"], line["index"], line.get("id")
        self.class_, self.params, self.macs, self.path = line["class"], line["params"], line["macs"], line["path"]
        self.seed, self.dataset, self.data = line.get("seed"), line.get("dataset"), line.get("data")
        self.samples, self.arch = line.get("samples"), line["arch"]

    def __repr__(self):
        return f"<{self.space} {self.index} {self.id}>"

    @property
    def nodes(self):
        """The cell as a list of nodes: {"op", "inputs": [earlier ones]...}, the first its input, the last its output."""
        return self.arch["graphs"][self.arch["cell"]]["nodes"]

    @property
    def ops(self):
        """The operations chosen for the cell, in order: conv3x3, conv1x1, avgpool3x3, maxpool3x3, skip, none."""
        return [n["op"] for n in self.nodes if n["op"] not in ("input", "output", "sum", "concat", "project")]

    def torch(self, weights="own", seed=None):
        """Its network in PyTorch, in training mode, with the program's weights: those of `nasweep dump`, bit for bit.
        weights: own (the benchmark's), absolute, normal (deviation 1), kaiming. The seed is that of the run."""
        import nasweep_torch

        seed = self.seed if seed is None else seed
        if seed is None:
            raise ValueError("weights depend on a seed: serve(..., needs=['seed']), or torch(seed=...)")
        return nasweep_torch.build(self.arch, seed, weights)

    def images(self):
        """The run's images and labels as PyTorch tensors, float32 [samples, 3, height, width] and int64 [samples]."""
        import torch

        if not self.samples:
            raise ValueError("no images: serve(..., needs=['data'])")
        loaded = self.line.get("images", self.samples)
        x, y = _images(self.data, self.dataset, loaded, self.line.get("data_sha256"))
        return torch.from_numpy(x[:self.samples]), torch.from_numpy(y[:self.samples])


_known_images = {}


def _images(data, dataset, count, sha256):
    """Images as the program loads them, kept: the same ones serve all architectures."""
    import h5py

    key = data, dataset, count
    if key not in _known_images:
        with tempfile.TemporaryDirectory(prefix="nasweep-") as folder:
            path = os.path.join(folder, "images.h5")
            run("images", "--data", data, "--dataset", dataset, "--samples", count, "--out", path)
            with h5py.File(path, "r") as f:
                if sha256 and _text(f.attrs["data_sha256"]) != sha256:
                    raise ValueError(f"{data}: other images than the run has")
                _known_images.clear()
                _known_images[key] = f["x"][...], f["y"][...].astype("int64")
    return _known_images[key]


def architectures(space, ids, seed=777, data="synthetic", dataset="cifar10", samples=64, **size):
    """Architectures outside of a run, as its workers get them. ids: indexes, ids or whatever the space spells; size:
    classes, resolution."""
    words = [w for i in ids for w in ("--arch", str(i))]
    words += [w for key, value in size.items() for w in ("--" + key, str(value))]
    lines = run("list", space, "--format", "worker", *words).splitlines()
    return [Architecture(dict(json.loads(line), seed=seed, data=data, dataset=dataset, samples=samples)) for line in lines]


def architecture(space, id, **options):
    return architectures(space, [id], **options)[0]


# ---- scores of one's own ----

class NoPath(Exception):
    """Raised by a score where the architecture has no path from input to output that counts."""


def _number(value):
    """As JSON has it: null for what is not to be had, "-inf" for the lowest there is."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else "-inf" if value == -math.inf else None


def _columns(function, columns, name, direction, long_name):
    """The list of columns that the program is told."""
    if columns is None:
        words = long_name or (function.__doc__ or "").strip().split("\n")[0] or getattr(function, "__name__", "")
        columns = [{"direction": direction, "long_name": words}]
        if name:
            columns[0]["name"] = name
    return columns


def _answer(function, names, line):
    """The answer to one line. An exception is the architecture's failure, not the end."""
    told = {"index": line["index"]}
    try:
        value = function(Architecture(line))
        if len(names) == 1 and not isinstance(value, dict):
            value = {names[0]: value}
        elif not isinstance(value, dict):
            value = dict(zip(names, value))
        told["values"] = {name: _number(value[name]) for name in names}
    except NoPath:
        told["no_path"] = True
    except Exception as error:  # whatever the score does
        told["error"] = f"{type(error).__name__}: {error}"
    return told


def serve(function, name=None, direction=+1, long_name=None, needs=(), by_class=False, columns=None, samples=None,
          batch=None, source=None, note=None):
    """Answers a run until it is done: one call of the function for each architecture. It gives a number (None: there is
    none), or with several columns one for each, as a dictionary or in their order.

    direction: +1 larger is better, -1 smaller. long_name: for people; else the function's first line of documentation.
    needs: "network" (no architecture without a path is asked for), "data" (images), "seed" (each seed is asked for).
    by_class: architectures that compute the same function have one value. columns: [{"name", "direction", "long_name"}]
    for several. samples: images where the run does not say. batch: lines the run may send ahead.
    What is printed goes to standard error."""
    columns = _columns(function, columns, name, direction, long_name)
    hello = {"nasweep": 1, "columns": columns, "needs": list(needs), "by_class": by_class}
    hello.update({k: v for k, v in (("samples", samples), ("batch", batch), ("source", source), ("note", note)) if v})
    names = [c.get("name") or os.environ.get("NASWEEP_WORKER", "score") for c in columns]
    out = os.fdopen(os.dup(1), "w")
    sys.stdout.flush()
    os.dup2(2, 1)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(line_buffering=True)  # what is printed is heard at once, not when the worker has ended
    print(json.dumps(hello), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(function, names, json.loads(line))), file=out, flush=True)
