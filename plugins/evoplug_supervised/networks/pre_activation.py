"""The block of residual networks that normalise before they convolve."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import relu


class PreActivationBlock(nn.Module):
    """Twice normalisation, ReLU and a 3 x 3 convolution, beside a shortcut: B(3, 3) of Zagoruyko and Komodakis (2016).

    torchvision's blocks normalise after the convolution and cannot stand in.

    Args:
        inputs, outputs: channels.
        stride: of the first convolution, and of the shortcut where that is one.
        scale: what the second convolution's outputs go through before they are added; by default nothing.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, scale: nn.Module | None = None) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.shortcut = None if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = relu(self.norm1(x))
        beside = x if self.shortcut is None else self.shortcut(h)
        h = self.conv2(relu(self.norm2(self.conv1(h))))
        return beside + (h if self.scale is None else self.scale(h))
