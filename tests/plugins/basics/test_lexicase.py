"""Lexicase selections: hand-worked cases, DEAP's distribution, and how little of the matrix is read."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
import torch
from deap import base, tools

from by_case import Lazy, drawn, of_one_distribution
from evoplug import Rng
from evoplug_basics.lexicase import FEW, EpsilonLexicase, Lexicase

BOTH = pytest.mark.parametrize("selection", [Lexicase, EpsilonLexicase])


def frequencies(selection, fitness, draws):
    return drawn(selection, fitness, draws).double() / draws


def drawn_by_deap(select, fitness, draws):
    class Fitness(base.Fitness):
        weights = (1.0,) * fitness.shape[1]

    class Individual:
        def __init__(self, row, values):
            self.row, self.fitness = row, Fitness(values)

    individuals = [Individual(row, values) for row, values in enumerate(fitness.tolist())]
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(1)
    np.random.seed(1)
    rows = [each.row for each in select(individuals, draws)]
    random.setstate(state)
    np.random.set_state(numpy_state)
    return torch.bincount(torch.tensor(rows), minlength=len(fitness))


def test_the_first_case_in_the_order_decides():
    # 0 is best on case 0, 1 on case 1; 2 is second on both and never chosen.
    fitness = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    assert (frequencies(Lexicase(), fitness, 2000) - torch.tensor([0.5, 0.5, 0.0])).abs().max() < 0.04


@BOTH
def test_equals_are_drawn_alike(selection):
    assert (frequencies(selection(), torch.ones(4, 3), 2000) - 0.25).abs().max() < 0.04


@pytest.mark.parametrize("levels", [2, 3])
def test_lexicase_draws_as_deap_does(levels):
    fitness = torch.randint(levels, (6, 8), generator=Rng(4).torch).double()
    ours, deaps = drawn(Lexicase(), fitness, 6000), drawn_by_deap(tools.selLexicase, fitness, 6000)
    assert (deaps > 30).sum() >= 3
    assert of_one_distribution(ours, deaps)


def test_many_members_of_which_some_are_equal_are_drawn_as_deap_does():
    fitness = torch.randint(2, (40, 12), generator=Rng(4).torch).double()
    fitness[1::2] = fitness[::2]
    ours, deaps = drawn(Lexicase(), fitness, 3000), drawn_by_deap(tools.selLexicase, fitness, 3000)
    assert of_one_distribution(ours, deaps)


def test_epsilon_lexicase_draws_as_deap_does():
    fitness = torch.randn(6, 5, generator=Rng(4).torch).double()
    ours = drawn(EpsilonLexicase(), fitness, 3000)
    deaps = drawn_by_deap(tools.selAutomaticEpsilonLexicase, fitness, 3000)
    assert (deaps > 30).sum() >= 3
    assert of_one_distribution(ours, deaps)


@BOTH
def test_how_many_are_selected_changes_no_choice(selection):
    # Many are selected from a matrix that is turned first.
    fitness = torch.randint(3, (8, 30), generator=Rng(2).torch).double()
    fitness[5, :10] = torch.nan
    few = selection()(fitness, FEW, Rng(3)).tolist()
    assert selection()(fitness, 3 * FEW, Rng(3)).tolist()[:FEW] == few


@BOTH
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.bool, torch.int64])
def test_any_numbers_will_do(selection, dtype):
    fitness = torch.tensor([[0, 0], [1, 1], [0, 0]]).to(dtype)
    assert selection()(fitness, 3, Rng(1)).tolist() == [1, 1, 1]


def test_a_thousand_are_selected_in_no_time():
    # 0.2 s; minutes where each choice turns the matrix or walks it all.
    fitness = torch.randint(2, (1000, 2000), generator=Rng(1).torch).float()
    begin = time.perf_counter()
    Lexicase()(fitness, 1000, Rng(1))
    assert time.perf_counter() - begin < 3


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
