"""Lexicase selection: members are held against each other on one case after the other, in random order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

from evoplug.contracts import Ge, Selection, dataclass
from evoplug_basics.cases import by_case, differ, equal, valid

if TYPE_CHECKING:
    from evoplug import Rng

Keep = Callable[[np.ndarray], np.ndarray]
"""Fitness of the candidates on one case, to the mask of those that stay: someone does, and all where all are equal."""

Read = Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]
"""Cases in their order, to pieces of them: a matrix ``(cases, n)``, and the rows of it to go through."""

AHEAD = 4096
"""Values looked at together, to drop cases on which all candidates agree: many cases where there are few candidates,
which agree on most; few cases where there are many, since the first leave few."""

FIRST = 16
"""Cases that are computed first: most choices among few members are made by then."""

FEW = 16
"""Selected ones for whom it costs less to read across the matrix than to turn it, and to find equal members."""


@dataclass(kw_only=True)
class Lexicase(Selection):
    """Keep the members that are best on a case, case by case in random order, until one is left.

    Spector (2012); Helmuth, Spector and Matheson (2015). Members that are equal on every case are drawn with equal
    probability. Each of the selected takes an order of its own.
    """

    block: Annotated[int, Ge(1), "cases computed at a time, at most, of a matrix computed while the choice is open"] = (
        128
    )
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        return select(fitness, count, best, rng, self.block)


@dataclass(kw_only=True)
class EpsilonLexicase(Selection):
    """Lexicase selection that keeps the members within epsilon of the best on a case.

    La Cava, Spector and Danai (2016), in the dynamic variant of La Cava et al. (2019), which is DEAP's
    ``selAutomaticEpsilonLexicase``: both the best and epsilon, the median absolute deviation, are taken over the
    members that are still candidates.
    """

    block: Annotated[int, Ge(1), "cases computed at a time, at most, of a matrix computed while the choice is open"] = (
        128
    )
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        return select(fitness, count, _near_best, rng, self.block)


def select(fitness: Any, count: int, keep: Keep, rng: Rng, block: int, batch: int = 1) -> torch.Tensor:
    """``(count,)`` rows, each by a random order of the cases, of which ``batch`` at a time count as their mean."""
    n, cases = fitness.shape
    alike = np.arange(n)
    if not isinstance(fitness, torch.Tensor):
        read = _computed(fitness, block, batch)
    elif count <= FEW:
        read = _at_once(by_case(fitness))
    else:
        turned = np.ascontiguousarray(by_case(fitness))
        read, alike = _at_once(turned), equal(valid(turned))
    walks = (_walk(read(rng.numpy.permutation(cases)), alike, keep, batch) for _ in range(count))
    rows = [left[rng.numpy.integers(len(left)) if len(left) > 1 else 0] for left in walks]
    return torch.tensor(rows, dtype=torch.int64)


def best(values: np.ndarray) -> np.ndarray:
    """The mask of the largest."""
    return values == values.max()


def _at_once(matrix: np.ndarray) -> Read:
    return lambda order: iter([(matrix, order)])


def _computed(fitness: Any, block: int, batch: int) -> Read:
    """In pieces of whole batches, each of twice as many cases as the one before, up to a block."""
    first = min(block, -(-FIRST // batch) * batch)

    def read(order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        start, size = 0, first
        while start < len(order):
            cases = order[start : start + size]
            yield by_case(fitness[:, torch.from_numpy(cases)]), np.arange(len(cases))
            start, size = start + size, min(2 * size, block)

    return read


def _walk(pieces: Iterator[tuple[np.ndarray, np.ndarray]], alike: np.ndarray, keep: Keep, batch: int) -> np.ndarray:
    """Those that are left in the end; a piece is read only while the choice is open.

    ``alike`` is ``(n,)``, the same number for members that are known to be equal on every case.
    """
    candidates = np.arange(len(alike))
    while differ(candidates, alike) and (piece := next(pieces, None)) is not None:
        matrix, rows = piece
        while len(rows) and differ(candidates, alike):
            ahead = batch * max(1, AHEAD // (batch * len(candidates)))
            values = valid(matrix[np.ix_(rows[:ahead], candidates)])
            candidates = candidates[_kept(_means(values, batch), keep)]
            rows = rows[ahead:]
    return candidates


def _kept(values: np.ndarray, keep: Keep) -> np.ndarray:
    """The numbers of the candidates ``(cases, candidates)`` that are left, case by case."""
    kept = np.arange(values.shape[1])
    for case in values[(values != values[:, :1]).any(1)]:
        kept = kept[keep(case[kept])]
        if len(kept) == 1:
            break
    return kept


def _means(values: np.ndarray, batch: int) -> np.ndarray:
    """Of ``batch`` rows at a time, of fewer at the end."""
    if batch == 1:
        return values
    starts = np.arange(0, len(values), batch)
    sums = np.add.reduceat(values, starts, axis=0, dtype=np.float64)
    return sums / np.diff(starts, append=len(values))[:, None]


def _near_best(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.ones(len(values), bool)
    epsilon = np.median(np.abs(finite - np.median(finite)))
    return values >= finite.max() - epsilon
