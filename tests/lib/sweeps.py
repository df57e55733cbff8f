"""What the tests of sweeps share: running nasweep alone or under mpirun, comparing result files, TAP."""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time

import h5py

from mpi import ENVIRONMENT
from tap import finish, report, skip  # noqa: F401

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NASWEEP = os.path.join(ROOT, os.environ.get("BUILD", "build"), "nasweep")
ENV = dict(os.environ, **ENVIRONMENT, OMPI_MCA_orte_abort_print_stack="0",
           OMPI_MCA_pml="ob1")  # one host: no other networks are tried
DUMMY = ["score", "nb201", "--proxy", "dummy,random", "--seed", "3,4", "--progress", "0"]  # time passes, no work


def command(ranks, *words):
    """A command line; ranks None: without mpirun."""
    return ([] if ranks is None else ["mpirun", "-n", str(ranks)]) + [NASWEEP, *map(str, words)]


def run(ranks, *words, timeout=120, cwd=None, env=None):
    """The finished process, with texts."""
    return subprocess.run(command(ranks, *words), env=dict(ENV, **(env or {})), cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout)


def start(ranks, *words, cwd=None):
    return subprocess.Popen(command(ranks, *words), env=ENV, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def wait_until_it_runs(process):
    """Reads standard error up to the banner's last line; what is left is for communicate()."""
    for line in process.stderr:
        if line.startswith("  scores "):
            return


def messages(process):
    """Lines that are nasweep's own errors."""
    return [line for line in process.stderr.splitlines() if line.startswith("nasweep: ")]


TIMES = ("seconds", "timing")


def content(path):
    """Every data set but times, as bytes: {name: (type, shape, bytes)}."""
    found = {}

    def visit(name, node):
        if isinstance(node, h5py.Dataset) and name.split("/")[1] not in TIMES:
            found[name] = (str(node.dtype), node.shape, node[()].tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def different(a, b):
    """Names of data sets in which two files differ, bit for bit."""
    one, two = content(a), content(b)
    return sorted(n for n in one.keys() | two.keys() if one.get(n) != two.get(n))


def text_of(file, name):
    """A root attribute as text."""
    value = file.attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


class Folder:
    """A folder that is gone at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="nasweep-test-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def run_parts(*parts, beside=()):
    """Runs a test file's parts in one folder that is gone afterwards, those `beside` meanwhile in a row and a folder of
    their own; V=1 tells how long each took."""
    if not shutil.which("mpirun"):
        print("1..0 # SKIP no mpirun")
        return
    assert os.path.exists(NASWEEP), NASWEEP
    spent = []

    def run_row(row, folder):
        os.mkdir(folder)
        for part in row:
            begun = time.monotonic()
            part(folder)
            spent.append(f"{part.__name__} {time.monotonic() - begun:.1f} s")

    with Folder() as folder, concurrent.futures.ThreadPoolExecutor() as threads:
        list(threads.map(run_row, [parts, beside], [f"{folder}/row", f"{folder}/beside"]))
    if os.environ.get("V") == "1":
        print("# " + ", ".join(spent))
    finish()
