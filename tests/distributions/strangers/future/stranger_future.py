"""Mutation ``futuristic``."""

from typing import Annotated

import torch

from evoplug.contracts import Gt, Mutation, dataclass


@dataclass(kw_only=True)
class Futuristic(Mutation, genome="real-vector"):
    """Asks for an evoplug that is not out yet."""

    scale: Annotated[float, Gt(0), "of the noise"] = 0.01

    def bind(self, space):
        self._space = space

    def __call__(self, genomes, rng):
        noise = torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        return self._space.repair(genomes + self.scale * noise)
