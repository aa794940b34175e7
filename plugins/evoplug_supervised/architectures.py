"""Which network each member has, and how networks of one shape are trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import nn

from evoplug import Rng
from evoplug.contracts import ConfigError, Members, Network
from evoplug_supervised.size import count
from evoplug_supervised.teams import STACK, Teams

KEPT = 32
"""Architectures of late whose teams are kept."""


class Architectures:
    """One network for all members, or for each that of its genome.

    Args:
        shape: of one example.
        outputs: of a network; one for two classes is a logit of the second.
        network: of all members.
        genotype: in its place, bound: it offers ``network(genome)``. Equal networks have equal shapes and hashes.
    """

    def __init__(self, shape: tuple[int, ...], outputs: int, network: Network, genotype: Any = None) -> None:
        self._shape, self._outputs, self._network = shape, outputs, network
        self._genotype: Any = genotype
        self._teams: dict[Network | None, Teams] = {}

    def of(self, members: Members, row: int) -> Network:
        """The network of a member."""
        if self._genotype is None:
            return self._network
        genome = members.genome(row)
        found: Network = self._genotype.network(genome["architecture"] if isinstance(genome, dict) else genome)
        return found

    def example(self) -> Network:
        """The network that all have, or one of many."""
        if self._genotype is None:
            return self._network
        found: Network = self._genotype.network(self._genotype.sample(1, Rng(0))[0])
        return found

    def build(self, network: Network, device: str) -> nn.Module:
        """A network, with weights that mean nothing."""
        try:
            with torch.random.fork_rng(devices=()), torch.device(device):  # modules draw from torch's global stream
                return network.build(self._shape, self._outputs)
        except ConfigError as error:
            raise ConfigError(mistakes=[m._replace(key=("network", *m.key)) for m in error.mistakes]) from error
        except RuntimeError as error:
            if "overflow" not in str(error):
                raise
            raise ConfigError("network", "has more weights than any memory could hold") from error

    def weights(self, members: Members) -> list[int]:
        """How many weights the network of each member has."""
        networks = [self.of(members, row) for row in range(len(members))]
        keys = networks if self._genotype is not None else [None] * len(networks)
        distinct = dict(zip(keys, networks, strict=True))
        counts = {key: count(self.build(network, "meta")) for key, network in distinct.items()}
        return [counts[key] for key in keys]

    def start(self, x: torch.Tensor, device: torch.device, most: int = STACK) -> None:
        """Take two inputs, on the CPU, the device, and how many networks are in a team at most."""
        self._x, self._device, self._most = x, device, most

    def teams(self, network: Network) -> Teams:
        """How networks of this architecture are trained."""
        key = None if self._genotype is None else network
        found = self._teams.pop(key, None) or Teams(
            self.build(network, "cpu"), self._x, self._device, self._most, self._outputs == 1
        )
        self._teams[key] = found  # the last used last
        if len(self._teams) > KEPT:
            del self._teams[next(iter(self._teams))]
        return found

    def split(self, members: Members, alike: Sequence[object]) -> Iterator[tuple[Teams, list[int]]]:
        """Which rows are trained as one, and how: neighbours of one architecture for which ``alike`` is the same."""
        networks = [self.of(members, row) for row in range(len(members))]
        for _, same in groupby(range(len(members)), key=lambda row: (networks[row], alike[row])):
            rows = list(same)
            teams = self.teams(networks[rows[0]])
            yield from ((teams, rows[i : i + teams.size]) for i in range(0, len(rows), teams.size))
