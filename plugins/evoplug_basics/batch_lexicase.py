"""Lexicase selection by batches of cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch

from evoplug.contracts import Ge, Selection, dataclass
from evoplug_basics.lexicase import best, select

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class BatchLexicase(Selection):
    """Lexicase selection in which a few cases at a time count as one, by their mean.

    Aenugu and Spector (2019): the larger a batch, the less it pays to be best on single cases. For each of the selected
    the cases are shuffled and dealt into batches, the last of which may be smaller; ``batch = 1`` is ``lexicase``. With
    a threshold, as in the paper's Algorithm 2, all members whose mean is above it stay, rather than the best; a batch
    on which no candidate is above it leaves all that are valid.
    """

    batch: Annotated[int, Ge(1), "cases that count as one"] = 10
    threshold: Annotated[float | None, "mean fitness above which members pass a batch; by default only the best do"] = (
        None
    )
    block: Annotated[int, Ge(1), "cases computed at a time, at most, of a matrix computed while the choice is open"] = (
        128
    )
    cases: ClassVar[bool] = True

    def __call__(self, fitness: Any, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` rows; a member that is invalid on a case is so on the whole batch."""
        whole_batches = -(-self.block // self.batch) * self.batch
        keep = best if self.threshold is None else self._above
        return select(fitness, count, keep, rng, whole_batches, self.batch)

    def _above(self, means: np.ndarray) -> np.ndarray:
        for passing in (means > self.threshold, np.isfinite(means)):
            if passing.any():
                return passing
        return ~passing
