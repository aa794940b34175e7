"""Probabilistic lexicase selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

from evoplug.contracts import Ge, Selection, dataclass
from evoplug_basics.cases import equal, whole

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class Plexicase(Selection):
    """Draw members with about the probabilities that lexicase selection gives them.

    Ding, Pantridge and Spector (2023). Only members that are best on some case, and that no other dominates, can be
    drawn. Each case shares itself out among those that are best on it, in proportion to the number of cases on which
    each is; a member's probability is the mean of its shares, to the power of alpha. Members that are equal on every
    case count as one, and share what it gets. With epsilon, for cases on which hardly two are equal, those are best
    that are within the median absolute deviation of the best, and what is better by no more does not count as better;
    of two that then dominate each other both can be drawn. All cases are read, once.
    """

    alpha: Annotated[float, Ge(0), "exponent of the probabilities; 0 draws uniformly, 1 as lexicase, more greedily"] = (
        1.0
    )
    epsilon: Annotated[bool, "as epsilon-lexicase, with the deviations of all members"] = False
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on every case wins only where all are."""
        values = whole(fitness)
        p = probabilities(values, self.alpha, _deviations(values) if self.epsilon else 0.0)
        return torch.from_numpy(rng.numpy.choice(len(p), size=count, p=p))


def probabilities(values: np.ndarray, alpha: float, epsilon: np.ndarray | float = 0.0) -> np.ndarray:
    """Of fitness ``(cases, n)``, -inf where it is invalid, and epsilon ``(cases, 1)``, to ``(n,)``, their sum 1."""
    groups = equal(values)
    _, first, members = np.unique(groups, return_index=True, return_counts=True)
    values = values[:, first]
    best = values >= values.max(1, keepdims=True) - epsilon
    often = best.sum(0)
    front = np.flatnonzero(_undominated(values, best, often, epsilon))
    weights = best[:, front] * often[front]
    shares = (weights / weights.sum(1, keepdims=True)).mean(0)
    powers = (shares / shares.max()) ** alpha
    of_group = np.zeros(len(first))
    of_group[front] = powers / powers.sum()
    return (of_group / members)[groups]


def _deviations(values: np.ndarray) -> np.ndarray:
    """``(cases, 1)``, the median absolute deviation of the valid; 0 where there are none."""
    rows = [row[np.isfinite(row)] for row in values]
    return np.array([[np.median(np.abs(row - np.median(row))) if len(row) else 0.0] for row in rows])


def _undominated(values: np.ndarray, best: np.ndarray, often: np.ndarray, epsilon: np.ndarray | float) -> np.ndarray:
    """The mask of those that are best on a case while none is as good on all: who dominates is best on more cases.

    Members are compared on all cases only where one is best on every case on which the other is.
    """
    ones = best.astype(np.float32)
    both = ones.T @ ones
    stays = often > 0
    for member in np.argsort(-often, kind="stable"):
        if stays[member]:
            rivals = np.flatnonzero(stays & (both[member] == often))
            rivals = rivals[rivals != member]
            its, theirs = values[:, [member]], values[:, rivals]
            as_good = (often[rivals] == often[member]) & ~(its > theirs + epsilon).any(0)
            stays[rivals] = as_good | (theirs > its + epsilon).any(0)
    return stays
