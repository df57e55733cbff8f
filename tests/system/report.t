#!/usr/bin/python3
"""The report: opened in headless Chromium; its tables hold the numbers that the program prints."""

import csv
import html
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from tap import finish, report, skip  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NASWEEP = os.path.join(os.environ.get("BUILD", "build"), "nasweep")
PYTHON = os.environ.get("PYTHON", sys.executable)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
folder = tempfile.TemporaryDirectory(prefix="nasweep_report_test_")


def path(name):
    return os.path.join(folder.name, name)


def run(*words, **options):
    return subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def browse(page, *words):
    return run(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
               "--host-resolver-rules=MAP * 127.0.0.1:9", "--user-data-dir=" + path("profile"), "--enable-logging=stderr",
               *words, "file://" + page, timeout=120)


class Cells(html.parser.HTMLParser):
    """Cells that say where in the page's JSON their number stands, with the number as it is shown."""

    def __init__(self, text):
        super().__init__()
        self.found, self.at, self.depth = [], None, 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "data-key" in attrs:
            self.at = attrs
            self.depth = 1 if tag == "span" else 0
        elif tag == "span" and self.at is not None:
            self.depth = 1

    def handle_data(self, data):
        if self.at is not None and self.depth:
            self.found.append((self.at, data))
            self.at, self.depth = None, 0


def shown(value, key, digits=3):
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}".replace("-", "−")


# A file over part of nb201 with accuracies that lean on the score, some of them pending.
file, page = path("small.h5"), path("small.html")
r = run(NASWEEP, "score", "nb201", "--proxy", "sed,params,random", "--range", "0:1500", "--out", file)
with h5py.File(file, "r+") as f:
    g = f["nb201"]
    rng = np.random.default_rng(1)
    sed = np.where(np.isfinite(g["score/sed"][:]), g["score/sed"][:], -3)
    for dataset in ("cifar10", "cifar100"):
        g[f"accuracy/{dataset}/test-200ep"] = np.clip(np.round(80 + 3 * sed + rng.normal(0, 2, len(sed)), 3), 0, 100)
    for name, each in (("cifar10/seconds-200ep", 2000.0), ("cifar10/seconds-12ep", 100.0), ("cifar10/eval-valid-12ep", 2.0)):
        g["accuracy/" + name] = np.full(len(sed), each)
        g["accuracy/" + name].attrs["unit"] = "seconds"
    g["accuracy/cifar10/valid-12ep"] = np.clip(np.round(60 + 3 * sed + rng.normal(0, 1, len(sed)), 3), 0, 100)
    status = g["status/random"][:]
    status[:7] = 0
    g["status/random"][...] = status
    g["score/random"][:7] = np.nan
env = {k: v for k, v in os.environ.items() if k != "NASWEEP_DATA"}
env["NASWEEP"] = os.path.abspath(NASWEEP)
env["NASWEEP_TABLES"] = os.path.join(ROOT, "results", "tables")  # for what is published: the file has accuracies
subset = "all,path,top:10,skips"
r = run(PYTHON, os.path.join(ROOT, "analysis/report.py"), file, "-o", page, "--intervals", 32, "--subset", subset, env=env)
report(r.returncode == 0 and os.path.exists(page), "a page is written", r.stderr)
text = open(page, encoding="utf-8").read()
remote = [u for u in re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text)
          if not u.startswith(("data:", "#", "small_files/"))]
report(not remote and "<link rel=stylesheet" not in text and "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", text),
       "the page needs no network", remote[:5])

chosen = ["--split", "test-200ep", "--score", "accuracy:cifar10/valid-12ep"]
direct = run(NASWEEP, "correlate", file, "--subset", subset, "--intervals", 32, "--agreement", "--stability", "--timing",
             *chosen, "--format", "json", env=env)
numbers = json.loads(direct.stdout)
search = json.loads(run(NASWEEP, "select", file, *chosen, "--format", "json", env=env).stdout)
embedded = json.loads(re.search(r"<script type='application/json' id=numbers>(.*?)</script>", text, re.S)[1])
report(embedded == numbers, "the page's JSON is the program's")


