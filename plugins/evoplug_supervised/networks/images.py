"""What networks on images share."""

from __future__ import annotations

from evoplug import ConfigError


def image_shape(shape: tuple[int, ...], least: int = 1) -> tuple[int, int, int]:
    """(channels, height, width) of one input.

    Args:
        least: pixels that each side must have.

    Raises:
        ConfigError: if the inputs are no images, or smaller ones.
    """
    if len(shape) != 3:
        raise ConfigError((), f"needs images (channels, height, width), and the inputs have shape {shape}")
    channels, height, width = shape
    if min(height, width) < least:
        raise ConfigError((), f"needs images of at least {least} x {least} pixels, and these have {height} x {width}")
    return channels, height, width
