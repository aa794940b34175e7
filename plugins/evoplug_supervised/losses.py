"""Losses by example: logits ``(..., b, classes)`` and labels ``(b,)`` int64 to ``(..., b)``, lower is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import torch
from torch.nn.functional import one_hot

if TYPE_CHECKING:
    from evoplug.contracts import Function

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """``-log softmax(logits)[label]``."""
    index = labels.expand(logits.shape[:-1]).unsqueeze(-1)
    return -logits.log_softmax(-1).gather(-1, index).squeeze(-1)


def squared_error(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over the classes of ``(softmax(logits) - one-hot)^2``: the Brier score over the number of classes."""
    probabilities = logits.softmax(-1)
    return (probabilities - one_hot(labels, logits.shape[-1])).square().mean(-1)


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "squared-error": squared_error}


def per_example(loss: Function) -> Loss:
    """The loss of a name of :data:`LOSSES`; a function as it is."""
    return LOSSES[loss] if isinstance(loss, str) else cast(Loss, loss)
