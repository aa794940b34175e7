"""Network ``senet18``."""

from __future__ import annotations

from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, Network, dataclass
from evoplug_supervised.networks.images import image_shape
from evoplug_supervised.networks.pre_activation import PreActivationBlock
from evoplug_supervised.networks.stages import four_stages


@dataclass(kw_only=True)
class SENet18(Network):
    """The SENet-18 of Ding and Spector (2022): a ResNet-18 for small images with squeeze and excitation.

    Hu et al. (2018) put squeeze and excitation, which scales each channel by a number between 0 and 1 computed from
    all, into blocks that normalise after each convolution. Here, as in the code that Ding and Spector used, blocks
    normalise before it, and nothing does so after the last block. The layer between the two of an excitation has a
    sixteenth of the channels, at least one. For ten classes of images in colour it has 11.26 M weights. Its layers are
    `stem` (the first convolution, with normalisation and ReLU), `block1`, ..., `block8`, `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(1), "channels of the first convolution; all others keep their ratio to it"] = 64

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, _, _ = image_shape(shape)
        return four_stages(inputs, outputs, self.width, (2, 2, 2, 2), _block)


def _block(inputs: int, channels: int, stride: int) -> nn.Module:
    from torchvision.ops import SqueezeExcitation

    return PreActivationBlock(inputs, channels, stride, SqueezeExcitation(channels, max(1, channels // 16)))
