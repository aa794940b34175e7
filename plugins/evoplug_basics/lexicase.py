"""Selections by case: members are held against each other on one case after the other, in random order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

from evoplug.contracts import Ge, Selection, dataclass

if TYPE_CHECKING:
    from evoplug import Rng

Read = Callable[[np.ndarray], np.ndarray]
"""Numbers of cases, to the members' fitness on them, ``(cases, n)``."""

Keep = Callable[[np.ndarray], np.ndarray]
"""Fitness of the candidates on one case, to a mask of those that stay."""


@dataclass(kw_only=True)
class Lexicase(Selection):
    """Keep the members that are best on a case, case by case in random order, until one is left.

    Spector (2012); Helmuth, Spector and Matheson (2015). Members that are equal on every case are drawn with equal
    probability. Each of the selected takes an order of its own.
    """

    block: Annotated[int, Ge(1), "cases read at a time; more are read only while the choice is open"] = 128
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        return _select(fitness, count, _best, self.block, rng)


@dataclass(kw_only=True)
class EpsilonLexicase(Selection):
    """Lexicase selection that keeps the members within epsilon of the best on a case.

    La Cava, Spector and Danai (2016), in the dynamic variant of La Cava et al. (2019), which is DEAP's
    ``selAutomaticEpsilonLexicase``: both the best and epsilon, the median absolute deviation, are taken over the
    members that are still candidates.
    """

    block: Annotated[int, Ge(1), "cases read at a time; more are read only while the choice is open"] = 128
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        return _select(fitness, count, _near_best, self.block, rng)


def _select(fitness: Any, count: int, keep: Keep, block: int, rng: Rng) -> torch.Tensor:
    n, cases = fitness.shape
    read = _reader(fitness)
    rows = [_walk(read, np.arange(n), rng.numpy.permutation(cases), keep, block, rng) for _ in range(count)]
    return torch.tensor(rows, dtype=torch.int64)


def _walk(read: Read, candidates: np.ndarray, order: np.ndarray, keep: Keep, block: int, rng: Rng) -> int:
    """One selected row. Reads whole blocks of cases, so that a lazy matrix evaluates them together."""
    for start in range(0, len(order), block):
        if len(candidates) == 1:
            break
        values = read(order[start : start + block])[:, candidates]
        differing = values[(values != values[:, :1]).any(1)]
        kept = np.arange(len(candidates))
        for case in differing:
            kept = kept[keep(case[kept])]
            if len(kept) == 1:
                break
        candidates = candidates[kept]
    return int(rng.numpy.choice(candidates))


def _reader(fitness: Any) -> Read:
    """A tensor is turned once for all that is selected from it; anything else is asked case by case."""
    if isinstance(fitness, torch.Tensor):
        return _by_case(fitness).__getitem__
    return lambda cases: _by_case(fitness[:, torch.from_numpy(cases)])


def _by_case(values: torch.Tensor) -> np.ndarray:
    """``(n, cases)`` to ``(cases, n)``; what is not finite becomes -inf."""
    rows = values.detach().T.contiguous().cpu().numpy()
    return np.where(np.isfinite(rows), rows, -np.inf)


def _best(values: np.ndarray) -> np.ndarray:
    return values == values.max()


def _near_best(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.ones(len(values), bool)
    epsilon = np.median(np.abs(finite - np.median(finite)))
    return values >= finite.max() - epsilon
