"""What a selection reads of a matrix of fitness by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from evoplug import Rng

BLOCK = 16
"""Cases that the released code's selection has computed at a time: in most it reads no more."""


class Watched:
    """A matrix ``(n, cases)`` that keeps what is read of it."""

    def __init__(self, cases: Any) -> None:
        self._cases, self._blocks = cases, list[torch.Tensor]()
        self.shape = cases.shape

    def __getitem__(self, key: Any) -> torch.Tensor:
        self._blocks.append(self._cases[key])
        return self._blocks[-1]

    def told(self) -> dict[str, Any]:
        """``cases_read``, ``decided`` and ``survivors``, as the records of gradient lexicase selection have them."""
        left = survivors(torch.cat(self._blocks, 1)) if self._blocks else []
        return {
            "cases_read": sum(block.shape[1] for block in self._blocks),
            "decided": len(left),
            "survivors": [left[2**i - 1] for i in range(len(left).bit_length())],
        }


def survivors(cases: torch.Tensor) -> list[int]:
    """How many of n members lexicase selection leaves after each case of ``(n, cases)``, until it leaves one."""
    values, left = cases.cpu().numpy(), []
    candidates = np.arange(len(values))
    for case in range(values.shape[1]):
        of_case = values[candidates, case]
        candidates = candidates[of_case == of_case.max()]
        left.append(len(candidates))
        if len(candidates) == 1:
            break
    return left


def released(cases: Any, count: int, rng: Rng) -> torch.Tensor:
    """``(count,)`` rows by lexicase selection as the paper's released code has it; a case is 1 where it is right.

    Candidates are taken out of the list that is being gone through: who follows one that failed is passed over. Where
    none is left, all are again.
    """
    n, number = cases.shape
    rows = []
    for _ in range(count):
        order = torch.from_numpy(rng.numpy.permutation(number))
        rows.append(int(rng.numpy.choice(_left(cases, order) or range(n))))
    return torch.tensor(rows)


def _left(cases: Any, order: torch.Tensor) -> list[int]:
    """The candidates that are left after the cases in this order."""
    candidates = list(range(cases.shape[0]))
    for block in order.split(BLOCK):
        for case in cases[:, block].T.tolist():
            _take_out_failures(candidates, case)
            if len(candidates) <= 1:
                return candidates
    return candidates


def _take_out_failures(candidates: list[int], case: list[float]) -> None:
    place = 0
    while place < len(candidates):
        if case[candidates[place]] < 1:
            del candidates[place]
        place += 1
