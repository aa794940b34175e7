"""Genotype ``assignment``: what it draws, how it prints, and what it says about positions that do not fit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import evoplug
from evoplug import ConfigError, Rng, Task
from evoplug_basics.assignment import Assignment

NAMES = ("mnist.conv1", "mnist.dense", "kmnist.conv1", "kmnist.dense")


def bound(names=(), **parameters):
    space = Assignment(**parameters)
    space.bind(Task(names=names))
    return space


def test_choices_are_uniform_and_independent_of_each_other():
    x = bound(length=2, choices=3).sample(9000, Rng(1))
    assert x.dtype == torch.int64
    assert x.shape == (9000, 2)
    together = torch.bincount(x[:, 0] * 3 + x[:, 1], minlength=9)
    assert len(together) == 9
    assert chisquare(together).pvalue > 0.001


def test_it_has_as_many_positions_as_the_problem_names():
    space = bound(NAMES, choices=2)
    assert (space.length, space.choices, space.names, space.dtype) == (4, 2, NAMES, "int64")
    assert space.sample(3, Rng(1)).shape == (3, 4)


def test_a_length_that_is_the_problems_is_fine():
    assert bound(NAMES, length=4, choices=2).names == NAMES


def test_a_genome_is_described_by_task_and_layer():
    described = bound(NAMES, choices=4).describe(torch.tensor([0, 3, 1, 2]))
    assert described == {"mnist": {"conv1": 0, "dense": 3}, "kmnist": {"conv1": 1, "dense": 2}}


@pytest.mark.parametrize(
    ("names", "described"),
    [
        ((), [2, 0]),
        (("colour", "shape"), {"colour": 2, "shape": 0}),
        (("mnist.block.conv", "mnist.head"), {"mnist": {"block.conv": 2, "head": 0}}),
        (("mnist.conv", "shape"), {"mnist.conv": 2, "shape": 0}),
    ],
)
def test_how_names_decide_what_is_printed(names, described):
    assert bound(names, length=2, choices=3).describe(torch.tensor([2, 0])) == described


def test_repair_clamps_and_leaves_its_argument():
    genomes = torch.tensor([[-7, 0, 2, 3, 9]])
    assert bound(length=5, choices=3).repair(genomes).tolist() == [[0, 0, 2, 2, 2]]
    assert genomes.tolist() == [[-7, 0, 2, 3, 9]]


def test_a_genome_takes_eight_bytes_a_gene():
    assert bound(length=7, choices=3).footprint() == 7 * 8


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 50))
def test_every_sample_is_inside_and_repair_leaves_it(length, choices, seed):
    space = bound(length=length, choices=choices)
    x = space.sample(20, Rng(seed))
    assert torch.equal(space.repair(x), x)
    assert (x >= 0).all()
    assert (x < choices).all()


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz.", max_size=3)), min_size=1, max_size=8, unique=True),
    st.booleans(),
    st.data(),
)
def test_no_two_genomes_are_described_alike(names, dotted, data):
    names = [f"{task}.{layer}" if dotted else f"{task}{layer.replace('.', '')}" for task, layer in names]
    space = bound(tuple(dict.fromkeys(names)), choices=3)
    genomes = st.lists(st.integers(0, 2), min_size=space.length, max_size=space.length)
    a, b = data.draw(genomes), data.draw(genomes)
    assert (space.describe(torch.tensor(a)) == space.describe(torch.tensor(b))) == (a == b)


@pytest.mark.parametrize(
    ("names", "length", "message"),
    [
        ((), None, "length: must be given: the problem names no positions"),
        (NAMES, 3, "length: is 3, and the problem names 4 positions: leave it out"),
        (("a.x", "b.x", "a.x"), None, "needs positions of different names, and the problem has two of `a.x`"),
    ],
)
def test_positions_that_do_not_go_with_the_problem(names, length, message):
    with pytest.raises(ConfigError) as error:
        bound(names, length=length, choices=2)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choices": 0}, "genotype.choices: must be at least 1, got 0"),
        ({"choices": 2.5}, "genotype.choices: must be an integer, got 2.5"),
        ({"choices": 10**7}, "genotype.choices: must be at most 1000000, got 10000000"),
        ({"length": 0}, "genotype.length: must be at least 1, got 0"),
        ({"length": None}, "genotype.length: must be given: the problem names no positions"),
    ],
)
def test_a_configuration_is_refused_where_it_is_wrong(changes, message, tmp_path):
    genotype = {key: value for key, value in {"length": 3, "choices": 2, **changes}.items() if value is not None}
    config = {
        "strategy": "random-search",
        "genotype": {"use": "assignment", **genotype},
        "evaluator": {"use": "function", "function": lambda x: x.sum(1)},
    }
    with pytest.raises(ConfigError) as error:
        evoplug.run(config, out=tmp_path / "run")
    assert str(error.value) == message


def test_choices_must_be_given():
    with pytest.raises(ConfigError, match="^choices: is missing"):
        evoplug.build("genotypes", "assignment", length=3)
