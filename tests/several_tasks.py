"""Small tasks and a network on them, for tests."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

from evoplug import Members, Rng
from evoplug.contracts import Dataset, DatasetInfo, Network
from evoplug_basics.assignment import Assignment
from evoplug_sharing.multitask import Multitask

CPU = torch.device("cpu")


@dataclass(kw_only=True)
class Blobs(Dataset):
    """Points around a mean for each class, as images of one row."""

    classes: int = 3
    width: int = 6
    train: int = 60
    test: int = 30
    seed: int = 0

    def info(self) -> DatasetInfo:
        return DatasetInfo((1, 1, self.width), self.classes, {"train": self.train, "test": self.test})

    def load(self, split: str):
        n = self.info().sizes.get(split, 0)
        rng = Rng(self.seed).child(split).torch
        y = torch.arange(n) % self.classes
        means = torch.randn(self.classes, self.width, generator=Rng(self.seed).torch)
        return (means[y] + 0.3 * torch.randn(n, self.width, generator=rng)).view(n, 1, 1, self.width), y


@dataclass(kw_only=True)
class Small(Network):
    """Convolution and batch normalisation, a dense layer, the output."""

    normalise: bool = True

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        channels, _, width = shape
        norm = [nn.BatchNorm2d(4)] if self.normalise else []
        layers = {
            "conv": nn.Sequential(nn.Conv2d(channels, 4, (1, 3), padding=(0, 1)), *norm, nn.ReLU()),
            "flatten": nn.Flatten(),
            "dense": nn.Sequential(nn.Linear(4 * width, 5), nn.ReLU()),
            "output": nn.Linear(5, outputs),
        }
        return nn.Sequential(OrderedDict(layers))


def started(choices: int = 3, seed: int = 1, **parameters) -> Multitask:
    """An evaluator of three tasks, bound and started."""
    tasks = {"one": Blobs(), "two": Blobs(classes=4, test=60, seed=1), "three": Blobs(seed=2)}
    evaluator = Multitask(**{"tasks": tasks, "network": Small(), "batch": 8, **parameters})
    assert not list(evaluator.check())
    genotype = Assignment(choices=choices)
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(CPU, Rng(seed).child("start"))
    return evaluator


def members(*assignments: list[int]) -> Members:
    """Of assignments."""
    n = len(assignments)
    return Members(torch.tensor(assignments), torch.arange(n), torch.full((n, 2), -1))
