"""Lexicase selection by batches of cases: hand-worked cases, its threshold, and where it is lexicase."""

from __future__ import annotations

import pytest
import torch

from by_case import Lazy, drawn, of_one_distribution
from evoplug import Rng
from evoplug_basics.batch_lexicase import BatchLexicase
from evoplug_basics.lexicase import Lexicase


@pytest.fixture
def levels():
    return torch.randint(3, (12, 40), generator=Rng(5).torch).double()


@pytest.mark.parametrize("count", [5, 50])
def test_a_batch_of_one_is_lexicase(levels, count):
    assert BatchLexicase(batch=1)(levels, count, Rng(1)).tolist() == Lexicase()(levels, count, Rng(1)).tolist()


def test_one_batch_of_all_cases_takes_the_best_mean():
    fitness = torch.tensor([[9.0, 0.0, 0.0], [4.0, 3.0, 3.0], [0.0, 4.0, 4.0]])
    assert BatchLexicase(batch=3)(fitness, 20, Rng(1)).tolist() == [1] * 20


def test_batches_by_hand():
    # The first of two batches holds case 0 in half of all orders: means 5, 2, 2.5. Else they are 0, 2, 2, and the
    # second batch holds it and takes the last.
    fitness = torch.tensor([[10.0, 0.0, 0.0, 0.0], [2.0, 2.0, 2.0, 2.0], [3.0, 2.0, 2.0, 2.0]])
    counts = drawn(BatchLexicase(batch=2), fitness, 2000)
    assert of_one_distribution(counts, torch.tensor([1000, 0, 1000]))


def test_the_last_batch_may_be_smaller():
    # Only case 0 decides, alone in the last batch or beside another one in an earlier.
    fitness = torch.zeros(3, 5)
    fitness[2, 0] = 1.0
    assert set(BatchLexicase(batch=2)(fitness, 50, Rng(1)).tolist()) == {2}


def test_all_above_the_threshold_stay():
    fitness = torch.tensor([[0.6, 0.9], [0.9, 0.6], [0.9, 0.4], [0.5, 0.9]])
    counts = drawn(BatchLexicase(batch=1, threshold=0.5), fitness, 2000)
    assert counts[2:].sum() == 0
    assert of_one_distribution(counts[:2], torch.tensor([1000, 1000]))


def test_a_batch_that_nobody_passes_leaves_all_that_are_valid():
    fitness = torch.tensor([[0.1, 0.9], [0.2, 0.3], [torch.nan, 0.9]])
    assert set(BatchLexicase(batch=1, threshold=0.5)(fitness, 50, Rng(1)).tolist()) == {0}


@pytest.mark.parametrize("threshold", [None, 1.2])
def test_how_much_is_read_at_a_time_changes_no_choice(levels, threshold):
    def select(fitness, block):
        return BatchLexicase(batch=3, threshold=threshold, block=block)(fitness, 30, Rng(3)).tolist()

    assert select(Lazy(levels), 1) == select(Lazy(levels), 7) == select(Lazy(levels), 100) == select(levels, 1)


def test_whole_batches_are_read():
    lazy = Lazy(torch.zeros(3, 20))
    BatchLexicase(batch=3, block=4)(lazy, 1, Rng(1))
    assert [len(read) for read in lazy.reads] == [6, 6, 6, 2]


def test_the_largest_numbers_have_a_mean():
    fitness = torch.full((3, 4), 1e38)
    fitness[1] = 2e38
    assert set(BatchLexicase(batch=4)(fitness, 20, Rng(1)).tolist()) == {1}
