"""Runs whose data set has no validation examples, or whose validation metric is NaN, end with a solution."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch

import evoplug
from evoplug import catalogue
from evoplug.contracts import Dataset, DatasetInfo
from evoplug_supervised.classification import Classification

MLP = {"use": "mlp", "hidden": [4]}
SMALL = {"epbt": {"population": 4, "elites": 2}, "pbt": {"population": 4}}
OWN = {entry.name: entry.kinds for entry in catalogue.entries("strategies") if entry.distribution == "evoplug"}
TRAINING = {"gradient-descent", "gradient-lexicase", "pbt", "epbt"}
"""Strategies whose members are trained; others search weights, or choices."""
WEIGHTS = sorted(name for name, kinds in OWN.items() if name not in TRAINING and (not kinds or "real-vector" in kinds))
CHOOSING = {"leea", "snes", "xnes", "pgpe", "cem", "cma-es", "elite-reevaluation"}
"""Those of them that compare several candidates on the validation split at the end."""


class Points(Dataset):
    """Points in a plane, inside and outside of a circle."""

    def __init__(self, validation=0):
        self.sizes = {"train": 32, "validation": validation, "test": 16}

    def info(self):
        return DatasetInfo((2,), 2, self.sizes)

    def load(self, split):
        x = torch.randn(self.sizes[split], 2, generator=torch.Generator().manual_seed(len(split)))
        return x, (x.norm(dim=1) > 1.2).long()


class Undefined(Classification):
    """The validation metric of the first of several members that are compared is NaN, and stays so."""

    spoilt: ClassVar[set[int]] = set()
    """Ids."""

    def measure(self, members, split, rng):
        metrics = super().measure(members, split, rng)
        if split == "validation":
            if len(members) > 1:
                self.spoilt.add(int(members.ids[0]))
            metrics["accuracy"][[number in self.spoilt for number in members.ids.tolist()]] = torch.nan
        return metrics


class Unknown(Classification):
    """The validation metric of every member is NaN."""

    def measure(self, members, split, rng):
        metrics = super().measure(members, split, rng)
        return {**metrics, "accuracy": torch.full_like(metrics["accuracy"], torch.nan)} if metrics else metrics


def run(folder, strategy, evaluator):
    config = {
        "run": {"name": "choice", "stop": {"generations": 3}},
        "strategy": {"use": strategy, **SMALL.get(strategy, {})},
        "evaluator": evaluator,
    }
    if strategy in ("pbt", "epbt"):
        rate = {"use": "real-vector", "length": 1, "low": 0.001, "high": 0.1}
        config["genotype"] = {"use": "composite", "parts": {"learning_rate": rate}}
    elif strategy not in ("gradient-descent", "gradient-lexicase"):
        config["genotype"] = {"use": "weights", "network": MLP}
    if strategy == "niching-one-plus-one":
        config["operators"] = {"mutation": "gaussian"}
    return evoplug.run(config, out=folder / "run")


@pytest.mark.parametrize("strategy", WEIGHTS)
def test_a_solution_is_found_without_validation_examples(strategy, tmp_path):
    done = run(tmp_path, strategy, {"use": "classification", "dataset": Points(), "batch": 16})
    assert done.status == "finished"
    assert not done.result.get("validation")
    assert 0 <= done.result["test"]["accuracy"] <= 1


@pytest.mark.parametrize("strategy", WEIGHTS)
def test_a_member_whose_validation_metric_is_nan_is_not_chosen_by_it(strategy, tmp_path, monkeypatch):
    monkeypatch.setattr(Undefined, "spoilt", set())
    done = run(tmp_path, strategy, Undefined(dataset=Points(validation=16), batch=16))
    assert done.status == "finished"
    assert bool(Undefined.spoilt) == (strategy in CHOOSING)
    chosen = done.result["beside"].get("chosen anew", done.result)  # elite-reevaluation reports the best record
    assert math.isfinite(chosen["validation"]["accuracy"])


@pytest.mark.parametrize("strategy", sorted(CHOOSING))
def test_where_no_member_has_one_the_choice_is_as_without_validation_examples(strategy, tmp_path):
    unknown = run(tmp_path / "unknown", strategy, Unknown(dataset=Points(validation=16), batch=16))
    without = run(tmp_path / "without", strategy, Classification(dataset=Points(), batch=16))
    assert torch.equal(unknown.best.genome, without.best.genome)


@pytest.mark.parametrize("strategy", sorted(TRAINING))
def test_nor_do_members_that_are_trained_need_any(strategy, tmp_path):
    evaluator = {"use": "train", "dataset": Points(), "network": MLP, "batch": 16, "fitness_split": "train"}
    done = run(tmp_path, strategy, evaluator)
    assert done.status == "finished"
    assert not done.result.get("validation")
