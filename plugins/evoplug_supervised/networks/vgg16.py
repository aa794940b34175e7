"""Network ``vgg16``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, Network, dataclass
from evoplug_supervised.networks.images import image_shape

_STAGES = ((1, 2), (2, 2), (4, 3), (8, 3), (8, 3))
"""(factor on the channels, convolutions) between two poolings."""


@dataclass(kw_only=True)
class VGG16(Network):
    """The thirteen convolutions of Simonyan and Zisserman (2015), table 1, column D, and one dense layer.

    As in the code that Ding and Spector (2022) used, batch normalisation follows each convolution, and images of
    32 x 32 pixels, of which five poolings leave one, need no hidden dense layers; of larger ones the mean of what is
    left is taken. For ten classes of images in colour it has 14.7 M weights. Its layers are `conv1`, ..., `conv13`
    (with normalisation, ReLU and, where one follows, max-pooling), `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(1), "channels of the first convolution; all others keep their ratio to it"] = 64

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        before, _, _ = image_shape(shape, least=2 ** len(_STAGES))
        layers = OrderedDict[str, nn.Module]()
        for factor, convolutions in _STAGES:
            channels = factor * self.width
            for number in range(convolutions):
                last = number == convolutions - 1
                layers[f"conv{len(layers) + 1}"] = _convolution(before, channels, pools=last)
                before = channels
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(before, outputs)}
        return nn.Sequential(layers)


def _convolution(inputs: int, outputs: int, pools: bool) -> nn.Module:
    layers = (nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.MaxPool2d(2)) if pools else nn.Sequential(*layers)
