"""The statistics, against values worked by hand and against each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoplug import Rng
from evoplug.analysis.statistics import effect, holm, least_p, mann_whitney, summary

VALUES = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=5).map(np.array)


def test_summary() -> None:
    s = summary(np.array([1.0, 2.0, 6.0, np.nan, -np.inf]))
    assert s[:3] == (5, 2.0, 3.0)
    assert s.deviation == pytest.approx(7**0.5)
    assert np.isnan(summary(np.array([1.0])).deviation)
    assert np.isnan(summary(np.array([np.nan])).median)


def test_mann_whitney_by_hand() -> None:
    # Of the 10 ways to place two of five ranks, only {4, 5} and {3, 5} sum to 8 or more.
    assert mann_whitney(np.array([3.0, 5.0]), np.array([1.0, 2.0, 4.0])) == (pytest.approx(0.2), True)
    # With a tie: x = {2, 3}, y = {1, 2}; of the 6 splits of {1, 2, 2, 3} two are at least as extreme.
    assert mann_whitney(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == (pytest.approx(2 / 6), True)
    assert mann_whitney(np.array([1.0, -np.inf]), np.array([0.0, -np.inf]))[0] == pytest.approx(0.5)


def test_complete_separation_reaches_the_least_p() -> None:
    for n, m in ((1, 1), (3, 3), (6, 6), (8, 5)):
        assert mann_whitney(np.arange(n) + 100.0, np.arange(m) + 0.0)[0] == pytest.approx(least_p(n, m))
    assert (least_p(3, 3), least_p(2, 2), least_p(0, 4)) == (0.05, pytest.approx(1 / 6), 1.0)


@given(VALUES, VALUES)
def test_both_ways_cover_everything(x: np.ndarray, y: np.ndarray) -> None:
    one, other = mann_whitney(x, y)[0], mann_whitney(y, x)[0]
    assert one + other >= 1 - 1e-9
    assert min(one, other) >= least_p(len(x), len(y)) - 1e-9


def test_many_runs_with_ties_are_approximated() -> None:
    p, exact = mann_whitney(np.repeat([1.0, 2.0], 20), np.repeat([0.0, 2.0], 20))
    assert not exact
    assert p < 0.05


def test_effect_is_the_share_of_pairs_won() -> None:
    a = effect(np.array([1.0, 3.0, 5.0]), np.array([2.0, 3.0]), Rng(0))
    assert a.value == pytest.approx((0 + 1.5 + 2) / 6)
    assert 0 <= a.low <= a.value <= a.high <= 1
    assert a == effect(np.array([1.0, 3.0, 5.0]), np.array([2.0, 3.0]), Rng(0))
    assert effect(np.array([5.0, 6.0]), np.array([1.0, 2.0]), Rng(0)) == (1, 1, 1)
    assert np.isnan(effect(np.array([1.0]), np.array([0.0, 2.0]), Rng(0)).low)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("unit", [1.0, 1e154, 1e200, 1e307, 1e-160, 1e-300])
def test_a_summary_holds_numbers_of_any_size(unit: float) -> None:
    found = summary(np.array([1.0, 2.0, 6.0]) * unit)
    assert np.array(found) / [1, unit, unit, unit] == pytest.approx([3, 2.0, 3.0, 7**0.5])
    two = summary(np.array([1.0, 1.7]) * 1e308)
    assert (two.median, two.mean) == pytest.approx((1.35e308, 1.35e308))
