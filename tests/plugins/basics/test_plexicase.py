"""Plexicase selection: probabilities by hand, and where they are those of lexicase."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from by_case import drawn, of_one_distribution
from evoplug import Rng
from evoplug_basics.lexicase import Lexicase
from evoplug_basics.plexicase import Plexicase, probabilities

A, B, C, BEST_NOWHERE = [2.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 1.0, 1.0]
"""A is best on two cases, B on one that it shares with A, C on one. So of the cases A gets 2/3, 1, 0; B 1/3; C 1."""


def of(*rows, alpha=1.0):
    return probabilities(np.array(rows).T, alpha).tolist()


def test_cases_share_themselves_out():
    assert of(A, B, C, BEST_NOWHERE) == pytest.approx([5 / 9, 1 / 9, 3 / 9, 0])


@pytest.mark.parametrize(("alpha", "expected"), [(0, [1 / 3] * 3), (2, [25 / 35, 1 / 35, 9 / 35]), (2000, [1, 0, 0])])
def test_alpha_is_an_exponent(alpha, expected):
    assert of(A, B, C, BEST_NOWHERE, alpha=alpha) == pytest.approx([*expected, 0])


def test_a_dominated_member_gets_nothing_though_it_is_best_on_a_case():
    dominated = [2.0, 1.0, 0.0]
    assert of(A, dominated, C) == pytest.approx([2 / 3, 0, 1 / 3])
    assert of(dominated, A, C) == pytest.approx([0, 2 / 3, 1 / 3])


def test_one_that_is_best_on_the_same_cases_and_better_elsewhere_is_not_dominated():
    # B is best where A is, and nowhere else, but better than A on the third case.
    assert of(A, B, C)[1] > 0
    # Both are best on the first case alone; the second is better on the next, the first on the last.
    assert of([2.0, 0.0, 1.0], [2.0, 1.0, 0.0], [0.0, 3.0, 3.0]) == pytest.approx([1 / 6, 1 / 6, 2 / 3])


def test_equal_members_share_what_one_gets():
    assert of(A, B, A, C) == pytest.approx([5 / 18, 1 / 9, 5 / 18, 3 / 9])
    assert of([0.0, 1.0], [-0.0, 1.0]) == [0.5, 0.5]


def test_members_are_drawn_with_these_probabilities():
    expected = 5000 * torch.tensor([5 / 9, 1 / 9, 3 / 9, 0])
    assert of_one_distribution(drawn(Plexicase(), torch.tensor([A, B, C, BEST_NOWHERE]), 5000), expected)


def test_within_epsilon_of_the_best_is_best():
    # Both are within 1 of the best on the first case, and nowhere better by more; so both count, each twice of three.
    near = [[10.0, 5.0, 0.0], [9.5, 5.5, 0.0], [0.0, 0.0, 9.0]]
    epsilon = np.array([[1.0], [1.0], [1.0]])
    assert probabilities(np.array(near).T, 1.0, epsilon) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    assert of(*near) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
    # Better by more on the last case, the first dominates the second.
    near[0][2] = 2.0
    assert probabilities(np.array(near).T, 1.0, epsilon) == pytest.approx([2 / 3, 0, 1 / 3])


def test_epsilon_is_the_median_absolute_deviation_of_the_valid():
    # Medians 9 and 1, deviations 1, 0, 9 and 1, 0, 0: epsilon 1 and 0. The second is best on the first case, too.
    fitness = torch.tensor([[10.0, 0.0], [9.0, 1.0], [0.0, 1.0], [torch.nan, torch.nan]])
    assert set(Plexicase(epsilon=True)(fitness, 200, Rng(1)).tolist()) == {1}
    assert set(Plexicase()(fitness, 200, Rng(1)).tolist()) == {0, 1}


def test_it_is_lexicase_where_one_is_best_on_each_case():
    # Then the first case decides.
    fitness = torch.randn(4, 9, generator=Rng(3).torch)
    ours, lexicase = drawn(Plexicase(), fitness, 5000, seed=1), drawn(Lexicase(), fitness, 5000, seed=2)
    assert (lexicase > 100).sum() >= 3
    assert of_one_distribution(ours, lexicase)


def test_it_is_close_to_lexicase_elsewhere():
    fitness = torch.randint(2, (6, 20), generator=Rng(3).torch).double()
    lexicase = drawn(Lexicase(), fitness, 5000) / 5000
    assert (torch.tensor(of(*fitness.tolist())) - lexicase).abs().max() < 0.1