def check_cells(text):
    """What of the shown numbers is not the program's."""
    wrong, seen = [], 0
    for at, word in Cells(text).found:
        key = at["data-key"]
        if "data-s" in at:
            point = next(p for p in search[int(at["data-s"])]["points"] if p["k"] == int(at["data-k"]))
            wanted = shown(point[key], key, 2 if key == "best" else 3)
        else:
            wanted = shown(numbers[int(at["data-i"])][key], key)
        seen += 1
        if word != wanted:
            wrong.append(f"{at}: {word} for {wanted}")
    return wrong, seen


files = os.listdir(path("small_files"))
kinds = {e: {f[:-4] for f in files if f.endswith("." + e)} for e in ("png", "svg", "csv")}
report(kinds["png"] == kinds["svg"] == kinds["csv"] and len(kinds["png"]) >= 15, "each figure is there as PNG, SVG and CSV", kinds)
rows = list(csv.DictReader(open(path("small_files/nb201_subsets.csv"))))
by_name = {(n["proxy"], n["subset"]): n for n in numbers if n["kind"] == "correlation" and n["dataset"] == "cifar10"}
report(rows and all(float(x["kendall_tau_b"]) == by_name[x["proxy"], x["subset"]]["kendall_tau_b"] for x in rows),
       "the CSV behind a figure holds the program's numbers")
hunt = [file, "--space", "nb201", "--proxy", ",".join(dict.fromkeys(
    x["score"] for x in csv.DictReader(open(path("small_files/nb201_gain_evolution_start.csv"))))), "--method",
    "random,evolution,score", "--use", "start,filter", "--report", "cifar10/test-200ep"]
gains = {g["proxy"]: g for g in json.loads(run(NASWEEP, "search", *hunt, "--format", "json", env=env).stdout)
         if g["kind"] == "gain" and (g["method"], g["use"]) == ("evolution", "start")}
rows = list(csv.DictReader(open(path("small_files/nb201_gain_evolution_start.csv"))))
report(len(rows) == 100 * len(gains) and all(float(x["gain"]) == gains[x["score"]]["curve"][int(float(x["budget"])) - 1]["mean"]
                                             for x in rows), "what scores add to a search is what the program says", len(rows))
report("Beside published searches" in text and "DrNAS" in text and "arXiv 2304.10970" in text,
       "published searches stand beside ours with their sources")
report("7 architectures are pending" in text, "an unfinished file is said to be so")
report(text.count("training for 12 epochs (valid-12ep)") >= 3 and "accuracy:cifar10/valid-12ep</td>" not in text,
       "twelve epochs of training stand among the scores of their data set", text.count("training for 12 epochs"))

costs = re.search(r'<table class="costs">(.*?)</table>', text, re.S)[1]
report("of training, cifar10 200ep" in costs and costs.count("<tr>") == 8 and "eval-valid" not in costs and
       re.search(r"<td>training for 12 epochs \(valid-12ep\)</td><td>1,500</td><td>41.7 h</td><td>1.67 min</td><td>5 %</td>", costs) and
       "cifar10 200ep 33.3 min (mean of 1,500)" in text, "a score's cost stands beside that of training", costs)

