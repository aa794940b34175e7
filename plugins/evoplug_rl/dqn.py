"""Network ``dqn``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated

from torch import nn

from evoplug.contracts import ConfigError, Ge, MaxLen, MinLen, Network, dataclass

Sizes = Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)]


@dataclass(kw_only=True)
class DQN(Network):
    """The network of deep Q-learning (Mnih et al. 2015): convolutions without padding, then dense layers; an output is
    the worth of an action.

    A ReLU follows each layer but the last. On 4 x 84 x 84 pixels and 18 actions it has 1,693,362 weights. Its layers
    are `conv1`, `conv2`, ..., `flatten`, `dense1`, ..., `output`.
    """

    channels: Annotated[Sizes, "of each convolution"] = (32, 64, 64)
    kernels: Annotated[Sizes, "side of the kernel of each convolution"] = (8, 4, 3)
    strides: Annotated[Sizes, "of each convolution"] = (4, 2, 1)
    dense: Annotated[tuple[Annotated[int, Ge(1)], ...], MaxLen(1000), "units of each hidden dense layer"] = (512,)

    def check(self) -> Iterable[tuple[str, str]]:
        for key in ("kernels", "strides"):
            given = len(getattr(self, key))
            if given != len(self.channels):
                yield key, f"must be one for each of the {len(self.channels)} convolutions of `channels`, got {given}"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        if len(shape) != 3:
            raise ConfigError((), f"needs images (channels, height, width), and the inputs have shape {shape}")
        before, height, width = shape
        layers = OrderedDict[str, nn.Module]()
        for number, (after, kernel, stride) in enumerate(
            zip(self.channels, self.kernels, self.strides, strict=True), start=1
        ):
            if min(height, width) < kernel:
                raise ConfigError("kernels", f"conv{number}, {kernel} x {kernel}, gets only {height} x {width} pixels")
            layers[f"conv{number}"] = nn.Sequential(nn.Conv2d(before, after, kernel, stride), nn.ReLU())
            before, height, width = after, (height - kernel) // stride + 1, (width - kernel) // stride + 1
        layers["flatten"] = nn.Flatten()
        widths = (before * height * width, *self.dense)
        for number, (inputs, units) in enumerate(pairwise(widths), start=1):
            layers[f"dense{number}"] = nn.Sequential(nn.Linear(inputs, units), nn.ReLU())
        layers["output"] = nn.Linear(widths[-1], outputs)
        return nn.Sequential(layers)
