import math
from dataclasses import dataclass

import pytest
import torch

from evoplug import ConfigError, Members, Rng, build
from evoplug.contracts import Dataset, DatasetInfo
from evoplug.population import network_space
from evoplug.population.workers import workers
from evoplug_supervised import classification
from evoplug_supervised.classification import Classification
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.weights import Weights


@dataclass(kw_only=True)
class Line(Dataset):
    """x is a number, its class whether it is above zero: a linear network that is right has weights (-a, a)."""

    known: bool = True

    def info(self):
        return DatasetInfo((1,), 2, {"train": 20, "validation": 0, "test": 4} if self.known else {})

    def load(self, split):
        n = {"train": 20, "validation": 3, "test": 4}[split]
        x = torch.linspace(-1, 1, n).unsqueeze(1) + 0.01
        return x, (x[:, 0] > 0).long()


def problem(**parameters):
    evaluator = Classification(**{"dataset": Line(), "batch": 20, **parameters})
    genotype = Weights(network=MLP(hidden=(), bias=False))
    assert not list(evaluator.check())
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(torch.device("cpu"), Rng(1))
    return evaluator


def members(*rows):
    n = len(rows)
    return Members(torch.tensor(rows), torch.arange(n), torch.full((n, 2), -1))


RIGHT, WRONG, BLANK = [-9.0, 9.0], [9.0, -9.0], [0.0, 0.0]


def test_fitness_is_minus_the_mean_loss():
    fitness = problem().evaluate(members(RIGHT, WRONG, BLANK), Rng(1)).fitness
    assert fitness[2].item() == pytest.approx(-math.log(2))
    assert fitness[0] > fitness[2] > fitness[1]


def test_fitness_on_the_whole_training_set_by_hand():
    x = torch.linspace(-1, 1, 20) + 0.01
    margin = x.abs() * 18
    expected = -torch.log1p(torch.exp(-margin)).mean()
    torch.testing.assert_close(problem().evaluate(members(RIGHT), Rng(1)).fitness[0], expected)


def test_all_members_have_as_many_weights_as_genes():
    assert problem().describe(members(RIGHT, WRONG))["weights"].tolist() == [2, 2]


def test_all_members_see_the_same_batch_and_each_call_another():
    evaluator = problem(batch=3)
    twins = evaluator.evaluate(members(RIGHT, RIGHT), Rng(1)).fitness
    assert twins[0] == twins[1]
    assert torch.equal(evaluator.evaluate(members(RIGHT, RIGHT), Rng(1)).fitness, twins)
    assert not torch.equal(evaluator.evaluate(members(RIGHT, RIGHT), Rng(2)).fitness, twins)


def test_a_batch_holds_no_example_twice():
    seen = []

    def loss(logits, labels):
        seen.append(logits[0, :, 1])
        return logits.sum(-1)

    problem(batch=19, loss=loss).evaluate(members(RIGHT), Rng(1))
    assert len(seen[0].unique()) == 19


def test_the_examples_that_were_read_are_counted():
    assert problem(batch=3).evaluate(members(RIGHT, WRONG), Rng(1)).cost == {"samples": 6}


def test_the_loss_is_a_parameter():
    fitness = problem(loss="squared-error").evaluate(members(BLANK), Rng(1)).fitness
    assert fitness.item() == pytest.approx(-0.25)


def test_members_are_measured_on_the_whole_split(monkeypatch):
    monkeypatch.setattr(classification, "BLOCK", 3)  # the test split has 4 examples
    metrics = problem().measure(members(RIGHT, WRONG, BLANK), "test", Rng(1))
    assert metrics["accuracy"].tolist() == [1, 0, 0.5]
    assert metrics["loss"][2].item() == pytest.approx(math.log(2))


def test_a_split_without_examples_has_no_metrics():
    assert problem().measure(members(RIGHT), "validation", Rng(1)) == {}


def test_splits_whose_sizes_are_unknown_are_loaded():
    evaluator = problem(dataset=Line(known=False))
    assert evaluator.measure(members(RIGHT), "validation", Rng(1))["accuracy"].tolist() == [1]


def test_weights_that_are_not_finite_disturb_nobody():
    evaluator = problem()
    ill = members(RIGHT, [math.nan, 1.0])
    fitness, metrics = evaluator.evaluate(ill, Rng(1)).fitness, evaluator.measure(ill, "test", Rng(1))
    assert fitness[0] == evaluator.evaluate(members(RIGHT), Rng(1)).fitness[0]
    assert fitness.isnan().tolist() == [False, True]
    assert metrics["accuracy"].isnan().tolist() == [False, True]


def test_a_batch_larger_than_the_training_set_is_a_mistake():
    assert list(Classification(dataset=Line(), batch=21).check()) == [
        ("batch", "must not exceed the 20 training examples, got 21")
    ]
    with pytest.raises(ConfigError, match=r"^batch: must not exceed the 20"):
        problem(dataset=Line(known=False), batch=21)


def test_networks_may_be_chains_of_seeds(monkeypatch):
    """Rebuilt a block at a time, they get the fitness, the metrics and the model of their weights."""
    monkeypatch.setattr(network_space, "BLOCK", 4 * 2 * 2)  # two networks
    evaluator = Classification(dataset=Line(), batch=20)
    genotype = build("genotypes", "seed-chain", network=MLP(hidden=(), bias=False))
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(torch.device("cpu"), Rng(1))
    chains = [[1], [2, [3, 0.5]], [2, [3, 0.5], [4, 0.5]]]
    computed = Members(chains, torch.arange(3), torch.full((3, 2), -1))
    stored, same = problem(), members(*genotype.weights(chains).tolist())
    assert torch.equal(evaluator.evaluate(computed, Rng(1)).fitness, stored.evaluate(same, Rng(1)).fitness)
    for name, values in evaluator.measure(computed, "test", Rng(1)).items():
        assert torch.equal(values, stored.measure(same, "test", Rng(1))[name])
    assert evaluator.describe(computed)["weights"].tolist() == [2, 2, 2]
    x = evaluator.model(computed[[2]]).example
    assert torch.equal(evaluator.model(computed[[2]]).module(x), stored.model(same[[2]]).module(x))


def test_only_weights_can_be_classified_with():
    with pytest.raises(ConfigError, match="weights"):
        Classification(dataset=Line()).bind(None)


def test_workers_change_nothing():
    evaluator = problem(batch=7)
    many = members(*torch.randn(300, 2, generator=Rng(1).torch).tolist())
    with workers(1):
        expected = evaluator.evaluate(many, Rng(1)).fitness
    with workers(3):
        assert torch.equal(evaluator.evaluate(many, Rng(1)).fitness, expected)
