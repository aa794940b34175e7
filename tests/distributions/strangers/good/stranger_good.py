"""Mutation ``sound``, evaluators ``twenty`` and ``pair``, and a space of booleans with its operators."""

from typing import Annotated

import numpy
import torch
from torch import nn

from evoplug.contracts import (
    ConfigError,
    Crossover,
    Evaluation,
    Evaluator,
    Film,
    Genotype,
    Gt,
    Model,
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

    def film(self, member, rng):
        grey = (128 + 127 * member.genomes[0]).byte().tolist()
        frames = (numpy.full((8, 12, 3), value, numpy.uint8) for value in grey)
        return Film(frames, 10, member.genomes.sum().item(), "the genes, one by one")


@dataclass(kw_only=True)
class Pair(Evaluator, genome="real-vector"):
    """The sum of the genes, of which the first is the weight of two tasks' networks."""

    deterministic = True
    minimised = ("weights",)

    def task(self):
        return Task(domain=(-1.0, 1.0))

    def evaluate(self, members, rng):
        return Evaluation(members.genomes.sum(1))

    def describe(self, members):
        return {"weights": torch.ones(len(members), dtype=torch.int64)}

    def model(self, member):
        shared = nn.Parameter(member.genomes[0, :1].float().view(1, 1), requires_grad=False)
        return {name: self._network(width, shared) for name, width in (("left", 2), ("right", 3))}

    @staticmethod
    def _network(width, shared):
        first, last = nn.Linear(width, 1), nn.Linear(1, 1, bias=False)
        nn.init.ones_(first.weight)
        nn.init.zeros_(first.bias)
        last.weight = shared
        module = nn.Sequential(first, last).eval().requires_grad_(False)
        source = (
            f"from torch.nn import Linear, Sequential\nmodel = Sequential(Linear({width}, 1), Linear(1, 1, bias=False))"
        )
        return Model(module, torch.ones(2, width), source)


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
