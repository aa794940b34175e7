"""The global random numbers of Python, NumPy and torch: nobody may draw from them, nor set them."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy
import torch

from evoplug.testing.values import same


@contextmanager
def seeded(seed: int, may_draw: Collection[str] = ()) -> Iterator[None]:
    """Set the global random numbers inside the block, look whether they were touched, and put them back.

    What ignores them gives the same results whatever the seed.

    Args:
        seed: of all three.
        may_draw: libraries that may be drawn from all the same: ``"torch"`` where modules initialise themselves.
    """
    outside = _states()
    random.seed(seed)
    numpy.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    before = _states()
    try:
        yield
        after = _states()
    finally:
        random.setstate(outside["random"])
        numpy.random.set_state(tuple(outside["numpy.random"]))  # noqa: NPY002
        torch.set_rng_state(outside["torch"])
    touched = [name for name in before if name not in may_draw and not same(before[name], after[name])]
    assert not touched, f"the global random numbers of {', '.join(touched)} were used; draw from `rng` alone"


def _states() -> dict[str, Any]:
    mersenne: Any = numpy.random.get_state()  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy.random": [part.tolist() if isinstance(part, numpy.ndarray) else part for part in mersenne],
        "torch": torch.get_rng_state(),
    }
