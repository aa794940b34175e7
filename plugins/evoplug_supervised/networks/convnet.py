"""Network ``convnet``."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Annotated

from torch import nn

from evoplug.contracts import ConfigError, Ge, MaxLen, Network, dataclass
from evoplug_supervised.networks.images import image_shape


@dataclass(kw_only=True)
class ConvNet(Network):
    """A small convolutional network: convolution, ReLU and 2 x 2 max-pooling, some times, then dense layers.

    Its layers are `conv1`, `conv2`, ..., `flatten`, `dense1`, ..., `output`.
    """

    channels: Annotated[tuple[Annotated[int, Ge(1)], ...], "of each convolution"] = (16, 32)
    kernel: Annotated[int, Ge(1), "side of the kernels, odd; images are padded so that they keep their size"] = 3
    dense: Annotated[tuple[Annotated[int, Ge(1)], ...], MaxLen(1000), "units of each hidden dense layer"] = (64,)
    batch_norm: Annotated[bool, "whether batch normalisation follows each convolution"] = False

    def check(self) -> list[tuple[str, str]]:
        return [] if self.kernel % 2 else [("kernel", f"must be odd, got {self.kernel}")]

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, height, width = image_shape(shape)
        halvings = len(self.channels)
        height, width = height >> halvings, width >> halvings
        if not (height and width):
            raise ConfigError("channels", f"{halvings} poolings are too many for images of {shape[1]} x {shape[2]}")
        layers = OrderedDict[str, nn.Module]()
        for number, (before, after) in enumerate(pairwise((inputs, *self.channels)), start=1):
            layers[f"conv{number}"] = self._block(before, after)
        layers["flatten"] = nn.Flatten()
        features = (self.channels[-1] if self.channels else inputs) * height * width
        widths = (features, *self.dense)
        for number, (before, after) in enumerate(pairwise(widths), start=1):
            layers[f"dense{number}"] = nn.Sequential(nn.Linear(before, after), nn.ReLU())
        layers["output"] = nn.Linear(widths[-1], outputs)
        return nn.Sequential(layers)

    def _block(self, inputs: int, outputs: int) -> nn.Module:
        normalise = [nn.BatchNorm2d(outputs)] if self.batch_norm else []
        convolution = nn.Conv2d(inputs, outputs, self.kernel, padding=self.kernel // 2, bias=not self.batch_norm)
        return nn.Sequential(convolution, *normalise, nn.ReLU(), nn.MaxPool2d(2))
