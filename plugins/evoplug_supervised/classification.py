"""Evaluator ``classification``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import torch

from evoplug.contracts import (
    ConfigError,
    Dataset,
    Evaluation,
    Evaluator,
    Function,
    Ge,
    Genotype,
    Known,
    Members,
    Metrics,
    Model,
    Task,
    dataclass,
    use,
)
from evoplug.population.forward import forward, layout, map_outputs
from evoplug.population.network_space import NetworkSpace, blocks
from evoplug_supervised.losses import Loss, per_example
from evoplug_supervised.metrics import beside_accuracy, measured, misfits, subjects
from evoplug_supervised.preprocessing import with_preprocessing
from evoplug_supervised.size import of_data, require_pass

if TYPE_CHECKING:
    from evoplug import Rng

BLOCK = 1024
"""Examples in one forward pass when members are measured."""


@dataclass(kw_only=True)
class Classification(Evaluator, genome=("weights", "seed-chain")):
    """Classify one fresh mini-batch a generation, the same for all members; fitness is minus the mean loss.

    This is equation 5.5 of the thesis on LEEA. A member whose loss is not finite has no finite fitness. ``measure``
    gives the ``accuracy`` and the mean ``loss`` on a whole split, and what ``headline`` and ``metrics`` name;
    ``describe`` the number of ``weights``.

    A case is an example of the batch, minus its loss. Members that were evaluated on different batches cannot be held
    against each other by cases; a ``batch`` of all training examples is the same one in every generation.
    """

    dataset: Annotated[Dataset, "examples and labels"] = use("digits")
    batch: Annotated[int, Ge(1), "examples a generation, drawn without replacement from the training split"] = 256
    loss: Annotated[
        Function,
        Known("cross-entropy", "squared-error"),
        "per example: logits (..., b, classes) and labels (b,) to (..., b)",
    ] = "cross-entropy"
    headline: Annotated[
        Literal["accuracy", "f1", "f1.macro", "sensitivity", "specificity", "auc"],
        "the metric that decides between solutions; sensitivity and specificity are of class 1, of more than two the "
        "means of all",
    ] = "accuracy"
    metrics: Annotated[
        tuple[Literal["f1", "f1.macro", "sensitivity", "specificity", "auc", "by-class", "by-subject"], ...],
        "measured beside accuracy and loss; f1 is weighted by examples; by-class: recall; by-subject: accuracy, where "
        "the data set knows whose each example is",
    ] = ()

    provides = ("cases",)
    costs = ("samples",)
    minimised = ("loss", "weights")
    examples = ({}, {"headline": "f1", "metrics": ["sensitivity", "specificity", "auc", "by-class"]})

    @property
    def fixed_cases(self) -> bool:
        """Where the batch is the whole training split."""
        return self.batch == self.dataset.info().sizes.get("train")

    def check(self) -> Iterable[tuple[str, str]]:
        yield from misfits(self.metrics, self.dataset)
        sizes = self.dataset.info().sizes
        if sizes:
            yield from self._misfits(sizes.get("train", 0))

    def task(self) -> Task:
        info = self.dataset.info()
        return Task(input_shape=tuple(info.shape), outputs=info.classes)

    def bind(self, genotype: Genotype | None) -> None:
        space: object = genotype
        if not isinstance(space, NetworkSpace):
            raise ConfigError((), "needs a genotype of networks' weights, such as `weights`")
        self._space, self._template = space, space.template
        self._loss = per_example(self.loss)

    def footprint(self, members: int, evaluated: int) -> int:
        """Its data, and cases."""
        cases = members * self.batch * 4 if self.reads_cases else 0
        return of_data(self.dataset.info()) + cases

    def start(self, device: torch.device, rng: Rng) -> None:
        data = self.dataset.load_all()
        for key, message in self._misfits(len(data["train"][1]) if "train" in data else 0):
            raise ConfigError(key, message)
        self._subjects = subjects(self.metrics, self.dataset, {split: len(y) for split, (_, y) in data.items()})
        few = data["train"][0][:2]
        require_pass(self._template, few, self.batch, "batch")
        require_pass(self._template, few, min(BLOCK, max(len(y) for _, y in data.values())), "")
        self._device, self._template = device, self._template.to(device)
        best = layout(self._template, data["train"][0][:2].to(device))
        self._data = {split: (x.to(device, memory_format=best), y.to(device)) for split, (x, y) in data.items()}

    def evaluate(self, members: Members, rng: Rng) -> Evaluation:
        x, y = self._data["train"]
        rows = torch.randperm(len(y), generator=rng.torch, device=y.device)[: self.batch]
        if self.reads_cases:
            rows = rows.sort().values  # of all examples, a case is the same one every time
        images, score = x[rows], partial(_losses if self.reads_cases else _mean_loss, self._loss, y[rows])
        loss = torch.cat([map_outputs(self._template, weights, images, score) for weights in self._weights(members)])
        cost = {"samples": len(members) * self.batch}
        return Evaluation(-loss.mean(1), cost=cost, cases=-loss) if self.reads_cases else Evaluation(-loss, cost=cost)

    def measure(self, members: Members, split: str, rng: Rng) -> Metrics:
        if split not in self._data:
            return {}
        found = [self._measured(weights, split) for weights in self._weights(members)]
        return {metric: torch.cat([each[metric] for each in found]) for metric in found[0]}

    def _measured(self, weights: torch.Tensor, split: str) -> dict[str, torch.Tensor]:
        """metric -> ``(k,)``, of networks with these weights ``(k, d)``."""
        x, y = self._data[split]
        names = beside_accuracy(self.headline, self.metrics)
        total = torch.zeros(len(weights), 2, dtype=torch.float64, device=x.device)
        kept = []
        for images, labels in zip(x.split(BLOCK), y.split(BLOCK), strict=True):
            sums = partial(_sums, self._loss, labels)
            if names:
                kept.append(forward(self._template, weights, images))
                total += sums(kept[-1])
            else:
                total += map_outputs(self._template, weights, images, sums)
        loss, accuracy = (total / len(y)).unbind(1)
        scores = {"accuracy": accuracy.where(~loss.isnan(), torch.nan), "loss": loss}
        return scores | (measured(names, torch.cat(kept, 1), y, self._subjects.get(split, ())) if names else {})

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        return {"weights": torch.full((len(members),), self._space.length)}

    def model(self, member: Members) -> Model:
        network = self._space.module(self._space.weights(member.genomes)[0].cpu())
        return with_preprocessing(self.dataset, self._space.network, network)

    def _misfits(self, train: int) -> Iterable[tuple[str, str]]:
        if not train:
            yield "dataset", "has no training examples"
        elif self.batch > train:
            yield "batch", f"must not exceed the {train:,} training examples, got {self.batch:,}"

    def _weights(self, members: Members) -> Iterator[torch.Tensor]:
        """A block of them at a time."""
        return blocks(self._space, members.genomes, self._device)


def _losses(loss: Loss, labels: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """``(k, b, classes)`` to ``(k, b)``."""
    return loss(logits, labels)


def _mean_loss(loss: Loss, labels: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """``(k, b, classes)`` to ``(k,)``."""
    return loss(logits, labels).mean(-1)


def _sums(loss: Loss, labels: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """``(k, b, classes)`` to ``(k, 2)`` float64: the sum of the losses, the number of right answers."""
    right = (logits.argmax(-1) == labels).sum(-1)
    return torch.stack([loss(logits, labels).sum(-1, dtype=torch.float64), right], -1)
