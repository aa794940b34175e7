"""Operators that work part by part."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from evoplug import Members, Parts, Rng
from evoplug.config.partwise import PartwiseCrossover, PartwiseMutation
from evoplug.contracts import Crossover, Mutation
from evoplug.errors import ConfigError


@dataclass(kw_only=True)
class Noise(Mutation):
    """Adds noise; keeps a sigma per row, halved by each mutation."""

    scale: float = 1.0

    def bind(self, space):
        if space.limit < self.scale:
            raise ConfigError("scale", "is over the limit")

    def at(self, generation):
        return Noise(scale=self.scale / generation)

    def columns(self, n):
        return {"sigma": torch.ones(n)}

    def describe(self):
        return {"scale": self.scale}

    def __call__(self, genomes, rng):
        return genomes + self.scale * torch.randn(genomes.shape, generator=rng.torch)

    def into(self, parents, rows, rng, out):
        super().into(parents, rows, rng, out)
        out.columns["sigma"] /= 2


@dataclass(kw_only=True)
class Append(Mutation):
    """Appends a number to a list."""

    def __call__(self, genome, rng):
        return [*genome, rng.python.random()]


@dataclass(kw_only=True)
class Mean(Crossover):
    def __call__(self, a, b, rng):
        return (a + b) / 2


def members(n: int = 4) -> Members:
    genomes = Parts({"v": torch.arange(n * 3.0).reshape(n, 3), "w": torch.zeros(n, 2), "t": [[i] for i in range(n)]})
    columns = {"v.sigma": torch.arange(1.0, n + 1), "w.sigma": torch.ones(n), "age": torch.arange(n * 1.0)}
    return Members(genomes, torch.arange(n), torch.full((n, 2), -1), columns=columns)


def test_each_part_is_mutated_by_its_own_operator_and_stream() -> None:
    mutation = PartwiseMutation(parts={"v": Noise(), "w": None, "t": Append()})
    old = members().genomes
    new = mutation(old, Rng(1))
    torch.testing.assert_close(new["v"], Noise()(old["v"], Rng(1).child("v")), rtol=0, atol=0)
    assert new["w"] is old["w"]
    assert new["t"] == [Append()(genome, Rng(1).child("t").child(row)) for row, genome in enumerate(old["t"])]
    assert new["t"][0][1] != new["t"][1][1]


def test_another_part_changes_no_number() -> None:
    old = members().genomes
    alone = PartwiseMutation(parts={"v": Noise(), "w": None, "t": None})(old, Rng(1))
    both = PartwiseMutation(parts={"t": Append(), "w": Noise(), "v": Noise()})(old, Rng(1))
    assert torch.equal(alone["v"], both["v"])


def test_mutants_are_written_with_columns_of_each_part_and_the_parents_own() -> None:
    mutation = PartwiseMutation(parts={"v": Noise(), "w": Noise(scale=2.0), "t": None})
    parents, out = members(), members()
    rows = torch.tensor([3, 3, 0, 1])
    mutation.into(parents, rows, Rng(1), out)
    assert out.columns["v.sigma"].tolist() == [2.0, 2.0, 0.5, 1.0]
    assert out.columns["w.sigma"].tolist() == [0.5] * 4
    assert out.columns["age"].tolist() == [3.0, 3.0, 0.0, 1.0]
    assert out.genomes["t"] == [[3], [3], [0], [1]]
    assert not torch.equal(out.genomes["v"][0], out.genomes["v"][1])
    torch.testing.assert_close(out.genomes["v"], parents.genomes["v"][rows], rtol=0, atol=6)
    assert parents.genomes["t"] == [[0], [1], [2], [3]]


def test_columns_and_descriptions_carry_the_parts_name() -> None:
    mutation = PartwiseMutation(parts={"v": Noise(scale=3.0), "w": None, "t": Append()})
    assert {name: column.tolist() for name, column in mutation.columns(2).items()} == {"v.sigma": [1.0, 1.0]}
    assert mutation.describe() == {"v.scale": 3.0}
    assert mutation.at(3).describe() == {"v.scale": 1.0}


def test_a_part_without_crossover_comes_from_the_first_parent() -> None:
    crossover = PartwiseCrossover(parts={"v": Mean(), "w": Mean(), "t": None})
    parents, out = members(), members()
    first, second = torch.tensor([0, 1, 2, 3]), torch.tensor([2, 3, 0, 1])
    crossover.into(parents, first, second, Rng(1), out)
    assert out.genomes["v"][:, 0].tolist() == [3.0, 6.0, 3.0, 6.0]
    assert out.genomes["t"] == [[0], [1], [2], [3]]
    assert out.columns["age"].tolist() == [1.0, 2.0, 1.0, 2.0]
    blocks = crossover(parents.genomes, out.genomes, Rng(1))
    assert blocks["t"] == parents.genomes["t"]
    torch.testing.assert_close(blocks["v"], (parents.genomes["v"] + out.genomes["v"]) / 2)


def test_every_part_is_bound_to_its_own_genotype() -> None:
    space = SimpleNamespace(parts={"v": SimpleNamespace(limit=1.0), "w": SimpleNamespace(limit=0.1)})
    PartwiseMutation(parts={"v": Noise(), "w": None}).bind(space)
    with pytest.raises(ConfigError, match=r"^w\.scale: is over the limit$"):
        PartwiseMutation(parts={"v": Noise(), "w": Noise()}).bind(space)
