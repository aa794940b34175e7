"""Mutation ``categorical-reset``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import torch

from evoplug.contracts import Genotype, Gt, Le, Mutation, dataclass
from evoplug.population.assignment import AssignmentSpace

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class CategoricalReset(Mutation, genome="assignment"):
    """Give each gene, with some probability, another choice: each of the K - 1 others is as likely.

    On two choices this is bit-flip mutation. Where there is a single choice nothing changes.
    """

    probability: Annotated[float | None, Gt(0), Le(1), "of changing a gene; by default 1 / number of genes"] = None

    def bind(self, space: Genotype) -> None:
        self._choices = cast(AssignmentSpace, space).choices

    def __call__(self, genomes: torch.Tensor, rng: Rng) -> torch.Tensor:
        children = genomes.clone()
        if self._choices == 1:
            return children
        u = torch.rand(genomes.shape, generator=rng.torch, device=genomes.device)
        chosen = u < (self.probability or 1 / genomes.shape[1])
        old = genomes[chosen]
        step = torch.randint(1, self._choices, old.shape, generator=rng.torch, device=genomes.device)
        children[chosen] = (old + step) % self._choices
        return children
