#!/usr/bin/python3
"""What a sweep costs a score of one's own: architectures a second with an empty worker, and a score in PyTorch (the
example synflow.py) in a sweep against a plain loop in Python over the same cells, one core each, in turns; the
least of the turns counts.

usage: bench_worker.py [CELLS] [TURNS]"""

import os
import re
import resource
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NASWEEP = os.path.join(ROOT, os.environ.get("BUILD", "build"), "nasweep")
EXAMPLES = os.path.join(ROOT, "jobs", "examples")
PYTHON = "/usr/bin/python3"
ENV = dict(os.environ, NASWEEP=NASWEEP, PYTHONPATH=f"{ROOT}/analysis:{EXAMPLES}", OMP_NUM_THREADS="1",
           OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_hwloc_base_binding_policy="none")
EMPTY = {"Python, serve()": "import nasweep\nnasweep.serve(lambda a: 1.0)\n",
         "Python, 16 lines at a time": "import nasweep\nnasweep.serve(lambda a: 1.0, batch=16)\n"}
LOOP = """
import sys, time
import nasweep, synflow
cells = nasweep.architectures("nb201", sys.argv[1:])
begun = time.perf_counter()
for cell in cells:
    if cell.path:
        float(synflow.synflow(cell))
print(time.perf_counter() - begun)
"""


def spent(start):
    """Runs a function; what it gave, and the processor seconds of all processes that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    got = start()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return got, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sweep(ranks, folder, *words, core=None):
    """Seconds in the sweep."""
    line = ["mpirun", "-n", str(ranks)] if ranks > 1 else ["taskset", "-c", str(core)] if core is not None else []
    out = tempfile.mktemp(dir=folder, suffix=".h5")
    p = subprocess.run([*line, NASWEEP, "score", "nb201", "--progress", "0", "--out", out, *words], env=ENV,
                       capture_output=True, text=True, check=True)
    return float(re.search(r"sweep, ([\d.]+) s in it", p.stderr).group(1))


def loops(ids, cores):
    """Seconds of the longest of some loops side by side, each with its share of the cells."""
    them = [subprocess.Popen(["taskset", "-c", str(k), PYTHON, "-c", LOOP, *ids[k::cores]], env=ENV, text=True,
                             stdout=subprocess.PIPE) for k in range(cores)]
    return max(float(p.communicate()[0]) for p in them)


def empty(folder, turns):
    for what, text in EMPTY.items():
        with open(f"{folder}/empty.py", "w") as f:
            f.write(text)
        for ranks in (1, 2):
            words = ["--worker", f"empty={PYTHON} {folder}/empty.py"]
            seconds = min(sweep(ranks, folder, *words) for _ in range(turns))
            print(f"empty worker, {what}, {ranks} ranks: {15625 / seconds / ranks:,.0f} architectures a second a rank",
                  flush=True)


def pytorch(folder, cells, turns):
    ids = [str(i) for i in range(1000, 1000 + cells)]
    words = ["--range", f"1000:{1000 + cells}", "--worker", f"flow={PYTHON} {EXAMPLES}/synflow.py"]
    ways = {"a loop": lambda: loops(ids, 1), "1 rank": lambda: sweep(1, folder, *words, core=0),
            "2 ranks": lambda: sweep(2, folder, *words), "two loops at once": lambda: loops(ids, 2)}
    found = {way: [] for way in ways}
    for _ in range(turns):
        for way, start in ways.items():
            found[way].append(spent(start))
    least = {way: min(seconds for seconds, _ in them) for way, them in found.items()}
    for way, them in found.items():
        cpu = min(cpu for _, cpu in them)
        print(f"synflow in PyTorch, {cells} cells, {way}: {least[way]:.2f} s, {least['a loop'] / least[way]:.3f} times a "
              f"loop's speed; {cpu:.2f} s of processors, start included (all turns: "
              f"{', '.join(f'{seconds:.2f} s {cpu:.2f} s' for seconds, cpu in them)})", flush=True)


def main():
    cells, turns = int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory(prefix="nasweep-bench-") as folder:
        empty(folder, turns)
        pytorch(folder, cells, turns)


if __name__ == "__main__":
    main()
