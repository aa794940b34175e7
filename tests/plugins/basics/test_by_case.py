"""What selections by case have in common: laws that hold for every matrix, and matrices without a good number."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from by_case import Lazy, drawn
from evoplug import ConfigError, Rng, build, check
from evoplug_basics.plexicase import probabilities

ONLY_THE_BEST = {
    "lexicase": {},
    "batch-lexicase": {"batch": 2},
    "dalex": {},
    "dalex, standardised": {"standardised": True, "particularity_pressure": 3.0},
    "dalex, far": {"particularity_pressure": 1e4},
    "plexicase": {},
}
"""Those for which no member is as good as a better one."""

ALL = {
    **ONLY_THE_BEST,
    "epsilon-lexicase": {},
    "plexicase, epsilon": {"epsilon": True},
    "batch-lexicase, all": {"batch": 100},
    "batch-lexicase, above": {"batch": 2, "threshold": 0.5},
}

INVALID = (-torch.inf, torch.nan, torch.inf)


def made(label):
    return build("selections", label.split(",")[0], **ALL[label])


def by_label(labels):
    return pytest.mark.parametrize("selection", [pytest.param(made(label), id=label) for label in labels])


every = by_label(ALL)
only_the_best = by_label(ONLY_THE_BEST)

EIGHTHS = st.integers(-80, 80).map(lambda number: number / 8)
"""Numbers whose sums are exact."""


def matrices(values):
    """Up to 6 members, up to 7 cases, many of them equal."""
    shapes = st.tuples(st.integers(1, 6), st.integers(1, 7))
    few = st.lists(values, min_size=1, max_size=3).map(st.sampled_from)
    return st.tuples(shapes, st.one_of(few, st.just(values))).flatmap(lambda drawn: _filled(*drawn))


def _filled(shape, values):
    n, cases = shape
    return st.lists(st.lists(values, min_size=cases, max_size=cases), min_size=n, max_size=n).map(
        lambda rows: torch.tensor(rows, dtype=torch.float64)
    )


seeds = st.integers(0, 1000)


@only_the_best
@settings(max_examples=60, deadline=None)
@given(fitness=matrices(st.one_of(EIGHTHS, st.sampled_from(INVALID))), place=seeds, seed=seeds)
def test_who_is_best_alone_on_every_case_is_always_selected(selection, fitness, place, seed):
    row = place % len(fitness)
    fitness[row] = fitness.where(fitness.isfinite(), 0.0).max() + 1
    assert set(selection(fitness, 20, Rng(seed)).tolist()) == {row}


@only_the_best
@settings(max_examples=60, deadline=None)
@given(fitness=matrices(st.one_of(EIGHTHS, st.sampled_from(INVALID))), place=seeds, seed=seeds)
def test_who_is_worse_than_another_on_every_case_is_never_selected(selection, fitness, place, seed):
    row = place % len(fitness)
    fitness[row] = fitness[row].where(fitness[row].isfinite(), 0.0)
    worse = fitness[row] - 1 / 8
    assert not (selection(torch.cat([fitness, worse[None]]), 20, Rng(seed)) == len(fitness)).any()


@by_label(["lexicase", "dalex", "dalex, standardised", "dalex, far", "plexicase"])
@settings(max_examples=60, deadline=None)
@given(fitness=matrices(EIGHTHS), place=seeds, seed=seeds)
def test_who_is_dominated_is_never_selected(selection, fitness, place, seed):
    dominated = fitness[place % len(fitness)].clone()
    dominated[seed % len(dominated)] -= 1 / 8
    assert not (selection(torch.cat([fitness, dominated[None]]), 20, Rng(seed)) == len(fitness)).any()


@by_label(["lexicase", "dalex", "dalex, standardised"])
@settings(max_examples=60, deadline=None)
@given(seed=seeds, data=st.data())
def test_members_in_another_order_are_selected_alike(selection, seed, data):
    # To the last row where no two members are equal, so that nothing is drawn but cases.
    fitness = torch.randn(6, 5, generator=Rng(seed).torch)
    order = torch.tensor(data.draw(st.permutations(range(6))))
    assert order[selection(fitness[order], 20, Rng(seed))].tolist() == selection(fitness, 20, Rng(seed)).tolist()


@settings(max_examples=100, deadline=None)
@given(fitness=matrices(st.one_of(EIGHTHS, st.just(-torch.inf))), alpha=st.floats(0, 5), data=st.data())
def test_members_in_another_order_have_the_same_probabilities(fitness, alpha, data):
    values = fitness.T.numpy()
    order = data.draw(st.permutations(range(len(fitness))))
    expected = probabilities(values, alpha)
    assert expected.sum() == pytest.approx(1)
    assert probabilities(values[:, order], alpha) == pytest.approx(expected[order])


@every
@settings(max_examples=40, deadline=None)
@given(fitness=matrices(st.one_of(EIGHTHS, st.sampled_from(INVALID))), seed=seeds)
def test_a_matrix_that_is_computed_as_it_is_read_selects_the_same(selection, fitness, seed):
    assert selection(Lazy(fitness), 20, Rng(seed)).tolist() == selection(fitness, 20, Rng(seed)).tolist()


@every
@pytest.mark.parametrize("value", [0.0, -3.5, *INVALID])
def test_where_all_cases_are_equal_all_are_drawn(selection, value):
    counts = drawn(selection, torch.full((4, 3), value), 2000)
    assert (counts / 2000 - 0.25).abs().max() < 0.05


@by_label(label for label in ALL if "above" not in label)
def test_one_case(selection):
    fitness = torch.tensor([[1.0], [3.0], [torch.nan], [3.0], [-9.0]])
    assert set(selection(fitness, 50, Rng(1)).tolist()) == {1, 3}


@every
def test_one_member(selection):
    assert selection(torch.tensor([[1.0, torch.nan, 2.0]]), 3, Rng(1)).tolist() == [0, 0, 0]


@every
@pytest.mark.parametrize("bad", INVALID)
@pytest.mark.parametrize("good", [-5.0, 0.0, 5.0])
def test_who_is_invalid_on_every_case_is_selected_only_where_all_are(selection, bad, good):
    fitness = torch.tensor([[bad] * 3, [good] * 3, [bad] * 3, [good] * 3])
    assert set(selection(fitness, 50, Rng(1)).tolist()) == {1, 3}


@by_label(label for label in ALL if "batch" not in label)
def test_a_case_on_which_all_are_invalid_decides_nothing(selection):
    fitness = torch.tensor([[torch.nan, 1.0], [torch.inf, 9.0], [-torch.inf, 2.0]])
    assert set(selection(fitness, 50, Rng(1)).tolist()) == {1}


@by_label(["lexicase", "epsilon-lexicase", "dalex", "dalex, far", "plexicase"])
def test_who_is_invalid_on_some_cases_is_the_worst_on_these_only(selection):
    # The first is far ahead on the second case.
    fitness = torch.tensor([[torch.nan, 9.0], [1.0, 0.0], [0.9, 0.0]])
    counts = drawn(selection, fitness, 1000)
    assert counts[0] > 300
    assert counts[1] > 300


@every
def test_the_better_of_two_sums_loses_to_the_one_that_has_more_cases_right(selection):
    # Softmax outputs for the true class on five examples: four certain and one wrong, or all five barely right.
    sure, barely = torch.tensor([0.99, 0.99, 0.99, 0.99, 0.1]), torch.tensor([0.6] * 5)
    assert -sure.log().sum().item() == pytest.approx(2.343, abs=5e-4)
    assert -barely.log().sum().item() == pytest.approx(2.554, abs=5e-4)
    right = (torch.stack([sure, barely]) > 0.5).float()
    assert selection(right, 100, Rng(1)).tolist() == [1] * 100


@pytest.mark.parametrize(
    ("use", "parameters", "said"),
    [
        ("lexicase", {"block": 0}, "block: must be at least 1, got 0"),
        ("dalex", {"particularity_pressure": -1.0}, "particularity_pressure: must be at least 0, got -1.0"),
        ("dalex", {"particularity_pressure": float("inf")}, "particularity_pressure: must be finite, got inf"),
        ("plexicase", {"alpha": -0.5}, "alpha: must be at least 0, got -0.5"),
        ("batch-lexicase", {"batch": 0}, "batch: must be at least 1, got 0"),
        ("batch-lexicase", {"threshold": "low"}, 'threshold: must be a number, got "low"'),
    ],
)
def test_parameters_that_are_not_allowed(use, parameters, said):
    config = {
        "strategy": {"use": "mu-plus-lambda"},
        "genotype": {"use": "real-vector"},
        "evaluator": {"use": "function"},
        "operators": {"selection": {"use": use, **parameters}},
    }
    with pytest.raises(ConfigError) as caught:
        check(config)
    assert f"operators.selection.{said}" in str(caught.value).splitlines()
