"""What happens to raw examples before a network sees them, as a module, and networks put together with it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

from evoplug.contracts import Dataset, Model, Network


class Preprocessing(nn.Module):
    """Raw images ``(n, *shape)``, uint8 or float32, to float32: divided by ``maximum``, less ``shift``, divided by
    ``scale``, then pooled.

    ``shift`` and ``scale`` are buffers of one image's shape, zeros and ones until :meth:`fit`.

    Args:
        shape: (channels, height, width).
        maximum: the largest value of a raw pixel.
        pool: side of the squares of pixels that become one.
        pooling: what becomes of a square.
    """

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, shape: tuple[int, ...], maximum: int = 255, pool: int = 1, pooling: Literal["max", "mean"] = "max"
    ) -> None:
        super().__init__()
        self.shape, self.maximum, self.pool, self.pooling = shape, maximum, pool, pooling
        self.register_buffer("shift", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))

    def fit(self, images: torch.Tensor, normalisation: Literal["mean-image", "standard", "unit"]) -> None:
        """Take shift and scale from raw training images: each pixel's mean; each channel's mean and deviation; or
        leave values in [0, 1]."""
        if normalisation == "mean-image":
            self.shift.copy_((images / self.maximum).mean(0))
        elif normalisation == "standard":
            variance, mean = torch.var_mean(images / self.maximum, dim=(0, 2, 3), correction=0, keepdim=True)
            self.shift.copy_(mean[0])
            self.scale.copy_(variance[0].sqrt().clamp_min(1 / 255))  # a channel may be constant

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        # In place: the quotient is new, and whole data sets pass through here.
        images = (raw / self.maximum).sub_(self.shift).div_(self.scale)
        if self.pool == 1:
            return images
        return max_pool2d(images, self.pool) if self.pooling == "max" else avg_pool2d(images, self.pool)

    def extra_repr(self) -> str:
        return f"{self.shape}, maximum={self.maximum}, pool={self.pool}, pooling={self.pooling!r}"


def with_preprocessing(dataset: Dataset, network: Network, module: nn.Module, outputs: int | None = None) -> Model:
    """A trained network and the preprocessing that it was trained with, as one model.

    Args:
        module: what ``network`` built for the data set, on the CPU; becomes part of the model.
        outputs: that it was built with, by default one for each class.
    """
    preprocessing, example = dataset.preprocessing()
    info = dataset.info()
    parts = sorted({(type(part).__module__, type(part).__qualname__) for part in (preprocessing, network)})
    imports = [f"from {home} import {name}" for home, name in [*parts, ("torch.nn", "Sequential")]]
    call = f"model = Sequential({preprocessing!r}, {network!r}.build({tuple(info.shape)}, {outputs or info.classes}))"
    ready = nn.Sequential(preprocessing, module).eval().requires_grad_(False)
    return Model(ready, example, "\n".join([*imports, call]))
