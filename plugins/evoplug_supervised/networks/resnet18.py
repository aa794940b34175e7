"""Network ``resnet18``."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import Annotated, Literal

from torch import nn

from evoplug.contracts import Ge, MaxLen, MinLen, Network, dataclass
from evoplug_supervised.networks.images import image_shape


@dataclass(kw_only=True)
class ResNet18(Network):
    """The ResNet-18 of He et al. (2016), table 1, for small images: a 3 x 3 first convolution and no max-pooling.

    Four stages of two blocks, each of twice the channels of the one before; shortcuts that change the shape are
    1 x 1 convolutions (option B). For ten classes of images in colour it has 11.17 M weights. Its layers are `stem`
    (the first convolution, with normalisation and ReLU), `block1`, ..., `block8`, `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(1), "channels of the first stage"] = 64
    first_stride: Annotated[Literal[1, 2], "of the first convolution"] = 1
    strides: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(4), MaxLen(4), "of each stage"] = (1, 2, 2, 2)

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models.resnet import conv3x3

        inputs, _, _ = image_shape(shape)
        stem = (conv3x3(inputs, self.width, self.first_stride), nn.BatchNorm2d(self.width), nn.ReLU(inplace=True))
        layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*stem))
        widths = (self.width, *(self.width << stage for stage in range(4)))
        for (before, channels), stride in zip(pairwise(widths), self.strides, strict=True):
            layers[f"block{len(layers)}"] = _block(before, channels, stride)
            layers[f"block{len(layers)}"] = _block(channels, channels, 1)
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(widths[-1], outputs)}
        return nn.Sequential(layers)


def _block(inputs: int, outputs: int, stride: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock, conv1x1

    changes = stride > 1 or inputs != outputs
    shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs)) if changes else None
    return BasicBlock(inputs, outputs, stride, shortcut)
