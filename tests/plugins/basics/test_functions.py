"""Evaluator ``function``: held against DEAP's own functions."""

from __future__ import annotations

from typing import get_type_hints

import pytest
import torch
from deap import benchmarks

from evoplug import ConfigError, Members, PluginError, Rng
from evoplug.contracts import Known
from evoplug_basics.assignment import Assignment
from evoplug_basics.functions import FUNCTIONS, FunctionEvaluator
from evoplug_basics.real_vector import RealVector

DEAPS = [name for name, function in FUNCTIONS.items() if not function.by_case]
MINIMA = dict.fromkeys(DEAPS, 0.0) | {"rosenbrock": 1.0, "schwefel": 420.96874635998}


def evaluate(function, genomes, reads_cases=False):
    n = len(genomes)
    members = Members(genomes, torch.arange(n), torch.full((n, 2), -1))
    evaluator = FunctionEvaluator(function=function)
    evaluator.reads_cases = reads_cases
    return evaluator.evaluate(members, Rng(1))


def space(length):
    genotype = RealVector(length=length, low=-1.0, high=1.0)
    genotype.bind(FunctionEvaluator().task())
    return genotype


@pytest.mark.parametrize("name", DEAPS)
def test_values_are_deaps(name):
    low, high = FUNCTIONS[name].domain
    x = low + (high - low) * torch.rand(20, 5, generator=Rng(1).torch, dtype=torch.float64)
    expected = [getattr(benchmarks, name)(row)[0] for row in x.tolist()]
    torch.testing.assert_close(-evaluate(name, x).fitness, torch.tensor(expected, dtype=x.dtype))


@pytest.mark.parametrize("name", DEAPS)
def test_the_minimum_is_zero_and_inside_the_domain(name):
    low, high = FUNCTIONS[name].domain
    assert low < MINIMA[name] < high
    minimum = torch.full((1, 4), MINIMA[name], dtype=torch.float64)
    assert evaluate(name, minimum).fitness.abs().item() < 1e-4


def test_sinusoids_are_fitted_wave_by_wave():
    """Two segments, by hand: frequencies 1 + 4 frac(0.618 i), phases 2 frac(0.414 i) - 1."""
    exact = torch.tensor([[1.0, 1.0, 3.472, 1.944, -0.172, 0.656]], dtype=torch.float64)
    silent = exact.clone()
    silent[0, 1] = 0.0
    first, second = (evaluate("sinusoids", x, reads_cases=True).cases for x in (exact, silent))
    assert first.shape == (1, 40)
    torch.testing.assert_close(first, torch.zeros_like(first))
    t = torch.linspace(-1, 1, 20, dtype=torch.float64)
    torch.testing.assert_close(second[0, :20], torch.zeros(20, dtype=torch.float64))
    torch.testing.assert_close(second[0, 20:], -(torch.pi * (1.944 * t + 0.656)).sin().abs())


def test_a_function_may_return_cases_whose_mean_is_the_value():
    errors = torch.tensor([[1.0, 3.0], [torch.nan, 0.0], [2.0, 0.0]])
    evaluation = evaluate(lambda x: errors, torch.zeros(3, 1), reads_cases=True)
    assert evaluation.fitness[[0, 2]].tolist() == [-2, -1]
    assert evaluation.fitness[1].isnan()
    assert evaluation.columns == {"value": 1.0}
    torch.testing.assert_close(evaluation.cases, -errors, equal_nan=True)
    assert evaluate(lambda x: errors, torch.zeros(3, 1)).cases is None


def test_the_known_names_are_those_that_are_there():
    hints = get_type_hints(FunctionEvaluator, include_extras=True)
    known = next(extra for extra in hints["function"].__metadata__ if isinstance(extra, Known))
    assert known.names == tuple(FUNCTIONS)


def test_fitness_is_the_negative_value_and_the_best_value_is_recorded():
    evaluation = evaluate("sphere", torch.tensor([[1.0, 2.0], [torch.nan, 0.0], [1.0, 0.0]]))
    assert evaluation.fitness[[0, 2]].tolist() == [-5, -1]
    assert evaluation.columns == {"value": 1.0}


def test_a_batch_without_a_finite_value_records_none():
    assert evaluate("sphere", torch.tensor([[torch.inf]])).columns == {}


def test_a_known_function_brings_its_domain():
    assert FunctionEvaluator(function="griewank").task().domain == (-600, 600)
    assert FunctionEvaluator(function=torch.sum).task().domain is None


def test_a_function_of_the_users_own():
    assert evaluate(lambda x: x[:, 0] - 3, torch.tensor([[1.0], [5.0]])).fitness.tolist() == [2, -2]


def test_integer_values_become_fitness_of_the_genomes_dtype():
    assert evaluate(lambda x: x[:, 0].long(), torch.tensor([[1.5]])).fitness.dtype == torch.float32


def choices():
    genotype = Assignment(length=3, choices=2)
    genotype.bind(FunctionEvaluator().task())
    return genotype


@pytest.mark.parametrize("function", [lambda x: x.sum(1), lambda x: x.double().mean(1) * 3, lambda x: x[:, 0] == 1])
def test_values_of_choices_become_fitness_of_float64(function):
    FunctionEvaluator(function=function).bind(choices())
    fitness = evaluate(function, torch.tensor([[1, 0, 0], [0, 0, 0]])).fitness
    assert fitness.dtype == torch.float64
    assert fitness.tolist() == [-1, 0]


def test_a_function_of_choices_may_have_fractions():
    assert evaluate(lambda x: x[:, 0] / 4, torch.tensor([[1], [2]])).fitness.tolist() == [-0.25, -0.5]


def test_the_known_functions_are_not_for_choices():
    message = (
        "^function: ackley is a function of real vectors, not of choices: "
        "give one of your own, as FILE.py:NAME or MODULE:NAME$"
    )
    with pytest.raises(ConfigError, match=message):
        FunctionEvaluator(function="ackley").bind(choices())


def test_it_needs_a_genotype():
    with pytest.raises(ConfigError, match="^needs a genotype$"):
        FunctionEvaluator().bind(None)


def scalar(x):
    return x.sum()


def plain(x):
    return [0.0]


@pytest.mark.parametrize(("function", "got"), [(scalar, r"\(\)"), (plain, "list")])
def test_a_function_that_returns_something_else_is_named(function, got):
    message = rf"^function {function.__name__}: must return a tensor of shape \(2,\) or \(2, cases\), got {got}$"
    with pytest.raises(PluginError, match=message):
        evaluate(function, torch.zeros(2, 3))


def test_a_function_without_cases_is_named_where_a_selection_reads_them():
    message = r"must return a tensor of shape \(2, cases\), by which a selection selects, got \(2,\)$"
    with pytest.raises(PluginError, match=message):
        evaluate(lambda x: x.sum(1), torch.zeros(2, 3), reads_cases=True)


@pytest.mark.parametrize("name", ["rosenbrock", "bohachevsky", "schaffer"])
def test_functions_of_neighbours_need_two_genes(name):
    FunctionEvaluator(function=name).bind(space(2))
    with pytest.raises(ConfigError, match=f"^function: {name} needs at least 2 genes, got 1$"):
        FunctionEvaluator(function=name).bind(space(1))


def test_others_take_a_single_gene():
    FunctionEvaluator(function="sphere").bind(space(1))
