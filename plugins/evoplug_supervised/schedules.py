"""Learning-rate schedules: epoch (0, 1, ...) -> factor on the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int], float]


def constant(epoch: int) -> float:
    """No decay."""
    return 1.0


def step(milestones: Sequence[int], decay: float) -> Schedule:
    """``decay`` once for every milestone (in epochs) that is reached."""
    return lambda epoch: decay ** sum(epoch >= milestone for milestone in milestones)


def cosine(total: int) -> Schedule:
    """``(1 + cos(pi * epoch / total)) / 2``, zero from epoch ``total`` on."""
    return lambda epoch: (1 + math.cos(math.pi * min(epoch / total, 1))) / 2
