#!/usr/bin/python3
"""Nothing is silent: output that cannot be written and names that are not there are errors, in every command."""
import json
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import data_file, nasweep, run, test  # noqa: E402

HERE = {"NASWEEP_DATA": ""}


def files():
    with open("accuracy.csv", "w") as f:
        f.write("index,cifar10_test,cifar10_valid\n" + "".join(f"{i},{50 + i % 40},{49 + i % 40}\n" for i in range(300)))
    nasweep("score", "nb201", "--proxy", "sed,params", "--range", "0:300", "--out", "a.h5")
    nasweep("import", "csv", "accuracy.csv", "--space", "nb201", "--epochs", "200", "--out", "t.h5")
    return ["--truth", "t.h5"]


def refused(status, *words):
    p = nasweep(*words, status=status, env=HERE)
    lines = [line for line in p.stderr.splitlines() if line.startswith("nasweep: ")]
    assert len(lines) == 1 and not p.stdout, (words, p.stdout, p.stderr)
    return lines[0]


@test("output that cannot be written is an error in every format")
def _():
    truth = files()
    cases = [["correlate", "a.h5", *truth, "--format", f] for f in ("table", "json", "csv", "latex", "markdown")]
    cases += [["select", "a.h5", *truth, "--format", f] for f in ("table", "json", "csv")]
    cases += [["export", "a.h5", "--format", f] for f in ("csv", "json", "suite-zero")]
    cases += [["list", "nb201", "--format", f] for f in ("csv", "json")]
    cases += [["simulate", "nb201", "--proxy", "dummy", "--ranks", "2", "--format", f] for f in ("table", "json", "csv")]
    cases += [["doctor"], ["list", "--proxies"], ["score", "--help"]]
    for words in cases:
        with open("/dev/full", "w") as full:
            p = nasweep(*words, status=1, stdout=full, env=HERE)
        assert "No space left" in p.stderr, (words, p.stderr)


@test("a name that is not there is told with those there are, and the nearest")
def _():
    truth = files()
    told = {("correlate", "a.h5", *truth, "--dataset", "svhn"): ("svhn", "cifar10"),
            ("correlate", "a.h5", *truth, "--split", "tst"): ("tst", "test-200ep"),
            ("correlate", "a.h5", *truth, "--proxy", "sedd"): ("sedd", "did you mean 'sed'"),
            ("correlate", "a.h5", *truth, "--ensemble", "sed+zen", "--proxy", "sed"): ("zen",),
            ("select", "a.h5", *truth, "--dataset", "cifar"): ("did you mean 'cifar10'",),
            ("select", "a.h5", *truth, "--knas-proxy", "sedd"): ("--knas-proxy sedd", "did you mean 'sed'"),
            ("select", "a.h5", *truth, "--knas-proxy", "sed", "--knas-split", "vlid"): ("vlid",),
            ("export", "a.h5", "--columns", "sedd"): ("did you mean 'sed'",),
            ("export", "a.h5", "--format", "suite-zero", "--dataset", "cifar"): ("did you mean 'cifar10'",),
            ("list", "nb201", "--columns", "idd"): ("did you mean 'id'",),
            ("score", "nb201", "--proxy", "naswott", "--out", "b.h5"): ("did you mean 'naswot'",),
            ("score", "nb201", "--proxy", "naswot", "--dataset", "CIFAR-10", "--out", "b.h5"): ("did you mean 'cifar10'",),
            ("score", "nb201", "--proxy", "sed", "--set", "sed.skp=1", "--out", "b.h5"): ("skip",),
            ("import", "suit-zero", "x", "--out", "b.h5"): ("did you mean 'suite-zero'",),
            ("scor",): ("did you mean 'score'",)}
    for words, fragments in told.items():
        line = refused(2, *words)
        assert all(f in line for f in fragments), line
    assert not os.path.exists("b.h5")


@test("architectures with accuracies are counted once, whatever the number of data sets")
def _():
    files()
    cells = {"(4, 0, 3, 1, 4, 3)": 80.0, "(1, 0, 3, 1, 4, 3)": 81.0}
    with open("suite.json", "w") as f:
        json.dump({d: {k: {"val_accuracy": v} for k, v in cells.items()} for d in ("cifar10", "cifar100", "ImageNet16-120")}, f)
    nasweep("score", "nb201", "--proxy", "params", "--out", "all.h5")
    p = nasweep("correlate", "all.h5", "--truth", "suite-zero:suite.json", env=HERE)
    assert "accuracies of 2 of 15625 architectures" in p.stderr, p.stderr


@test("a network that does not fit into memory is refused before any of it is allocated")
def _():
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    line = refused(1, "score", "nb201", "--proxy", "naswot", "--channels", "4096", "--range", "1:2", "--samples", "2",
                   "--out", "huge.h5")
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert "not enough memory" in line and "architecture" in line, line
    assert after < max(before, 300 * 1024), (before, after)  # KiB


@test("images are also looked for in NASWEEP_DATA")
def _():
    where = os.path.dirname(data_file("cifar-10-batches-bin"))
    words = ["score", "nb201", "--proxy", "naswot", "--samples", "4", "--range", "1:2", "--out", "a.h5", "--data"]
    p = nasweep(*words, "cifar-10-batches-bin", env={"NASWEEP_DATA": where})
    assert f"from {where}/cifar-10-batches-bin" in p.stderr, p.stderr
    line = refused(1, *words, "cifar-10-batches-bin")
    assert "cifar-10-batches-bin" in line, line


@test("upper and lower case of a data set's name do not matter")
def _():
    truth = files()
    for words in (["correlate", "a.h5", *truth], ["select", "a.h5", *truth]):
        found = [nasweep(*words, "--dataset", name, "--format", "json", env=HERE).stdout for name in ("cifar10", "CIFAR10")]
        assert found[0] == found[1] and json.loads(found[0]), words


@test("an import that finds none of the accuracies it was asked for writes nothing")
def _():
    sample = data_file("nb101_format_sample.tfrecord")
    for words, fragment in ((["--split", "nosuch"], "nosuch"), (["--dataset", "svhn"], "svhn")):
        line = refused(2, "import", "nb101-tfrecord", sample, *words, "--max-unmatched", "1", "--out", "bad.h5")
        assert fragment in line and not os.path.exists("bad.h5"), line


run()
