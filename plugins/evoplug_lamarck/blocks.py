"""Stacks of convolutional blocks as plain data.

J. Prellberg, "Evolving Deep Neural Networks", thesis, chapter 7, with its symbols: block i has c_i channels, kernels of
k_i x k_i and stride s_i; its weights are the kernel **k**_i and all one-dimensional tensors together, **h**_i: bias,
gain, shift and running statistics (equation 7.2).

A genome is a list of blocks, each the list ``[c, k, s, kernel, rest]``. The last two are marks, as NEAT has them of
its genes: numbers that stand for the tensors **k**_i and **h**_i. Where a child has a mark of its parent's, it inherits
that tensor; an edit gives a new mark to each tensor that it reinitialises. So what is kept follows from the edit and
not from shapes, whatever many edits and crossovers have done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from evoplug import Rng

Genome = list[list[int]]


class Block(NamedTuple):
    """Convolution with zero padding, batch normalisation, ReLU."""

    channels: int
    kernel: int
    """Side."""
    stride: int
    kernel_mark: int = 0
    """Of the kernel **k**."""
    rest_mark: int = 0
    """Of **h**."""

    def __str__(self) -> str:
        return f"{self.channels}k{self.kernel}s{self.stride}"


def blocks(genome: Iterable[Sequence[int]]) -> list[Block]:
    """The blocks of a genome."""
    return [Block(*block) for block in genome]


def genome(stack: Iterable[Block]) -> Genome:
    """The inverse of :func:`blocks`."""
    return [list(block) for block in stack]


def line(stack: Iterable[Sequence[int]]) -> str:
    """``64k3s1 128k5s2``: a stack without its marks."""
    return " ".join(str(Block(*block)) for block in stack)


def parse(text: str) -> list[Block]:
    """The inverse of :func:`line`.

    Raises:
        ValueError: naming the first word that is no block.
    """
    found = [(word, re.fullmatch(r"(\d{1,9})k(\d{1,9})s(\d{1,9})", word)) for word in text.split()]
    if not found:
        raise ValueError("needs one block or more, e.g. `64k3s1 128k5s2`")
    wrong = next((word for word, match in found if match is None or "0" in match.groups()), None)
    if wrong is not None:
        raise ValueError(f"`{wrong}` is no block: CHANNELSkKERNELsSTRIDE, e.g. `64k3s1`")
    return [Block(*map(int, match.groups())) for _, match in found if match is not None]


def mark(rng: Rng) -> int:
    """A number that no other tensor of a run has: of 2^53, so that every reader of JSON keeps it."""
    return int(rng.numpy.integers(2**53))
