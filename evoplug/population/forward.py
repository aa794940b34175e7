"""Forward passes of many networks of one architecture, their weights the rows of one tensor.

A plain chain of linear layers and elementwise activations takes one batched product a layer, on views of the rows, in
pieces whose activations stay in the cache; any other network is called once for each row. The pieces run side by
side (:func:`evoplug.population.workers.parallel`). A row's result does not depend on the other rows.
"""

from __future__ import annotations

import contextlib
import copy
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from evoplug.population.workers import count, parallel

Reduce = Callable[[torch.Tensor], torch.Tensor]

_ELEMENTWISE = (nn.ELU, nn.GELU, nn.Identity, nn.LeakyReLU, nn.ReLU, nn.Sigmoid, nn.SiLU, nn.Softplus, nn.Tanh)
_ACTIVATIONS = {"cpu": 2**20, "cuda": 2**26}
"""Floats in the widest layer of a piece: on a CPU, 4 MiB stay in the cache."""
_CALLED = 8
"""Networks in a piece that are called one by one."""
_LEAST = 2**18
"""Weights in a piece of networks with inputs of their own: with fewer it costs more to hand it over than to do it."""
_SLACK = 64
"""Numbers behind those of activations."""
_SMALL = 16
"""Up to so many examples, products with one example a row are the faster ones."""


def parameters(template: nn.Module, genomes: torch.Tensor) -> dict[str, torch.Tensor]:
    """name -> ``(n, *shape)``: the rows of ``genomes``, ``(n, d)``, as the parameters of n networks like ``template``.

    The parameters lie one after the other, in the order of ``template.named_parameters()``; all are views.
    """
    blocks = genomes.split([parameter.numel() for parameter in template.parameters()], dim=1)
    named = zip(template.named_parameters(), blocks, strict=True)
    return {name: block.unflatten(1, parameter.shape) for (name, parameter), block in named}


