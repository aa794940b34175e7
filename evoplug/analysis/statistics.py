"""The statistics of comparisons: arrays in, numbers out. scipy does the work."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb, nan
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evoplug.rng import Rng

Values = NDArray[np.float64]

EXACT = 50_000
"""Arrangements of the runs up to which ties are settled by going through all of them; 9 against 9 have 48,620."""
RESAMPLES = 9_999
LEVEL = 0.95
"""Of confidence intervals."""


class Summary(NamedTuple):
    """Of the values of one arm; numbers but n are of those that are finite."""

    n: int
    median: float
    mean: float
    deviation: float
    """Sample standard deviation; NaN for fewer than two values."""


class Effect(NamedTuple):
    """Vargha and Delaney's A: the probability that a run of the one arm beats a run of the other, ties counted half.

    0.5 is no effect, 1 is complete separation.
    """

    value: float
    low: float
    high: float


def summary(values: Values) -> Summary:
    """Of ``(n,)`` values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Summary(len(values), nan, nan, nan)
    mean, deviation = moments(finite)
    return Summary(len(values), float(_median(finite)), float(mean), float(deviation))


def moments(values: Values) -> tuple[Any, Any]:
    """Mean and sample standard deviation over the first axis of ``(n, ...)`` values, NaN for fewer than two.

    Squares of very large values are infinite and those of very small ones 0, so these are in units of the largest.
    """
    unit = np.abs(values).max()
    unit = unit if 1e150 < unit < np.inf or 0 < unit < 1e-150 else 1.0
    values = values / unit
    mean = values.mean(axis=0) * unit
    with np.errstate(over="ignore"):
        return mean, values.std(axis=0, ddof=1) * unit if len(values) > 1 else np.full_like(mean, nan)


def _median(values: Values) -> Any:
    """Of ``(n,)`` values; the middle of the two in the middle, whose sum may be infinite."""
    return np.median(values / 2) * 2 if np.abs(values).max() > 1e300 else np.median(values)


def mann_whitney(x: Values, y: Values) -> tuple[float, bool]:
    """The one-sided Mann-Whitney U test that ``(n,)`` values x tend to be larger than ``(m,)`` values y.

    Returns:
        p, and whether it is exact: without ties, or with ties where there are at most :data:`EXACT` arrangements. Else
        it is the normal approximation, corrected for ties and continuity.
    """
    n, total = len(x), len(x) + len(y)
    ranks = stats.rankdata(np.concatenate([x, y]))
    ties = len(np.unique(ranks)) < total
    if ties and comb(total, n) <= EXACT:  # scipy's exact distribution knows no ties
        sums = ranks[np.array(list(combinations(range(total), n)))].sum(axis=1)
        return float((sums >= ranks[:n].sum()).mean()), True
    exact = not ties and n * len(y) <= 10_000
    test = stats.mannwhitneyu(x, y, alternative="greater", method="exact" if exact else "asymptotic")
    return float(test.pvalue), exact


def least_p(n: int, m: int) -> float:
    """The smallest p that the exact test can give n against m runs: every x above every y. 1 where an arm has none."""
    return 1 / comb(n + m, n)


def effect(x: Values, y: Values, rng: Rng) -> Effect:
    """A of ``(n,)`` x over ``(m,)`` y, with the percentile bootstrap interval of :data:`LEVEL`.

    Samples that are completely apart stay so however they are resampled: their interval is [1, 1], which says nothing
    about other runs. Of single runs it is NaN.
    """
    value = float(_probability(x, y, axis=-1))
    if min(len(x), len(y)) < 2:
        return Effect(value, nan, nan)
    interval = stats.bootstrap(
        (x, y),
        _probability,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=1_000,
        confidence_level=LEVEL,
        method="percentile",
        rng=rng.numpy,
    ).confidence_interval
    return Effect(value, float(interval.low), float(interval.high))


def holm(p: Sequence[float]) -> list[float]:
    """p values adjusted for their number by Holm's step-down procedure, in the same order."""
    adjusted, floor = [0.0] * len(p), 0.0
    for rank, index in enumerate(np.argsort(p, kind="stable")):
        floor = max(floor, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = floor
    return adjusted


def _probability(x: Values, y: Values, axis: int) -> Any:
    """A of ``(..., n)`` x over ``(..., m)`` y, which is U / nm; ``axis`` is always the last."""
    x, y = x[..., :, None], y[..., None, :]
    return ((x > y) + 0.5 * (x == y)).mean((-2, -1))
