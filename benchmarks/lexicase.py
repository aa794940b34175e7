"""Selections by case beside DEAP's lexicase selection.

python benchmarks/lexicase.py

DEAP is run as it is, and with a fitness that keeps its values, which DEAP's own computes anew whenever it is asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from deap import base, tools
from scipy.stats import chi2_contingency
from timing import interleaved, show

from evoplug import Rng, build

SECONDS = 5.0
"""A matrix, or four rounds."""

SAMPLE = 5
"""Parents that DEAP selects where others select a thousand."""

OURS = {
    "lexicase": {},
    "batch-lexicase": {"batch": 10},
    "dalex": {"particularity_pressure": 20.0},
    "plexicase": {},
}


def main() -> None:
    torch.set_num_threads(1)
    random.seed(1)
    beside_deap()
    a_thousand_parents()


def beside_deap() -> None:
    columns = ["matrix", "parents", "DEAP ms", "kept ms", "ours ms", "DEAP / ours", "kept / ours"]
    rows = [
        _beside_deap("4 x 2,000, 2 % differ", agreeing(2_000, 0.02), 1),
        _beside_deap("4 x 5,000, all equal", np.ones((4, 5_000)), 1),
        _beside_deap("4 x 50,000, 2.6 % differ", agreeing(50_000, 0.026), 1, stock=False),
        _beside_deap("4 x 50,000, all equal", np.ones((4, 50_000)), 1, stock=False),
        _beside_deap("1,000 x 2,000", right(0.5), 1),
        _beside_deap("1,000 x 2,000, 98 % right", right(0.98), 1),
        _beside_deap("1,000 x 200 numbers", numbers(200), 10),
        _beside_deap(
            "1,000 x 200 numbers, epsilon", numbers(200), 10, "epsilon-lexicase", tools.selAutomaticEpsilonLexicase
        ),
    ]
    note = f"kept: fitness whose values are kept. Parents of 8 x 12 drawn alike: chi-square test, p = {p_value():.2f}"
    show("lexicase and epsilon-lexicase", columns, rows, note)


def a_thousand_parents() -> None:
    matrices = {"50 % right": right(0.5), "98 % right": right(0.98), "numbers": numbers(2_000)}
    matrices["all equal"] = np.ones((1_000, 2_000))
    rows = []
    for name, matrix in matrices.items():
        individuals = of_deap(matrix, Kept)
        variants = {label: ours(label, matrix, 1_000) for label in OURS}
        timings = interleaved({"DEAP": lambda some=individuals: tools.selLexicase(some, SAMPLE), **variants}, SECONDS)
        deap = timings.median("DEAP") * 1_000 / SAMPLE
        rows.append([name, f"{deap:.1f}", *(f"{timings.median(label):.2f}" for label in OURS)])
    note = f"DEAP: with kept values, from {SAMPLE} parents"
    show("1,000 parents from 1,000 x 2,000, seconds", ["matrix", "DEAP", *OURS], rows, note)


def _beside_deap(
    name: str,
    matrix: np.ndarray,
    count: int,
    label: str = "lexicase",
    select: Callable[[Sequence[Any], int], Sequence[Any]] = tools.selLexicase,
    stock: bool = True,
) -> Sequence[str]:
    variants = {"ours": ours(label, matrix, count)}
    for kind in [Stock, Kept] if stock else [Kept]:
        individuals = of_deap(matrix, kind)
        variants[kind.__name__] = lambda some=individuals: select(some, count)
    timings = interleaved(variants, SECONDS)
    peers = ("Stock", "Kept")
    milliseconds = [f"{1e3 * timings.median(variant):,.2f}" if variant in variants else "-" for variant in peers]
    ratios = [f"{timings.ratio(variant, 'ours'):,.0f}" if variant in variants else "-" for variant in peers]
    return [name, str(count), *milliseconds, f"{1e3 * timings.median('ours'):.2f}", *ratios]


def ours(label: str, matrix: np.ndarray, count: int) -> Callable[[], object]:
    """Another choice each time, as DEAP makes."""
    selection, fitness, rng = (
        build("selections", label, **OURS.get(label, {})),
        torch.from_numpy(matrix).float(),
        Rng(1),
    )
    return lambda: selection(fitness, count, rng)


class Stock(base.Fitness):
    """Of as many cases as the matrix has."""


class Kept(base.Fitness):
    """Its values are its weighted values, since all weights are 1."""

    values = property(lambda self: self.wvalues, base.Fitness.setValues)


class Individual:
    def __init__(self, row: int, fitness: base.Fitness) -> None:
        self.row, self.fitness = row, fitness


def of_deap(matrix: np.ndarray, kind: type[base.Fitness]) -> list[Individual]:
    of_cases = type(kind.__name__, (kind,), {"weights": (1.0,) * matrix.shape[1]})
    return [Individual(row, of_cases(values)) for row, values in enumerate(matrix.tolist())]


def agreeing(cases: int, share: float) -> np.ndarray:
    """Four members, right on most cases, that differ on a share of these."""
    rng = np.random.default_rng(1)
    matrix = np.tile(rng.random(cases) < 0.7, (4, 1))
    differing = rng.random(cases) < share
    matrix[:, differing] = rng.random((4, differing.sum())) < 0.5
    return matrix.astype(float)


def right(share: float) -> np.ndarray:
    return (np.random.default_rng(1).random((1_000, 2_000)) < share).astype(float)


def numbers(cases: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1_000, cases))


def p_value() -> float:
    """That of two samples of 20,000 parents, DEAP's and ours."""
    matrix = np.random.default_rng(1).integers(0, 2, (8, 12)).astype(float)
    theirs = [each.row for each in tools.selLexicase(of_deap(matrix, Kept), 20_000)]
    rows = build("selections", "lexicase")(torch.from_numpy(matrix), 20_000, Rng(1)).tolist()
    table = np.array([np.bincount(sample, minlength=8) for sample in (theirs, rows)])
    return chi2_contingency(table[:, table.sum(0) > 0]).pvalue


if __name__ == "__main__":
    main()
