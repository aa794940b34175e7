"""Networks as the trainer sees them: k of one architecture, trained as one by one optimizer.

A network's *state* is plain data: ``{"weights": {name: tensor}, "buffers": {name: tensor}, "optimizer": {name of the
weight: {slot: tensor}}}``. States are never changed: training starts from copies.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from evoplug import Rng
from evoplug.contracts import ConfigError
from evoplug.population.forward import chain, layout, parameters
from evoplug_supervised.losses import of_both_classes
from evoplug_supervised.noise import Noise, draws

State = Mapping[str, Any]

STACK = 8
"""Networks in a stack, at most."""
SMALL = 2**17
"""Weights in a stack, at most: beyond, a product takes longer than its call, and each network gets a thread."""


class Teams:
    """How networks of one architecture are best trained: their layout in memory, and how many as one.

    Args:
        module: one of them, on the CPU; it becomes the template.
        x: two inputs, on the CPU.
        device: where they are trained.
        most: networks in a team.
        binary: whether they have one logit for two classes.

    Raises:
        ConfigError: if the network draws random numbers in a way that no run could repeat.
    """

    def __init__(
        self, module: nn.Module, x: torch.Tensor, device: torch.device, most: int = STACK, binary: bool = False
    ) -> None:
        self._noisy, self._binary = _draws(module, x), binary
        self._shape = tuple(x.shape[1:])
        self.layout = layout(module, x)
        """For inputs too."""
        self.template = module.to(device).to(memory_format=self.layout)
        weights = sum(weight.numel() for weight in module.parameters())
        self.size = max(1, min(most, SMALL // weights)) if chain(module, self._shape) else 1
        """Networks in a team, at most."""

    def team(self, k: int) -> Alone | Stack:
        """k networks, to be loaded."""
        if k == 1:
            return Alone(copy.deepcopy(self.template), self._noisy, self._binary)
        return Stack(self.template, self._shape, k, self._binary)


class Alone:
    """One network of any kind."""

    k = 1
    lead: tuple[int, ...] = ()
    """Dimensions before those of a batch."""

    def __init__(self, module: nn.Module, noisy: bool = False, binary: bool = False) -> None:
        self._module, self._binary = module, binary
        self.noisy = noisy
        """Whether it draws random numbers in training."""

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """What an optimizer steps on, by name."""
        return dict(self._module.named_parameters())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """``(*lead, b, *example)`` to ``(*lead, b, classes)``."""
        outputs: torch.Tensor = self._module(x)
        return of_both_classes(outputs) if self._binary else outputs

    def train(self, mode: bool) -> None:
        """Training or evaluation mode."""
        self._module.train(mode)

    def load(self, states: Sequence[State]) -> None:
        """Copy the weights and buffers of k states."""
        load(self._module, states[0])

    def restore(self, optimizer: torch.optim.Optimizer, states: Sequence[State]) -> None:
        """Let the optimizer remember copies of what k states remember; of a weight that they do not know, zeros."""
        remembered = states[0]["optimizer"]
        if not remembered:
            return
        like: Mapping[str, torch.Tensor] = next(filter(None, remembered.values()), {})
        for name, weight in self._module.named_parameters():
            old = remembered.get(name) or {slot: _blank(value, weight) for slot, value in like.items()}
            optimizer.state[weight] = {slot: value.to(weight.device, copy=True) for slot, value in old.items()}

    def states(self, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """The k states, their tensors by reference."""
        slots = {name: _slots(optimizer, weight) for name, weight in self._module.named_parameters()}
        return [{**state_of(self._module), "optimizer": slots}]


class Stack:
    """Plain chains of linear layers and activations, side by side: their weights are the rows of one tensor.

    A step takes one batched product a layer, whatever k: of small networks, a step of one takes nearly as long.
    """

    noisy = False

    def __init__(self, template: nn.Module, shape: tuple[int, ...], k: int, binary: bool = False) -> None:
        self._template, self._layers, self._binary = template, chain(template, shape) or [], binary
        first = next(template.parameters())
        length = sum(weight.numel() for weight in template.parameters())
        self.k, self.lead = k, (k,)
        self._rows = torch.empty(k, length, dtype=first.dtype, device=first.device, requires_grad=True)

    @property
    def weights(self) -> Mapping[str, torch.Tensor]:
        """As :attr:`Alone.weights`: one tensor for all, which no group can have a part of."""
        return {"": self._rows}

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """As :meth:`Alone.__call__`."""
        views = parameters(self._template, self._rows).values()
        blocks: dict[Any, torch.Tensor] = dict(zip(self._template.parameters(), views, strict=True))
        h = x.flatten(2)
        for layer in self._layers:
            if not isinstance(layer, nn.Linear):
                h = layer(h)
            elif layer.bias is None:
                h = h.bmm(blocks[layer.weight].mT)
            else:
                h = torch.baddbmm(blocks[layer.bias].unsqueeze(1), h, blocks[layer.weight].mT)
        return of_both_classes(h) if self._binary else h

    def train(self, mode: bool) -> None:
        """No layer of a chain has two modes."""

    def load(self, states: Sequence[State]) -> None:
        """As :meth:`Alone.load`."""
        with torch.no_grad():
            for row, state in zip(self._rows, states, strict=True):
                row.copy_(self._flat(state["weights"]))

    def restore(self, optimizer: torch.optim.Optimizer, states: Sequence[State]) -> None:
        """As :meth:`Alone.restore`; a weight of which nothing is remembered begins with zeros, which is the same."""
        slots = {slot for state in states for of_weight in state["optimizer"].values() for slot in of_weight}
        for slot in slots:
            block = torch.zeros_like(self._rows)
            blocks = parameters(self._template, block)
            for row, state in enumerate(states):
                for name, of_weight in state["optimizer"].items():
                    if slot in of_weight:
                        blocks[name][row] = of_weight[slot]
            optimizer.state[self._rows][slot] = block

    def states(self, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """As :meth:`Alone.states`."""
        weights = parameters(self._template, self._rows.detach())
        slots = {slot: parameters(self._template, rows) for slot, rows in _slots(optimizer, self._rows).items()}
        return [
            {
                "weights": {name: block[row].clone() for name, block in weights.items()},
                "buffers": {},
                "optimizer": {
                    name: {slot: blocks[name][row].clone() for slot, blocks in slots.items()} for name in weights
                },
            }
            for row in range(len(self._rows))
        ]

    def _flat(self, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([tensors[name].flatten() for name, _ in self._template.named_parameters()])


def _draws(module: nn.Module, x: torch.Tensor) -> bool:
    """Whether the network draws random numbers in training, as dropout does."""
    with Noise(Rng(0)):
        if draws(module, x):
            raise ConfigError("network", "draws random numbers, not by plain dropout: no run could be repeated")
    return draws(module, x)


def state_of(module: nn.Module) -> dict[str, Any]:
    """The state of a network that has not been trained, its tensors by reference."""
    weights = {name: weight.detach() for name, weight in module.named_parameters()}
    buffers = {name: buffer for name, buffer in module.state_dict().items() if name not in weights}
    return {"weights": weights, "buffers": buffers, "optimizer": {}}


def load(module: nn.Module, state: State) -> None:
    """Copy weights and buffers into the module."""
    module.load_state_dict({**state["weights"], **state["buffers"]})


def _blank(value: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Zeros for what an optimizer has not yet remembered of a weight: a count, or numbers of its shape."""
    return torch.zeros_like(weight if value.ndim else value)


def _slots(optimizer: torch.optim.Optimizer, weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the optimizer remembers of a weight."""
    return {slot: value for slot, value in optimizer.state[weight].items() if isinstance(value, torch.Tensor)}
