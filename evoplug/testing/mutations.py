"""What a mutation promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evoplug.contracts import Genotype, Mutation
from evoplug.rng import Rng
from evoplug.testing.operators import OperatorSuite
from evoplug.types import Members


class MutationSuite(OperatorSuite):
    """One parent a child."""

    group = "mutations"
    arity = 1

    def write(self, operator: Any, parents: Members, rng: Rng, out: Members) -> None:
        operator.into(parents, torch.arange(len(parents)).flip(0) // 2, rng, out)

    def test_columns_have_a_value_a_member(self, operator: Mutation, genotype: Genotype) -> None:
        for name, column in operator.columns(4).items():
            assert column.shape == (4,), f"column {name}"

    def test_it_describes_itself_in_numbers(self, operator: Mutation, genotype: Genotype) -> None:
        described: Mapping[str, Any] = operator.at(1).describe()
        assert all(isinstance(value, float | int) for value in described.values()), described
