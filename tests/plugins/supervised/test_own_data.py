"""Data sets of one's own, as the evaluators take them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import evoplug
from evoplug import ConfigError, PluginError
from evoplug.contracts import Dataset, DatasetInfo, Network

MLP = {"use": "mlp", "hidden": [4]}
EVALUATORS = {
    "classification": {
        "strategy": "snes",
        "genotype": {"use": "weights", "network": MLP},
        "evaluator": {"use": "classification", "batch": 8},
    },
    "train": {"strategy": "gradient-descent", "evaluator": {"use": "train", "network": MLP, "batch": 8}},
}


class Points(Dataset):
    """Points in a plane, inside and outside of a circle."""

    def __init__(self, first=0, known=True, train=17, validation=8):
        self.first, self.known = first, known
        self.sizes = {"train": train, "validation": validation, "test": 8}

    def info(self):
        return DatasetInfo((2,), 2, self.sizes if self.known else {})

    def load(self, split):
        x = torch.randn(self.sizes[split], 2, generator=torch.Generator().manual_seed(0))
        return x, (x.norm(dim=1) > 1.2).long() + self.first


class Batches(Network):
    """With batch normalisation."""

    def build(self, shape, outputs):
        return nn.Sequential(nn.Linear(*shape, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, outputs))


def run(folder, name, dataset, **more):
    parts = EVALUATORS[name]
    config = {**parts, "evaluator": {**parts["evaluator"], "dataset": dataset, **more}}
    return evoplug.run({"run": {"name": "own", "stop": {"generations": 1}}, **config}, out=folder / "run")


@pytest.mark.parametrize("name", EVALUATORS)
def test_a_data_set_is_to_blame_before_the_first_generation(name, tmp_path):
    with pytest.raises(PluginError, match=r"^Points: train labels must be from 0 to 1 \(2 classes\), got 1 to 2$"):
        run(tmp_path, name, Points(first=1))
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


@pytest.mark.parametrize("name", EVALUATORS)
def test_a_data_set_that_does_not_say_what_it_is_is_refused_before_anything_is_written(name, tmp_path):
    class Raising(Points):
        def info(self):
            raise KeyError("width")

    with pytest.raises(PluginError, match=r"Raising: info: KeyError: 'width' \(test_own_data.py:\d+\)"):
        run(tmp_path, name, Raising())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", EVALUATORS)
def test_without_training_examples_there_is_nothing_to_run(name, known, tmp_path):
    with pytest.raises(ConfigError, match=r"evaluator\.dataset: has no training examples"):
        run(tmp_path, name, Points(train=0, known=known))


@pytest.mark.parametrize("known", [True, False])
def test_the_split_of_the_fitness_must_be_there(known, tmp_path):
    with pytest.raises(ConfigError, match=r"evaluator\.fitness_split: the data set has no validation examples"):
        run(tmp_path, "train", Points(validation=0, known=known))


@pytest.mark.parametrize("known", [True, False])
def test_batch_normalisation_cannot_be_trained_on_a_last_batch_of_one(known, tmp_path):
    message = r"evaluator\.batch: leaves one of 17 for the last step, and the network cannot be trained on one example"
    with pytest.raises(ConfigError, match=message):
        run(tmp_path, "train", Points(known=known), network=Batches())
    with pytest.raises(ConfigError, match=r"evaluator\.batch: is one, and the network cannot"):
        run(tmp_path / "one", "train", Points(known=known), network=Batches(), batch=1)


@pytest.mark.parametrize("more", [{"network": Batches(), "batch": 7}, {"batch": 16}, {"batch": 1}])
def test_other_batches_and_other_networks_can(more, tmp_path):
    assert run(tmp_path, "train", Points(), **more).status == "finished"
