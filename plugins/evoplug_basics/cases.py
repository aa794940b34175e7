"""Matrices of fitness by case, as selections by case read them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def whole(fitness: Any) -> np.ndarray:
    """All of an ``(n, cases)`` matrix, a tensor or one that computes as it is read: ``(cases, n)``, valid or -inf."""
    return valid(by_case(fitness[:, torch.arange(fitness.shape[1])]))


def by_case(values: torch.Tensor) -> np.ndarray:
    """``(n, cases)`` to ``(cases, n)``; nothing is copied where it lies on the CPU."""
    if values.dtype.itemsize < 4:
        values = values.float()  # numpy has no bfloat16
    return values.detach().cpu().numpy().T


def valid(values: np.ndarray) -> np.ndarray:
    """The same with -inf for what is not finite."""
    return np.where(np.isfinite(values), values, -np.inf)


def equal(values: np.ndarray) -> np.ndarray:
    """Of ``(cases, n)``, all valid or -inf, ``(n,)``: the same number for members that are equal on every case."""
    known: dict[bytes, int] = {}
    rows = np.ascontiguousarray(values.T) + 0.0  # no -0.0, whose bytes differ from those of 0.0
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in rows])


def differ(members: np.ndarray, alike: np.ndarray) -> bool:
    """Whether any two of these rows have different numbers in ``alike``, which ``equal`` gave."""
    return len(members) > 1 and bool((alike[members] != alike[members[0]]).any())
