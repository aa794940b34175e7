"""Mutation ``example``."""

from typing import Annotated, Any

import torch
from evoplug import Rng
from evoplug.contracts import Genotype, Gt, Mutation, dataclass


@dataclass(kw_only=True)
class Example(Mutation, genome="real-vector"):
    """Add uniform noise to every gene: z = x + U(-width, width), inside the genotype's bounds."""

    width: Annotated[float, Gt(0), "largest change of a gene, in its own units"] = 0.1

    def bind(self, space: Genotype) -> None:
        self._space: Any = space

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        """``(n, d)`` parents to ``(n, d)`` children; the parents stay as they are."""
        noise = torch.rand(genomes.shape, generator=rng.torch, dtype=genomes.dtype, device=genomes.device)
        return self._space.repair(genomes + self.width * (2 * noise - 1))
