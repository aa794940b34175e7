"""Diversely aggregated lexicase selection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from scipy.special import softmax

from evoplug.contracts import Ge, Selection, dataclass
from evoplug_basics.cases import differ, equal, whole

if TYPE_CHECKING:
    from evoplug import Rng

WEIGHTS = 2**22
"""Numbers that are held at once: the selected are drawn in groups, so that many cases need no more memory."""


@dataclass(kw_only=True)
class DALex(Selection):
    """Select the member with the least weighted sum of errors, by weights drawn for each of the selected.

    Ni, Ding and Spector (2024), Algorithm 1. The weights are the softmax of normal numbers, one a case, whose standard
    deviation is the particularity pressure: the larger, the closer to ``lexicase``, which it is in the limit; the
    smaller, the closer to the mean. To come close to ``epsilon-lexicase`` the paper standardises errors and uses
    pressures about 3. All cases are read, and one matrix product a group of selected ones does the work. An error is
    the distance from the best on a case; of an invalid member it is twice the largest, or 1 where all others are equal.
    """

    particularity_pressure: Annotated[float, Ge(0), "standard deviation of the numbers that make the weights"] = 20.0
    standardised: Annotated[bool, "divide the errors on each case by their standard deviation"] = False
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        values = whole(fitness)
        errors, alike = _errors(values), equal(values)
        if self.standardised:
            errors = _standardised(errors)
        rows = [
            _pick(errors, alike, importance, near, rng)
            for importances in self._drawn(count, len(errors), rng)
            for importance, near in zip(importances, _nearly_least(importances, errors), strict=True)
        ]
        return torch.tensor(rows, dtype=torch.int64)

    def _drawn(self, count: int, cases: int, rng: Rng) -> Iterator[np.ndarray]:
        """Importances ``(selected, cases)``."""
        at_once = max(1, WEIGHTS // cases)
        for start in range(0, count, at_once):
            yield self.particularity_pressure * rng.numpy.standard_normal((min(at_once, count - start), cases))


def _errors(values: np.ndarray) -> np.ndarray:
    """``(cases, n)``, 0 for the best on a case: sums of them lose nothing where many are best.

    In quarters, so that the distance of any two numbers, and twice it, is a number.
    """
    quarters = values.astype(np.float64) / 4
    known = np.isfinite(quarters)
    decides = known.any(1, keepdims=True)
    best = np.where(decides, quarters.max(1, keepdims=True), 0.0)
    errors = best - np.where(known, quarters, best)
    largest = errors.max(1, keepdims=True)
    return np.where(decides & ~known, np.where(largest > 0, 2 * largest, 0.25), errors)


def _standardised(errors: np.ndarray) -> np.ndarray:
    largest = errors.max(1, keepdims=True)
    relative = errors / np.where(largest > 0, largest, 1.0)
    deviations = relative.std(1, keepdims=True)
    return relative / np.where(deviations > 0, deviations, 1.0)


def _nearly_least(importances: np.ndarray, errors: np.ndarray) -> Iterator[np.ndarray]:
    """For each of the selected the members whose weighted sum is the least, or is that but for rounding."""
    sums = softmax(importances, axis=1) @ errors
    rounding = len(errors) * np.finfo(np.float64).eps
    return (np.flatnonzero(row) for row in sums <= sums.min(1, keepdims=True) * (1 + rounding))


def _pick(errors: np.ndarray, alike: np.ndarray, importance: np.ndarray, near: np.ndarray, rng: Rng) -> int:
    """Of several the one whose sum over only those cases is the least on which they differ.

    That is the least of all cases, too. But a large pressure gives weights that differ by more than a number has
    digits, and what decides may be lost beside the errors that all have.
    """
    while differ(near, alike):
        among = errors[:, near]
        open_cases = (among != among[:, :1]).any(1)
        distances = among[open_cases] - among[open_cases].min(1, keepdims=True)
        least = next(_nearly_least(importance[None, open_cases], distances))
        if len(least) == len(near):
            break
        near = near[least]
    return int(near[rng.numpy.integers(len(near)) if len(near) > 1 else 0])
