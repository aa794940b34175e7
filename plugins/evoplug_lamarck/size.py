"""What a stack of blocks costs, told from its numbers alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from evoplug_lamarck.blocks import Block


class Cost(NamedTuple):
    """Of one layer, or of a whole network."""

    parameters: int
    flops: int
    """Of one example's forward pass: two for each multiplication of a convolution or dense layer with its addition."""


def costs(stack: Iterable[Block], shape: tuple[int, ...], outputs: int) -> Iterator[Cost]:
    """Of each block, then of the dense layer.

    Args:
        shape: (channels, height, width) of one example.
    """
    before, height, width = shape
    for block in stack:
        height, width = -(-height // block.stride), -(-width // block.stride)
        kernel = before * block.channels * block.kernel**2
        yield Cost(kernel + 3 * block.channels, 2 * kernel * height * width)
        before = block.channels
    yield Cost((before + 1) * outputs, 2 * before * outputs)


def cost(stack: Iterable[Block], shape: tuple[int, ...], outputs: int) -> Cost:
    """Of the whole network."""
    each = list(costs(stack, shape, outputs))
    return Cost(sum(layer.parameters for layer in each), sum(layer.flops for layer in each))
