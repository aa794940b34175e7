"""Mutation ``sound`` and evaluator ``twenty``."""

from typing import Annotated

import torch

from evoplug.contracts import ConfigError, Evaluation, Evaluator, Gt, Mutation, Task, dataclass


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
