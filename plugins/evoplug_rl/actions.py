"""How a network's outputs become actions."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from evoplug.contracts import ConfigError

KEY = "environment"
"""The parameter whose space it is."""


class Actions(NamedTuple):
    """How a network's outputs become actions."""

    outputs: int
    """Of a network."""
    shape: tuple[int, ...]
    """Of one action."""
    dtype: str
    """As numpy names it."""
    act: Callable[[torch.Tensor], np.ndarray]
    """``(k, outputs)`` to ``(k, ...)``: k actions as the environment takes them."""


def actions(space: Space[Any]) -> Actions:
    """The largest output, the largest of each part, or for numbers tanh of each, stretched over its bounds.

    Raises:
        ConfigError: if outputs cannot become such actions.
    """
    kept = (space.shape or (), str(space.dtype))
    if isinstance(space, Discrete):
        return Actions(int(space.n), *kept, lambda outputs: _largest(outputs) + space.start)
    if isinstance(space, MultiDiscrete):
        parts = [int(n) for n in space.nvec.flat]
        return Actions(sum(parts), *kept, lambda outputs: _largest_of_each(outputs, parts, space))
    if not isinstance(space, Box) or not np.issubdtype(space.dtype, np.floating):
        raise ConfigError(
            KEY, f"no policy fits its action space {space}: it is neither Discrete, MultiDiscrete nor a Box of floats"
        )
    if not space.is_bounded():
        raise ConfigError(
            KEY, f"no policy fits its action space {space}: outputs are stretched over the bounds, and some are missing"
        )
    return Actions(prod(space.shape), *kept, lambda outputs: _stretched(outputs, space))


def _largest(outputs: torch.Tensor) -> np.ndarray:
    return outputs.argmax(1).cpu().numpy()


def _largest_of_each(outputs: torch.Tensor, parts: list[int], space: MultiDiscrete) -> np.ndarray:
    chosen = np.stack([_largest(part) for part in outputs.split(parts, 1)], 1)
    return chosen.reshape(-1, *space.shape).astype(space.dtype) + space.start


def _stretched(outputs: torch.Tensor, space: Box) -> np.ndarray:
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    share = (outputs.tanh().cpu().double().numpy().reshape(-1, *space.shape) + 1) / 2
    # A product in the type of the space may be beyond the bounds by its rounding.
    return (low + (high - low) * share).astype(space.dtype).clip(space.low, space.high)
