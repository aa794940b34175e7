"""Images made smaller by area: each new pixel is the mean of the old ones under it, in parts where it cuts them."""

from __future__ import annotations

import numpy as np


class Area:
    """Images ``(height, width)`` uint8 to ``(side, side)`` uint8, rounded: OpenCV's ``INTER_AREA``.

    An old row or column lies under at most a few new ones: these few are gathered and weighed, which takes half the
    time of products with whole matrices.
    """

    def __init__(self, height: int, width: int, side: int) -> None:
        self._rows, self._columns = _taps(height, side), _taps(width, side)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        lines = _weighed(image, *self._rows)
        return np.rint(_weighed(lines.T, *self._columns)).astype(np.uint8).T


def _taps(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``old`` pixels in a line lie under each of ``new``, and their shares: both ``(taps, new)``."""
    edges = np.arange(new + 1) * old  # of the new pixels; each old one is `new` long
    number = (edges[:-1] // new) + np.arange(-(-old // new) + 1)[:, None]
    overlap = np.minimum(edges[1:], (number + 1) * new) - np.maximum(edges[:-1], number * new)
    used = overlap.max(1) > 0
    shares = np.maximum(overlap[used], 0) / old
    return np.minimum(number[used], old - 1), shares.astype(np.float32)


def _weighed(lines: np.ndarray, numbers: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """``(new, length)``: the weighed sums of some of the lines, ``(old, length)``."""
    lines = lines.astype(np.float32, order="C")
    total = lines[numbers[0]] * shares[0][:, None]
    for number, share in zip(numbers[1:], shares[1:], strict=True):
        total += lines[number] * share[:, None]
    return total
