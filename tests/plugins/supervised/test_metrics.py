"""Metrics of a classification, recomputed by hand."""

import math
from dataclasses import dataclass

import pytest
import torch

import evoplug
from evoplug import ConfigError, Members, PluginError, Rng
from evoplug.contracts import Dataset, DatasetInfo
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem
from evoplug_supervised.classification import Classification
from evoplug_supervised.metrics import measured
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.train import Train
from evoplug_supervised.weights import Weights

CPU = torch.device("cpu")
SIX = ("f1", "f1.macro", "sensitivity", "specificity", "auc")
"""Beside the sixth, accuracy."""

# Ten images: six of class 1 and four of class 0, and how far each is taken to be of class 1.
LABELS = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]
MARGINS = [2.5, 1.5, 1.0, 0.5, -0.5, -1.5, 2.0, -1.0, -2.0, -3.0]
# True positives 4, false negatives 2, false positives 1, true negatives 3. Of the 24 pairs of one of each class these
# are in the right order: 2.5 has all 4 below it; 1.5, 1.0, 0.5 and -0.5 have 3; -1.5 has 2.
BY_HAND = {
    "sensitivity": 4 / 6,
    "specificity": 3 / 4,
    "f1": (6 * 8 / 11 + 4 * 6 / 9) / 10,  # of class 1: 2 x 4 / (2 x 4 + 1 + 2); of class 0: 2 x 3 / (2 x 3 + 2 + 1)
    "f1.macro": (8 / 11 + 6 / 9) / 2,
    "auc": 18 / 24,
}
SUBJECTS = ["ann", "ann", "ann", "bob", "bob", "bob", "cy", "cy", "ann", "dot"]


@dataclass(kw_only=True)
class Ten(Dataset):
    """The ten images as a data set; a network with the weights (0, 1) gives the margins."""

    known: bool = True
    short: bool = False

    def info(self):
        return DatasetInfo((1,), 2, {"train": 10, "validation": 10, "test": 10})

    def load(self, split):
        return torch.tensor(MARGINS)[:, None], torch.tensor(LABELS)

    def subjects_of(self, split):
        return SUBJECTS[: 9 if self.short else 10] if self.known else None


@dataclass(kw_only=True)
class Nobodys(Dataset):
    """A data set that does not know of subjects."""

    def info(self):
        return DatasetInfo((1,), 2, {"train": 10})


@pytest.fixture(autouse=True)
def one_thread():
    with workers(1):
        yield


def logits(margins):
    """``(1, n, 2)`` with these differences."""
    margins = torch.tensor(margins)
    return torch.stack([7 - margins / 2, 7 + margins / 2], -1)[None]


def numbers(*arguments, **keywords):
    return {name: value.item() for name, value in measured(*arguments, **keywords).items()}


# ------------------------------------------------------------------------------------------------------ two classes


def test_six_metrics_of_ten_images():
    assert numbers(SIX, logits(MARGINS), torch.tensor(LABELS)) == pytest.approx(BY_HAND, abs=1e-12)


def test_one_logit_is_that_of_class_one():
    one = torch.tensor(MARGINS)[None, :, None]
    assert numbers(SIX, one, torch.tensor(LABELS)) == pytest.approx(BY_HAND, abs=1e-12)


def test_each_network_has_its_own():
    both = torch.cat([logits(MARGINS), -logits(MARGINS)])
    found = measured(SIX, both, torch.tensor(LABELS))
    assert found["sensitivity"].tolist() == pytest.approx([4 / 6, 2 / 6])
    assert found["auc"].tolist() == pytest.approx([18 / 24, 6 / 24])
    assert all(values.shape == (2,) and values.dtype == torch.float64 for values in found.values())


def test_auc_tells_apart_what_is_nearly_certain():
    """Two probabilities that both round to 1."""
    certain = logits([60.0, 50.0])
    assert numbers(["auc"], certain, torch.tensor([1, 0])) == {"auc": 1}


def test_labels_of_one_class_have_no_auc_and_only_one_recall():
    found = numbers([*SIX, "by-class"], logits([1.0, -1.0]), torch.tensor([1, 1]))
    assert found == pytest.approx(
        {"f1": 2 / 3, "f1.macro": 1 / 3, "sensitivity": 0.5, "specificity": math.nan, "auc": math.nan,
         "recall": 0.5, "recall.0": math.nan, "recall.1": 0.5}, nan_ok=True)  # fmt: skip


