#!/usr/bin/python3
"""The command line from outside: help, exit statuses, one line for every error, output that cannot be written."""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import NASWEEP, Skip, nasweep, need_tool, run, test  # noqa: E402


def commands():
    lines = nasweep("--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines if re.match(r"  \w", line)]


def refuses(status, words, *command, ranks=None, env=None):
    """The command fails with this status, and one line that has these words; nothing on standard output."""
    done = nasweep(*command, status=status, ranks=ranks, env=env)
    ours = [line for line in done.stderr.splitlines() if line.startswith("nasweep: ")]
    assert len(ours) == 1, done.stderr
    assert words in ours[0], f"'{ours[0]}' lacks '{words}'"
    assert ranks or done.stderr == ours[0] + "\n", done.stderr
    assert done.stdout == "", done.stdout[:200]


@test("--help and --version print to standard output and succeed")
def _():
    help_ = nasweep("--help")
    assert help_.stdout.startswith("Usage: nasweep COMMAND") and not help_.stderr
    assert nasweep("help").stdout == help_.stdout
    assert re.fullmatch(r"nasweep \d+\.\d+\.\d+ \(\S+\)\n", nasweep("--version").stdout)


@test("without a command it says how to use it, status 2")
def _():
    done = nasweep(status=2)
    assert done.stdout == "" and done.stderr.startswith("nasweep: which command?") and "nasweep --help" in done.stderr


@test("every command has help with an example, and `help COMMAND` is the same text")
def _():
    for command in commands():
        text = nasweep(command, "--help").stdout
        assert text.startswith(f"Usage: nasweep {command}"), command
        assert nasweep("help", command).stdout == text
        assert command == "help" or f"nasweep {command}" in text.split("\n", 1)[1], f"{command}: no example"
        lines = [line for line in text.splitlines() if not line.startswith("Example:")]  # commands stay whole
        assert max(map(len, lines)) <= 120, command


@test("defaults stand in the help")
def _():
    text = " ".join(nasweep("list", "--help").stdout.split())
    assert "--format csv|json|worker how to print; worker:" in text
    assert "[default: index,id,params,macs,class]" in text


@test("wrong usage: status 2 and one line with the nearest right word")
def _():
    refuses(2, "unknown command 'lits'; did you mean 'list'?", "lits")
    refuses(2, "unknown option '--colums'; did you mean '--columns'?", "list", "nb201", "--colums", "id")
    refuses(2, "--range needs a value: A:B", "list", "nb201", "--range")
    refuses(2, "'extra' is one operand too many", "list", "nb201", "extra")
    refuses(2, "unknown space 'nb301'; known: nb101, nb201", "list", "nb301")
    refuses(2, "unknown column 'parms'; did you mean 'params'?", "list", "nb201", "--columns", "parms")
    refuses(2, "unknown format 'xml'; known: csv, json", "list", "nb201", "--format", "xml")
    refuses(2, "0 <= A < B <= 15625", "list", "nb201", "--range", "0:15626")
    refuses(2, "FILE.h5 missing", "export")


@test("malformed architectures are named with the reason")
def _():
    def arch(space, text, words):
        refuses(2, words, "list", space, "--arch", text)
    arch("nb201", "15625", "15625")
    arch("nb201", "|none~0|+|none~0|none~1|", "nb201")
    arch("nb201", "|none~0|+|none~0|none~2|+|none~0|none~1|none~2|", "nb201")
    arch("nb201", "|conv~0|+|none~0|none~1|+|none~0|none~1|none~2|", "nb201")
    arch("nb101", "423624", "423624")
    arch("nb101", "0" * 32, "nb101")
    arch("nb101", "010|001|010 input,conv3x3,output", "cycle")
    arch("nb101", "010|000|000 input,conv3x3,output", "no path")
    arch("nb101", "0111111|0011111|0001111|0000111|0000011|0000001|0000000 "
         "input,conv3x3,conv3x3,conv3x3,conv3x3,conv3x3,output", "at most 9")
    arch("nb101", "01|00 input,conv3x3", "operation 2")
    arch("nb101", "010|001|000", "nb101")


@test("a sweep that cannot work stops before it starts, on any number of ranks")
def _():
    score = ["score", "nb201", "--proxy"]
    for ranks in None, 3:
        refuses(2, "sde", *score, "sde", "--out", "x.h5", ranks=ranks)
        refuses(1, "the folder no/such does not exist", *score, "sed", "--out", "no/such/x.h5", ranks=ranks)
        refuses(2, "--out", "score", "nb201", "--proxy", "sed", ranks=ranks)
    assert not os.path.exists("x.h5")


@test("foreign, truncated and missing result files: status 1, and the file stays as it was")
def _():
    nasweep("score", "nb201", "--proxy", "sed", "--range", "0:50", "--out", "good.h5")
    with open("good.h5", "rb") as f:
        good = f.read()
    refuses(1, "none.h5: No such file", "export", "none.h5")
    refuses(1, "not a plain file", "export", "/")
    for content in b"", b"index,id\n1,2\n", good[:100], good[: len(good) // 2], good[:-1]:
        with open("bad.h5", "wb") as f:
            f.write(content)
        refuses(1, "bad.h5", "export", "bad.h5")
        refuses(1, "bad.h5", "score", "nb201", "--proxy", "sed", "--out", "bad.h5")
        with open("bad.h5", "rb") as f:
            assert f.read() == content
    assert sorted(os.listdir(".")) == ["bad.h5", "good.h5"]


@test("output that cannot be written is a failure")
def _():
    if not os.path.exists("/dev/full"):
        raise Skip("no /dev/full")
    for command in (["list", "nb201"], ["list", "nb201", "--format", "json"], ["--help"], ["list", "--proxies"]):
        with open("/dev/full", "w") as full:
            done = nasweep(*command, status=1, stdout=full)
        assert "No space left on device" in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


@test("a reader that goes away ends it quietly")
def _():
    done = subprocess.run(f"{NASWEEP} list nb201 | head -n 1", shell=True, capture_output=True, text=True)
    assert done.stdout == "index,id,params,macs,class\n" and done.stderr == ""


@test("under mpirun help and errors are said once")
def _():
    assert nasweep("--help", ranks=3).stdout == nasweep("--help").stdout
    refuses(2, "unknown option '--proxi'; did you mean '--proxy'?", "score", "nb201", "--proxi", "sed", ranks=3)


@test("an srun without PMIx is refused: its tasks would not know of each other")
def _():
    env = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0"}
    refuses(2, "use srun --mpi=pmix", "score", "nb201", "--proxy", "sed", "--out", "x.h5", env=env)


@test("list: CSV, JSON, ranges and single architectures agree")
def _():
    rows = nasweep("list", "nb201", "--range", "100:105").stdout.splitlines()
    assert rows[0] == "index,id,params,macs,class" and len(rows) == 6
    assert nasweep("list", "nb201", "--range", "100:105", "--no-header").stdout.splitlines() == rows[1:]
    objects = json.loads(nasweep("list", "nb201", "--range", "100:105", "--format", "json").stdout)
    assert [",".join(map(str, o.values())) for o in objects] == rows[1:]
    single = nasweep("list", "nb201", "--no-header", "--arch", objects[3]["id"], "--arch", 101).stdout.splitlines()
    assert single == [rows[4], rows[2]]
    assert json.loads(nasweep("list", "nb201", "--range", "0:1", "--columns", "path", "--format", "json").stdout) == \
        [{"path": 1}]


@test("list --proxies tells name, direction and needs of every proxy")
def _():
    proxies = {p["proxy"]: p for p in json.loads(nasweep("list", "--proxies", "--format", "json").stdout)}
    assert proxies["sed"]["direction"] == "+1" and "reconstruction" in proxies["sed"]["note"]
    assert proxies["random"]["needs"] == "topology+seed"


@test("the man page is clean roff and has every command")
def _():
    need_tool("man")
    with open("nasweep.1", "w") as f:
        f.write(nasweep("help", "--man").stdout)
    done = subprocess.run(["man", "-l", "--warnings=w", "-Tutf8", "./nasweep.1"], capture_output=True, text=True,
                          env={**os.environ, "MANWIDTH": "100", "MAN_KEEP_FORMATTING": "", "PAGER": "cat"})
    if done.returncode:
        raise Skip("man cannot format here")
    assert done.stderr == "", done.stderr
    shown = " ".join(re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout).split())
    for command in commands():
        assert f"nasweep {command} " in shown, command


@test("completion of bash offers commands, options and choices")
def _():
    need_tool("bash")
    def offers(*words):
        line = " ".join(f"'{w}'" for w in words)
        script = f'eval "$({NASWEEP} help --completion bash)"; COMP_WORDS=({line}); COMP_WORDS[0]={NASWEEP}; ' \
                 f'COMP_LINE="{" ".join(words)}"; COMP_POINT=${{#COMP_LINE}}; ' \
                 '_nasweep; printf "%s\\n" "${COMPREPLY[@]}"'
        return subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert offers("nasweep", "li") == ["list"]
    assert set(commands()) <= set(offers("nasweep", ""))
    assert offers("nasweep", "list", "nb2") == ["nb201"]
    assert offers("nasweep", "list", "nb201", "--col") == ["--columns"]
    assert offers("nasweep", "list", "nb201", "--format", "") == ["csv", "json", "worker"]
    assert offers("nasweep", "score", "nb201", "--proxy", "sed,kn")[0] == "sed,knas"
    assert offers("nasweep", "score", "nb201", "--dataset", "I") == ["ImageNet16-120"]
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "a.h5")
        subprocess.run([NASWEEP, "score", "nb201", "--proxy", "sed,macs", "--range", "0:3", "--out", out], check=True,
                       capture_output=True)
        assert offers("nasweep", "correlate", out, "--proxy", "m") == ["macs"], "columns of the file at hand"


run()
