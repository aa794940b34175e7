"""Network ``resnet50``."""

from __future__ import annotations

from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, Network, dataclass
from evoplug_supervised.networks.images import image_shape
from evoplug_supervised.networks.stages import four_stages, shortcut


@dataclass(kw_only=True)
class ResNet50(Network):
    """The ResNet-50 of He et al. (2016), table 1, for small images: a 3 x 3 first convolution and no max-pooling.

    Four stages of 3, 4, 6 and 3 bottlenecks, each giving four times its channels, with the stride of a stage at the
    3 x 3 convolution; shortcuts that change the shape are 1 x 1 convolutions (option B). For ten classes of images in
    colour it has 23.5 M weights, as in Ding and Spector (2022). Its layers are `stem` (the first convolution, with
    normalisation and ReLU), `block1`, ..., `block16`, `pool`, `flatten`, `output`.
    """

    width: Annotated[int, Ge(1), "channels of the first convolution; all others keep their ratio to it"] = 64

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, _, _ = image_shape(shape)
        return four_stages(inputs, outputs, self.width, (3, 4, 6, 3), _bottleneck, expansion=4)


def _bottleneck(inputs: int, channels: int, stride: int) -> nn.Module:
    from torchvision.models.resnet import Bottleneck

    return Bottleneck(inputs, channels, stride, shortcut(inputs, 4 * channels, stride))
