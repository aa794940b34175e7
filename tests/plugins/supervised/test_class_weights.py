"""Weights of classes, outputs of one logit, and the last examples of an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

import evoplug
from evoplug import ConfigError, EvaluationError, Members, Rng, build
from evoplug.contracts import Dataset, DatasetInfo, Network
from evoplug.population.workers import workers
from evoplug_supervised.class_weights import of_classes, weighted
from evoplug_supervised.losses import binary_cross_entropy, cross_entropy, of_both_classes

CPU = torch.device("cpu")
LINEAR = {"use": "mlp", "hidden": []}
DIGITS = {"use": "digits", "validation": 60, "test": 1600}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with workers(1):
        yield


@dataclass(kw_only=True)
class Sides(Dataset):
    """Points on the plane, of which a third are of class 1: those right of a line."""

    train: int = 50

    def info(self) -> DatasetInfo:
        return DatasetInfo((2,), 2, {"train": self.train, "validation": 20, "test": 30})

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(self.info().sizes[split], 2, generator=Rng(len(split)).torch)
        return x, (x[:, 0] > 0.4).long()

    def preprocessing(self) -> Any:
        return nn.Identity(), torch.zeros(1, 2)


def evaluator(**parameters: Any) -> Any:
    train: Any = build("evaluators", "train", **{"dataset": Sides(), "network": LINEAR, "batch": 10, **parameters})
    train.bind(None)
    train.start(CPU, Rng(1))
    return train


def members(n: int = 1, states: Any = None) -> Members:
    return Members([{}] * n, torch.arange(n), torch.full((n, 2), -1), states=states)


def refused(**parameters: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as error:
        evaluator(**parameters)
    return [(".".join(map(str, mistake.key)), mistake.message) for mistake in error.value.mistakes]


# ------------------------------------------------------------------------------------------------- class weights


def test_the_loss_of_an_example_is_multiplied_by_the_weight_of_its_class() -> None:
    logits = torch.zeros(2, 3, 2)  # log 2 each
    losses = weighted(cross_entropy, torch.tensor([1.0, 0.25]))(logits, torch.tensor([[0, 1, 1], [1, 0, 0]]))
    torch.testing.assert_close(losses / torch.tensor(2.0).log(), torch.tensor([[1, 0.25, 0.25], [0.25, 1, 1]]))


def test_of_one_logit_the_weight_of_class_1_is_the_pos_weight_of_torch() -> None:
    """As in chapter 3 of the thesis: negatives over positives, 3,389 / 7,272."""
    logit, labels = torch.randn(9, 1, generator=Rng(1).torch), torch.tensor([0, 1, 1] * 3)
    weight = 3389 / 7272
    torchs = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight))(logit[:, 0], labels.float())
    ours = weighted(binary_cross_entropy, torch.tensor([1.0, weight]))(of_both_classes(logit), labels).mean()
    torch.testing.assert_close(ours, torchs)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
    theirs = compute_class_weight("balanced", classes=labels.unique().numpy(), y=labels.numpy())
    weights = of_classes("balanced", labels, 3)
    assert weights.tolist() == pytest.approx(theirs.tolist())
    assert weights[labels].mean().item() == pytest.approx(1)
    with pytest.raises(ConfigError, match="class_weights: cannot be balanced: class 3 has no training example"):
        of_classes("balanced", labels, 4)


def test_weights_of_1_change_nothing_and_others_are_in_training_and_in_what_is_measured() -> None:
    plain, ones, twos = evaluator(), evaluator(class_weights=[1, 1]), evaluator(class_weights=[2, 2])
    first, same, other = (train.evaluate(members(), Rng(1)).states for train in (plain, ones, twos))
    weights = [state[0]["weights"]["output.weight"] for state in (first, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    once, twice = (train.measure(members(1, first), "test", Rng(1)) for train in (plain, twos))
    torch.testing.assert_close(2 * once["loss"], twice["loss"])
    assert torch.equal(once["accuracy"], twice["accuracy"])


def test_a_class_that_counts_more_is_given_a_higher_probability() -> None:
    def found(**weights: Any) -> float:
        train = evaluator(**weights, epochs=20, learning_rate=0.01)
        states = train.evaluate(members(), Rng(1)).states
        x, _ = train.dataset.load("test")
        share: float = train.model(members(1, states)).module(x).softmax(1)[:, 1].mean().item()
        return share

    assert found(class_weights=[0.1, 1]) > found() > found(class_weights=[1, 0.1])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0, 3.0], "are 3, and the data set has 2 classes"),
        ([0.0, 0.0], "are all 0: no example would count"),
        ([1.0, 1e60], "1e+60 is infinite in float32"),
    ],
)
def test_weights_that_fit_no_classes(weights: Any, message: str) -> None:
    [(key, said)] = refused(class_weights=weights)
    assert key == "class_weights"
    assert message in said


# ------------------------------------------------------------------------------------------------------ one logit


def test_one_logit_is_that_of_class_1_beside_one_of_0() -> None:
    logit = torch.tensor([[0.5], [-0.5], [0.0]])
    both = of_both_classes(logit)
    assert both.argmax(1).tolist() == [1, 0, 0]
    torch.testing.assert_close(both.softmax(1)[:, 1:], logit.sigmoid())
    labels = torch.tensor([1, 1, 0])
    torch.testing.assert_close(binary_cross_entropy(both, labels), cross_entropy(both, labels))
    assert binary_cross_entropy(both.expand(4, 3, 2), labels).shape == (4, 3)


def test_a_step_on_one_logit_is_torchs_own() -> None:
    train = evaluator(output="binary", batch=50, learning_rate=0.1)
    start = evaluator(output="binary", batch=50, learning_rate=1e-30).evaluate(members(), Rng(1)).states[0]["weights"]
    network = nn.Linear(2, 1)
    network.load_state_dict({name.removeprefix("output."): weight for name, weight in start.items()})
    x, y = train.dataset.load("train")
    nn.BCEWithLogitsLoss()(network(x)[:, 0], y.float()).backward()
    assert network.weight.grad is not None
    after = train.evaluate(members(), Rng(1)).states[0]["weights"]["output.weight"]
    torch.testing.assert_close(after, network.weight.detach() - 0.1 * network.weight.grad)


@pytest.mark.parametrize("loss", ["binary-cross-entropy", "cross-entropy", "squared-error"])
@pytest.mark.parametrize("n", [1, 3])
def test_one_logit_is_trained_measured_and_read_by_case(loss: str, n: int) -> None:
    """Alone, and several at a time."""
    train = evaluator(output="binary", loss=loss, epochs=5)
    train.reads_cases = True
    evaluation = train.evaluate(members(n), Rng(1))
    x, y = train.dataset.load("validation")
    for row, state in enumerate(evaluation.states):
        model = train.model(members(1, [state]))
        logit = model.module(x)
        assert logit.shape == (20, 1)
        right = (logit[:, 0] > 0) == y.bool()
        assert evaluation.cases[row].bool().tolist() == right.tolist()
        assert evaluation.fitness[row].item() == pytest.approx(right.double().mean().item())
        assert ".build((2,), 1)" in model.source


def test_a_run_with_one_logit_reports_and_stores_its_network(tmp_path: Path) -> None:
    """Bright images and dark ones."""
    for half, (name, level) in product(("train", "test"), (("bright", 200), ("dark", 50))):
        (tmp_path / half / name).mkdir(parents=True)
        for number in range(20):
            Image.new("L", (4, 4), level + number).save(tmp_path / half / name / f"{number}.png")
    images = {
        "use": "image-folder",
        "folder": tmp_path.name,
        "root": str(tmp_path.parent),
        "channels": 1,
        "validation": 8,
    }
    evaluator = {
        "use": "train",
        "dataset": images,
        "network": LINEAR,
        "batch": 8,
        "output": "binary",
        "drop_last": True,
    }
    run = evoplug.run(
        {
            "strategy": {"use": "gradient-descent"},
            "evaluator": {**evaluator, "class_weights": "balanced"},
            "run": {"stop": {"generations": 5}},
        },
        out=tmp_path / "run",
    )
    assert run.test["accuracy"] == 1
    assert run.best.module is not None
    assert run.best.module(torch.zeros(3, 1, 4, 4)).shape == (3, 1)


@pytest.mark.parametrize(
    ("parameters", "key"), [({"output": "binary"}, "output"), ({"loss": "binary-cross-entropy"}, "loss")]
)
def test_one_logit_is_for_two_classes(parameters: Any, key: str) -> None:
    [(at, said)] = refused(dataset=DIGITS, **parameters)
    assert at == key
    assert "is for two classes, and the data set has 10" in said


# ------------------------------------------------------------------------------------------- the last of an epoch


def test_the_last_examples_are_left_out_of_training_and_of_what_it_costs() -> None:
    """50 examples in batches of 20 are 2 steps; 2 epochs; 3 members."""
    evaluation = evaluator(drop_last=True, batch=20, epochs=2).evaluate(members(3), Rng(1))
    assert evaluation.cost == {"epochs": 6, "steps": 12, "samples": 240}
    assert evaluation.columns["lineage_epochs"].tolist() == [2, 2, 2]


def test_where_no_examples_are_left_over_nothing_changes() -> None:
    states = [evaluator(drop_last=drop, batch=25).evaluate(members(2), Rng(1)).states for drop in (True, False)]
    for a, b in zip(*states, strict=True):
        assert torch.equal(a["weights"]["output.weight"], b["weights"]["output.weight"])


def test_the_training_loss_is_that_of_the_examples_that_were_seen() -> None:
    """A learning rate too small to move a weight, and one step an epoch: the loss of 30 of 50 examples."""
    train = evaluator(drop_last=True, batch=30, fitness="training-loss", learning_rate=1e-30)
    loss = train.evaluate(members(), Rng(1)).fitness
    whole = evaluator(fitness="training-loss", learning_rate=1e-30).evaluate(members(), Rng(1)).fitness
    assert loss.isfinite().all()
    assert loss != whole


def test_shares_are_of_whole_batches() -> None:
    """50 examples in batches of 20: two whole ones, so two members at most."""
    train = evaluator(drop_last=True, batch=20, share="dealt")
    assert train.evaluate(members(2), Rng(1)).cost == {"epochs": 1, "steps": 2, "samples": 40}
    with pytest.raises(EvaluationError, match="too few to deal one to each of 3 members: batch may be at most 16"):
        train.evaluate(members(3), Rng(1))


def test_a_batch_of_more_than_all_examples_leaves_no_step() -> None:
    assert refused(drop_last=True, batch=51) == [("drop_last", "leaves no step: 50 examples fill no batch of 51")]


class Normalised(Network):
    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        return nn.Sequential(nn.BatchNorm1d(*shape), nn.Linear(*shape, outputs))


def test_one_example_left_over_is_no_step_for_batch_normalisation() -> None:
    assert [key for key, _ in refused(network=Normalised(), batch=49)] == ["batch"]
    assert evaluator(network=Normalised(), batch=49, drop_last=True).evaluate(members(), Rng(1)).cost["samples"] == 49
