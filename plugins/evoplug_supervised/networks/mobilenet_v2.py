"""Network ``mobilenet-v2``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

import torch
from torch import nn

from evoplug.contracts import Ge, MultipleOf, Network, dataclass
from evoplug_supervised.networks.images import image_shape

_WIDTH = 32
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""(expansion, channels, blocks, stride of the first) at the width of the paper."""


@dataclass(kw_only=True)
class MobileNetV2(Network):
    """The MobileNetV2 of Sandler et al. (2018), table 2, for small images.

    As in the code that Ding and Spector (2022) used, the first convolution and the second stage keep the sides, and
    other than in the paper of the network every block has an expansion, the first one to as many channels; activations
    are ReLU, not ReLU6; blocks that keep the sides and change the channels have a shortcut, a 1 x 1 convolution; there
    is no dropout. For ten classes of images in colour it has 2.30 M weights. Its layers are `stem` (the first
    convolution, with normalisation and ReLU), `block1`, ..., `block17`, `head` (the last convolution, likewise),
    `pool`, `flatten`, `output`.
    """

    width: Annotated[
        int, Ge(4), MultipleOf(4), "channels of the first convolution; all others keep their ratio to it"
    ] = _WIDTH

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.ops import Conv2dNormActivation

        inputs, _, _ = image_shape(shape)
        layers = OrderedDict[str, nn.Module](stem=Conv2dNormActivation(inputs, self.width))
        before = self.width
        for expansion, of_paper, blocks, stride in _STAGES:
            channels = of_paper * self.width // _WIDTH
            for number in range(blocks):
                block = InvertedResidual(before, expansion * before, channels, 1 if number else stride)
                layers[f"block{len(layers)}"] = block
                before = channels
        layers["head"] = Conv2dNormActivation(before, 4 * before, 1)
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(4 * before, outputs)}
        return nn.Sequential(layers)


class InvertedResidual(nn.Module):
    """1 x 1 to the expanded channels, 3 x 3 within each channel, 1 x 1 to the outputs; a shortcut at stride 1.

    torchvision's has neither an expansion to as many channels nor a shortcut that changes their number.
    """

    def __init__(self, inputs: int, expanded: int, outputs: int, stride: int) -> None:
        from torchvision.ops import Conv2dNormActivation

        super().__init__()
        self.layers = nn.Sequential(
            Conv2dNormActivation(inputs, expanded, 1),
            Conv2dNormActivation(expanded, expanded, 3, stride, groups=expanded),
            Conv2dNormActivation(expanded, outputs, 1, activation_layer=None),
        )
        changes = inputs != outputs
        along = Conv2dNormActivation(inputs, outputs, 1, activation_layer=None) if changes else nn.Identity()
        self.shortcut = along if stride == 1 else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h: torch.Tensor = self.layers(x)
        return h if self.shortcut is None else h + self.shortcut(x)
