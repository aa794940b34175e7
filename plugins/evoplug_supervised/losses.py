"""Losses by example: logits ``(..., b, classes)`` and labels ``(b,)`` or ``(..., b)`` int64 to ``(..., b)``.

Lower is better.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from evoplug.contracts import Function

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """``-log softmax(logits)[label]``."""
    if logits.ndim == 2:
        return functional.cross_entropy(logits, labels, reduction="none")
    shape = logits.shape[:-1]
    labels = labels.expand(shape).reshape(-1, shape[-1])
    # With the classes last, torch takes ten times as long for a few of them.
    return functional.cross_entropy(logits.reshape(-1, *logits.shape[-2:]).mT, labels, reduction="none").view(shape)


def squared_error(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over the classes of ``(softmax(logits) - one-hot)^2``: the Brier score over the number of classes."""
    probabilities = logits.mT.softmax(-2)
    return (probabilities - functional.one_hot(labels, logits.shape[-1]).mT).square().mean(-2)


def binary_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Of two classes: ``-log sigmoid(z)`` for class 1, ``-log(1 - sigmoid(z))`` for class 0, z being what its logit is
    above that of class 0."""
    z = logits[..., 1] - logits[..., 0]
    return functional.binary_cross_entropy_with_logits(z, labels.to(z.dtype).expand(z.shape), reduction="none")


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "squared-error": squared_error,
    "binary-cross-entropy": binary_cross_entropy,
}


def of_both_classes(logit: torch.Tensor) -> torch.Tensor:
    """``(..., b, 1)``, a logit of class 1, to ``(..., b, 2)``: beside it the logit of class 0, which is 0.

    Class 1 is then the larger one where its logit is above 0, and its softmax is the logit's sigmoid.
    """
    return functional.pad(logit, (1, 0))


def per_example(loss: Function) -> Loss:
    """The loss of a name of :data:`LOSSES`; a function as it is."""
    return LOSSES[loss] if isinstance(loss, str) else cast(Loss, loss)


def by_network(loss: Loss) -> Loss:
    """A loss that knows only ``(b, classes)`` and ``(b,)``, on ``(k, b, classes)`` and ``(k, b)`` too."""

    def losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if logits.ndim == 2:
            return loss(logits, labels)
        return loss(logits.flatten(0, 1), labels.flatten()).unflatten(0, labels.shape)

    return losses
