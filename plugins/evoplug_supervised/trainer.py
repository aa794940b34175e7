"""Trains networks for some epochs on tensors in memory, and scores them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from evoplug.population.workers import look_up
from evoplug_supervised.augmentation import Augmentation, augmented, stream
from evoplug_supervised.groups import Rates
from evoplug_supervised.losses import Loss
from evoplug_supervised.noise import Noise
from evoplug_supervised.optimizers import SGD, Adam
from evoplug_supervised.orders import Order, Shuffled
from evoplug_supervised.rotation import Turning
from evoplug_supervised.schedules import Schedule, constant
from evoplug_supervised.teams import Alone, Stack, State

if TYPE_CHECKING:
    from evoplug import Rng

Watch = Callable[[torch.Tensor], None]
"""Takes the losses of a step's examples, ``(..., b)``, as they were before it."""

BLOCK = 512
"""Examples in one forward pass when networks are scored."""


@dataclass(frozen=True)
class Recipe:
    """How networks are trained."""

    epochs: int
    batch: int
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    """Of SGD; Adam's betas are 0.9 and 0.999."""
    weight_decay: float = 0.0
    """L2 penalty, added to the gradient."""
    groups: tuple[Rates, ...] = ()
    """Weights with rates of their own; of a network that is trained alone."""
    drop_last: bool = False
    """Whether the last examples of an epoch are left out where they are too few for a batch."""
    schedule: Schedule = constant
    augmentation: tuple[Augmentation, ...] = ()


def train(
    networks: Alone | Stack,
    x: torch.Tensor,
    y: torch.Tensor,
    loss: Loss,
    recipe: Recipe,
    states: Sequence[State],
    clock: int,
    rngs: Sequence[Rng],
    watch: Watch = lambda losses: None,
    orders: Sequence[Order] = (),
) -> list[dict[str, Any]]:
    """Train k networks for ``recipe.epochs`` epochs, each in an order of its own; their new states.

    A training that diverges ends in weights that are not finite.

    Args:
        networks: for this call alone: the new states may hold their tensors.
        x: ``(n, ...)`` floating, on the networks' device.
        y: ``(n,)`` int64.
        loss: of the networks' outputs, ``(..., b, classes)`` and ``(..., b)`` to ``(..., b)``.
        states: k, from where they go on.
        clock: the epoch at which the schedule goes on.
        rngs: k.
        watch: called after each step.
        orders: k, of one length; by default all examples, shuffled by each one's stream.
    """
    networks.load(states)
    networks.train(True)
    optimizer = _optimizer(networks.weights, recipe)
    networks.restore(optimizer, states)
    orders = orders or [Shuffled(len(x), rng) for rng in rngs]
    steps = count_steps(len(orders[0]), recipe.batch, recipe.drop_last)
    noises = [stream(rng.child("augmentation")) for rng in rngs]
    with Noise(rngs[0].child("dropout")) if networks.noisy else nullcontext():
        for epoch in range(recipe.epochs):
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * recipe.schedule(clock + epoch)
            shuffled = torch.stack([order(epoch) for order in orders])
            for rows in shuffled.view(*networks.lead, -1).split(recipe.batch, dim=-1)[:steps]:
                look_up()
                optimizer.zero_grad()
                of_step = loss(networks(_inputs(x, rows, recipe, noises)), y.take(rows))
                of_step.mean(-1).sum().backward()
                optimizer.step()
                watch(of_step.detach())
    optimizer.zero_grad()  # whoever keeps the networks keeps no gradients
    return networks.states(optimizer)


def count_steps(examples: int, batch: int, drop_last: bool) -> int:
    """How many gradient steps an epoch has."""
    return examples // batch if drop_last else -(-examples // batch)


def smallest_step(examples: int, batch: int, drop_last: bool) -> int:
    """How many examples the smallest gradient step of an epoch has."""
    return batch if drop_last else examples % batch or min(examples, batch)


@torch.no_grad()
def trains_on_one(module: nn.Module, x: torch.Tensor) -> bool:
    """Whether a pass of one input ``(1, ...)`` in training mode works as one of two does; batch normalisation may
    not. The module stays as it is."""
    module = copy.deepcopy(module).train()
    with torch.random.fork_rng(devices=()):
        if _works(module, x):
            return True
        return not _works(module, torch.cat([x, x]))  # what fails on two as well has another cause


