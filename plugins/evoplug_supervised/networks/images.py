"""What networks on images share."""

from __future__ import annotations

from evoplug import ConfigError


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width) of one input.

    Raises:
        ConfigError: if the inputs are no images.
    """
    if len(shape) != 3:
        raise ConfigError((), f"needs images (channels, height, width), and the inputs have shape {shape}")
    channels, height, width = shape
    return channels, height, width
