"""Tests in Python that speak TAP: each is a function under @test("what holds"); run() runs them in order. Or, where one
piece of work is looked at in many ways, a line at a time by report() and skip(), and finish() at the end.

A test fails by an exception (assert will do) and is skipped by raising Skip("why"). Each gets its own empty folder as
the working directory, removed afterwards."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
NASWEEP = os.path.join(BUILD, "nasweep")
DATA = os.environ.get("NASWEEP_DATA")
_tests = []


class Skip(Exception):
    """Raised with the reason why a test cannot run here."""


def test(name):
    def add(function):
        _tests.append((name, function))
        return function
    return add


def nasweep(*words, ranks=None, status=0, env=None, timeout=120, **options):
    """Runs the program; the exit status must be the one given (None: any). Text output in .stdout and .stderr."""
    command = [NASWEEP, *map(str, words)]
    if ranks:
        command = ["mpirun", "-n", str(ranks), *command]
    done = subprocess.run(command, env={**os.environ, **(env or {})}, timeout=timeout, text=True,
                          **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
    if status is not None:
        assert done.returncode == status, (f"{' '.join(command)}: status {done.returncode} instead of {status}\n"
                                           f"{done.stderr}")
    return done


def need_tool(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not here")


def data_file(name):
    """A file or folder of NASWEEP_DATA; skips the test where it is not there."""
    if not DATA:
        raise Skip("NASWEEP_DATA is not set")
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        raise Skip(f"{name} is not in NASWEEP_DATA")
    return path


class Count:
    """Lines printed by report() and skip(), and those that failed; one line at a time, from any thread."""

    done = failed = 0
    lock = threading.Lock()


def report(ok, name, detail=""):
    """One line; where it is not ok, the last lines of the detail below it. Gives ok back."""
    with Count.lock:
        Count.done += 1
        Count.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {Count.done} - {name}", flush=True)
        for line in [] if ok else str(detail).splitlines()[-30:]:
            print(f"# {line[:3000]}", flush=True)
    return ok


def skip(name, reason):
    with Count.lock:
        Count.done += 1
        print(f"ok {Count.done} - {name} # SKIP {reason}", flush=True)


def finish():
    print(f"1..{Count.done}")
    sys.exit(1 if Count.failed else 0)


def run():
    print(f"1..{len(_tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(_tests, 1):
        here = os.getcwd()
        folder = tempfile.mkdtemp(prefix="nasweep-")
        try:
            os.chdir(folder)
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # noqa: BLE001
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        finally:
            os.chdir(here)
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)
