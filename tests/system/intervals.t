#!/usr/bin/python3
"""Bootstrap intervals recomputed in Python from the program's own resamples, on skewed data, where the sign of BCa's
acceleration and of its bias matters: NumPy's quantiles, SciPy's normal distribution, leave-one-out values one by one."""
import json
import os
import sys

import h5py
import numpy as np
from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import philox  # noqa: E402
from tap import nasweep, run, test  # noqa: E402

FOR_BOOTSTRAP = 5
N, RESAMPLES, SEED, LEVEL = 60, 400, 3, 0.9


def write(x, y):
    with h5py.File("skewed.h5", "w") as f:
        f.attrs["format"], f.attrs["format_version"] = "nasweep", 1
        g = f.create_group("nb201")
        g["index"] = np.arange(N, dtype="u4")
        g["id"] = np.array([b"%06d" % i for i in range(N)], dtype="S80")
        g["score/mine"] = x
        g["accuracy/cifar10/test"] = y


def rows(resample):
    words = philox.blocks(SEED, FOR_BOOTSTRAP, resample, (N + 3) // 4).ravel()[:N].astype(np.uint64)
    return (words * np.uint64(N) >> np.uint64(32)).astype(int)


def acceleration(coefficient, x, y):
    left_out = np.array([coefficient(np.delete(x, i), np.delete(y, i)) for i in range(N)])
    u = left_out.mean() - left_out
    return (u ** 3).sum() / (6 * (u ** 2).sum() ** 1.5)


def bca(coefficient, x, y, a):
    values = np.array([coefficient(x[r], y[r]) for r in map(rows, range(RESAMPLES))])
    estimate = coefficient(x, y)
    bias = stats.norm.ppf((values < estimate).mean() + 0.5 * (values == estimate).mean())
    z = stats.norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    at = stats.norm.cdf(bias + (bias + z) / (1 - a * (bias + z)))
    return np.quantile(values, at), np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])


COEFFICIENTS = {"pearson": lambda x, y: stats.pearsonr(x, y)[0], "spearman": lambda x, y: stats.spearmanr(x, y)[0],
                "kendall_tau_b": lambda x, y: stats.kendalltau(x, y)[0]}


@test("percentile and BCa intervals on skewed data are those of NumPy and SciPy from the same resamples")
def _():
    draw = np.random.default_rng(7)
    x = np.exp(1.5 * draw.normal(size=N))
    y = 60 + 30 * (1 - np.exp(-x / 4)) + draw.exponential(3, size=N)
    write(x, y)
    found = json.loads(nasweep("correlate", "skewed.h5", "--intervals", RESAMPLES, "--seed", SEED, "--level", LEVEL,
                               "--format", "json").stdout)
    found = next(f for f in found if f["kind"] == "correlation")["intervals"]
    for name, coefficient in COEFFICIENTS.items():
        a = acceleration(coefficient, x, y)
        here, percentile = bca(coefficient, x, y, a)
        other, _ = bca(coefficient, x, y, -a)
        assert abs(a) > 0.005 and np.abs(here - other).max() > 1e-4, f"{name}: the sign would not show"
        assert np.allclose(found[name]["percentile"], percentile, rtol=0, atol=1e-9), (name, found[name], percentile)
        assert np.allclose(found[name]["bca"], here, rtol=0, atol=1e-9), (name, found[name], here)


run()
