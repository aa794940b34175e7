"""Cases of ``classification`` and ``train``: which examples they are, and what they say of fitness."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from evoplug import Evaluation, Members, Rng, build
from evoplug.contracts import Evaluator
from evoplug.population.workers import workers
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.weights import Weights

CPU = torch.device("cpu")
N = 3


@pytest.fixture(autouse=True)
def one_thread():
    with workers(1):
        yield


def members(genomes: Any) -> Members:
    return Members(genomes, torch.arange(N), torch.full((N, 2), -1))


def started(evaluator: Any, reads_cases: bool = True) -> Any:
    assert isinstance(evaluator, Evaluator)
    evaluator.reads_cases = reads_cases
    return evaluator


def trained(reads_cases: bool = True, **parameters: Any) -> Evaluation:
    """Three small networks after an epoch."""
    small = {"dataset": {"use": "digits", "validation": 60}, "network": {"use": "mlp", "hidden": [4]}}
    evaluator = started(build("evaluators", "train", **{**small, **parameters}), reads_cases)
    evaluator.bind(None)
    evaluator.start(CPU, Rng(1))
    evaluation: Evaluation = evaluator.evaluate(members([{}] * N), Rng(1))
    return evaluation


def classified(seed: int, batch: int, reads_cases: bool = True) -> Evaluation:
    evaluator = started(build("evaluators", "classification", batch=batch), reads_cases)
    space = Weights(network=MLP(hidden=(), bias=False))
    space.bind(evaluator.task())
    evaluator.bind(space)
    evaluator.start(CPU, Rng(1))
    evaluation: Evaluation = evaluator.evaluate(members(space.sample(N, Rng(1))), Rng(seed))
    return evaluation


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, check_dtype=False)


@pytest.mark.parametrize("batch", [1, 50])
def test_a_case_of_classification_is_an_example_of_the_batch(batch):
    evaluation = classified(1, batch)
    assert evaluation.cases.shape == (N, batch)
    close(evaluation.cases.mean(1), evaluation.fitness)
    close(classified(1, batch, reads_cases=False).fitness, evaluation.fitness)


def test_of_all_examples_the_cases_are_the_same_in_every_generation():
    n = build("datasets", "digits").info().sizes["train"]
    assert torch.equal(classified(1, n).cases, classified(2, n).cases)
    assert not torch.equal(classified(1, n - 1).cases, classified(2, n - 1).cases)


def test_what_nothing_reads_is_left_out():
    assert classified(1, 5, reads_cases=False).cases is None
    assert trained(reads_cases=False).cases is None


@pytest.mark.parametrize(("split", "n"), [("validation", 60), ("train", None)])
@pytest.mark.parametrize(("fitness", "cases"), [("accuracy", "correct"), ("loss", "loss")])
def test_fitness_of_a_trained_network_is_the_mean_of_its_cases(split, n, fitness, cases):
    evaluation = trained(fitness=fitness, cases=cases, fitness_split=split)
    n = n or build("datasets", "digits", validation=60).info().sizes["train"]
    assert evaluation.cases.shape == (N, n)
    close(evaluation.cases.mean(1, dtype=torch.float64), evaluation.fitness)


def test_correct_is_one_or_zero():
    assert set(trained().cases.unique().tolist()) == {0, 1}


@pytest.mark.parametrize("cases", ["correct", "loss"])
def test_with_the_training_loss_cases_are_the_same_and_computed_as_they_are_read(cases):
    there = trained(fitness="loss", cases=cases, fitness_split="train").cases
    lazy = trained(fitness="training-loss", cases=cases, fitness_split="train").cases
    assert not isinstance(lazy, torch.Tensor)
    assert lazy.shape == tuple(there.shape)
    numbers = torch.tensor([700, 3, 3, 1])
    close(lazy[:, numbers], there[:, numbers])


def test_the_training_loss_is_that_of_the_last_epoch():
    """Of weights that hardly move, it is the loss on the training split."""
    still = {"learning_rate": 1e-12, "momentum": 0.0, "epochs": 2}
    seen, measured = (trained(fitness=name, fitness_split="train", **still) for name in ("training-loss", "loss"))
    close(seen.fitness, measured.fitness)


def test_a_network_that_diverges_has_no_fitness():
    """Although the losses of its epoch, of one step, are numbers: two examples are looked at afterwards."""
    linear = {"use": "mlp", "hidden": [], "bias": False}
    evaluation = trained(fitness="training-loss", learning_rate=3e38, batch=5000, network=linear)
    diverged = evaluation.cases[:, torch.arange(2)].isnan().any(1)
    assert diverged.any()
    assert torch.equal(evaluation.fitness.isnan(), diverged)


def test_members_of_several_architectures_have_cases_in_their_order():
    stack = build("genotypes", "block-stack", channels=[2, 4], blocks=1)
    evaluations = []
    for fitness in ("loss", "training-loss"):
        small = {"dataset": {"use": "digits", "validation": 20}, "cases": "loss"}
        evaluator = started(build("evaluators", "train", **small, fitness=fitness))
        stack.bind(evaluator.task())
        evaluator.bind(stack)
        evaluator.start(CPU, Rng(1))
        evaluations.append(evaluator.evaluate(members(stack.sample(N, Rng(1))), Rng(1)))
    there, lazy = (evaluation.cases for evaluation in evaluations)
    close(lazy[:, torch.arange(20)], there)
