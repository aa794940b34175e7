"""What a network makes of images inside, and how diverse it is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import nn


class Representations(NamedTuple):
    """Of n images."""

    maps: torch.Tensor
    """``(n, channels, height, width)``: what the first convolution gives."""
    features: torch.Tensor | None
    """``(n, d)``: what the last dense layer gets; None where there is no such layer."""


def represent(network: nn.Module, images: torch.Tensor) -> Representations | None:
    """What the network makes of images; None where it has no convolution of images."""
    maps, features = list[torch.Tensor](), list[torch.Tensor]()

    def keep_first(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        maps.append(output) if not maps else None

    def keep_last(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        features[:] = inputs[:1]

    layers = list(network.modules())
    hooks = [
        *(layer.register_forward_hook(keep_first) for layer in layers if isinstance(layer, nn.Conv2d)),
        *(layer.register_forward_pre_hook(keep_last) for layer in layers if isinstance(layer, nn.Linear)),
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return Representations(maps[0], features[0].flatten(1) if features else None) if maps else None


def by_channel(maps: torch.Tensor) -> torch.Tensor:
    """Maps ``(n, channels, height, width)`` as ``(n * height * width, channels)``: every place of every image a row."""
    return maps.movedim(1, -1).flatten(0, -2)


def effective_rank(rows: torch.Tensor) -> float:
    """How many directions the rows ``(n, d)`` spread over: from 1 to the least of d and n - 1.

    That of Roy and Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007, definition 1,
    of the rows less their mean: exp of the entropy of singular values that are divided by their sum. It does not
    depend on the scale. 0 where all rows are equal, NaN where one is not finite.
    """
    if not rows.isfinite().all():
        return math.nan
    values = torch.linalg.svdvals(rows.double() - rows.double().mean(0))
    total = float(values.sum())
    return float(torch.special.entr(values / total).sum().exp()) if total else 0.0
