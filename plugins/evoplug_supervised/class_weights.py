"""What the loss of an example counts, by its class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch

from evoplug.contracts import ConfigError
from evoplug.population.bounds import lost
from evoplug_supervised.losses import Loss

ClassWeights = Sequence[float] | Literal["balanced"] | None


def mistakes(weights: ClassWeights, classes: int) -> Iterator[tuple[str, str]]:
    """(key, message) of what cannot be the weights of so many classes."""
    if weights is None or weights == "balanced":
        return
    if len(weights) != classes:
        yield "class_weights", f"are {len(weights)}, and the data set has {classes} classes"
    elif not any(weights):
        yield "class_weights", "are all 0: no example would count"
    for weight in weights:
        if weight and (wrong := lost(float(weight), "float32")):
            yield "class_weights", f"{wrong}, the type of the loss"


def of_classes(weights: ClassWeights, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """``(classes,)`` float32 of the training examples' ``labels``.

    Balanced ones, n / (classes * examples of the class), as scikit-learn has them, give each class the same weight in
    all, and an example 1 on average.

    Raises:
        ConfigError: if they are to be balanced, and a class has no example.
    """
    if weights != "balanced":
        return torch.tensor(weights, dtype=torch.float32)
    counts = labels.bincount(minlength=classes)
    if not counts.all():
        raise ConfigError("class_weights", f"cannot be balanced: class {int(counts.argmin())} has no training example")
    return len(labels) / (classes * counts.float())


def weighted(loss: Loss, weights: torch.Tensor) -> Loss:
    """The loss of an example times the weight of its class; the mean of a batch is still that over its examples."""

    def losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        each = loss(logits, labels)
        return each * weights.to(each.dtype).take(labels)

    return losses
