"""Result files of nasweep as pandas DataFrames.

    import nasweep
    df = nasweep.load("results/nb201.h5")
    df[["sed", "params", "accuracy/cifar10/test"]].corr("spearman")
    df.attrs["proxies"]["sed"]["direction"]

Columns: index, id, class, params, macs; a score under its own name (score/NAME where that is taken already, as by params
and macs); status/NAME and seconds/NAME; accuracy/DATASET/SPLIT; by_seed/NAME/k where there are several seeds. Scores are
as stored: NaN where pending or failed and where there is no path (status 2). Attributes of the file and of its columns
are in df.attrs.

Numbers about a file come from the program itself: correlate() and select() run it and give what it prints as JSON."""

import json
import os
import shutil
import subprocess

import h5py
import numpy as np

STATUS = {0: "pending", 1: "scored", 2: "no path", 3: "failed"}


def _text(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def attributes(node):
    """Attributes of a file, group or dataset as a dictionary of texts and numbers."""
    return {key: _text(value) for key, value in node.attrs.items()}


def spaces(path):
    """Names of the spaces that a result file holds."""
    with h5py.File(path, "r") as f:
        if _text(f.attrs.get("format", "")) != "nasweep":
            raise ValueError(f"{path}: not a result file of nasweep")
        if int(f.attrs["format_version"]) > 1:
            raise ValueError(f"{path}: format version {f.attrs['format_version']} is of a later nasweep")
        return [name for name in f if "index" in f[name]]


def columns(path, space=None):
    """(columns, attrs): every column of one space as NumPy arrays by name, in order, and the attributes."""
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
