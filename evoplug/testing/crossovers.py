"""What a crossover promises."""

from __future__ import annotations

from typing import Any

import torch

from evoplug.contracts import Genotype
from evoplug.rng import Rng
from evoplug.testing.operators import OperatorSuite, blank, population
from evoplug.testing.values import agree
from evoplug.types import Members


class CrossoverSuite(OperatorSuite):
    """Two parents a child."""

    group = "crossovers"
    arity = 2

    def write(self, operator: Any, parents: Members, rng: Rng, out: Members) -> None:
        operator.into(parents, *_pairs(parents), rng, out)

    def test_a_column_becomes_the_mean_of_both_parents(self, operator: Any, genotype: Genotype) -> None:
        """So that the strength of a self-adaptive mutation lives on."""
        parents = population(operator, genotype)
        children = blank(parents)
        operator.into(parents, *_pairs(parents), Rng(7), children)
        first, second = _pairs(parents)
        kept = parents.columns["kept"]
        agree("a column is not the mean of the parents'", children.columns["kept"], (kept[first] + kept[second]) / 2)


def _pairs(parents: Members) -> tuple[torch.Tensor, torch.Tensor]:
    """Everyone, with mates of which each is taken twice."""
    first = torch.arange(len(parents))
    return first, first.flip(0) // 2
