"""Which observations networks can take. Importable without torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box, Text, flatten, flatten_space

from evoplug.contracts import ConfigError


class Observations(NamedTuple):
    """How an environment's observations become arrays."""

    shape: tuple[int, ...]
    """Of one as ``array`` gives it."""
    image: bool
    """Whether it is one, with values up to 255."""
    array: Callable[[Any], np.ndarray]
    """One, as the environment gives it, to an array of that shape."""

    @property
    def dtype(self) -> str:
        """In which they are kept: bytes of images."""
        return "uint8" if self.image else "float32"


def observations(space: Space[Any]) -> Observations:
    """Vectors and images as they are, and what Gymnasium can flatten into a vector, such as the one of n, as that.

    An image is a box of bytes with two axes, or with three of which the first or the last are the channels.

    Raises:
        ConfigError: if no network fits.
    """
    if isinstance(space, Box):
        image = space.dtype == np.uint8 and len(space.shape) in (2, 3)
        return Observations(space.shape or (1,), image, np.asarray if space.shape else np.atleast_1d)
    if isinstance(space, Text) or not space.is_np_flattenable:
        raise ConfigError(
            "environment", f"no network fits its observation space {space}: it is neither array nor vector"
        )
    return Observations(flatten_space(space).shape or (1,), False, partial(_flat, space))


def _flat(space: Space[Any], found: Any) -> np.ndarray:
    return np.asarray(flatten(space, found))
