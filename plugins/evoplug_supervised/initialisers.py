"""Initial weights, by name. Biases start at zero, the gains of normalisation layers at one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod, sqrt
from typing import TYPE_CHECKING, Any, cast

import torch

if TYPE_CHECKING:
    from evoplug import Rng
    from evoplug.contracts import Function

Initialiser = Callable[[torch.Tensor, int, int, torch.Generator], Any]
"""``(weights, fan_in, fan_out, generator)``: fills ``weights`` in place, ``(n, *shape)``: one layer of n networks."""


def glorot_uniform(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, equation 16)."""
    bound = sqrt(6 / (fan_in + fan_out))
    weights.uniform_(-bound, bound, generator=generator)


def he_normal(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """N(0, 2 / fan_in) (He et al. 2015, equation 10)."""
    weights.normal_(0, sqrt(2 / fan_in), generator=generator)


def he_uniform(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """U(-b, b), b = sqrt(6 / fan_in): the variance of He et al. 2015, equation 10."""
    bound = sqrt(6 / fan_in)
    weights.uniform_(-bound, bound, generator=generator)


def normal(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """N(0, 0.05^2), whatever the layer."""
    weights.normal_(0, 0.05, generator=generator)


def normalised(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """The weights into each unit are a direction drawn uniformly: normal numbers, scaled to an L2 norm of 1 (the
    released code of Such et al. 2017)."""
    weights.normal_(generator=generator)
    weights /= torch.linalg.vector_norm(weights, dim=tuple(range(2, weights.ndim)), keepdim=True)


def torch_uniform(weights: torch.Tensor, fan_in: int, fan_out: int, generator: torch.Generator) -> None:
    """U(-b, b), b = sqrt(1 / fan_in): what torch's linear and convolution layers begin with."""
    bound = sqrt(1 / fan_in)
    weights.uniform_(-bound, bound, generator=generator)


INITIALISERS: dict[str, Initialiser] = {
    "glorot-uniform": glorot_uniform,
    "he-normal": he_normal,
    "he-uniform": he_uniform,
    "normal": normal,
    "normalised": normalised,
    "torch-uniform": torch_uniform,
}


def fill(parameters: Mapping[str, torch.Tensor], init: Function, rng: Rng) -> None:
    """Draw the parameters of n networks in place.

    Args:
        parameters: name -> ``(n, *shape)``, in the order in which they are drawn.
        init: a name of :data:`INITIALISERS`, or an :data:`Initialiser`.
        rng: on the device of the parameters.
    """
    draw = INITIALISERS[init] if isinstance(init, str) else cast(Initialiser, init)
    for name, block in parameters.items():
        shape = block.shape[1:]
        if len(shape) >= 2:
            receptive = prod(shape[2:])
            draw(block, shape[1] * receptive, shape[0] * receptive, rng.torch)
        else:
            block.fill_(0 if name.endswith("bias") else 1)
