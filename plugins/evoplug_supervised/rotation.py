"""Images turned about their centre, a whole batch at once, and networks that look at several turned ones."""

from __future__ import annotations

import torch
from torch.nn.functional import affine_grid, grid_sample

from evoplug_supervised.teams import Alone, Stack


def turned(images: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
    """Each image turned counter-clockwise by an angle of its own, with bilinear interpolation; zeros come in.

    What torchvision's ``rotate`` makes of one image and one angle.

    Args:
        images: ``(n, channels, height, width)`` floating.
        angles: ``(n,)``, in degrees, on the CPU: their sines and cosines are then the same on any device.
    """
    height, width = images.shape[-2:]
    radians = angles.double().deg2rad()
    cos, sin, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    # A grid's coordinates go from -1 to 1 along either side, whatever its length.
    places = torch.stack([cos, -sin * height / width, zero, sin * width / height, cos, zero], -1).view(-1, 2, 3)
    grid = affine_grid(places.to(images), list(images.shape), align_corners=False)
    return grid_sample(images, grid, align_corners=False)


class Turning:
    """Networks whose logits are the means of those for an image turned by ``rotations`` equal angles, 0 the first.

    The test-time rotations of Prellberg and Kramer 2019, section 3.3, eight of them.

    Args:
        networks: loaded.
        rotations: at least 1.
    """

    def __init__(self, networks: Alone | Stack, rotations: int) -> None:
        self._networks, self._rotations = networks, rotations
        self.lead = networks.lead

    def train(self, mode: bool) -> None:
        """As :meth:`Alone.train`."""
        self._networks.train(mode)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """As :meth:`Alone.__call__`, of images: ``(*lead, b, channels, height, width)`` to ``(*lead, b, outputs)``."""
        logits = self._networks(x)
        images = x.flatten(0, -4)
        for number in range(1, self._rotations):
            angles = torch.full((len(images),), 360 * number / self._rotations)
            logits = logits + self._networks(turned(images, angles).view(x.shape))
        return logits / self._rotations
