"""DALex: its definition, closed forms, and lexicase as its limit."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
import torch

from by_case import drawn, of_one_distribution
from evoplug import Rng
from evoplug_basics import dalex
from evoplug_basics.dalex import DALex
from evoplug_basics.lexicase import Lexicase


@pytest.fixture
def fitness():
    return torch.randn(9, 7, generator=Rng(2).torch, dtype=torch.float64)


def by_definition(values, pressure, count, seed):
    importances = pressure * torch.from_numpy(Rng(seed).numpy.standard_normal((count, values.shape[1])))
    return (values @ importances.softmax(1).T).argmax(0).tolist()


@pytest.mark.parametrize("pressure", [0.0, 0.5, 3.0, 20.0])
def test_the_best_weighted_sum_is_selected(fitness, pressure):
    selected = DALex(particularity_pressure=pressure)(fitness, 40, Rng(5)).tolist()
    assert selected == by_definition(fitness, pressure, 40, 5)


@pytest.mark.parametrize("pressure", [0.5, 3.0])
def test_errors_can_be_standardised(fitness, pressure):
    fitness *= torch.tensor([1.0, 100, 1, 1e-3, 1, 1, 1])
    standardised = (fitness - fitness.mean(0)) / fitness.std(0, correction=0)
    selected = DALex(particularity_pressure=pressure, standardised=True)(fitness, 40, Rng(5)).tolist()
    assert selected == by_definition(standardised, pressure, 40, 5)
    assert selected != by_definition(fitness, pressure, 40, 5)


def test_no_pressure_selects_the_best_mean(fitness):
    selected = DALex(particularity_pressure=0)(fitness, 20, Rng(1))
    assert set(selected.tolist()) == {int(fitness.mean(1).argmax())}


@pytest.mark.parametrize("pressure", [0.5, 1.0, 4.0])
def test_two_cases_in_closed_form(pressure):
    # 0 wins if the first weight is over 3 times the second: if the difference of two normals is over ln 3.
    fitness = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    p = 1 - NormalDist(0, pressure * math.sqrt(2)).cdf(math.log(3))
    expected = 4000 * torch.tensor([p, 1 - p])
    assert of_one_distribution(drawn(DALex(particularity_pressure=pressure), fitness, 4000), expected)


@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("levels", [2, 5])
def test_a_large_pressure_is_lexicase(levels, standardised):
    fitness = torch.randint(levels, (8, 9), generator=Rng(4).torch).double()
    fitness[3] = fitness[5]
    limit = DALex(particularity_pressure=1e5, standardised=standardised)
    ours, lexicase = drawn(limit, fitness, 5000, seed=1), drawn(Lexicase(), fitness, 5000, seed=2)
    assert (lexicase > 100).sum() >= 4
    assert of_one_distribution(ours, lexicase)


def test_what_all_have_in_common_hides_nothing():
    # In the first three cases both have the same error beside a third member; the weights of the last are tiny.
    fitness = torch.tensor([[0.3, 0.3, 0.3, 1.0], [0.3, 0.3, 0.3, 0.9], [0.3, 0.3, 0.3, 0.9]])
    for seed in range(20):
        assert DALex(particularity_pressure=500)(fitness, 10, Rng(seed)).tolist() == [0] * 10


def test_an_invalid_value_is_twice_as_far_from_the_best_as_the_worst():
    # On the first case the best is 0, the worst -5, so the others have -10; the sums are 0, -1, 1, -1.
    known = torch.tensor([[0.0, 0.0, 0.0], [-5.0, 2.0, 2.0], [torch.nan, 9.0, 2.0], [torch.inf, 7.0, 2.0]])
    assert set(DALex(particularity_pressure=0)(known, 5, Rng(1)).tolist()) == {2}
    known[2, 1] = 8.0
    assert set(DALex(particularity_pressure=0)(known, 30, Rng(1)).tolist()) == {0, 2}


def test_a_case_on_which_all_are_invalid_decides_nothing(fitness):
    with_nan = torch.cat([fitness[:, :3], torch.full((9, 1), torch.nan), fitness[:, 3:]], 1)
    best = int(fitness.mean(1).argmax())
    assert set(DALex(particularity_pressure=0)(with_nan, 5, Rng(1)).tolist()) == {best}


@pytest.mark.parametrize("standardised", [False, True])
def test_the_largest_numbers_are_compared(standardised):
    largest = torch.finfo(torch.float64).max
    fitness = torch.tensor([[-largest, 0.0], [largest, 0.0], [torch.nan, 0.0]], dtype=torch.float64)
    selected = DALex(particularity_pressure=1, standardised=standardised)(fitness, 20, Rng(1))
    assert set(selected.tolist()) == {1}


def test_many_cases_are_weighted_in_groups(fitness, monkeypatch):
    at_once = DALex()(fitness, 25, Rng(1)).tolist()
    monkeypatch.setattr(dalex, "WEIGHTS", 30)
    assert DALex()(fitness, 25, Rng(1)).tolist() == at_once
