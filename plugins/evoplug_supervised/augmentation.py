"""Random changes of training images, drawn for a whole batch at once: ``(n, channels, height, width)`` to the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

if TYPE_CHECKING:
    from evoplug import Rng

Augmentation = Callable[[torch.Tensor, "Rng"], torch.Tensor]


def flip(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Mirror each image left to right with probability 1/2."""
    chance = torch.rand(len(images), 1, 1, 1, generator=rng.torch, device=images.device)
    return images.flip(-1).where(chance < 0.5, images)


def crop(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Pad each image with zeros by an eighth of its side (4 pixels of 32) and cut its size out at a random place."""
    n, _, height, width = images.shape
    top, left = height // 8, width // 8
    windows = pad(images, (left, left, top, top)).unfold(2, height, 1).unfold(3, width, 1)
    rows = torch.randint(2 * top + 1, (n,), generator=rng.torch, device=images.device)
    columns = torch.randint(2 * left + 1, (n,), generator=rng.torch, device=images.device)
    return windows[torch.arange(n, device=images.device), :, rows, columns]


def augmented(images: torch.Tensor, changes: Sequence[Augmentation], rng: Rng) -> torch.Tensor:
    """One change after the other."""
    for change in changes:
        images = change(images, rng)
    return images


AUGMENTATIONS: dict[str, Augmentation] = {"crop": crop, "flip": flip}
