#!/usr/bin/python3
"""Scores in shared objects: the example is built by make and by pkg-config, shares passes with the built-in scores, and
is recorded by its bytes; objects that do not fit are refused with the reason."""

import os
import shutil
import subprocess
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from sweeps import ENV, NASWEEP, ROOT, different, messages, report, run, run_parts, skip, text_of  # noqa: E402
from workers import column  # noqa: E402

EXAMPLES = os.path.join(ROOT, "jobs", "examples")
WORDS = ["score", "nb201", "--sample", "20", "--samples", "8", "--progress", "0"]


def build(folder, name, *changes, flags=()):
    """The example with changes (old, new) as a shared object."""
    with open(f"{EXAMPLES}/plugin.c") as f:
        text = f.read()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with open(f"{folder}/{name}.c", "w") as f:
        f.write(text)
    subprocess.run(["cc", "-shared", "-fPIC", *(flags or [f"-I{ROOT}/include"]), "-o", f"{folder}/{name}.so",
                    f"{folder}/{name}.c"], check=True)
    return f"{folder}/{name}.so"


def example(folder):
    p = subprocess.run(["make", "-C", EXAMPLES, f"OUT={folder}"], capture_output=True, text=True, env=ENV)
    report(p.returncode == 0 and not p.stderr, "the example is built by make", p.stderr)
    p = run(None, *WORDS, "--plugin", "libmine.so", "--proxy", "mine_heads,mine_sum,grad_norm", "--out", "one.h5", cwd=folder)
    ours, theirs = column(folder, "one", "grad_norm")[0], column(folder, "one", "mine_sum")[0]
    report(p.returncode == 0 and np.allclose(ours, theirs, rtol=1e-12, equal_nan=True) and np.isfinite(ours).sum() > 15,
           "a measure of a plugin beside the built-in one", p.stderr)
    alone = run(None, *WORDS, "--proxy", "grad_norm", "--out", f"{folder}/alone.h5")
    count = [int(q.stderr.split(" evaluations, ")[0].split()[-1]) for q in (p, alone)]
    report(count[0] == count[1] + 1, "networks and passes are shared: mine_heads alone is evaluated besides", p.stderr)
    with h5py.File(f"{folder}/one.h5") as f:
        ids, heads = f["nb201/id"][:], f["nb201/score/mine_heads"][:]
    at_input = [sum(not w.startswith(b"none") for w in i.replace(b"+", b"").split(b"|") if w.endswith(b"~0")) for i in ids]
    report(list(heads) == at_input, "a score of the description", (list(heads), at_input))
    p = run(2, *WORDS, "--plugin", f"{folder}/libmine.so", "--proxy", "mine_heads,mine_sum,grad_norm", "--out",
            f"{folder}/two.h5")
    report(p.returncode == 0 and not different(f"{folder}/one.h5", f"{folder}/two.h5"), "two ranks, the same file", p.stderr)
    p = run(None, *WORDS, "--plugin", f"{folder}/libmine.so", "--out", f"{folder}/all.h5")
    with h5py.File(f"{folder}/all.h5") as f:
        report(list(f["nb201/score"]) == ["mine_heads", "mine_sum"] and "plugin=libmine.so:" in text_of(f, "options"),
               "without --proxy all of a plugin's, and its hash is kept", p.stderr)
    p = run(None, "list", "--proxies", "--plugin", f"{folder}/libmine.so")
    report("mine_sum,mine,+1,network+data+seed" in p.stdout, "list --proxies --plugin", p.stdout + p.stderr)
    p = run(None, *WORDS, "--plugin", f"{folder}/libmine.so", "--proxy", "mine", "--out", f"{folder}/group.h5")
    report(p.returncode == 0, "a plugin's group", p.stderr)