def _works(module: nn.Module, x: torch.Tensor) -> bool:
    try:
        module(x)
    except Exception:  # a network's own code can raise anything
        return False
    return True


def score(networks: Alone | Stack | Turning, x: torch.Tensor, y: torch.Tensor, loss: Loss) -> dict[str, torch.Tensor]:
    """Mean ``accuracy`` and ``loss``, ``(k,)`` float64, over all examples in evaluation mode.

    NaN where a logit is not finite. ``loss`` as in :func:`train`.
    """
    return averaged(by_example(networks, x, y, loss))


def averaged(examples: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What :func:`score` gives, of what :func:`by_example` gives."""
    of = {"accuracy": examples["correct"], "loss": examples["loss"]}
    return {metric: values.mean(-1, dtype=torch.float64) for metric, values in of.items()}


@torch.no_grad()
def by_example(
    networks: Alone | Stack | Turning, x: torch.Tensor, y: torch.Tensor, loss: Loss, keep_logits: bool = False
) -> dict[str, torch.Tensor]:
    """``(k, n)`` floating, in evaluation mode: of each example whether it is ``correct``, 1 or 0, and the ``loss``;
    where they are to be kept, the ``logits`` ``(k, n, outputs)`` too.

    The first two are NaN where a logit is not finite. ``loss`` as in :func:`train`.
    """
    networks.train(False)
    lead = networks.lead
    correct, losses, kept = [], [], []
    for images, labels in zip(x.split(BLOCK), y.expand(*lead, -1).split(BLOCK, dim=-1), strict=True):
        look_up()
        logits = networks(images.expand(*lead, *images.shape))
        finite = logits.isfinite().all(-1)
        correct.append((logits.argmax(-1) == labels).to(logits.dtype).where(finite, torch.nan))
        losses.append(loss(logits, labels).where(finite, torch.nan))
        if keep_logits:
            kept.append(logits)
    blocks = {"correct": correct, "loss": losses}
    found = {name: torch.cat(values, -1).view(-1, len(x)) for name, values in blocks.items()}
    return found | ({"logits": torch.cat(kept, -2).view(-1, len(x), kept[0].shape[-1])} if keep_logits else {})


def _inputs(x: torch.Tensor, rows: torch.Tensor, recipe: Recipe, noises: Sequence[Rng]) -> torch.Tensor:
    """``x[rows]``, augmented: rows ``(..., b)`` to ``(..., b, *example)``."""
    inputs = taken(x, rows.flatten())
    if recipe.augmentation:
        inputs = torch.cat(
            [
                augmented(own, recipe.augmentation, noise)
                for own, noise in zip(inputs.chunk(len(noises)), noises, strict=True)
            ]
        )
    return inputs.unflatten(0, rows.shape)


def taken(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """``x[rows]``, in the memory format of x. Indexing goes number by number, index_select copies whole examples."""
    if not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2)
    return x.index_select(0, rows)


def _optimizer(weights: Mapping[str, torch.Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    groups = _trained(weights, recipe)
    if recipe.optimizer == "adam":
        return Adam(groups, fused=True)
    return SGD(groups, momentum=recipe.momentum, fused=True)


def _trained(weights: Mapping[str, torch.Tensor], recipe: Recipe) -> list[dict[str, Any]]:
    """The optimizer's groups: those of the recipe, and the rest. What has a learning rate of 0 is left out and gets no
    gradient; where all has, steps of no length are taken."""
    rest = tuple(weights.keys() - {name for rates in recipe.groups for name in rates.weights})
    every = (*recipe.groups, Rates(rest, recipe.learning_rate, recipe.weight_decay))
    trained = [rates for rates in every if rates.learning_rate and rates.weights] or every
    steps_on = {name for rates in trained for name in rates.weights}
    for name in weights.keys() - steps_on:
        weights[name].requires_grad_(False)
    return [
        {
            "params": [weight for name, weight in weights.items() if name in rates.weights],
            "lr": rates.learning_rate,
            "initial_lr": rates.learning_rate,
            "weight_decay": rates.weight_decay,
        }
        for rates in trained
    ]
