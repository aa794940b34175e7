"""Which observations networks can take, and how their outputs become actions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import Space
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Text, flatten, flatten_space
from torch import nn

from evoplug.contracts import ConfigError

KEY = "environment"
"""The parameter whose spaces these are."""


# ---------------------------------------------------------------------------------------------- observations


class Observations(NamedTuple):
    """How an environment's observations become a network's inputs."""

    shape: tuple[int, ...]
    """Of one as ``array`` gives it."""
    image: bool
    """Whether it is one, with values up to 255."""
    array: Callable[[Any], np.ndarray]
    """One, as the environment gives it, to an array of that shape."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """The shape of what a network takes: of images, channels first."""
        one = torch.empty(1, *self.shape, device="meta")
        return tuple((_channels_first(one) if self.image else one).shape[1:])


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
        raise ConfigError(KEY, f"no network fits its observation space {space}: it is neither array nor vector")
    return Observations(flatten_space(space).shape or (1,), False, partial(_flat, space))


def _flat(space: Space[Any], found: Any) -> np.ndarray:
    return np.asarray(flatten(space, found))


class Senses(nn.Module):
    """Observations ``(n, *shape)``, float32 or uint8, to a network's inputs.

    Images are divided by 255 and have their channels first; of other observations ``mean`` is subtracted, they are
    divided by ``deviation``, and cut off at ±``bound``, where they are normalised.

    Args:
        shape: of one observation.
        image: whether it is an image.
        normalised: whether the buffers ``mean`` and ``deviation`` are there, zeros and ones until they are set.
        bound: in deviations, as OpenAI's baselines have it.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, shape: tuple[int, ...], image: bool = False, normalised: bool = False, bound: float = 10):
        super().__init__()
        self.shape, self.image, self.normalised, self.bound = shape, image, normalised, bound
        if normalised:
            self.register_buffer("mean", torch.zeros(shape))
            self.register_buffer("deviation", torch.ones(shape))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        if self.image:
            return _channels_first(observations) / 255
        if self.normalised:
            return ((observations - self.mean) / self.deviation).clamp(-self.bound, self.bound)
        return observations

    def extra_repr(self) -> str:
        return f"{self.shape}, image={self.image}, normalised={self.normalised}, bound={self.bound}"


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    """``(n, height, width)``, ``(n, height, width, channels)`` or ``(n, channels, height, width)`` to the last."""
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images.movedim(-1, 1) if images.shape[-1] < images.shape[1] else images


# --------------------------------------------------------------------------------------------------- actions


class Actions(NamedTuple):
    """How a network's outputs become actions."""

    outputs: int
    """Of a network."""
    act: Callable[[torch.Tensor], np.ndarray]
    """``(k, outputs)`` to ``(k, ...)``: k actions as the environment takes them."""


def actions(space: Space[Any]) -> Actions:
    """The largest output, the largest of each part, or for numbers tanh of each, stretched over its bounds.

    Raises:
        ConfigError: if outputs cannot become such actions.
    """
    if isinstance(space, Discrete):
        return Actions(int(space.n), lambda outputs: _largest(outputs) + space.start)
    if isinstance(space, MultiDiscrete):
        parts = [int(n) for n in space.nvec.flat]
        return Actions(sum(parts), lambda outputs: _largest_of_each(outputs, parts, space))
    if not isinstance(space, Box) or not np.issubdtype(space.dtype, np.floating):
        raise ConfigError(
            KEY, f"no policy fits its action space {space}: it is neither Discrete, MultiDiscrete nor a Box of floats"
        )
    if not space.is_bounded():
        raise ConfigError(
            KEY, f"no policy fits its action space {space}: outputs are stretched over the bounds, and some are missing"
        )
    return Actions(prod(space.shape), lambda outputs: _stretched(outputs, space))


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
