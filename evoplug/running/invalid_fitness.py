"""The one policy on fitness that is no number: NaN and infinities are -inf, rank last, and are counted."""

from __future__ import annotations

import torch

INVALID = -torch.inf
"""The fitness of a member whose evaluation gave no finite number: ranks last everywhere."""


def finite(fitness: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The same with :data:`INVALID` where a value is not finite, and how many are not."""
    valid = torch.isfinite(fitness)
    invalid = fitness.numel() - int(valid.sum())
    return (fitness.where(valid, INVALID) if invalid else fitness), invalid
