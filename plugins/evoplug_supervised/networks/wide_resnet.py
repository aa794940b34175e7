"""Network ``wide-resnet``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Annotated

import torch
from torch import nn
from torch.nn.functional import relu

from evoplug.contracts import Ge, Le, Network, dataclass
from evoplug_supervised.networks.images import image_shape


@dataclass(kw_only=True)
class WideResNet(Network):
    """The wide residual network of Zagoruyko and Komodakis (2016), table 1, without dropout: WRN-depth-width.

    Three stages of 16, 32 and 64 times ``width`` channels; WRN-16-8 has 11.0 M weights. Its layers are `stem` (the
    first convolution), `block1`, `block2`, ..., `norm` (normalisation and ReLU), `pool`, `flatten`, `output`.
    """

    depth: Annotated[int, Ge(10), Le(2000), "6n + 4 layers with weights"] = 16
    width: Annotated[int, Ge(1), "factor on the number of channels"] = 8

    def check(self) -> Iterable[tuple[str, str]]:
        if (self.depth - 4) % 6:
            yield "depth", f"must be 6n + 4 (10, 16, 22, 28, ...), got {self.depth}"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, _, _ = image_shape(shape)
        layers = OrderedDict[str, nn.Module](stem=nn.Conv2d(inputs, 16, 3, padding=1, bias=False))
        before = 16
        for stage in range(3):
            channels = 16 * self.width << stage
            for number in range((self.depth - 4) // 6):
                layers[f"block{len(layers)}"] = PreActivationBlock(before, channels, 2 if stage and not number else 1)
                before = channels
        layers["norm"] = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(inplace=True))
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(before, outputs)}
        return nn.Sequential(layers)


class PreActivationBlock(nn.Module):
    """Twice normalisation, ReLU and a 3 x 3 convolution, beside a shortcut: B(3, 3) of the paper.

    torchvision's blocks normalise after the convolution and cannot stand in.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = relu(self.norm1(x))
        beside = x if self.shortcut is None else self.shortcut(h)
        return beside + self.conv2(relu(self.norm2(self.conv1(h))))
