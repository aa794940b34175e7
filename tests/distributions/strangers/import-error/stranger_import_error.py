"""Mutation ``unimportable``."""

from typing import Annotated

import a_library_that_is_not_there
import torch

from evoplug.contracts import Gt, Mutation, dataclass


@dataclass(kw_only=True)
class Unimportable(Mutation, genome="real-vector"):
    """Needs a library that is not there."""

    scale: Annotated[float, Gt(0), "of the noise"] = 0.01

    def bind(self, space):
        self._space = space

    def __call__(self, genomes, rng):
        noise = torch.randn(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        a_library_that_is_not_there.use()
        return self._space.repair(genomes + self.scale * noise)
