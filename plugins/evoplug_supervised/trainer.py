"""Trains one network for some epochs on tensors in memory, and scores it.

A network's *state* is plain data: ``{"weights": {name: tensor}, "buffers": {name: tensor}, "optimizer": {name of the
weight: {slot: tensor}}}``. States are never changed: training starts from copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from evoplug_supervised.augmentation import Augmentation
from evoplug_supervised.losses import Loss
from evoplug_supervised.schedules import Schedule, constant

if TYPE_CHECKING:
    from evoplug import Rng

State = Mapping[str, Any]
Slots = Mapping[str, Mapping[str, torch.Tensor]]

BLOCK = 512
"""Examples in one forward pass when a network is scored."""


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    loss: Loss
    epochs: int
    batch: int
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    """Of SGD; Adam's betas are 0.9 and 0.999."""
    weight_decay: float = 0.0
    """L2 penalty, added to the gradient."""
    schedule: Schedule = constant
    augmentation: tuple[Augmentation, ...] = ()


def state_of(module: nn.Module) -> dict[str, Any]:
    """The state of a network that has not been trained, its tensors by reference."""
    weights = {name: weight.detach() for name, weight in module.named_parameters()}
    buffers = {name: buffer for name, buffer in module.state_dict().items() if name not in weights}
    return {"weights": weights, "buffers": buffers, "optimizer": {}}


def load(module: nn.Module, state: State) -> None:
    """Copy weights and buffers into the module."""
    module.load_state_dict({**state["weights"], **state["buffers"]})


def train(
    module: nn.Module, x: torch.Tensor, y: torch.Tensor, recipe: Recipe, state: State, clock: int, rng: Rng
) -> dict[str, Any]:
    """Train from ``state`` for ``recipe.epochs`` epochs, each over all examples in a new order; returns the new state.

    A training that diverges ends in weights that are not finite.

    Args:
        module: a copy of the network for this call alone: the new state holds its tensors.
        x: ``(n, ...)`` floating, on the module's device.
        y: ``(n,)`` int64.
        clock: the epoch at which the schedule goes on.
    """
    load(module, state)
    module.train()
    optimizer = _optimizer(module, recipe, state["optimizer"])
    order, noise = rng.child("order"), rng.child("augmentation")
    for epoch in range(clock, clock + recipe.epochs):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * recipe.schedule(epoch)
        for rows in torch.randperm(len(x), generator=order.torch, device=x.device).split(recipe.batch):
            inputs = _taken(x, rows)
            for augment in recipe.augmentation:
                inputs = augment(inputs, noise)
            optimizer.zero_grad()
            recipe.loss(module(inputs), y.index_select(0, rows)).mean().backward()
            optimizer.step()
    return {**state_of(module), "optimizer": _slots(module, optimizer)}


@torch.no_grad()
def score(module: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: Loss) -> dict[str, float]:
    """Mean ``accuracy`` and ``loss`` over all examples in evaluation mode; NaN where a logit is not finite."""
    module.eval()
    correct, total = 0.0, 0.0
    for images, labels in zip(x.split(BLOCK), y.split(BLOCK), strict=True):
        logits = module(images)
        if not logits.isfinite().all():
            return {"accuracy": torch.nan, "loss": torch.nan}
        correct += (logits.argmax(1) == labels).sum().item()
        total += loss(logits, labels).sum(dtype=torch.float64).item()
    return {"accuracy": correct / len(x), "loss": total / len(x)}


def _taken(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """``x[rows]``, in the memory format of x. Indexing goes number by number, index_select copies whole examples."""
    if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return x.index_select(0, rows)


def _optimizer(module: nn.Module, recipe: Recipe, slots: Slots) -> torch.optim.Optimizer:
    decay = recipe.weight_decay
    optimizer: torch.optim.Optimizer
    if recipe.optimizer == "adam":
        optimizer = torch.optim.Adam(module.parameters(), weight_decay=decay, fused=True)
    else:
        optimizer = torch.optim.SGD(module.parameters(), momentum=recipe.momentum, weight_decay=decay, fused=True)
    for name, weight in module.named_parameters():
        if name in slots:
            optimizer.state[weight] = {slot: v.to(weight.device, copy=True) for slot, v in slots[name].items()}
    return optimizer


def _slots(module: nn.Module, optimizer: torch.optim.Optimizer) -> Slots:
    """name of the weight -> what the optimizer remembers of it."""
    return {
        name: {slot: value for slot, value in optimizer.state[weight].items() if isinstance(value, torch.Tensor)}
        for name, weight in module.named_parameters()
    }
