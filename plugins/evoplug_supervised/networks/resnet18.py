"""Network ``resnet18``."""

from __future__ import annotations

from typing import Annotated, Literal

from torch import nn

from evoplug.contracts import Ge, MaxLen, MinLen, Network, dataclass
from evoplug_supervised.networks.images import image_shape
from evoplug_supervised.networks.stages import four_stages, shortcut


@dataclass(kw_only=True)
class ResNet18(Network):
    """The ResNet-18 of He et al. (2016), table 1, for small images: a 3 x 3 first convolution and no max-pooling.

    Four stages of two blocks, each of twice the channels of the one before; shortcuts that change the shape are
    1 x 1 convolutions (option B). For ten classes of images in colour it has 11.17 M weights. Its layers are `stem`
    (the first convolution, with normalisation and ReLU), `block1`, ..., `block8`, `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(1), "channels of the first convolution; all others keep their ratio to it"] = 64
    first_stride: Annotated[Literal[1, 2], "of the first convolution"] = 1
    strides: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(4), MaxLen(4), "of each stage"] = (1, 2, 2, 2)

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, _, _ = image_shape(shape)
        return four_stages(
            inputs,
            outputs,
            self.width,
            (2, 2, 2, 2),
            _block,
            first_stride=self.first_stride,
            strides=self.strides,
        )


def _block(inputs: int, channels: int, stride: int) -> nn.Module:
    from torchvision.models.resnet import BasicBlock

    return BasicBlock(inputs, channels, stride, shortcut(inputs, channels, stride))
