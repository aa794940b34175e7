"""Network ``se-resnext50``."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Annotated

from torch import nn

from evoplug.contracts import Ge, MaxLen, MinLen, MultipleOf, Network, dataclass
from evoplug_supervised.networks.images import image_shape
from evoplug_supervised.networks.stages import shortcut

_REDUCTION = 16
"""Channels of a block for one of the layer between the two of its excitation."""

_NAMES = {
    r"layer0\.conv1\.": "stem.0.",
    r"layer0\.bn1\.": "stem.1.",
    r"layer([1-4]\.\d+\.)bn3\.": r"stage\1bn3.norm.",
    r"layer([1-4]\.\d+\.)se_module\.": r"stage\1bn3.scale.",
    r"layer([1-4]\.\d+\.)": r"stage\1",
    r"last_linear\.": "output.",
}
"""How names of pretrainedmodels' se_resnext50_32x4d begin -> how they do here."""


@dataclass(kw_only=True)
class SEResNeXt50(Network):
    """The SE-ResNeXt-50 (32 x 4d) of Hu et al. (2018) for images of ImageNet's size, as published weights are for it.

    A 7 x 7 convolution and a 3 x 3 max-pooling, each with stride 2, and four stages of bottlenecks, the first of each
    with its stride at the 3 x 3 convolution, which has 32 groups (Xie et al. 2017, table 1). What a block adds to its
    input is scaled channel by channel by squeeze and excitation. For 1,000 classes of images in colour it has 27.56 M
    weights.

    Its layers are `stem` (the first convolution with normalisation, ReLU and max-pooling), `stage1`, ..., `stage4`,
    `pool`, `flatten`, `output`. Where five stages are counted, one for each side that images have in it, the first is
    `stem` without its pooling, and the second to fifth are `stage1` to `stage4`.

    A file of weights to start from may have the names of pretrainedmodels' se_resnext50_32x4d too.
    """

    width: Annotated[
        int, Ge(16), MultipleOf(16), "channels of the first convolution, 16 times those of a group of the first stage"
    ] = 64
    cardinality: Annotated[int, Ge(1), "groups of the 3 x 3 convolutions"] = 32
    blocks: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(4), MaxLen(4), "in each stage"] = (3, 4, 6, 3)

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        inputs, _, _ = image_shape(shape, least=3)
        convolution = nn.Conv2d(inputs, self.width, 7, stride=2, padding=3, bias=False)
        pooling = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        stem = nn.Sequential(convolution, nn.BatchNorm2d(self.width), nn.ReLU(inplace=True), pooling)
        layers = OrderedDict[str, nn.Module](stem=stem)
        before = self.width
        for stage, count in enumerate(self.blocks):
            channels, made = self.width << stage, []
            for number in range(count):
                made.append(self._block(before, channels, 2 if stage and not number else 1))
                before = 4 * channels
            layers[f"stage{stage + 1}"] = nn.Sequential(*made)
        layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(before, outputs)}
        return nn.Sequential(layers)

    def renamed(self, name: str) -> str:
        """The name here of a weight or buffer that a file of pretrainedmodels names; any other as it is."""
        for theirs, ours in _NAMES.items():
            if re.match(theirs, name):
                return re.sub(theirs, ours, name, count=1)
        return name

    def _block(self, inputs: int, channels: int, stride: int) -> nn.Module:
        from torchvision.models.resnet import Bottleneck
        from torchvision.ops import SqueezeExcitation

        change = shortcut(inputs, 4 * channels, stride)
        block = Bottleneck(inputs, channels, stride, change, groups=self.cardinality, base_width=4)
        scale = SqueezeExcitation(4 * channels, 4 * channels // _REDUCTION)
        block.bn3 = nn.Sequential(OrderedDict(norm=block.bn3, scale=scale))
        return block
