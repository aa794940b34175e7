"""How evaluators see a space of networks: the weights of each genome, stored or computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from evoplug.types import Genomes, count, take

BLOCK = 2**27
"""Bytes of weights that are computed at a time: those of 20 networks of 1.7 million."""


@runtime_checkable
class NetworkSpace(Protocol):
    """What every bound genotype of kind "weights" or "seed-chain" has."""

    network: Any
    """The architecture: its component."""
    template: nn.Module
    """A network of it, in evaluation mode, whose own weights mean nothing."""
    length: int
    """Weights of one network."""

    def weights(self, genomes: Genomes) -> torch.Tensor:
        """``(n, length)`` float32: the weights of n networks, laid out as ``evoplug.population.forward.parameters``
        says; the genomes themselves where they are stored, else computed, on the CPU."""

    def module(self, weights: torch.Tensor) -> nn.Module:
        """A network with these weights, ``(length,)``, of its own memory, in evaluation mode."""


def blocks(space: NetworkSpace, genomes: Genomes, device: torch.device | str) -> Iterator[torch.Tensor]:
    """The weights of all networks, in order, ``(k, length)`` at a time on a device: at once, without a copy, where they
    are stored there; :data:`BLOCK` bytes at a time where they are computed."""
    n = max(1, count(genomes))
    size = n if isinstance(genomes, torch.Tensor) else max(1, BLOCK // (4 * space.length))
    for start in range(0, n, size):
        yield space.weights(take(genomes, slice(start, start + size))).to(device)
