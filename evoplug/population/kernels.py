"""Vector operators on blocks of rows, written where they are wanted: memory is touched once, none is allocated twice.

A block is ``(n, d)``, on any device; ``out`` may not overlap the inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from evoplug.rng import Rng

_WORDS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Bytes of a gene -> the integer of as many."""


def gaussian(x: torch.Tensor, sigma: float | torch.Tensor, rng: Rng, out: torch.Tensor) -> torch.Tensor:
    """``out = x + sigma * N(0, 1)``; sigma a number, or a tensor that broadcasts against x."""
    return out.normal_(generator=rng.torch).mul_(sigma).add_(x)


def uniform(a: torch.Tensor, b: torch.Tensor, rng: Rng, out: torch.Tensor) -> torch.Tensor:
    """``out`` = each gene from ``a`` or ``b``, with equal probability; bit for bit theirs."""
    # On a random mask `torch.where` mispredicts every other branch; these three passes take half its time.
    word = _WORDS[a.element_size()]
    mask = coins(a.shape, rng, a.device).to(word).neg_()
    x, y, z = a.view(word), b.view(word), out.view(word)
    torch.bitwise_xor(x, y, out=z).bitwise_and_(mask).bitwise_xor_(y)
    return out


def coins(shape: torch.Size, rng: Rng, device: torch.device) -> torch.Tensor:
    """Fair independent bits, a bool tensor. On the CPU a random word gives 64 of them."""
    if device.type != "cpu":
        return torch.randint(2, shape, generator=rng.torch, device=device, dtype=torch.bool)
    count = shape.numel()
    words = rng.numpy.bit_generator.random_raw(-(-count // 64))
    return torch.from_numpy(np.unpackbits(words.view(np.uint8), count=count).view(np.bool_)).reshape(shape)
