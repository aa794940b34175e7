"""Stacks of blocks: lines, limits, costs, networks."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evoplug import ConfigError, Rng, Task
from evoplug_lamarck import blocks
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.blocks import Block
from evoplug_lamarck.network import BlockStack as Network

TASK = Task(input_shape=(3, 32, 32), outputs=10)

STACKS = st.lists(
    st.builds(Block, *map(st.sampled_from, ([2, 4, 8], [1, 3, 5], [1, 2])), st.just(0), st.just(0)),
    min_size=1,
    max_size=6,
)


def bound(task: Task = TASK, **parameters) -> BlockStack:
    genotype = BlockStack(**parameters)
    assert not list(genotype.check())
    genotype.bind(task)
    return genotype


@given(STACKS)
def test_a_line_says_all_but_the_marks(stack) -> None:
    assert blocks.parse(blocks.line(stack)) == stack


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "needs one block or more"),
        ("64k3s1 128", "`128` is no block"),
        ("64k0s1", "`64k0s1` is no block"),
        ("64K3s1", "`64K3s1` is no block"),
    ],
)
def test_what_is_no_line_is_named(line, message) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        blocks.parse(line)
    assert message in dict(Network(blocks=line).check())["blocks"]


def test_new_genomes_are_the_papers() -> None:
    genomes = bound().sample(300, Rng(1))
    assert {len(genome) for genome in genomes} == {1}
    first = [Block(*genome[0]) for genome in genomes]
    assert {block.stride for block in first} == {1}
    assert {block.channels for block in first} == {16, 32, 64, 96, 128, 192, 256}
    assert {block.kernel for block in first} == {1, 3, 5}
    marks = [mark for block in first for mark in (block.kernel_mark, block.rest_mark)]
    assert len(set(marks)) == len(marks)


def test_new_genomes_are_of_a_given_length_or_a_given_stack() -> None:
    assert {len(genome) for genome in bound(initial_blocks=4).sample(5, Rng(1))} == {4}
    given_ = bound(start="64k3s1 128k5s2")
    assert {blocks.line(genome) for genome in given_.sample(5, Rng(1))} == {"64k3s1 128k5s2"}


@pytest.mark.parametrize("stack", ["16k3s1", "16k5s2 32k3s1 64k1s2", "32k3s1 32k3s1 16k3s2 16k1s1"])
@pytest.mark.parametrize("side", [32, 28, 9])
def test_costs_are_those_of_the_network(stack, side) -> None:
    task = Task(input_shape=(3, side, side), outputs=7)
    genotype = bound(task)
    genome = blocks.genome(blocks.parse(stack))
    network = genotype.network(genome).build((3, side, side), 7)
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, side, side))
    described = genotype.describe(genome)
    assert described["blocks"] == stack
    assert described["parameters"] == sum(weight.numel() for weight in network.parameters())
    assert described["flops"] == counter.get_total_flops()


def test_a_network_is_the_template_of_figure_7_1() -> None:
    network = Network(blocks="4k5s2 6k3s1").build((2, 8, 8), 3)
    layers = [type(layer) for layer in network.modules() if not list(layer.children())]
    assert layers == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Linear]
    x = torch.randn(5, 2, 8, 8)
    assert network.blocks(x).shape == (5, 6, 4, 4)
    torch.testing.assert_close(network(x), network.dense(nn.AdaptiveAvgPool2d(1)(network.blocks(x)).flatten(1)))


def test_equal_stacks_are_equal_networks_whatever_their_marks() -> None:
    genotype = bound()
    one, other = genotype.sample(1, Rng(1))[0], genotype.sample(1, Rng(1))[0]
    other[0][3:] = [5, 6]
    assert genotype.network(one) == genotype.network(other)
    assert hash(genotype.network(one)) == hash(genotype.network(other))


@given(STACKS)
def test_repair_gives_a_stack_within_all_limits_and_leaves_one_that_is(stack) -> None:
    genotype = bound(channels=(2, 4), kernels=(1, 3), strided=1, blocks=4, parameters=300)
    (repaired,) = genotype.repair([blocks.genome(stack)])
    found = blocks.blocks(repaired)
    assert genotype.allows(found)
    assert {block.channels for block in found} <= {2, 4}
    assert {block.kernel for block in found} <= {1, 3}
    assert genotype.repair([repaired]) == [repaired]


@pytest.mark.parametrize(
    ("parameters", "key", "message"),
    [
        ({"kernels": (3, 4)}, "kernels", "must be odd, got 4"),
        ({"strides": (2,)}, "strides", "must have 1 among them"),
        ({"channels": (8, 8)}, "channels", "has a number twice"),
        ({"blocks": 2, "initial_blocks": 3}, "initial_blocks", "must not be above blocks = 2"),
        ({"start": "8k3s1"}, "start", "`8k3s1`: 8 is not among channels"),
        ({"start": "16k3s2 16k3s2", "strided": 1}, "start", "has 2 blocks of a stride above 1"),
        ({"start": "16k3s1 16k3s1", "blocks": 1}, "start", "has 2 blocks, and blocks = 1"),
        ({"start": "16"}, "start", "`16` is no block"),
        ({"channels": (8,), "kernels": (3,), "strides": (1,), "blocks": 1}, "blocks", "leaves a single genome"),
    ],
)
def test_parameters_that_cannot_be_are_named(parameters, key, message) -> None:
    (mistake,) = BlockStack(**parameters).check()
    assert mistake[0] == key
    assert message in mistake[1]


@pytest.mark.parametrize(
    ("task", "parameters", "message"),
    [
        (Task(input_shape=(3, 7, 9), outputs=10), {}, "strided: 3 blocks of stride 2 are too many for images of side"),
        (Task(input_shape=(64,), outputs=10), {}, "needs an evaluator whose problem has images"),
        (TASK, {"parameters": 100}, "parameters: the smallest network has"),
    ],
)
def test_a_problem_that_it_does_not_fit_is_named(task, parameters, message) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        bound(task, **parameters)
