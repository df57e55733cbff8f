#!/usr/bin/python3
"""The program on aarch64: built by Debian's cross compiler against arm64 packages (.ci/aarch64), run under qemu. The
kernels' tests pass there, with NEON and without, and a sweep gives the values it gives here, to float's rounding."""

import os
import platform
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import ROOT, Skip, nasweep, run, test  # noqa: E402

FOLDER = os.path.join(ROOT, "build-aarch64")
PACKAGES = os.path.join(FOLDER, "root")
LIBRARIES = os.path.join(PACKAGES, "usr/lib/aarch64-linux-gnu")
COMPILER = "aarch64-linux-gnu-gcc"
UNITS = ["test_wino", "test_engine", "test_tangent", "test_md5", "test_random", "test_relu_codes", "test_study",
         "test_linalg", "test_blas"]
SWEEP = ["score", "nb201", "--range", "0:6", "--proxy", "sed,knas", "--samples", "4", "--channels", "16", "--cells", "1"]
built = []


def emulator():
    return next(filter(None, map(shutil.which, ["qemu-aarch64-static", "qemu-aarch64"])), None)


def needs():
    if platform.machine() in ("aarch64", "arm64"):
        raise Skip("this machine is one: all other tests are about it")
    if os.environ.get("ASAN"):
        raise Skip("AddressSanitizer is for the machine's own build")
    if not shutil.which(COMPILER):
        raise Skip(f"{COMPILER} is not here (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)")
    if not emulator():
        raise Skip("qemu-aarch64 is not here (Debian: qemu-user-static)")
    made = subprocess.run([os.path.join(ROOT, ".ci/aarch64"), PACKAGES], text=True, stderr=subprocess.PIPE)
    if made.returncode:
        raise Skip("no arm64 packages: " + (made.stderr.strip().splitlines() or ["no reason given"])[-1])


def emulated(*command, **env):
    """Runs a program of the other build under qemu."""
    words = [emulator(), "-L", PACKAGES]
    env = {"LD_LIBRARY_PATH": os.path.join(LIBRARIES, "openblas-pthread"), "OMPI_MCA_ess_singleton_isolated": "1",
           "TEST_BRIEF": "1", **env}
    for name, value in env.items():
        words += ["-E", f"{name}={value}"]
    return subprocess.run([*words, os.path.join(FOLDER, command[0]), *command[1:]], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


@test("the program and the kernels' tests are built for aarch64 by the Makefile as it is, without a warning")
def builds():
    needs()
    pkg = [os.path.join(LIBRARIES, "pkgconfig"), os.path.join(LIBRARIES, "openblas-pthread/pkgconfig"),
           os.path.join(PACKAGES, "usr/share/pkgconfig")]
    env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": PACKAGES, "PKG_CONFIG_LIBDIR": ":".join(pkg)}
    make = subprocess.run(["make", "-C", ROOT, "-j2", f"BUILD={FOLDER}", f"CC={COMPILER} --sysroot={PACKAGES}",
                           "AR=aarch64-linux-gnu-ar", "CFLAGS=-O2 -Wno-format-truncation", f"LDFLAGS=-Wl,-rpath-link,{LIBRARIES}", "DEBUG=",
                           "programs", *(f"{FOLDER}/tests/{name}" for name in UNITS)],
                          env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert make.returncode == 0, make.stdout
    assert "warning" not in make.stdout, make.stdout
    built.append(True)


def unit(name):
    @test(f"{name} passes there")
    def passes():
        if not built:
            raise Skip("nothing was built to run")
        done = emulated(f"tests/{name}")
        assert done.returncode == 0, done.stdout


for name in UNITS:
    unit(name)


@test("it says that it has NEON")
def doctor():
    if not built:
        raise Skip("nothing was built to run")
    done = emulated("nasweep", "doctor", "--quick")
    assert "kernels for neon" in done.stdout, done.stdout


def scores(path):
    import h5py
    with h5py.File(path) as file:
        return {name: data[:] for name, data in file["nb201/score"].items()}


@test("a sweep gives this machine's values, to float's rounding, with NEON and without")
def sweep():
    if not built:
        raise Skip("nothing was built to run")
    nasweep(*SWEEP, "--out", "here.h5")
    here = scores("here.h5")
    assert "knas" in here and "sed" in here
    for isa in "neon", "plain":
        done = emulated("nasweep", *SWEEP, "--out", f"{isa}.h5", NASWEEP_ISA=isa)
        assert done.returncode == 0, done.stdout
        there = scores(f"{isa}.h5")
        assert list(here) == list(there)
        for name, values in here.items():
            worst = max(abs(there[name] - values) / (abs(values) + 1e-300))
            assert worst <= (0 if name.startswith("sed") else 1e-4), f"{isa}: {name} is off by {worst}"


run()
