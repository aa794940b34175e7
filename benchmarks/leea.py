"""The search that the benchmarks of whole populations share: LEEA on networks of 92,234 weights and random images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from evoplug import Rng
from evoplug.contracts import Dataset, DatasetInfo
from evoplug.running.problem import RunProblem
from evoplug_basics.crossovers import Uniform
from evoplug_basics.mutations import Gaussian
from evoplug_basics.selections import Truncation
from evoplug_leea.leea import LEEA, Evolution
from evoplug_supervised.classification import Classification
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.weights import Weights


@dataclass(kw_only=True)
class Noise(Dataset):
    """Normal noise with random labels."""

    shape: tuple[int, ...] = (1, 14, 14)
    train: int = 2048
    validation: int = 256

    def info(self) -> DatasetInfo:
        return DatasetInfo(self.shape, 10, {"train": self.train, "validation": self.validation})

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        generator, n = torch.Generator().manual_seed(0), self.info().sizes[split]
        return torch.randn(n, *self.shape, generator=generator), torch.randint(10, (n,), generator=generator)


def weights() -> Weights:
    """196-256-128-64-10 with biases."""
    return Weights(network=MLP(hidden=(256, 128, 64)))


def problem(batch: int, device: str = "cpu") -> RunProblem:
    """Ready to be evaluated."""
    genotype, evaluator = weights(), Classification(dataset=Noise(), batch=batch)
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(torch.device(device), Rng(1))
    return RunProblem(genotype, evaluator, 1, torch.device(device))


def evolution(population: int, batch: int) -> Evolution:
    """Table 5.1's validation settings, not yet stepped."""
    strategy = LEEA(
        population=population,
        selection=Truncation(proportion=0.5),
        crossover=Uniform(),
        mutation=Gaussian(sigma=0.001),
    )
    return strategy.start(problem(batch))


def stepper(loop: Evolution) -> Callable[[], None]:
    """One generation a call, as a run makes it."""

    def step() -> None:
        loop.step()
        loop.problem.ledger.add(generations=1)

    return step


def batched(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor, add: bool = True) -> torch.Tensor:
    """Outputs ``(n, b, 10)`` as one writes them: a product a layer over the whole population, by ``torch.baddbmm``
    or by ``torch.bmm`` and a sum."""
    h, start = x.flatten(1).expand(len(genomes), *x.flatten(1).shape), 0
    linear = [layer for layer in template.modules() if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(linear):
        inputs, units = layer.in_features, layer.out_features
        weight = genomes[:, start : start + inputs * units].unflatten(1, (units, inputs))
        start += inputs * units
        bias = genomes[:, None, start : start + units]
        start += units
        h = torch.baddbmm(bias, h, weight.mT) if add else torch.bmm(h, weight.mT) + bias
        if number < len(linear) - 1:
            h = h.relu()
    return h
