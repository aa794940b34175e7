"""Which examples a network is trained on in an epoch, and in which order."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from evoplug import Rng


class Order(Sized, Protocol):
    """Its length is how many examples an epoch has."""

    def __call__(self, epoch: int) -> torch.Tensor:
        """``(m,)`` int64: the numbers of the examples of one epoch, 0, 1, ..., asked for one after the other."""


class Shuffled(Order):
    """All examples, shuffled anew in each epoch.

    Args:
        examples: how many there are.
        rng: of the network.
    """

    def __init__(self, examples: int, rng: Rng) -> None:
        self._examples, self._rng = examples, rng.child("order")

    def __len__(self) -> int:
        return self._examples

    def __call__(self, epoch: int) -> torch.Tensor:
        return torch.randperm(self._examples, generator=self._rng.torch, device=self._rng.device)


class Dealt(Order):
    """Every ``of``-th batch of all examples, from the one with ``number`` on, shuffled anew in each epoch.

    Networks with the same stream and different numbers share the examples out among themselves, none twice.
    """

    def __init__(self, examples: int, batch: int, number: int, of: int, rng: Rng) -> None:
        self._examples, self._batch, self._rng = examples, batch, rng.child("deal")
        self._mine = slice(number, None, of)

    def __len__(self) -> int:
        return sum(map(len, self._batches(torch.arange(self._examples))))

    def __call__(self, epoch: int) -> torch.Tensor:
        generator = self._rng.child(epoch).torch
        return torch.cat(self._batches(torch.randperm(self._examples, generator=generator, device=self._rng.device)))

    def _batches(self, examples: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return examples.split(self._batch)[self._mine]
