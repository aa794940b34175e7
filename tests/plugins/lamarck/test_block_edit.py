"""The six edits: how often each comes, and that each gives another valid stack."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from evoplug import Rng, Task
from evoplug_lamarck import blocks
from evoplug_lamarck.block_edit import BlockEdit
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.blocks import Block

SHAPE = (3, 32, 32)


def space(**parameters) -> BlockStack:
    genotype = BlockStack(**parameters)
    genotype.bind(Task(input_shape=SHAPE, outputs=10))
    return genotype


def edit(genotype: BlockStack, **parameters) -> BlockEdit:
    mutation = BlockEdit(**parameters)
    mutation.bind(genotype)
    return mutation


def kind(parent: list[Block], child: list[Block]) -> str:
    if len(child) != len(parent):
        return "add-block" if len(child) > len(parent) else "remove-block"
    (changed,) = [(a, b) for a, b in zip(parent, child, strict=True) if a[:3] != b[:3]]
    before, after = changed
    if before.channels != after.channels:
        return "add-channels" if after.channels > before.channels else "remove-channels"
    return "change-kernel" if before.kernel != after.kernel else "change-stride"


def test_edits_come_as_often_as_the_thesis_says() -> None:
    """Of draws that change something: a kernel is drawn as it was in a third of them, a stride in half."""
    parent = [Block(64, 3, 1, 1, 2), Block(64, 3, 2, 3, 4), Block(96, 5, 1, 5, 6)]
    mutation, genome, n = edit(space()), blocks.genome(parent), 6000
    found = Counter(kind(parent, blocks.blocks(mutation(genome, Rng(7).child(i)))) for i in range(n))
    shares = {
        "add-block": 3, "remove-block": 3, "add-channels": 2, "remove-channels": 2, "change-kernel": 2 * 2 / 3,
        "change-stride": 1 / 2,
    }  # fmt: skip
    total = sum(shares.values())
    expected = [n * share / total for share in shares.values()]
    assert chisquare([found[name] for name in shares], expected).pvalue > 0.001


def test_places_and_values_of_a_new_block_are_uniform() -> None:
    parent = [Block(64, 3, 1, 1, 2), Block(64, 3, 1, 3, 4)]
    mutation = edit(space(), frequencies={"add-block": 1})
    children = [blocks.blocks(mutation(blocks.genome(parent), Rng(3).child(i))) for i in range(3000)]
    marks = {1, 3}
    places = Counter(next(i for i, b in enumerate(c) if b.rest_mark not in (2, 4)) for c in children)
    new = [next(b for b in c if b.rest_mark not in (2, 4)) for c in children]
    assert chisquare([places[i] for i in range(3)]).pvalue > 0.001
    assert chisquare(list(Counter(b.channels for b in new).values())).pvalue > 0.001
    assert chisquare(list(Counter(b.kernel for b in new).values())).pvalue > 0.001
    assert {b.stride for b in new} == {1}
    assert all(b.kernel_mark not in marks for b in new)


@given(st.integers(0, 10**6))
def test_a_child_is_another_stack_within_the_limits(seed) -> None:
    genotype = space(channels=(2, 4, 8), strided=1, blocks=3, parameters=900)
    mutation, rng = edit(genotype), Rng(seed)
    (genome,) = genotype.sample(1, rng)
    for step in range(6):
        before = [list(block) for block in genome]
        child = mutation(genome, rng.child(step))
        assert genome == before, "the parent was changed"
        assert blocks.line(child) != blocks.line(genome)
        assert genotype.allows(blocks.blocks(child))
        assert genotype.repair([child]) == [child]
        genome = child


def test_edits_that_can_give_nothing_are_said_so() -> None:
    mutation = edit(space(blocks=1), frequencies={"add-block": 1})
    with pytest.raises(ValueError, match="no edit leads to another genome within the genotype's limits"):
        mutation([[16, 3, 1, 1, 2]], Rng(1))


def test_frequencies_of_zero_are_refused() -> None:
    assert dict(BlockEdit(frequencies={"add-block": 0}).check())["frequencies"].startswith("needs one edit")