def forward(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The outputs ``(n, b, outputs)`` of n networks for the same b inputs.

    Args:
        template: the architecture, in the mode (training or evaluation) in which it is to be called; not changed.
        genomes: ``(n, d)``, one network a row, laid out as :func:`parameters` says.
        x: ``(b, ...)``, of the same dtype and on the same device, best in the memory format of :func:`layout`.
    """
    return map_outputs(template, genomes, x, lambda outputs: outputs)


def map_outputs(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor, reduce: Reduce) -> torch.Tensor:
    """``reduce(forward(template, genomes, x))`` without ever holding all outputs.

    Args:
        template, genomes, x: as in :func:`forward`.
        reduce: the outputs ``(k, b, outputs)`` of some of the networks to a new tensor ``(k, ...)``, each network's
            for itself; called several times, from several threads.

    Returns:
        ``(n, ...)``, in the order of the rows.
    """
    networks = _networks(template, x, len(genomes))
    inputs = networks.common(x)
    pieces = genomes.split(networks.rows)

    def work(number: int) -> torch.Tensor:
        piece = pieces[number]
        taken = networks.take(piece, range(len(piece)))
        return reduce(networks(taken, inputs.expand(len(piece), *inputs.shape)))

    return torch.cat(parallel(work, len(pieces)))


def each(template: nn.Module, genomes: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The outputs ``(n, b, outputs)`` of n networks, each for b inputs of its own.

    Args:
        template, genomes: as in :func:`forward`.
        x: ``(n, b, ...)``, of the same dtype and on the same device.
    """
    return prepared(template, genomes, range(len(x)), x[0])(x)


def prepared(
    template: nn.Module, genomes: torch.Tensor, rows: Sequence[int], like: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """What :func:`each` does, to be called many times: of n networks, the rows of ``genomes`` that they have.

    The weights of a plain chain are copied where its rows do not lie one after the other; those of networks that are
    called one by one never are.

    Args:
        template, genomes: as in :func:`forward`; not to change as long as the result is called.
        rows: n of them, in any order and as often as they are wanted.
        like: ``(b, ...)``, inputs of one network.
    """
    networks = _networks(template, like, len(rows))
    size = max(networks.rows, _LEAST // genomes.shape[1])
    taken = [networks.take(genomes, rows[begin : begin + size]) for begin in range(0, len(rows), size)]

    if len(taken) == 1:  # as in most calls of small networks, to which cutting and joining would cost as much again
        return lambda x: networks(taken[0], networks.own(x))

    def outputs(x: torch.Tensor) -> torch.Tensor:
        inputs = networks.own(x).split(size)
        return torch.cat(parallel(lambda number: networks(taken[number], inputs[number]), len(taken)))

    return outputs


def chain(template: nn.Module, shape: tuple[int, ...]) -> list[nn.Module] | None:
    """The linear layers and elementwise activations of a plain chain; None for any other network.

    Args:
        shape: of one input. The layers work on inputs that are flattened.
    """
    layers = list(_leaves(template))
    if layers and type(layers[0]) is nn.Flatten and (layers[0].start_dim, layers[0].end_dim) == (1, -1):
        layers = layers[1:]
    elif len(shape) != 1:
        return None
    plain = all(type(layer) is nn.Linear or type(layer) in _ELEMENTWISE for layer in layers)
    return layers if plain and layers and type(layers[0]) is nn.Linear else None


def layout(template: nn.Module, x: torch.Tensor) -> torch.memory_format:
    """How inputs like x are best laid out in memory: for convolutions, with the channels of a pixel side by side.

    Only where the network works on such inputs: a ``view`` of them may not.
    """
    if x.ndim == 4 and any(isinstance(module, nn.Conv2d) for module in template.modules()):
        module = copy.deepcopy(template).to(x.device).eval()
        with contextlib.suppress(RuntimeError), torch.no_grad():
            module(x[:2].to(memory_format=torch.channels_last))
            return torch.channels_last
    return torch.contiguous_format


def _networks(template: nn.Module, x: torch.Tensor, n: int) -> Any:
    """How n networks are called for inputs like x, ``(b, ...)``."""
    layers = chain(template, tuple(x.shape[1:]))
    return _General(template, n) if layers is None else _Dense(template, layers, x, n)


class _Dense:
    """A chain of linear layers, a batched product each.

    Activations are ``(k, features, b)`` (``wide``) or, for few examples, ``(k, b, features)``.
    """

    def __init__(self, template: nn.Module, layers: Sequence[nn.Module], x: torch.Tensor, n: int) -> None:
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        self.template = template
        self.layers = [_in_place(layer) for layer in layers]
        self.b = len(x)
        self.wide = self.b > _SMALL
        self.rows = _rows(n, self.b * max(layer.out_features for layer in linear), x.device)
        self.hidden = _Buffers(len(linear) - 1, x)

    def common(self, x: torch.Tensor) -> torch.Tensor:
        """``(b, ...)``, inputs that all networks have, as they are given for each."""
        return x.flatten(1).T.contiguous() if self.wide else x.flatten(1)

    def own(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, b, ...)``, inputs of the networks' own, as they are given."""
        return x.flatten(2).mT if self.wide else x.flatten(2)

    def take(self, genomes: torch.Tensor, rows: Sequence[int]) -> list[tuple[torch.Tensor, torch.Tensor | None] | None]:
        """The weights and biases of these rows, layer by layer, as products need them; None where there are none."""
        views = parameters(self.template, _taken(genomes, rows)).values()
        blocks: dict[torch.Tensor, torch.Tensor] = dict(zip(self.template.parameters(), views, strict=True))
        return [self._operands(layer, blocks) if isinstance(layer, nn.Linear) else None for layer in self.layers]

    def _operands(
        self, layer: nn.Linear, blocks: Mapping[torch.Tensor, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        weight, bias = blocks[layer.weight], None if layer.bias is None else blocks[layer.bias]
        return weight if self.wide else weight.mT, None if bias is None else bias.unsqueeze(2 if self.wide else 1)

    def __call__(
        self, taken: Sequence[tuple[torch.Tensor, torch.Tensor | None] | None], inputs: torch.Tensor
    ) -> torch.Tensor:
        h, memory, number = inputs, inputs, 0
        for layer, operands in zip(self.layers, taken, strict=True):
            if operands is None:
                memory = layer(memory)
                h = _front(memory, h.shape)
                continue
            weight, bias = operands
            shape = (len(h), weight.shape[1], self.b) if self.wide else (len(h), self.b, weight.shape[2])
            memory = self.hidden.take(number, math.prod(shape))  # the last layer's is new: `reduce` may keep it
            a, b = (weight, h) if self.wide else (h, weight)
            out = _front(memory, shape)
            h = torch.bmm(a, b, out=out) if bias is None else torch.baddbmm(bias, a, b, out=out)
            number += 1
        return h.mT if self.wide else h


class _General:
    """Any network, called once for each row."""

    def __init__(self, template: nn.Module, n: int) -> None:
        self.rows = max(1, min(_CALLED, n // count()))
        self.copies = _Copies(template)

    def common(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def own(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def take(self, genomes: torch.Tensor, rows: Sequence[int]) -> list[dict[str, torch.Tensor]]:
        """The parameters of these rows, by name: views."""
        blocks = parameters(self.copies.module, genomes)
        return [{name: block[row] for name, block in blocks.items()} for row in rows]

    def __call__(self, taken: Sequence[dict[str, torch.Tensor]], inputs: torch.Tensor) -> torch.Tensor:
        module = self.copies.module
        with torch.no_grad():
            return torch.stack([functional_call(module, own, (x,)) for own, x in zip(taken, inputs, strict=True)])


class _Buffers(threading.local):
    """Kept memory for activations, each thread its own: fresh memory costs as much as a tenth of the product.

    Behind the numbers there is some slack. An elementwise operation computes the last few of its numbers by other code
    than the rest, by which ``exp`` and its like round otherwise: with the slack none of a network's numbers is among
    these, so that they do not depend on how many networks there are.
    """

    def __init__(self, count: int, like: torch.Tensor) -> None:
        self.count, self.like = count, like
        self.blocks: dict[int, torch.Tensor] = {}

    def take(self, number: int, size: int) -> torch.Tensor:
        """Memory for so many numbers, with the slack; beyond the first ``count`` blocks it is new."""
        if number in self.blocks and len(self.blocks[number]) >= size + _SLACK:
            return self.blocks[number][: size + _SLACK]
        block = self.like.new_empty(size + _SLACK)
        block[size:].zero_()
        if number < self.count:
            self.blocks[number] = block
        return block


class _Copies(threading.local):
    """A module for each thread: ``functional_call`` swaps the parameters of the module that it is given."""

    def __init__(self, template: nn.Module) -> None:
        self.module = copy.deepcopy(template, {id(weight): weight for weight in template.parameters()})


def _taken(genomes: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
    """Those rows, a view where they lie one after the other."""
    whole = range(rows[0], rows[0] + len(rows))
    return genomes[whole.start : whole.stop] if list(rows) == list(whole) else genomes[list(rows)]


def _front(memory: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """The first numbers of some memory as a block."""
    return memory[: math.prod(shape)].view(*shape)


def _leaves(module: nn.Module) -> Iterable[nn.Module]:
    if type(module) is not nn.Sequential:
        yield module
        return
    for child in module:
        yield from _leaves(child)


def _in_place(layer: nn.Module) -> nn.Module:
    """The same activation on the same memory, where it can: what it gets is always a product's fresh result."""
    if not hasattr(layer, "inplace"):
        return layer
    layer = copy.copy(layer)
    layer.inplace = True  # type: ignore[assignment]
    return layer


def _rows(n: int, widest: int, device: torch.device) -> int:
    """Networks in a piece: as many as the activations allow; on a CPU, no more than leave every worker some."""
    if device.type == "cpu":
        return max(1, min(_ACTIVATIONS["cpu"] // widest, -(-n // count())))
    return max(1, _ACTIVATIONS["cuda"] // widest)
