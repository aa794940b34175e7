"""How observations become what networks take."""

from __future__ import annotations

import torch
from torch import nn


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

    @property
    def inputs(self) -> tuple[int, ...]:
        """The shape of what a network takes: of images, channels first."""
        one = torch.empty(1, *self.shape, device="meta")
        return tuple((_channels_first(one) if self.image else one).shape[1:])

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
