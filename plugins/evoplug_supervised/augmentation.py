"""Random changes of training images, drawn for a whole batch at once: ``(n, channels, height, width)`` to the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import pad

from evoplug import Rng
from evoplug_supervised.rotation import turned

Augmentation = Callable[[torch.Tensor, Rng], torch.Tensor]
"""Of images on any device, and a stream on the CPU, as :func:`stream` gives it."""


def stream(rng: Rng) -> Rng:
    """The stream of this seed on the CPU, so that images are changed alike on any device."""
    return Rng(rng.seed)


def flip(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Mirror each image left to right with probability 1/2."""
    return _mirrored(images, -1, rng)


def flip_vertical(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Mirror each image top to bottom with probability 1/2."""
    return _mirrored(images, -2, rng)


def rotate(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Turn each image about its centre by any angle, all equally likely; zeros come in at the corners."""
    return turned(images, 360 * torch.rand(len(images), generator=rng.torch))


def crop(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Pad each image with zeros by an eighth of its side (4 pixels of 32) and cut its size out at a random place."""
    return _moved(images, 8, rng)


def translate(images: torch.Tensor, rng: Rng) -> torch.Tensor:
    """Move each image by whole pixels, up to a fifth of its side either way in both directions; zeros come in."""
    return _moved(images, 5, rng)


def augmented(images: torch.Tensor, changes: Sequence[Augmentation], rng: Rng) -> torch.Tensor:
    """One change after the other, in the memory format of ``images``; ``rng`` is on the CPU, see :func:`stream`."""
    channels_last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    for change in changes:
        images = change(images, rng)
    return images.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)


def _mirrored(images: torch.Tensor, side: int, rng: Rng) -> torch.Tensor:
    chance = torch.rand(len(images), 1, 1, 1, generator=rng.torch).to(images.device)
    return images.flip(side).where(chance < 0.5, images)


def _moved(images: torch.Tensor, part: int, rng: Rng) -> torch.Tensor:
    """By up to a side's ``part``, rounded down."""
    n, _, height, width = images.shape
    top, left = height // part, width // part
    windows = pad(images, (left, left, top, top)).unfold(2, height, 1).unfold(3, width, 1)
    rows = torch.randint(2 * top + 1, (n,), generator=rng.torch).to(images.device)
    columns = torch.randint(2 * left + 1, (n,), generator=rng.torch).to(images.device)
    return windows[torch.arange(n, device=images.device), :, rows, columns]


AUGMENTATIONS: dict[str, Augmentation] = {
    "crop": crop,
    "flip": flip,
    "flip-vertical": flip_vertical,
    "rotate": rotate,
    "translate": translate,
}
