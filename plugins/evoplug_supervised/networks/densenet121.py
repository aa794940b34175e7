"""Network ``densenet121``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, MultipleOf, Network, dataclass
from evoplug_supervised.networks.images import image_shape

_BLOCKS = (6, 12, 24, 16)
"""Layers of each block."""


@dataclass(kw_only=True)
class DenseNet121(Network):
    """The DenseNet-121 of Huang et al. (2017), table 1, for small images: a 3 x 3 first convolution, no max-pooling.

    Four blocks of 6, 12, 24 and 16 layers, each layer reading all before it in its block; transitions between blocks
    halve the channels and the sides. For ten classes of images in colour it has 6.96 M weights, as in Ding and Spector
    (2022). Its layers are `stem` (the first convolution), `block1`, `transition1`, `block2`, ..., `block4`, `norm`
    (normalisation and ReLU), `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(2), MultipleOf(2), "channels of the first convolution, twice the growth rate"] = 64

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models.densenet import _DenseBlock, _Transition
        from torchvision.models.resnet import conv3x3

        inputs, _, _ = image_shape(shape, least=2 ** (len(_BLOCKS) - 1))
        growth, channels = self.width // 2, self.width
        layers = OrderedDict[str, nn.Module](stem=conv3x3(inputs, channels))
        for number, count in enumerate(_BLOCKS, start=1):
            if number > 1:
                layers[f"transition{number - 1}"] = _Transition(channels, channels // 2)
                channels //= 2
            layers[f"block{number}"] = _DenseBlock(count, channels, bn_size=4, growth_rate=growth, drop_rate=0)
            channels += count * growth
        layers["norm"] = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(channels, outputs)}
        return nn.Sequential(layers)