def test_a_network_with_a_logit_that_is_not_finite_has_no_metrics_and_disturbs_nobody():
    names = [*SIX, "by-class", "by-subject"]
    for wrong in (math.nan, math.inf):
        ill = logits(MARGINS)
        ill[0, 3, 1] = wrong
        found = measured(names, torch.cat([ill, logits(MARGINS)]), torch.tensor(LABELS), SUBJECTS)
        assert all(values[0].isnan() and values[1].isfinite() for values in found.values())


# -------------------------------------------------------------------------------------------------- several classes


def test_of_three_classes_they_are_means():
    """Predictions by label: 0: 0, 0, 1; 1: 1; 2: 2, 0."""
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    chosen = torch.tensor([0, 0, 1, 1, 2, 0])
    found = numbers([*SIX[:4], "by-class"], torch.nn.functional.one_hot(chosen, 3).float()[None], labels)
    f1 = [2 * 2 / (2 * 2 + 1 + 1), 2 * 1 / (2 * 1 + 1), 2 * 1 / (2 * 1 + 1)]
    recalls = [2 / 3, 1, 1 / 2]
    assert found == pytest.approx(
        {
            "f1": (3 * f1[0] + 1 * f1[1] + 2 * f1[2]) / 6,
            "f1.macro": sum(f1) / 3,
            "sensitivity": sum(recalls) / 3,
            "specificity": (2 / 3 + 4 / 5 + 4 / 4) / 3,
            "recall": sum(recalls) / 3,
            **{f"recall.{label}": recall for label, recall in enumerate(recalls)},
        }
    )


def test_auc_of_three_classes_is_each_ones_against_the_rest_by_their_examples():
    """With probabilities (.5, .3, .2), (.2, .6, .2), (.4, .2, .4) and labels 0, 1, 0: class 0 is ranked rightly, and so
    is class 1; class 2 has no examples."""
    probabilities = torch.tensor([[[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.4, 0.2, 0.4]]])
    assert numbers(["auc"], probabilities.log(), torch.tensor([0, 1, 0])) == {"auc": pytest.approx(1)}
    # Labels 0, 1, 1: class 0 is first, weight 1; of class 1's pairs one is right, weight 2.
    assert numbers(["auc"], probabilities.log(), torch.tensor([0, 1, 1])) == {"auc": pytest.approx((1 + 2 * 0.5) / 3)}


def test_classes_without_examples_do_not_count():
    found = numbers(
        ["sensitivity", "f1.macro"], torch.tensor([[[2.0, 1.0, 0.0], [1.0, 2.0, 0.0]]]), torch.tensor([0, 1])
    )
    assert found == {"sensitivity": 1, "f1.macro": 1}


# --------------------------------------------------------------------------------------------------------- subjects


def test_accuracy_by_subject_and_how_many_examples_each_has():
    found = numbers(["by-subject"], logits(MARGINS), torch.tensor(LABELS), SUBJECTS)
    assert found == {
        "accuracy.subject.ann": 1, "accuracy.subject.bob": pytest.approx(1 / 3), "accuracy.subject.cy": 0.5,
        "accuracy.subject.dot": 1, "accuracy.examples.ann": 4, "accuracy.examples.bob": 3,
        "accuracy.examples.cy": 2, "accuracy.examples.dot": 1,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [Train, Classification])
def test_a_data_set_without_subjects_is_refused_before_the_run(kind):
    message = "by-subject: `Nobodys` does not know whose its examples are"
    assert ("metrics", message) in list(kind(dataset=Nobodys(), metrics=("by-subject",)).check())


def test_a_data_set_that_was_not_told_of_subjects_is_refused_at_the_start():
    with pytest.raises(ConfigError, match=r"^metrics: by-subject: the data set was not told whose its examples are$"):
        trained(dataset=Ten(known=False), metrics=("by-subject",))


def test_a_data_set_that_leaves_out_an_example_is_at_fault():
    with pytest.raises(PluginError, match=r"^Ten: subjects_of: 9 of 10 train examples$"):
        trained(dataset=Ten(short=True), metrics=("by-subject",))


# ------------------------------------------------------------------------------------------------------ evaluators


