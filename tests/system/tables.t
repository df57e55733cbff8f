#!/usr/bin/python3
"""Accuracy tables as people keep them: every form, name and way of packing that `import csv` reads, each with the right
value, and what it refuses, with the reason."""

import bz2
import gzip
import json
import lzma
import os
import sys
import zipfile

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import data_file, nasweep, run, test  # noqa: E402

CELL0 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
CELL1 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


def put(name, content):
    with open(name, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    return name


def load(*files, space="nb201", options=(), form="csv"):
    """Values of the first two architectures by column, the repeats of the first, and what was said."""
    done = nasweep("import", form, *files, "--space", space, "--out", "t.h5", *options)
    values, repeats = {}, {}
    with h5py.File("t.h5") as f:
        for dataset, group in f[space].get("accuracy", {}).items():
            for split in group:
                values[f"{dataset}/{split}"] = [float(v) for v in group[split][:2]]
        for dataset, group in f[space].get("accuracy_by_repeat", {}).items():
            for split in group:
                repeats[f"{dataset}/{split}"] = [float(v) for v in group[split][0]]
    return values, repeats, done.stderr


def table(text, name="a.csv", **options):
    return load(put(name, text), **options)


def refused(says, *files, status=None, options=(), form="csv", space=("--space", "nb201")):
    done = nasweep("import", form, *files, *space, "--out", "x.h5", *options, status=None)
    lines = [line for line in done.stderr.splitlines() if line.startswith("nasweep: ")]
    assert done.returncode in ((1, 2) if status is None else (status,)), (done.returncode, done.stderr)
    assert len(lines) == 1, done.stderr
    for part in [says] if isinstance(says, str) else says:
        assert part in lines[0], f"'{part}' not in: {lines[0]}"
    assert not os.path.exists("x.h5")


@test("names carry the epochs: of the file's name, of the column, of --epochs")
def _():
    plain = "index,cifar10_test\n0,80\n1,70\n"
    assert table(plain)[0] == {"cifar10/test": [80, 70]}
    assert table(plain, name="nb201_accuracy_200ep.csv")[0] == {"cifar10/test-200ep": [80, 70]}
    assert table(plain, name="c_12epochs.csv")[0] == {"cifar10/test-12ep": [80, 70]}
    assert table(plain, options=("--epochs", "12"))[0] == {"cifar10/test-12ep": [80, 70]}
    for name in ("cifar10_test_12ep", "12ep_cifar10_test", "ep12_cifar10_test", "cifar10-test-epoch12",
                 "cifar10_test_epochs_12", "hp12_cifar10_test", "cifar10 test 12 epochs", "cifar10_test_12",
                 "Cifar10TestAcc12", "cifar10_test_acc@11"):
        found = table(f"index,{name}\n0,80\n1,70\n")[0]
        assert found == {"cifar10/test-12ep": [80, 70]}, (name, found)


@test("two tables of one data set and split live side by side by their epochs; else a clash names columns and files")
def _():
    put("nb201_accuracy_12ep.csv", "index,cifar10_test\n0,60\n1,50\n")
    put("nb201_accuracy_200ep.csv", "index,cifar10_test\n0,80\n1,70\n")
    found = load("nb201_accuracy_12ep.csv", "nb201_accuracy_200ep.csv")[0]
    assert found == {"cifar10/test-12ep": [60, 50], "cifar10/test-200ep": [80, 70]}, found
    put("a.csv", "index,cifar10_test\n0,80\n1,70\n")
    put("b.csv", "index,cifar10_testing\n0,1\n1,2\n")
    refused(["a.csv", "b.csv", "column cifar10_test ", "column cifar10_testing", "--column"], "a.csv", "b.csv")
    nasweep("score", "nb201", "--proxy", "sed", "--range", "0:2", "--out", "s.h5")
    done = nasweep("correlate", "s.h5", "--truth", "a.csv", "--truth", put("d.csv", "index,cifar10_test_acc\n0,1\n1,2\n"),
                   status=1)
    for part in ("d.csv", "a.csv", "cifar10_test_acc", "cifar10/test", "--epochs"):
        assert part in done.stderr, done.stderr
    found = nasweep("correlate", "s.h5", "--truth", "nb201_accuracy_12ep.csv", "--truth", "nb201_accuracy_200ep.csv",
                    "--format", "csv").stdout
    assert "test-12ep" in found and "test-200ep" in found
    put("both.csv", "index,cifar10_test_top1,cifar10_test\n0,1,2\n")
    refused(["both.csv", "cifar10_test_top1", "cifar10_test", "--column cifar10_test_top1=cifar10/test"], "both.csv",
            status=2)


@test("wide tables: by seed, by budget, a mean beside a deviation, half-way beside final, top-1 beside top-5")
def _():
    found, runs, said = table("arch,cifar10_test_777,cifar10_test_888,cifar10_test_999\n" + f"{CELL0},80,81,85\n{CELL1},70,,74\n")
    assert found == {"cifar10/test": [82, 72]} and runs == {"cifar10/test": [80, 81, 85]}, (found, runs)
    found, runs, said = table("index,cifar10_test_seed0,cifar10_test_seed1,cifar10_test_mean,cifar10_test_std\n0,80,82,81,1\n1,70,72,71,1\n")
    assert found == {"cifar10/test": [81, 71]} and runs == {"cifar10/test": [80, 82]}, (found, runs)
    assert "cifar10_test_mean (the mean of the runs beside it)" in said and "cifar10_test_std (a deviation)" in said, said
    found, runs, said = table("index,acc,acc.1,acc.2\n0,80,81,85\n1,70,71,72\n", options=("--dataset", "cifar10", "--split", "test"))
    assert found == {"cifar10/test": [82, 71]} and runs == {"cifar10/test": [80, 81, 85]}, (found, runs)
    found = table("index,4_cifar10_valid,12_cifar10_valid,36_cifar10_valid,108_cifar10_valid\n0,40,50,60,70\n1,41,51,61,71\n")[0]
    assert found == {f"cifar10/valid-{e}ep": [a, a + 1] for e, a in ((4, 40), (12, 50), (36, 60), (108, 70))}, found
    found, runs, said = table("index,mean_cifar100_test_acc,std_cifar100_test_acc\n0,60,2\n1,61,3\n")
    assert found == {"cifar100/test": [60, 61]} and not runs, found
    found = table("index,cifar10_halfway_test,cifar10_final_test\n0,40,80\n1,41,81\n")[0]
    assert found == {"cifar10/test-half": [40, 41], "cifar10/test": [80, 81]}, found
    found = table("index,cifar10_test_top1,cifar10_test_top5\n0,80,99\n1,81,98\n")[0]
    assert found == {"cifar10/test": [80, 81]}, found
    found = table("index,cifar10_valid_acc,cifar10-val_12ep,cifar10-valid_x-valid\n0,1.5,2.5,3.5\n1,4,5,6\n")[0]
    assert found == {"cifar10/valid": [1.5, 4], "cifar10/valid-12ep": [2.5, 5], "cifar10-valid/x-valid": [3.5, 6]}, found
    refused(["cifar10_valid_acc", "cifar10-val"], put("v.csv", "index,cifar10_valid_acc,cifar10-val\n0,1,2\n"), status=2)


@test("long tables: a seed, an epochs, a split, a data set a record")
def _():
    found, runs, _ = table("arch,seed,cifar10_test\n" + f"{CELL0},777,80\n{CELL0},888,90\n{CELL1},888,60\n")
    assert found == {"cifar10/test": [85, 60]} and runs == {"cifar10/test": [80, 90]}, (found, runs)
    found, runs, _ = table("index,run,epochs,dataset,split,accuracy\n0,0,12,CIFAR-10,val,50\n0,1,12,CIFAR-10,val,52\n"
                           "0,0,200,CIFAR-10,test,90\n1,0,12,CIFAR-10,val,40\n1,0,12,cifar100,val,20\n0,0,12,cifar100,val,30\n")
    assert found == {"cifar10/valid-12ep": [51, 40], "cifar10/test-200ep": [90, float("nan")],
                     "cifar100/valid-12ep": [30, 20]} or (found["cifar10/valid-12ep"] == [51, 40] and found["cifar100/valid-12ep"] == [30, 20]
                                                         and found["cifar10/test-200ep"][0] == 90), found
    assert runs["cifar10/valid-12ep"] == [50, 52]
    refused(["line 3", "twice", "seed"], put("twice.csv", "index,cifar10_test\n0,80\n0,81\n"))
    refused(["line 3", "twice", "this run"], put("again.csv", "index,seed,cifar10_test\n0,1,80\n0,1,81\n"))
    refused(["line 2", "'x'", "whole number"], put("seedx.csv", "index,seed,cifar10_test\n0,x,80\n"))


@test("a column is what it says: error rates, ranks, deviations, losses, times, predictions are left out, and it is said")
def _():
    others = {"error": "an error rate", "err": "an error rate", "rank": "a rank", "std": "a deviation",
              "stddev": "a deviation", "loss": "a loss", "time": "a time", "seconds": "a time", "latency": "a time",
              "pred": "a prediction", "params": "a cost", "top5": "a top-5 accuracy", "min": "one end of several runs",
              "naswot": "a score", "median": "a median", "count": "no measurement"}
    names = {name: why for word, why in others.items() for name in (f"cifar10_test_{word}", f"{word}_cifar100_valid")}
    found, _, said = table(f"index,cifar10_valid_acc,{','.join(names)}\n0,80{',20' * len(names)}\n1,70{',30' * len(names)}\n")
    assert found == {"cifar10/valid": [80, 70]}, found
    for name, why in names.items():
        assert f"{name} ({why})" in said, (name, said)
    refused(["no column looks like an accuracy", "an error rate"], put("only.csv", "index,cifar10_test_error\n0,1\n"), status=2)
    found = table("index,cifar10_test_error\n0,80\n1,70\n", options=("--column", "cifar10_test_error=cifar10/odd"))[0]
    assert found == {"cifar10/odd": [80, 70]}, found


@test("separators, line ends, decimal commas, float indexes, quoting, percent signs, no newline at the end")
def _():
    right = {"cifar10/test": [80.5, 70.25]}
    for text in ("index;cifar10_test\n0;80.5\n1;70.25\n", "index\tcifar10_test\n0\t80.5\n1\t70.25\n",
                 "index;cifar10_test\r\n0;80,5\r\n1;70,25\r\n", "index,cifar10_test\n0,80.5\n1,70.25",
                 "index,cifar10_test\n0.0,80.5\n1.0,70.25\n", "\ufeffindex,cifar10_test\n\n 0 , 80.5\n\n1, 70.25%\n",
                 ",index,cifar10_test\n0,0,80.5\n1,1,70.25\n", 'index,note,cifar10_test\n0,"a,b;c\n",80.5\n1,,7.025e1\n'):
        found, _, said = table(text)
        assert found == right, (text, found)
        assert ("no newline" in said) == (not text.endswith("\n")), said
    refused("UTF-16", put("u16.csv", "index,cifar10_test\n0,1\n".encode("utf-16")))
    refused(["line 2", "0.5", "whole number"], put("half.csv", "index,cifar10_test\n0.5,1\n"))


@test("packed: .gz, .bz2, .xz, .zip; damaged ones and archives of several are refused")
def _():
    text = b"index,cifar10_test\n0,80\n1,70\n" + b"".join(b"%d,%d\n" % (i, i % 90) for i in range(2, 15625))
    right = {"cifar10/test": [80, 70]}
    packed = {"a.csv.gz": gzip.compress(text), "a.csv.bz2": bz2.compress(text), "a.csv.xz": lzma.compress(text)}
    for name, content in packed.items():
        assert load(put(name, content))[0] == right, name
        refused([name, "cut short"], put(name, content[:-20]))
        refused(name, put(name, content[:len(content) // 2] + b"UUUU" + content[len(content) // 2 + 4:]))
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        with zipfile.ZipFile("a.zip", "w", method) as z:
            z.writestr("folder/", "")
            z.writestr("folder/a.csv", text)
            z.writestr("__MACOSX/folder/._a.csv", "x")
        assert load("a.zip")[0] == right
    with zipfile.ZipFile("a.zip", "a") as z:
        z.writestr("b.csv", text)
    refused(["a.zip", "several files", "folder/a.csv", "b.csv"], "a.zip")


@test("JSON tables of records: lists, lines, by key, pandas' columns and split")
def _():
    right = {"cifar10/test": [80.5, 70.25]}
    records = [{"index": 0, "cifar10_test": 80.5}, {"index": 1, "cifar10_test": 70.25}]
    by_arch = {CELL0: {"cifar10": {"test": 80.5}}, CELL1: {"cifar10": {"test": 70.25}}}
    forms = [json.dumps(records), json.dumps(records, indent=1), "\n".join(json.dumps(r) for r in records) + "\n",
             json.dumps(by_arch), json.dumps({"0": {"cifar10_test": 80.5}, "1": {"cifar10_test": 70.25}}),
             json.dumps({"cifar10_test": {"0": 80.5, "1": 70.25}}),
             json.dumps({"columns": ["cifar10_test"], "index": [0, 1], "data": [[80.5], [70.25]]}),
             json.dumps({"columns": ["index", "cifar10_test"], "data": [[0, 80.5], [1, 70.25]]}),
             '[{"index": 0, "cifar10_test": 80.5, "cifar10_valid": NaN}, {"index": 1, "cifar10_test": 70.25}]']
    for text in forms:
        found = table(text, name="a.json")[0]
        assert found["cifar10/test"] == right["cifar10/test"], (text, found)
    assert load(put("a.json.gz", gzip.compress(forms[0].encode())))[0] == right
    found, runs, _ = table(json.dumps([{"arch": CELL0, "cifar10_test": [80, 82]}, {"arch": CELL1, "cifar10_test": [70]}]))
    assert found == {"cifar10/test": [81, 70]} and runs == {"cifar10/test": [80, 82]}, (found, runs)
    for text, says in (('{"a": 1}', "no table"), ("[1, 2]", "no table"), ('[{"index": 0,', "JSON, line"), ("{}", "no table")):
        refused(["b.json", says], put("b.json", text))


@test("tables keyed by the cell itself; columns that contradict each other are an error")
def _():
    right = {"cifar10/test": [80, 70]}
    assert table(f"index,arch,cifar10_test\n0,{CELL0},80\n1,{CELL1},70\n")[0] == right
    refused(["line 3", "index 2", CELL1[:40], "whose index is 1", "--key"],
            put("c.csv", f"index,arch,cifar10_test\n0,{CELL0},80\n2,{CELL1},70\n"))
    assert load("c.csv", options=("--key", "arch"))[0] == right
    cells = {"0": ("01|00", "input,output"), "1": None}
    found = nasweep("list", "nb101", "--columns", "index,adjacency,ops", "--range", "0:2", "--no-header").stdout.splitlines()
    cells = [line.split(",", 2)[1:] for line in found]
    text = "".join(f'{a},"{o.strip(chr(34))}",{v}\n' for (a, o), v in zip(cells, (80, 70)))
    assert table("adjacency,ops,cifar10_test\n" + text, space="nb101")[0] == right
    wrong = "".join(f'{i},{a},"{o.strip(chr(34))}",80\n' for i, (a, o) in zip((0, 2), cells))
    refused(["line 3", "index 2", "whose index is 1"], put("d.csv", "index,adjacency,ops,cifar10_test\n" + wrong),
            space=("--space", "nb101"))
    assert table("cell,cifar10_test\n" + "".join(f'"{a} {o.strip(chr(34))}",{v}\n' for (a, o), v in zip(cells, (80, 70))), space="nb101")[0] == right


@test("values that are no accuracies, and wishes that fit nothing, are said")
def _():
    refused(["line 2", "cifar10_test", "740.8", "no accuracy"], put("v.csv", "index,cifar10_test\n0,740.8\n"))
    found = table("index,cifar10_test,cifar100_test\n0,80,60\n1,70,50\n", options=("--dataset", "CIFAR100"))[0]
    assert found == {"cifar100/test": [60, 50]}, found
    found = table("index,cifar10_test_12ep,cifar10_test_200ep\n0,80,60\n1,70,50\n", options=("--epochs", "12"))[0]
    assert found == {"cifar10/test-12ep": [80, 70]}, found
    found = table("index,cifar10_test_12ep,cifar10_test_200ep\n0,80,60\n1,70,50\n", options=("--split", "test-200ep"))[0]
    assert found == {"cifar10/test-200ep": [60, 50]}, found
    refused("no column", put("w.csv", "index,cifar10_test\n0,80\n"), options=("--dataset", "svhn"), status=2)


@test("the published tables are read as before, now with their epochs")
def _():
    path = data_file("nb201_12_epochs/nb201_accuracy_12ep.csv")
    done = nasweep("import", "csv", path, data_file("nb201_accuracy_200ep.csv"), "--out", "t.h5")
    with h5py.File("t.h5") as f:
        assert sorted(f["nb201/accuracy/cifar10"]) == ["test-12ep", "test-200ep", "valid-12ep"], done.stderr
        assert f["nb201/accuracy/cifar10/valid-12ep"][0] == 63.364
        assert not np.isnan(f["nb201/accuracy/ImageNet16-120/test-200ep"][:]).any()


NB101_CELL = ["[[0, 1, 0], [0, 0, 1], [0, 0, 0]] ['input', 'conv3x3-bn-relu', 'output']", "(0,1,0,0,0,1,0,0,0,0,4,1)",
              "010001000041", "010001000 input,conv3x3,output", "010|001|000 input,conv3x3,output",
              "{'module_adjacency': array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=int8), "
              "'module_operations': ['input', 'conv3x3-bn-relu', 'output']}",
              '{"matrix": [[0,1,0],[0,0,1],[0,0,0]], "ops": ["input", "conv3x3-bn-relu", "output"]}',
              "[[0 1 0] [0 0 1] [0 0 0]] [-1, 0, -2]", "[[0. 1. 0.] [0. 0. 1.] [0. 0. 0.]] [-1, 0, -2]",
              "b49ac8c578b4561d79ac7087988f1c61", "1"]
NB201_CELL = ["(4, 0, 3, 1, 4, 3)", "[4,0,3,1,4,3]", "4, 0, 3, 1, 4, 3", "2631",
              "|avg_pool_3x3~0|+|skip_connect~0|none~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_1x1~2|",
              "[[('avg_pool_3x3', 0)], [('skip_connect', 0), ('none', 1)], "
              "[('nor_conv_1x1', 0), ('avg_pool_3x3', 1), ('nor_conv_1x1', 2)]]",
              '[[["avg_pool_3x3", 0]], [["skip_connect", 0], ["none", 1]], '
              '[["nor_conv_1x1", 0], ["avg_pool_3x3", 1], ["nor_conv_1x1", 2]]]']


@test("--arch @FILE: a cell a line, in every spelling, quoted or not, for list and for score")
def _():
    for space, cells, index in (("nb101", NB101_CELL, "1"), ("nb201", NB201_CELL, "2631")):
        lines = ["# cells", "["] + cells + ["", f'"{cells[1]}",', f"'{cells[-1] if space == 'nb101' else cells[4]}'\r", "]"]
        put("cells.txt", "\n".join(lines))
        found = nasweep("list", space, "--arch", "@cells.txt", "--columns", "index", "--no-header").stdout.split()
        assert found == [index] * (len(cells) + 2), found
    put("some.txt", "0\n2631\n(4, 0, 3, 1, 4, 3)\n")
    nasweep("score", "nb201", "--proxy", "sed", "--arch", "@some.txt", "--arch", "5", "--out", "s.h5")
    with h5py.File("s.h5") as f:
        assert list(f["nb201/index"]) == [0, 5, 2631]
    for bad, says in (("@none.txt", "none.txt"), ("@empty.txt", "no architecture")):
        put("empty.txt", "# nothing\n\n")
        assert says in nasweep("list", "nb201", "--arch", bad, status=1).stderr
    for space, wrong in (("nb101", ["hello", "[[0,1],[0,0]]", "[[0,1],[0,0]] ['input','conv9']", "[[0,2],[0,0]] ['input','output']",
                                    "(0,1,0,0,0,1,0,0,0,0,9,1)", "((((", "0" * 400]),
                         ("nb201", ["hello", "(4,0,3,1,4)", "(4,0,3,1,4,5)", "(4,0,3,1,4,3,1)", "[('none', 0)]", "((", "(40, 3, 1, 4, 3, 1)"])):
        for text in wrong:
            done = nasweep("list", space, "--arch", text, status=2)
            assert done.stderr.startswith("nasweep: " + space), done.stderr
    assert "NASLib's six numbers" in nasweep("list", "nb201", "--arch", "hello", status=2).stderr
    assert "joined by '|'" in nasweep("list", "nb101", "--arch", "hello", status=2).stderr


@test("tables keyed by any spelling are read")
def _():
    for space, cells, index in (("nb101", NB101_CELL[:-1], 1), ("nb201", NB201_CELL, 2631)):
        for cell in cells:
            quoted = '"' + cell.replace('"', '""') + '"'
            put("k.csv", f"arch,cifar10_test\n{quoted},80\n")
            nasweep("import", "csv", "k.csv", "--space", space, "--out", "k.h5")
            with h5py.File("k.h5") as f:
                assert f[space]["accuracy/cifar10/test"][index] == 80, cell


@test("import scores: named columns or all of numbers, directions, sources, seeds, CSV and JSON; correlate takes them")
def _():
    text = "arch,zen,loss_like,note,cifar10_test\n" + f"{CELL0},740.8,-3,x,80\n{CELL1},1e30,nan,y,70\n"
    done = nasweep("import", "scores", put("z.csv", text), "--column", "mine=zen", "--column", "loss_like", "--smaller", "loss_like",
                   "--source", "a paper", "--out", "z.h5")
    assert "score mine, larger is better" in done.stderr and "score loss_like, smaller is better" in done.stderr
    with h5py.File("z.h5") as f:
        g = f["nb201/score"]
        assert set(g) == {"mine", "loss_like"} and list(g["mine"][:2]) == [740.8, 1e30] and g["loss_like"][0] == -3
        assert g["mine"].attrs["direction"] == 1 and g["loss_like"].attrs["direction"] == -1
        assert list(f["nb201/status/loss_like"][:3]) == [1, 0, 0] and g["mine"].attrs["source"] in ("a paper", b"a paper")
    nasweep("import", "scores", "z.csv", "--out", "z.h5")
    with h5py.File("z.h5") as f:
        assert set(f["nb201/score"]) == {"zen", "loss_like"}
    rows = [{"index": i, "seed": s, "swap": 10.0 * i + s, "dataset": d} for i in range(5) for s in (1, 2) for d in ("cifar10", "CIFAR-100")]
    done = nasweep("import", "scores", put("z.json", json.dumps(rows)), "--space", "nb201", "--out", "z.h5")
    with h5py.File("z.h5") as f:
        assert set(f["nb201/score"]) == {"swap", "swap.cifar100"}
        assert list(f["nb201/score/swap"][:3]) == [1.5, 11.5, 21.5] and list(f["nb201/by_seed/swap"][1]) == [11, 12]
    put("t.csv", "index,cifar10_test\n" + "".join(f"{i},{50 + i * i}\n" for i in range(5)))
    found = json.loads(nasweep("correlate", "z.h5", "--proxy", "swap", "--truth", "t.csv", "--format", "json").stdout)
    assert found[0]["spearman"] == 1 and found[0]["n"] == 5, found
    for says, *words in (("no column is named x", "--column", "a=x"), ("--smaller q", "--smaller", "q")):
        assert says in nasweep("import", "scores", "z.csv", *words, "--out", "x.h5", status=2).stderr
    put("w.csv", "index,zen\n0,high\n")
    done = nasweep("import", "scores", "w.csv", "--column", "zen", "--space", "nb201", "--out", "x.h5", status=1)
    assert "line 2" in done.stderr and "'high' is not a number" in done.stderr
    put("w.csv", "index,zen\n0,1\n0,2\n")
    assert "need a column seed" in nasweep("import", "scores", "w.csv", "--space", "nb201", "--out", "x.h5", status=1).stderr


@test("a result file that Python has open, or left open, says what to do; so do one that may not be read and one that is none")
def _():
    nasweep("score", "nb201", "--proxy", "sed", "--range", "0:3", "--out", "s.h5")
    with h5py.File("s.h5", "a"):
        done = nasweep("correlate", "s.h5", status=1)
        assert "h5clear -s s.h5" in done.stderr and "s.h5: is marked as open for writing" in done.stderr, done.stderr
    nasweep("correlate", "s.h5")
    with open("s.h5", "r+b") as f:  # as a process that died leaves it
        f.seek(11)
        f.write(b"\1")
    assert "h5clear -s" in nasweep("correlate", "s.h5", status=1).stderr
    assert "is no HDF5 file" in nasweep("correlate", put("n.h5", "index,a\n"), status=1).stderr
    assert "is empty" in nasweep("correlate", put("n.h5", ""), status=1).stderr


run()
