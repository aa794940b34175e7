"""Screens as networks take them."""

from __future__ import annotations

import torch
from torch import nn


class Screens(nn.Module):
    """Grey screens ``(n, stack, side, side)``, uint8 or float32 from 0 to 255, to float32 from 0 to 1."""

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        return raw / 255
