#!/usr/bin/python3
"""make install: everything is where it belongs, and a program can be built against what is installed. Packages: Debian's
as dpkg reads it, Spack's recipe by stand-ins for what Spack gives it; the version is the same everywhere."""

import os
import re
import subprocess
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import ROOT, Skip, nasweep, need_tool, run, test  # noqa: E402

PROGRAM = r"""
#include <nasweep/space.h>
#include <stdio.h>
int main(void) {
  struct nsw_space *space;
  struct nsw_error err;
  uint32_t index;
  if (nsw_space_open("nb201", &space, &err)) return 1;
  if (nsw_space_find(space, "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|", &index, &err))
    return 1;
  printf("%u\n", index);
  nsw_space_close(&space);
  return 0;
}
"""


def install(*words):
    env = {k: v for k, v in os.environ.items() if k not in ("BUILD", "MAKEFLAGS", "ASAN", "DEBUG")}
    subprocess.run(["make", "-s", "-C", ROOT, "install", *words], check=True, env=env, stdout=subprocess.DEVNULL)


@test("PREFIX and DESTDIR: program, library, headers, pkg-config, man page, completion")
def _():
    if os.environ.get("ASAN"):
        raise Skip("would build a second time")
    install("PREFIX=/opt/nasweep", f"DESTDIR={os.getcwd()}/stage")
    found = {os.path.join(folder, f) for folder, _, files in os.walk("stage") for f in files}
    top = "stage/opt/nasweep/"
    listed = {f"include/nasweep/{h}" for h in os.listdir(os.path.join(ROOT, "include", "nasweep"))}
    listed |= {f"share/nasweep/tables/{t}" for t in os.listdir(os.path.join(ROOT, "results", "tables"))}
    listed |= {"share/nasweep/nasweep.py", "share/nasweep/nasweep_torch.py"}
    assert {top + f for f in listed | {"bin/nasweep", "lib/libnasweep.a", "lib/pkgconfig/nasweep.pc",
                                       "share/man/man1/nasweep.1", "share/bash-completion/completions/nasweep"}
            } == found, found
    with open(top + "lib/pkgconfig/nasweep.pc") as f:
        assert "prefix=/opt/nasweep\n" in f.read()


@test("a program compiles, links and runs against the installed library")
def _():
    if os.environ.get("ASAN"):
        raise Skip("would build a second time")
    need_tool("pkg-config")
    here = os.getcwd()
    install(f"PREFIX={here}/usr")
    with open("p.c", "w") as f:
        f.write(PROGRAM)
    env = {**os.environ, "PKG_CONFIG_PATH": f"{here}/usr/lib/pkgconfig"}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "nasweep"], check=True, env=env, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    subprocess.run(["cc", "p.c", "-o", "p", *flags], check=True)
    assert subprocess.run(["./p"], check=True, text=True, stdout=subprocess.PIPE).stdout == "9\n"
    assert subprocess.run(["usr/bin/nasweep", "--version"], check=True, stdout=subprocess.PIPE).stdout


@test("the version of version.h is the program's, the citation's and the changelog's")
def _():
    with open(os.path.join(ROOT, "include", "nasweep", "version.h")) as f:
        version = re.search(r'#define NSW_VERSION "(\d+\.\d+\.\d+)"', f.read()).group(1)
    assert nasweep("--version").stdout.startswith(f"nasweep {version} "), version
    with open(os.path.join(ROOT, "CITATION.cff")) as f:
        assert f"\nversion: {version}\n" in f.read(), version
    with open(os.path.join(ROOT, "CHANGELOG.md")) as f:
        assert re.search(r"^## (\S+)", f.read(), re.M).group(1) == version


@test("make deb: a package with what its program needs")
def _():
    if os.environ.get("ASAN"):
        raise Skip("would build a second time")
    need_tool("dpkg-deb")
    env = {k: v for k, v in os.environ.items() if k not in ("BUILD", "MAKEFLAGS", "ASAN", "DEBUG")}
    said = subprocess.run(["make", "-s", "-C", ROOT, "deb"], check=True, env=env, text=True, stdout=subprocess.PIPE).stdout
    package = os.path.join(ROOT, said.splitlines()[-1].partition(":")[0])
    fields = subprocess.run(["dpkg-deb", "-f", package, "Package", "Depends"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    for needed in ("Package: nasweep", "libhdf5", "openmpi", "openblas", "libjansson", "libinih", "zlib1g", "libc6 (>= "):
        assert needed in fields, fields
    subprocess.run(["dpkg-deb", "-x", package, "root"], check=True)
    lines = subprocess.run(["root/usr/bin/nasweep", "list", "nb201", "--range", "9:10", "--columns", "id", "--no-header"],
                           check=True, text=True, stdout=subprocess.PIPE).stdout
    assert lines == "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|\n", lines


@test("the Spack recipe's steps install the program")
def _():
    if os.environ.get("ASAN"):
        raise Skip("would build a second time")
    needs, here = [], os.getcwd()

    def make(*words):
        env = {k: v for k, v in os.environ.items() if k not in ("BUILD", "MAKEFLAGS", "ASAN", "DEBUG")}
        subprocess.run(["make", "-s", "-C", ROOT, *words], check=True, env=env, stdout=subprocess.DEVNULL)

    spack = types.ModuleType("spack.package")
    spack.MakefilePackage, spack.make = object, make
    spack.version = lambda *words, **named: None
    spack.depends_on = lambda spec, **named: needs.append(re.match(r"[a-z0-9-]+", spec).group())
    sys.modules["spack"], sys.modules["spack.package"] = types.ModuleType("spack"), spack
    recipe = {}
    with open(os.path.join(ROOT, "slurm", "site", "package.py")) as f:
        exec(compile(f.read(), "package.py", "exec"), recipe)
    spec = {"mpi": types.SimpleNamespace(mpicc="mpicc")}
    package = recipe["Nasweep"]()
    package.build(spec, here)
    package.install(spec, here)
    assert os.path.exists("bin/nasweep")
    # What the Makefile links, by the names that Spack has for it.
    wanted = {"openmpi", "hdf5", "openblas", "jansson", "inih", "bzip2", "xz", "zlib-api", "random123", "pkgconfig", "gmake"}
    assert wanted <= set(needs), wanted - set(needs)


run()
