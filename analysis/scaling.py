#!/usr/bin/python3
"""Time, speed-up, efficiency and idle shares of sweeps, from the times that every result file keeps.

usage: analysis/scaling.py [--strong FILE.h5...] [--weak FILE.h5...] [--picture FILE.png]
Strong: the same work on ever more ranks; weak: work that grows with the ranks. Speed-up and efficiency are against the
file with the fewest ranks of its experiment:
  strong: efficiency = (time * ranks) of the fewest / (time * ranks)
  weak:   efficiency = (evaluating seconds a second and rank) / (the same of the fewest)
A sweep that was stopped and resumed is left out: its times are those of its last part."""

import argparse
import sys

import h5py
import numpy


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def read(path):
    """One file as a dictionary, or None with the reason on standard error."""
    with h5py.File(path, "r") as f:
        sessions = text(f.attrs.get("sessions", "")).splitlines()
        space = next(name for name in f if isinstance(f[name], h5py.Group))
        if len(sessions) != 1 or "timing" not in f[space]:
            print(f"{path}: left out: {len(sessions)} sessions", file=sys.stderr)
            return None
        last = dict(item.split("=", 1) for item in sessions[0].split())
        timing = {name: data[:] for name, data in f[space]["timing"].items()}
        return {"path": path, "ranks": int(last["ranks"]), "wall": float(last["wall"]), "busy": float(last["busy"]),
                "evaluations": int(last["evaluations"]), "server": float(last["server"]), "timing": timing}


def measure(kind, runs):
    first = runs[0]
    for run in runs:
        if kind == "weak":
            # Samples of other sizes differ in the work of an architecture: compared is evaluating time.
            run["efficiency"] = (run["busy"] / (run["wall"] * run["ranks"])) / (
                first["busy"] / (first["wall"] * first["ranks"]))
            run["speedup"] = run["efficiency"] * run["ranks"] / first["ranks"]
        else:
            run["speedup"] = first["wall"] / run["wall"] * first["ranks"]
            run["efficiency"] = run["speedup"] / run["ranks"]
        worked = run["timing"]["evaluations"] > 0
        span = numpy.maximum(run["timing"]["span"], 1e-12)
        share = (1 - run["timing"]["busy"] / span)[worked] if worked.any() else numpy.zeros(1)
        run["idle"] = (share.mean(), share.max())
        run["end_idle"] = run["timing"]["idle"][worked].max() if worked.any() else 0.0


def show(kind, runs):
    print(f"{kind} scaling")
    print(f"{'ranks':>7} {'seconds':>10} {'speed-up':>9} {'efficiency':>10} {'idle mean':>9} {'idle max':>9} "
          f"{'end idle s':>10} {'server':>8} {'s/evaluation':>12}")
    for r in runs:
        print(f"{r['ranks']:7} {r['wall']:10.3f} {r['speedup']:9.2f} {r['efficiency']:10.4f} {r['idle'][0]:9.4f} "
              f"{r['idle'][1]:9.4f} {r['end_idle']:10.4f} {r['server'] / r['wall']:8.5f} "
              f"{r['busy'] / max(r['evaluations'], 1):12.5f}")
    print()


def draw(found, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), constrained_layout=True)
    for kind, runs in found:
        ranks = [r["ranks"] for r in runs]
        axes[0].plot(ranks, [r["wall"] for r in runs], "o-", label=kind)
        axes[1].plot(ranks, [r["efficiency"] for r in runs], "o-", label=kind)
        last = runs[-1]["timing"]
        axes[2].plot(1 - last["busy"] / numpy.maximum(last["span"], 1e-12), ".", label=f"{kind}, {ranks[-1]} ranks")
    for axis, title in zip(axes, ("seconds", "efficiency", "idle share of each rank")):
        axis.set_title(title)
        axis.legend()
    for axis in axes[:2]:
        axis.set_xscale("log", base=2)
        axis.set_xlabel("ranks")
    axes[0].set_yscale("log")
    axes[1].set_ylim(0, 1.1)
    axes[2].set_xlabel("rank")
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strong", nargs="+", default=[], metavar="FILE.h5")
    parser.add_argument("--weak", nargs="+", default=[], metavar="FILE.h5")
    parser.add_argument("--picture", metavar="FILE.png")
    args = parser.parse_args()
    found = []
    for kind, files in (("strong", args.strong), ("weak", args.weak)):
        runs = sorted((run for run in map(read, files) if run), key=lambda run: run["ranks"])
        if runs:
            measure(kind, runs)
            show(kind, runs)
            found.append((kind, runs))
    if not found:
        sys.exit("scaling.py: no file with times of one whole run")
    if args.picture:
        draw(found, args.picture)


if __name__ == "__main__":
    main()
