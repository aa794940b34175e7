"""Mutation ``categorical-reset``: how many genes it changes, and to what."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chisquare

from evoplug import Rng, Task
from evoplug_basics.assignment import Assignment
from evoplug_basics.categorical_reset import CategoricalReset


def space(length, choices):
    genotype = Assignment(length=length, choices=choices)
    genotype.bind(Task())
    return genotype


def bound(genotype, probability=None):
    mutation = CategoricalReset(probability=probability)
    mutation.bind(genotype)
    return mutation


def test_a_changed_gene_takes_each_of_the_other_choices_alike():
    x = torch.full((4000, 2), 2)
    child = bound(space(2, 5), probability=1.0)(x, Rng(1))
    counts = torch.bincount(child.flatten(), minlength=5)
    assert counts[2] == 0
    assert chisquare(counts[[0, 1, 3, 4]]).pvalue > 0.001


@pytest.mark.parametrize(("probability", "expected"), [(None, 1 / 5), (0.5, 0.5)])
def test_genes_change_independently_with_the_same_probability(probability, expected):
    """Their number is binomial: with 1/N by default, one gene on average."""
    genotype = space(5, 3)
    x = genotype.sample(5000, Rng(2))
    changed = bound(genotype, probability)(x, Rng(1)) != x
    numbers = torch.bincount(changed.sum(1), minlength=6)[:5]
    shares = [binom.pmf(number, 5, expected) for number in range(4)]
    observed = [*numbers[:4].tolist(), 5000 - int(numbers[:4].sum())]
    assert chisquare(observed, [5000 * share for share in [*shares, 1 - sum(shares)]]).pvalue > 0.001
    assert chisquare(changed.sum(0)).pvalue > 0.001


def test_two_choices_are_bits_that_flip():
    x = torch.tensor([[0, 1, 1, 0]])
    assert bound(space(4, 2), probability=1.0)(x, Rng(1)).tolist() == [[1, 0, 0, 1]]


def test_a_single_gene_always_changes_by_default():
    x = torch.zeros(50, 1, dtype=torch.int64)
    assert (bound(space(1, 3))(x, Rng(1)) != x).all()


def test_a_single_choice_stays():
    x = torch.zeros(4, 3, dtype=torch.int64)
    child = bound(space(3, 1), probability=1.0)(x, Rng(1))
    assert torch.equal(child, x)
    assert child is not x


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([None, 0.3, 1.0]), st.integers(0, 50))
def test_children_are_inside_the_space_and_parents_untouched(length, choices, probability, seed):
    genotype = space(length, choices)
    x = genotype.sample(4, Rng(seed))
    before = x.clone()
    child = bound(genotype, probability)(x, Rng(seed))
    assert torch.equal(genotype.repair(child), child)
    assert child.dtype == torch.int64
    assert torch.equal(x, before)
