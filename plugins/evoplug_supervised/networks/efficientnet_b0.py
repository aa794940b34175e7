"""Network ``efficientnet-b0``."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, Lt, MultipleOf, Network, dataclass
from evoplug_supervised.networks.images import image_shape

_WIDTH = 32
_STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
"""(expansion, channels, blocks, side of the kernel, stride of the first) at the width of the paper."""


@dataclass(kw_only=True)
class EfficientNetB0(Network):
    """The EfficientNet-B0 of Tan and Le (2019), table 1, for small images.

    As in the code that Ding and Spector (2022) used, the first convolution keeps the sides, no 1 x 1 convolution
    follows the last block, and training leaves out no block, which it does with a `stochastic_depth` of 0.2 in the
    paper of the network. That code makes 1,088 further weights, for an expansion of the first block, and reads none of
    them. For ten classes of images in colour it has 3.60 M weights. Its layers are `stem` (the first convolution, with
    normalisation and SiLU), `block1`, ..., `block16`, `pool`, `flatten`, `dropout`, `output`.
    """

    width: Annotated[
        int, Ge(4), MultipleOf(4), "channels of the first convolution; all others keep their ratio to it"
    ] = _WIDTH
    dropout: Annotated[float, Ge(0), Lt(1), "probability that training sets an input of the dense layer to 0"] = 0.2
    stochastic_depth: Annotated[
        float, Ge(0), Lt(1), "probability that training leaves out a block with a shortcut; block k of 16, k / 16 of it"
    ] = 0.0

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        from torchvision.ops import Conv2dNormActivation

        inputs, _, _ = image_shape(shape)
        stem = Conv2dNormActivation(inputs, self.width, activation_layer=nn.SiLU)
        layers = OrderedDict[str, nn.Module](stem=stem)
        before = self.width
        total = sum(blocks for _, _, blocks, _, _ in _STAGES)
        for expansion, of_paper, blocks, kernel, stride in _STAGES:
            channels = of_paper * self.width // _WIDTH
            for number in range(blocks):
                left_out = self.stochastic_depth * len(layers) / total
                block = _block(expansion, kernel, 1 if number else stride, before, channels, left_out)
                layers[f"block{len(layers)}"] = block
                before = channels
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        layers |= {"dropout": nn.Dropout(self.dropout), "output": nn.Linear(before, outputs)}
        return nn.Sequential(layers)


def _block(expansion: int, kernel: int, stride: int, inputs: int, outputs: int, left_out: float) -> nn.Module:
    from torchvision.models.efficientnet import MBConv, MBConvConfig

    class Exact(MBConvConfig):  # torchvision's rounds numbers of channels to multiples of 8
        @staticmethod
        def adjust_channels(channels: int, factor: float, *_: object) -> int:
            return round(channels * factor)

    return MBConv(Exact(expansion, kernel, stride, inputs, outputs, 1), left_out, nn.BatchNorm2d)
