"""Several agents as one: the means of their networks' outputs choose."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import nn

from evoplug import Members
from evoplug.population.network_space import NetworkSpace


class Ensembles(NetworkSpace):
    """The space of ensembles of k networks of another space: a genome is k of its genomes.

    Args:
        space: of the networks.
        k: networks in an ensemble.
    """

    def __init__(self, space: NetworkSpace, k: int) -> None:
        self.network, self.length, self._space = space.network, k * space.length, space
        self.template = _Mean(copy.deepcopy(space.template) for _ in range(k)).eval()

    def weights(self, genomes: list) -> torch.Tensor:  # type: ignore[override]
        """Those of the networks of each one after the other."""
        return torch.stack([self._space.weights(networks).flatten() for networks in genomes])

    def module(self, weights: torch.Tensor) -> nn.Module:
        return _Mean(map(self._space.module, weights.split(self._space.length))).eval()


def ensemble(members: Members) -> Members:
    """The one member of :class:`Ensembles` that consists of these."""
    return Members([members.genomes], members.ids[:1], members.parents[:1])


class _Mean(nn.Module):
    def __init__(self, networks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([network(x) for network in self.networks]).mean(0)