if BROWSER:
    r = browse(page, "--dump-dom")
    wrong, seen = check_cells(r.stdout)
    wanted = 2 * len({n["proxy"] for n in numbers if n["kind"] == "correlation"}) * 10
    report(not wrong and seen > wanted, f"{seen} numbers in the browser's tables equal the program's JSON", wrong[:5] or seen)
    console = [line for line in r.stderr.split("\n") if "CONSOLE" in line]
    report(r.returncode == 0 and not console, "no console message", console)
    for width in (1280, 500):
        shot = path(f"shot{width}.png")
        # A frame of phone width inside the browser's least window width.
        target = page
        if width == 500:
            target = path("phone.html")
            open(target, "w").write(f"<body style='margin:0'><iframe src='{page}' style='width:375px;height:3000px;border:0'></iframe>")
        r = browse(target, f"--window-size={width},3000", "--screenshot=" + shot)
        import matplotlib.image

        picture = matplotlib.image.imread(shot) if os.path.exists(shot) else np.zeros((1, 1, 3))
        picture = picture[:, :375] if width == 500 else picture
        ink = (picture[..., :3].mean(axis=2) < 0.5).mean()
        report(picture.shape[0] == 3000 and 0.002 < ink < 0.5, f"the page draws at {375 if width == 500 else width} pixels", f"{picture.shape} {ink}")
    # Pressing a head sorts, twice the other way; words filter; a head is reached and pressed from the keyboard.
    act = path("act.html")
    script = """<script>
      const t = document.querySelector('table.headline'), rows = () => [...t.tBodies[0].rows], out = {};
      const column = k => rows().map(r => (r.cells[k].querySelector('span') || r.cells[k]).firstChild.textContent);
      const head = k => t.tHead.rows[0].cells[k].querySelector('button');
      head(2).click(); out.down = column(2);
      head(2).click(); out.up = column(2); out.aria = t.tHead.rows[0].cells[2].getAttribute('aria-sort');
      head(0).focus(); out.focused = document.activeElement === head(0) && head(0).tabIndex === 0; head(0).click();
      out.names = rows().map(r => r.cells[0].firstChild.textContent);
      const box = document.querySelector('input[type=search]'); box.value = 'training 12'; box.dispatchEvent(new Event('input'));
      out.left = rows().filter(r => !r.hidden).map(r => r.cells[0].firstChild.textContent);
      document.title = JSON.stringify(out);
    </script></body>"""
    open(act, "w", encoding="utf-8").write(text.replace("</body>", script))
    r = browse(act, "--dump-dom")
    out = json.loads(html.unescape((re.search(r"<title>(.*?)</title>", r.stdout, re.S) or [0, "{}"])[1]))
    as_numbers = [float(v.replace("−", "-")) for v in out.get("down", [])]
    report(len(as_numbers) == 7 and as_numbers == sorted(as_numbers, reverse=True) and
           out["up"] == out["down"][::-1] and out["aria"] == "ascending" and out["focused"] and
           out["names"] == sorted(out["names"], key=str.lower) and out["left"] == ["training for 12 epochs (valid-12ep)"],
           "tables are sorted by their heads, from the keyboard too, and filtered by words", out)
    probe = path("probe.html")
    body = text.replace("</body>", "<script>document.title='w'+document.documentElement.scrollWidth</script></body>")
    open(probe, "w", encoding="utf-8").write(body)
    open(path("frame.html"), "w").write(f"<iframe id=f src='{probe}' style='width:375px;height:800px;border:0'></iframe>"
                                        "<p id=o></p><script>f.onload=()=>{o.textContent='width '+f.contentDocument.title}</script>")
    r = browse(path("frame.html"), "--allow-file-access-from-files", "--dump-dom")
    width = re.search(r"width w(\d+)", r.stdout)
    report(width and int(width[1]) <= 375, "on a phone nothing but tables scrolls sideways", width and width[0])
else:
    for name in ("tables are sorted by their heads", "numbers in the browser's tables", "no console message", "the page draws at 1280 pixels",
                 "the page draws at 375 pixels", "on a phone nothing but tables scrolls sideways"):
        skip(name, "chromium is not installed")

wrong, seen = check_cells(re.sub(r'data-i="1" data-key="spearman"><span>[^<]*', 'data-i="1" data-key="spearman"><span>0.123', text, 1))
report(len(wrong) == 1, "a number changed in the page is found out", wrong[:3])

frame = run(PYTHON, "-c", f"import sys; sys.path.insert(0, {os.path.join(ROOT, 'analysis')!r}); import nasweep; d = nasweep.load({file!r}); "
            "print(d.shape[0], d['index'].dtype, d['sed'].dtype, d['score/params'].dtype, d['params'].dtype, d.attrs['proxies']['sed']['direction'], "
            "d['id'][0], sorted(c for c in d if c.startswith('accuracy')))")
report(frame.stdout.split()[:6] == ["1500", "uint32", "float64", "float64", "uint64", "1"] and "accuracy/cifar10/test" in frame.stdout,
       "a result file as a DataFrame, with its types and attributes", frame.stdout + frame.stderr)
r = run(PYTHON, os.path.join(ROOT, "analysis/plot.py"), file, "-o", path("p.png"), env=env)
report(r.returncode == 0 and os.path.getsize(path("p.png")) > 20000, "the picture of the demo", r.stderr)
open(path("foreign.h5"), "w").write("nothing")
r = run(PYTHON, os.path.join(ROOT, "analysis/report.py"), path("foreign.h5"), "-o", path("f.html"), env=env)
report(r.returncode != 0 and "foreign.h5" in r.stderr and "Traceback" not in r.stderr and not os.path.exists(path("f.html")),
       "a foreign file gives a message and no page", r.stderr)
finish()
