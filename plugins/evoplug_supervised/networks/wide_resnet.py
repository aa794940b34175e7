"""Network ``wide-resnet``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, Le, Network, dataclass
from evoplug_supervised.networks.images import image_shape
from evoplug_supervised.networks.pre_activation import PreActivationBlock


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
