"""Network ``resnet``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Annotated

import torch
from torch import nn
from torch.nn.functional import pad

from evoplug.contracts import Ge, Le, Network, dataclass
from evoplug_supervised.networks.images import image_shape


@dataclass(kw_only=True)
class ResNet(Network):
    """The residual network for CIFAR of He et al. (2016), section 4.2: three stages of 16, 32 and 64 channels.

    Shortcuts that change the shape have no parameters (option A). Depth 20 has 0.27 M weights, depth 32 has 0.46 M.
    Its layers are `stem` (the first convolution, with normalisation and ReLU), `block1`, `block2`, ..., `pool`,
    `flatten`, `output`.
    """

    depth: Annotated[int, Ge(8), Le(2000), "6n + 2 layers with weights"] = 20

    def check(self) -> Iterable[tuple[str, str]]:
        if (self.depth - 2) % 6:
            yield "depth", f"must be 6n + 2 (8, 14, 20, 32, ...), got {self.depth}"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.models.resnet import BasicBlock, conv3x3

        inputs, _, _ = image_shape(shape)
        layers = OrderedDict[str, nn.Module](
            stem=nn.Sequential(conv3x3(inputs, 16), nn.BatchNorm2d(16), nn.ReLU(inplace=True))
        )
        before = 16
        for channels in (16, 32, 64):
            for number in range((self.depth - 2) // 6):
                shrinks = number == 0 and channels > 16
                shortcut = PaddedShortcut(channels - before) if shrinks else None
                layers[f"block{len(layers)}"] = BasicBlock(before, channels, 2 if shrinks else 1, shortcut)
                before = channels
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(64, outputs)}
        return nn.Sequential(layers)


class PaddedShortcut(nn.Module):
    """Every second pixel, and further channels of zeros: the shortcut of option A."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.channels))
