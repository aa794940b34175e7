"""Mutation ``narrowing``."""

from typing import Annotated

import torch

from evoplug.contracts import Gt, Mutation, dataclass


@dataclass(kw_only=True)
class Narrowing(Mutation, genome="real-vector"):
    """Loses a gene."""

    scale: Annotated[float, Gt(0), "of the noise"] = 0.01

    def bind(self, space):
        self._space = space

    def __call__(self, genomes, rng):
        noise = torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        return (genomes + self.scale * noise)[:, 1:]
