"""Lexicase selections: hand-worked cases, DEAP's frequencies, and how little of the matrix is read."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from deap import base, tools

from evoplug import Rng
from evoplug_basics.lexicase import EpsilonLexicase, Lexicase

BOTH = pytest.mark.parametrize("selection", [Lexicase, EpsilonLexicase])


def frequencies(selection, fitness, draws):
    rows = selection(fitness, draws, Rng(1))
    assert rows.dtype == torch.int64
    return torch.bincount(rows, minlength=len(fitness)).double() / draws


def deaps_frequencies(select, fitness, draws):
    class Fitness(base.Fitness):
        weights = (1.0,) * fitness.shape[1]

    class Individual:
        def __init__(self, row, values):
            self.row, self.fitness = row, Fitness(values)

    individuals = [Individual(row, values) for row, values in enumerate(fitness.tolist())]
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(1)
    rows = [each.row for each in select(individuals, draws)]
    random.setstate(state)
    np.random.set_state(numpy_state)
    return torch.bincount(torch.tensor(rows), minlength=len(fitness)).double() / draws


class Lazy:
    """Counts the cases that are read; allows nothing but what the contract names."""

    def __init__(self, fitness):
        self._fitness, self.shape, self.reads = fitness, fitness.shape, []

    def __getitem__(self, key):
        rows, cases = key
        assert rows == slice(None)
        self.reads.append(cases.tolist())
        return self._fitness[:, cases]


def test_the_first_case_in_the_order_decides():
    # 0 is best on case 0, 1 on case 1; 2 is second on both and never chosen.
    fitness = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert (frequencies(Lexicase(), fitness, 2000) - torch.tensor([0.5, 0.5, 0.0])).abs().max() < 0.04


@BOTH
def test_equals_are_drawn_alike(selection):
    assert (frequencies(selection(), torch.ones(4, 3), 2000) - 0.25).abs().max() < 0.04


def test_lexicase_has_deaps_frequencies():
    fitness = torch.randint(3, (6, 8), generator=Rng(4).torch).double()
    ours, deaps = frequencies(Lexicase(), fitness, 6000), deaps_frequencies(tools.selLexicase, fitness, 6000)
    assert (ours - deaps).abs().max() < 0.03


def test_epsilon_lexicase_has_deaps_frequencies():
    fitness = torch.randn(6, 5, generator=Rng(4).torch).double()
    ours = frequencies(EpsilonLexicase(), fitness, 3000)
    deaps = deaps_frequencies(tools.selAutomaticEpsilonLexicase, fitness, 3000)
    assert deaps.max() < 0.9
    assert (ours - deaps).abs().max() < 0.04


def test_epsilon_by_hand():
    # Median 9, deviations 1, 0, 9: epsilon is 1, so 0 and 1 pass the single case.
    fitness = torch.tensor([[10.0], [9.0], [0.0]])
    drawn = frequencies(EpsilonLexicase(), fitness, 1000)
    assert (drawn - torch.tensor([0.5, 0.5, 0.0])).abs().max() < 0.06


@BOTH
@pytest.mark.parametrize("bad", [-torch.inf, torch.nan, torch.inf])
def test_a_member_that_is_invalid_on_every_case_never_wins(selection, bad):
    fitness = torch.tensor([[bad] * 3, [-5.0] * 3, [bad] * 3])
    assert set(selection()(fitness, 50, Rng(1)).tolist()) == {1}


@BOTH
def test_where_all_are_invalid_all_are_drawn(selection):
    assert set(selection()(torch.full((3, 4), -torch.inf), 100, Rng(1)).tolist()) == {0, 1, 2}


@BOTH
def test_reading_stops_when_the_choice_is_made(selection):
    lazy = Lazy(torch.arange(5.0)[:, None] * 100**3 * torch.ones(1, 1000))
    lazy._fitness[4] *= 100
    assert selection(block=7)(lazy, 1, Rng(1)).tolist() == [4]
    assert [len(read) for read in lazy.reads] == [7]


@BOTH
def test_an_open_choice_reads_every_case_once_in_random_order(selection):
    lazy = Lazy(torch.zeros(3, 20))
    selection(block=8)(lazy, 1, Rng(1))
    assert [len(read) for read in lazy.reads] == [8, 8, 4]
    read = [case for block in lazy.reads for case in block]
    assert sorted(read) == list(range(20))
    assert read != sorted(read)


@BOTH
def test_the_block_changes_no_choice(selection):
    fitness = torch.randint(3, (8, 30), generator=Rng(2).torch).double()
    chosen = [selection(block=block)(fitness, 40, Rng(3)).tolist() for block in (1, 7, 30)]
    assert chosen[0] == chosen[1] == chosen[2]


@BOTH
def test_a_single_member_is_chosen_unread(selection):
    lazy = Lazy(torch.zeros(1, 5))
    assert selection()(lazy, 2, Rng(1)).tolist() == [0, 0]
    assert lazy.reads == []


@BOTH
def test_says_that_it_reads_cases(selection):
    assert selection.cases
