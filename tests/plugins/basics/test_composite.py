"""Genotype ``composite``: what it hands to its parts, and how it names their mistakes."""

from __future__ import annotations

import pytest
import torch

from evoplug import ConfigError, Parts, Rng, Task
from evoplug.contracts import Genotype
from evoplug_basics.composite import Composite
from evoplug_basics.real_vector import RealVector


class Word(Genotype, genome="word"):
    def sample(self, n, rng):
        return [rng.python.choice("abc") for _ in range(n)]

    def describe(self, genome):
        return f"<{genome}>"

    def inherit(self, state, parent, child, rng):
        return state if parent == child else {**state, "word": "new"}


class Head(RealVector, genome="real-vector"):
    def inherit(self, state, parent, child, rng):
        return {key: value for key, value in state.items() if key != "head"}


@pytest.fixture
def genotype():
    composite = Composite(parts={"rate": Head(length=2, low=0.0), "word": Word()})
    composite.bind(Task(domain=(-1.0, 1.0)))
    return composite


def test_is_a_genotype_of_its_own_kind(genotype):
    assert genotype.kinds == ("composite",)
    assert list(genotype.parts) == ["rate", "word"]


def test_each_part_is_bound_to_the_task(genotype):
    assert genotype.parts["rate"].upper.tolist() == [1, 1]


def test_each_part_draws_from_a_stream_of_its_own(genotype):
    genomes = genotype.sample(4, Rng(1))
    assert isinstance(genomes, Parts)
    assert torch.equal(genomes["rate"], genotype.parts["rate"].sample(4, Rng(1).child("rate")))
    alone = Composite(parts={"word": Word()}).sample(4, Rng(1))
    assert alone["word"] == genomes["word"]


def test_repair_reaches_the_parts(genotype):
    repaired = genotype.repair(Parts({"rate": torch.tensor([[-4.0, 0.5]]), "word": ["a"]}))
    assert repaired["rate"].tolist() == [[0, 0.5]]
    assert repaired["word"] == ["a"]


def test_describe_is_by_part(genotype):
    assert genotype.describe({"rate": torch.tensor([0.5, 1.0]), "word": "b"}) == {"rate": [0.5, 1.0], "word": "<b>"}


def test_inherit_is_what_all_parts_leave(genotype):
    state = {"body": 1, "head": 2, "word": "old"}
    assert genotype.inherit(state, {"rate": 0, "word": "a"}, {"rate": 1, "word": "a"}, Rng(1)) == {
        "body": 1,
        "word": "old",
    }
    assert genotype.inherit(state, {"rate": 0, "word": "a"}, {"rate": 1, "word": "b"}, Rng(1)) == {
        "body": 1,
        "word": "new",
    }


def test_a_mistake_of_a_part_is_named_by_its_place():
    composite = Composite(parts={"word": Word(), "rate": RealVector(high=1.0)})
    with pytest.raises(ConfigError) as error:
        composite.bind(Task())
    assert [mistake.key for mistake in error.value.mistakes] == [("parts", "rate", "low")]
