"""What residual networks of four stages share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import nn

Block = Callable[[int, int, int], nn.Module]
"""``(inputs, channels, stride)``: a block that gives ``expansion * channels`` channels."""


def four_stages(
    inputs: int,
    outputs: int,
    width: int,
    blocks: Sequence[int],
    block: Block,
    *,
    expansion: int = 1,
    first_stride: int = 1,
    strides: Sequence[int] = (1, 2, 2, 2),
) -> nn.Sequential:
    """A 3 x 3 convolution with normalisation and ReLU, four stages of blocks, and a dense layer.

    Its layers are `stem`, `block1`, `block2`, ..., `pool`, `flatten`, `output`.

    Args:
        inputs: channels of the images.
        outputs: units of the dense layer.
        width: channels of the first convolution and of the first stage; each further stage has twice as many.
        blocks: in each stage.
        block: makes one.
        expansion: how many times its channels a block gives.
        first_stride: of the first convolution.
        strides: of the first block of each stage.
    """
    from torchvision.models.resnet import conv3x3

    stem = (conv3x3(inputs, width, first_stride), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
    layers = OrderedDict[str, nn.Module](stem=nn.Sequential(*stem))
    before = width
    for stage, (count, stride) in enumerate(zip(blocks, strides, strict=True)):
        channels = width << stage
        for number in range(count):
            layers[f"block{len(layers)}"] = block(before, channels, 1 if number else stride)
            before = expansion * channels
    layers |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "output": nn.Linear(before, outputs)}
    return nn.Sequential(layers)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """A 1 x 1 convolution with normalisation where a block changes the shape (option B of He et al. 2016)."""
    from torchvision.models.resnet import conv1x1

    changes = stride > 1 or inputs != outputs
    return nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs)) if changes else None
