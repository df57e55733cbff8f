#!/usr/bin/python3
"""make install: everything is where it belongs, and a program can be built against what is installed."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import ROOT, Skip, need_tool, run, test  # noqa: E402

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


run()
