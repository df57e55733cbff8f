#!/usr/bin/python3
"""The repair of badly chosen BLAS kernels, with a stand-in for an OpenBLAS that does not know the CPU."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import Skip, nasweep, run, test  # noqa: E402

# Says Prescott unless OPENBLAS_CORETYPE names something else: what Debian 12's does on CPUs it does not know.
STAND_IN = """
#include <stdlib.h>
char *openblas_get_corename(void) {
  char *type = getenv("OPENBLAS_CORETYPE");
  return type && !getenv("STUBBORN") ? type : "Prescott";
}
"""


def stand_in():
    if os.environ.get("ASAN"):
        raise Skip("AddressSanitizer wants to be the first library")
    with open("stand_in.c", "w") as f:
        f.write(STAND_IN)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "stand_in.so", "stand_in.c"], check=True)
    return {"LD_PRELOAD": os.path.abspath("stand_in.so")}


def vectors():
    text = nasweep("doctor", "--quick").stdout
    if "kernels for plain" in text:
        raise Skip("a CPU without AVX2 has nothing better")


def doctor(env, **options):
    env = {"OPENBLAS_CORETYPE": None, "NASWEEP_BLAS_REPAIRED": None, **env}
    for name in [name for name, value in env.items() if value is None]:
        os.environ.pop(name, None)
        del env[name]
    return nasweep("doctor", "--quick", env=env, **options)


@test("kernels far below the CPU: it says so in one line, starts again, and is repaired")
def _():
    vectors()
    done = doctor(stand_in())
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and re.search(r"Prescott kernels.*OPENBLAS_CORETYPE=(Haswell|SkylakeX)", lines[0]), lines
    assert re.search(r"(Haswell|SkylakeX) kernels \(set by this program\), 1 thread", done.stdout), done.stdout


@test("it never tries twice, and then says what to change")
def _():
    vectors()
    done = doctor({**stand_in(), "STUBBORN": "1"})
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Prescott kernels" in done.stdout and "newer OpenBLAS" in done.stdout, done.stdout


@test("a core type the user set is left alone")
def _():
    vectors()
    done = doctor({**stand_in(), "OPENBLAS_CORETYPE": "Nehalem"})
    assert done.stderr == "" and "Nehalem kernels (OPENBLAS_CORETYPE)" in done.stdout, done.stderr
    assert "unset OPENBLAS_CORETYPE" in done.stdout


@test("under mpirun it is said once and every rank is repaired")
def _():
    vectors()
    done = doctor(stand_in(), ranks=3)
    assert len(re.findall("starting again", done.stderr)) == 1, done.stderr
    assert "3 on 1 host (mpirun)" in done.stdout and "set by this program" in done.stdout, done.stdout


@test("commands that use no BLAS do not start again")
def _():
    assert nasweep("list", "nb201", "--range", "0:1", env=stand_in()).stderr == ""


@test("the real library here ends up with kernels that fit")
def _():
    done = doctor({})
    assert "far below this CPU" not in done.stdout, done.stdout


@test("threads: one a rank unless set")
def _():
    os.environ.pop("OPENBLAS_NUM_THREADS", None)
    os.environ.pop("OMP_NUM_THREADS", None)
    assert "1 thread a rank" in doctor({}).stdout
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("one core")
    done = doctor({"OPENBLAS_NUM_THREADS": "2"})
    assert "2 threads a rank" in done.stdout and "BLAS uses 2 threads a rank" in done.stdout


run()
