"""Mutation ``sound``, evaluator ``twenty``, and a space of booleans with its operators."""

from typing import Annotated

import torch

from evoplug.contracts import (
    ConfigError,
    Crossover,
    Evaluation,
    Evaluator,
    Genotype,
    Gt,
    Mutation,
    Task,
    dataclass,
)


@dataclass(kw_only=True)
class Sound(Mutation, genome="real-vector"):
    """Add noise, inside the bounds."""

    scale: Annotated[float, Gt(0), "of the noise"] = 0.01

    def bind(self, space):
        self._space = space

    def __call__(self, genomes, rng):
        noise = torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        return self._space.repair(genomes + self.scale * noise)


@dataclass(kw_only=True)
class Twenty(Evaluator, genome="real-vector"):
    """The sum of 20 genes."""

    companions = {"genotype": {"use": "real-vector", "length": 20}}
    deterministic = True

    def task(self):
        return Task(domain=(-1.0, 1.0))

    def bind(self, genotype):
        if genotype is None or genotype.length != 20:
            raise ConfigError((), "needs a genotype with 20 genes")

    def evaluate(self, members, rng):
        return Evaluation(members.genomes.sum(1))


@dataclass(kw_only=True)
class Switches(Genotype, genome="switches"):
    """Eight switches, each on or off."""

    def sample(self, n, rng):
        return torch.rand(n, 8, generator=rng.torch, device=rng.device) < 0.5


@dataclass(kw_only=True)
class Flip(Mutation, genome="switches"):
    """Turn one switch in eight; counts the mutations of a line of ancestors."""

    def columns(self, n):
        return {"age": torch.zeros(n, dtype=torch.int64)}

    def __call__(self, genomes, rng):
        return genomes ^ (torch.rand(genomes.shape, generator=rng.torch, device=genomes.device) < 1 / 8)

    def into(self, parents, rows, rng, out):
        super().into(parents, rows, rng, out)
        out.columns["age"] += 1


@dataclass(kw_only=True)
class Swap(Crossover, genome="switches"):
    """Each switch from either parent."""

    def __call__(self, a, b, rng):
        return torch.where(torch.rand(a.shape, generator=rng.torch, device=a.device) < 0.5, a, b)
