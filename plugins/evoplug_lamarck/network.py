"""Network ``block-stack``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Annotated

import torch
from torch import nn

from evoplug.contracts import ConfigError, Network, dataclass
from evoplug_lamarck.blocks import Block, parse


@dataclass(kw_only=True, frozen=True)
class BlockStack(Network):
    """Convolution with zero padding, batch normalisation and ReLU, some times, then global average pooling and a dense
    layer (Prellberg, 2020, figure 7.1): what architecture search finds, to be trained on its own.
    """

    blocks: Annotated[str, "`64k3s1 128k5s2`: of each block channels, side of the kernel (odd) and stride"] = "32k3s1"

    def check(self) -> Iterator[tuple[str, str]]:
        try:
            even = next((block for block in parse(self.blocks) if block.kernel % 2 == 0), None)
        except ValueError as error:
            yield "blocks", str(error)
            return
        if even is not None:
            yield "blocks", f"`{even}`: the side of a kernel must be odd"

    def build(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        if len(shape) != 3:
            raise ConfigError((), f"needs images (channels, height, width), and the inputs have shape {tuple(shape)}")
        return Stack(parse(self.blocks), shape[0], outputs)


class Stack(nn.Module):
    """The module; its tensors are ``blocks.I.conv.weight``, ``blocks.I.norm.running_mean``, ``dense.bias``, ..."""

    def __init__(self, stack: Sequence[Block], channels: int, outputs: int) -> None:
        super().__init__()
        before = [channels, *(block.channels for block in stack)]
        self.blocks = nn.Sequential(*map(_block, before, stack))
        self.dense = nn.Linear(before[-1], outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, height, width)`` to ``(n, outputs)`` logits."""
        outputs: torch.Tensor = self.dense(self.blocks(x).mean((2, 3)))
        return outputs


def _block(before: int, block: Block) -> nn.Module:
    convolution = nn.Conv2d(before, block.channels, block.kernel, block.stride, padding=block.kernel // 2)
    return nn.Sequential(OrderedDict(conv=convolution, norm=nn.BatchNorm2d(block.channels), relu=nn.ReLU(inplace=True)))
