"""Genotype ``seed-chain``: networks as the seeds of their initial weights and of all their mutations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import torch
from torch import nn

from evoplug.contracts import Function, Ge, Genotype, Known, Network, Task, dataclass, use
from evoplug_rl.lineage import Lineage
from evoplug_supervised import Weights

if TYPE_CHECKING:
    from evoplug import Rng

Chain = list[Any]
"""``[seed, [seed, sigma], ...]``: the seed of the initial weights, then seed and strength of each mutation."""


@dataclass(kw_only=True)
class SeedChain(Genotype, genome="seed-chain"):
    """All weights of a network as a chain of seeds: of the initial weights, and of each mutation (Such et al., 2017).

    A genome is a list ``[seed, [seed, sigma], [seed, sigma], ...]`` of a few bytes a mutation, whatever the size of the
    network. Its weights are computed when they are asked for: those of ``init`` from the first seed, and added to them,
    in order, sigma * N(0, 1) from the seed of each mutation. Members can only be mutated. Random numbers are drawn on
    the CPU, so that a chain means the same network on every device, and the same to the bit however it is rebuilt.

    The weights of parents are kept, so that a child costs one noise vector: ``cache`` should be at least twice the
    number of parents. When a run goes on from a checkpoint, their chains are replayed once.

    Once bound it is an ``evoplug.population.network_space.NetworkSpace``, as ``weights`` is.
    """

    network: Annotated[Network, "architecture"] = use("mlp")
    init: Annotated[
        Function,
        Known("glorot-uniform", "he-normal", "he-uniform", "normal", "normalised", "torch-uniform"),
        "how initial weights are drawn",
    ] = "glorot-uniform"
    cache: Annotated[int, Ge(1), "networks whose weights are kept in memory"] = 100

    def bind(self, task: Task) -> None:
        """Build the network for the task's inputs and outputs.

        Raises:
            ConfigError: as ``weights``.
        """
        self._space = Weights(network=self.network, init=self.init)
        self._space.bind(task)
        self.template, self.length = self._space.template, self._space.length
        self._lineage = Lineage(self.length, self._initial, self.cache)

    def sample(self, n: int, rng: Rng) -> list[Chain]:
        """n seeds, each the whole of a chain."""
        return [[rng.child(row).seed] for row in range(n)]

    def weights(self, genomes: list[Chain]) -> torch.Tensor:
        """``(n, length)`` float32 on the CPU."""
        return self._lineage.weights(genomes)

    def module(self, weights: torch.Tensor) -> nn.Module:
        """A network with these weights, ``(length,)``, of its own memory, in evaluation mode."""
        return self._space.module(weights)

    def describe(self, genome: Chain) -> dict[str, Any]:
        """The seed of the initial weights, the number of mutations, seed and strength of the last one."""
        initial, *mutations = genome
        last = {"last": list(mutations[-1])} if mutations else {}
        return {"initial": initial, "mutations": len(mutations), **last}

    def _initial(self, rng: Rng) -> torch.Tensor:
        return self._space.sample(1, rng)[0]
