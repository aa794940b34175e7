"""Dropout from a stream of one's own: torch's draws from its global one, which threads share and no run can resume."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from evoplug import Rng

_KEPT = {functional.dropout: None, functional.dropout1d: 2, functional.dropout2d: 2, functional.dropout3d: 2}
"""Function -> how many leading dimensions have a chance of their own; None: all."""
_BERNOULLI = (torch.bernoulli, torch.Tensor.bernoulli, torch.Tensor.bernoulli_)


class Noise(TorchFunctionMode):
    """In this block, on this thread, dropout and Bernoulli numbers inside a network come from ``rng``.

    That is what torch's and torchvision's convolutional networks draw; alpha dropout and the dropout inside of
    recurrent and attention layers still draw from the global stream.
    """

    def __init__(self, rng: Rng) -> None:
        super().__init__()
        self._generator = rng.torch

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        if func in _KEPT:
            return self._dropout(_KEPT[func], *args, **options)
        if func in _BERNOULLI:
            options.setdefault("generator", self._generator)
        return func(*args, **options)

    def _dropout(
        self, dims: int | None, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        if not training:
            return input
        if p == 1:
            return input * 0
        shape = input.shape if dims is None else input.shape[:dims] + (1,) * (input.ndim - dims)
        keep = input.new_empty(shape).bernoulli_(1 - p, generator=self._generator)
        return input * keep.div_(1 - p)


def draws(module: nn.Module, x: torch.Tensor) -> bool:
    """Whether a pass of ``x`` in training mode draws from torch's global stream; both on the CPU, neither changed."""
    module = copy.deepcopy(module).train()
    with torch.random.fork_rng(devices=()), torch.no_grad():
        before = torch.get_rng_state()
        module(x)
        return not torch.equal(before, torch.get_rng_state())