def trained(**parameters):
    evaluator = Train(**{"dataset": Ten(), "network": MLP(hidden=(), bias=False), **parameters})
    assert not list(evaluator.check())
    evaluator.bind(None)
    evaluator.start(CPU, Rng(1))
    return evaluator


def classified(**parameters):
    evaluator = Classification(**{"dataset": Ten(), "batch": 10, **parameters})
    genotype = Weights(network=MLP(hidden=(), bias=False))
    assert not list(evaluator.check())
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(CPU, Rng(1))
    return evaluator


def members(*rows):
    """Networks whose logits are these multiples of the margin."""
    weights = torch.tensor(rows)
    states = [{"weights": {"1.weight": row[:, None]}, "buffers": {}, "optimizer": {}, "member": 0} for row in weights]
    return weights, states


def measure(make, *rows, **parameters):
    weights, states = members(*rows)
    n = len(rows)
    evaluator = make(**parameters)
    if make is trained:
        name = next(iter(dict(MLP(hidden=(), bias=False).build((1,), 2).named_parameters())))
        states = [
            {**state, "weights": {name: row[:, None]}, "epochs": 1} for state, row in zip(states, weights, strict=True)
        ]
        population = Members([{}] * n, torch.arange(n), torch.full((n, 2), -1), states=states)
    else:
        population = Members(weights, torch.arange(n), torch.full((n, 2), -1))
    return evaluator.measure(population, "validation", Rng(1))


BOTH = pytest.mark.parametrize("make", [trained, classified])


@BOTH
def test_evaluators_give_them_beside_accuracy_and_loss(make):
    found = measure(make, [0.0, 1.0], [1.0, 0.0], metrics=(*SIX, "by-subject"))
    plain = measure(make, [0.0, 1.0], [1.0, 0.0])
    assert list(plain) == ["accuracy", "loss"]
    assert all(torch.equal(found[name], plain[name]) for name in plain)
    assert plain["accuracy"].tolist() == pytest.approx([0.7, 0.3])
    for name, value in BY_HAND.items():
        assert found[name][0].item() == pytest.approx(value)
    assert found["auc"].tolist() == pytest.approx([18 / 24, 6 / 24])
    assert found["accuracy.subject.bob"].tolist() == pytest.approx([1 / 3, 2 / 3])


@BOTH
def test_members_whose_logits_are_not_finite_have_no_metric(make):
    found = measure(make, [0.0, 1.0], [math.nan, 1.0], metrics=("auc", "by-subject"))
    assert all(values.isnan().tolist() == [False, True] for values in found.values())


@BOTH
def test_the_headline_is_measured_though_it_is_not_among_the_metrics(make):
    assert list(measure(make, [0.0, 1.0], headline="specificity")) == ["accuracy", "loss", "specificity"]
    assert make(headline="specificity").headline == "specificity"
    assert make().headline == type(make()).headline == "accuracy"


def test_solutions_are_chosen_by_the_headline():
    """The first has the better accuracy, the second, which takes nothing to be of class 1, the better specificity."""
    rows = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    population = Members(rows, torch.arange(2), torch.full((2, 2), -1))
    for headline, expected in (("accuracy", [0.7, 0.4]), ("specificity", [0.75, 1])):
        evaluator = classified(headline=headline)
        found = RunProblem(None, evaluator, 1, CPU).validation(population)
        assert found is not None
        assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("use", ["train", "classification"])
def test_a_name_that_is_none_is_refused_with_the_choices(use):
    for key, value in (("headline", "loss"), ("metrics", ["f2"])):
        with pytest.raises(ConfigError, match=rf"evaluator\.{key}.*: must be .*`sensitivity`.* got"):
            evoplug.check({"strategy": {"use": "gradient-descent"}, "evaluator": {"use": use, key: value}})


def test_the_headline_comes_first_in_the_result_and_more_of_it_is_better(tmp_path):
    config = {
        "run": {"stop": {"generations": 2}},
        "strategy": {"use": "gradient-descent"},
        "evaluator": {
            "use": "train",
            "network": {"use": "mlp", "hidden": [4]},
            "headline": "f1.macro",
            "metrics": ["f1"],
        },
    }
    run = evoplug.run(config, out=tmp_path / "run")
    assert list(run.result["test"]) == ["f1.macro", "accuracy", "loss", "f1"]
    assert "f1.macro" not in run.result["minimised"]
    assert [len(row["training_loss"]) for row in run.metrics] == [1, 1]
