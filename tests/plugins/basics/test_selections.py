"""Selections by one fitness value: hand-worked cases, laws, and invalid members."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from deap import tools
from hypothesis import example, given
from hypothesis import strategies as st

from evoplug import Rng
from evoplug_basics.selections import Best, Random, Roulette, Tournament, Truncation

DRAWS = 20_000


def frequencies(selection, fitness, seed=1):
    fitness = torch.as_tensor(fitness, dtype=torch.float64)
    rows = selection(fitness, DRAWS, Rng(seed))
    assert rows.dtype == torch.int64
    return torch.bincount(rows, minlength=len(fitness)).double() / DRAWS


def close(got, expected):
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64), atol=0.012, rtol=0)


def test_truncation_draws_uniformly_from_the_best_share():
    close(frequencies(Truncation(proportion=0.5), [1, 4, 3, 2]), [0, 0.5, 0.5, 0])


@pytest.mark.parametrize(("proportion", "kept"), [(0.01, 1), (0.25, 3), (0.24, 2), (1.0, 10)])
def test_truncation_rounds_half_up_and_keeps_at_least_one(proportion, kept):
    drawn = frequencies(Truncation(proportion=proportion), range(10))
    assert drawn.nonzero().flatten().tolist() == list(range(10 - kept, 10))


def test_best_comes_first_and_of_equals_the_one_that_stands_first():
    fitness = torch.tensor([1.0, 5.0, -torch.inf, 5.0, 3.0])
    assert Best()(fitness, 5, Rng(1)).tolist() == [1, 3, 4, 0, 2]
    assert Best()(fitness, 2, Rng(1)).tolist() == [1, 3]


def test_best_of_too_few():
    with pytest.raises(ValueError, match=r"^best: 3 of 2 members$"):
        Best()(torch.zeros(2), 3, Rng(1))


def test_tournament_in_closed_form():
    # The i-th best of n wins with probability ((n - i + 1)^s - (n - i)^s) / n^s.
    close(frequencies(Tournament(size=3), [0, 1, 2, 3]), [1 / 64, 7 / 64, 19 / 64, 37 / 64])


def test_tournament_has_deaps_frequencies_with_ties():
    class Individual:
        def __init__(self, row, fitness):
            self.row, self.fitness = row, fitness

    fitness = [3.0, 1.0, 3.0, 2.0, 1.0]
    individuals = [Individual(row, value) for row, value in enumerate(fitness)]
    state = random.getstate()
    random.seed(1)
    chosen = [each.row for each in tools.selTournament(individuals, DRAWS, 2)]
    random.setstate(state)
    close(frequencies(Tournament(size=2), fitness), (np.bincount(chosen) / DRAWS).tolist())


def test_random_does_not_look():
    close(frequencies(Random(), [5, -torch.inf, 0, 1]), [0.25] * 4)


def test_roulette_is_proportional_above_the_worst():
    close(frequencies(Roulette(), [-3, -2, 0, -torch.inf]), [0, 0.25, 0.75, 0])


@pytest.mark.parametrize("equal", [4.0, -torch.inf])
def test_roulette_among_equals_is_uniform(equal):
    close(frequencies(Roulette(), [equal] * 4), [0.25] * 4)


@given(
    st.lists(st.sampled_from([torch.nan, torch.inf, -torch.inf, -1.5, 0.0, 2.0, 1e300]), min_size=1, max_size=8),
    st.sampled_from([Truncation(proportion=1.0), Best(), Tournament(size=2), Roulette()]),
    st.integers(0, 100),
)
@example([torch.inf, -torch.inf, torch.nan], Roulette(), 1)
def test_what_is_not_finite_is_never_drawn_where_something_is(values, selection, seed):
    fitness = torch.tensor(values, dtype=torch.float64)
    valid = int(fitness.isfinite().sum())
    rows = selection(fitness, valid or 1, Rng(seed))
    assert ((rows >= 0) & (rows < len(values))).all()
    if valid:
        assert fitness[rows].isfinite().all()


@pytest.mark.parametrize("selection", [Truncation(), Best(), Tournament(), Random(), Roulette()], ids=repr)
def test_none_are_drawn_where_none_are_asked_for(selection):
    assert selection(torch.tensor([1.0, 2.0]), 0, Rng(1)).shape == (0,)


@pytest.mark.parametrize("selection", [Truncation(), Tournament(), Random(), Roulette()], ids=repr)
def test_a_seed_gives_one_selection(selection):
    fitness = torch.arange(50.0)
    assert torch.equal(selection(fitness, 20, Rng(1)), selection(fitness, 20, Rng(1)))
    assert not torch.equal(selection(fitness, 20, Rng(1)), selection(fitness, 20, Rng(2)))