def installed(folder):
    if os.environ.get("ASAN"):
        skip("built by pkg-config alone", "would build a second time")
        return
    env = {k: v for k, v in os.environ.items() if k not in ("BUILD", "MAKEFLAGS", "ASAN", "DEBUG")}
    subprocess.run(["make", "-s", "-C", ROOT, "install", f"PREFIX={folder}/usr"], check=True, env=env,
                   stdout=subprocess.DEVNULL)
    flags = subprocess.run(["pkg-config", "--cflags", "nasweep"], check=True, text=True, stdout=subprocess.PIPE,
                           env=dict(env, PKG_CONFIG_PATH=f"{folder}/usr/lib/pkgconfig")).stdout.split()
    path = build(folder, "packaged", flags=flags)
    p = subprocess.run([f"{folder}/usr/bin/nasweep", *WORDS, "--plugin", path, "--out", f"{folder}/packaged.h5"], env=ENV,
                       capture_output=True, text=True)
    report(p.returncode == 0, "built by pkg-config alone, run by the installed program", p.stderr)
    with open(f"{folder}/mine.py", "w") as f:
        f.write("import nasweep\nnasweep.serve(lambda a: a.params)\n")
    p = subprocess.run([f"{folder}/usr/bin/nasweep", *WORDS, "--worker", f"mine=/usr/bin/python3 {folder}/mine.py", "--out",
                        f"{folder}/worker.h5"], env=ENV, capture_output=True, text=True)
    report(p.returncode == 0, "the Python module is installed where workers find it", p.stderr)
    if not shutil.which("c++"):
        skip("headers that C++ takes", "no c++")
        return
    with open(f"{folder}/all.cc", "w") as f:
        f.write("".join(f"#include <nasweep/{h}>\n" for h in sorted(os.listdir(f"{folder}/usr/include/nasweep"))))
    p = subprocess.run(["c++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *flags, f"{folder}/all.cc"],
                       capture_output=True, text=True)
    report(p.returncode == 0, "headers that C++ takes", p.stderr)


def refusals(folder):
    with open(f"{folder}/text.so", "w") as f:
        f.write("no object")
    subprocess.run(["cc", "-shared", "-o", f"{folder}/empty.so", "-xc", "/dev/null"], check=True)
    cases = {
        f"{folder}/nowhere.so": "No such file",
        f"{folder}/text.so": "text.so",
        f"{folder}/empty.so": "exports no nsw_plugin()",
        build(folder, "version", ("{NSW_PLUGIN_HEAD, proxies}", "{.version = 7, .size = 1, .proxies = proxies}")):
            "it speaks version 7 of the plugins' interface, and this program version 1",
        build(folder, "size", ("static const struct nsw_plugin plugin =", "static struct nsw_plugin plugin ="),
              ("{ return &plugin; }", "{ plugin.proxy_size -= 8; return &plugin; }")):
            "compiled against other headers: its struct nsw_proxy has",
        build(folder, "name", ('"mine_heads", "operations', '"synflow", "operations')):
            "the column 'synflow' is taken by the proxy synflow",
        build(folder, "group", ('"mine_sum", "sum', '"gradient", "sum')): "is a word for several proxies",
        build(folder, "twice", ('.name = "mine_sum"', '.name = "mine_heads"')): "the name 'mine_heads' is taken",
        build(folder, "hollow", (".take = take_sum", ".begin = 0")): "a measure without",
    }
    for path, words in cases.items():
        p = run(None, *WORDS, "--plugin", path, "--out", f"{folder}/refused.h5")
        last = messages(p)[-1:] or [""]
        report(p.returncode in (1, 2) and words in last[0] and len(messages(p)) == 1 and
               not os.path.exists(f"{folder}/refused.h5"), f"refused: {last[0].partition('plugin: ')[2][-90:]}", p.stderr)
    path = build(folder, "changed")
    p = run(None, *WORDS, "--plugin", path, "--time-limit", "0.000001", "--out", f"{folder}/changed.h5")
    stopped = p.returncode == 75
    build(folder, "changed", ("operations on", "Operations on"))
    p = run(None, *WORDS, "--plugin", path, "--out", f"{folder}/changed.h5")
    report(stopped and p.returncode == 2 and "other options" in p.stderr and "changed.so:" in p.stderr,
           "other bytes are not resumed", p.stderr)
    os.makedirs(f"{folder}/other")
    other = build(f"{folder}/other", "changed")
    # not as two programs of one mpirun, which Open MPI 5.0.7's dies of
    by_rank = f'if [ "$OMPI_COMM_WORLD_RANK" = 0 ]; then exec "$@" {path}; else exec "$@" {other}; fi'
    words = ["mpirun", "-n", "2", "sh", "-c", by_rank, "sh", NASWEEP, *WORDS, "--out", f"{folder}/ranks.h5", "--plugin"]
    p = subprocess.run(words, env=ENV, capture_output=True, text=True, timeout=60)
    report(p.returncode == 2 and "rank 1 has another mine_heads than rank 0" in p.stderr, "all ranks load the same bytes",
           p.stderr)


if __name__ == "__main__":
    run_parts(example, installed, refusals)
