"""Running mean and deviation of what has been seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

LEAST = 1e-4
"""The least deviation: what has never changed is not to be divided by nothing."""


@dataclass(frozen=True)
class Moments:
    """Of some observations, element by element, in float64."""

    count: int
    """Of observations."""
    mean: torch.Tensor
    """``shape``."""
    squares: torch.Tensor
    """``shape``: the sum of squared distances from the mean."""

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Moments:
        """Of no observation."""
        return cls(0, torch.zeros(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64))

    @property
    def deviation(self) -> torch.Tensor:
        """``shape``, at least :data:`LEAST`; ones where there is no observation."""
        return (self.squares / self.count).sqrt().clamp_min(LEAST) if self.count else torch.ones_like(self.mean)

    def joined(self, other: Moments) -> Moments:
        """Of both together (Chan, Golub and LeVeque 1979, equation 2.1)."""
        count = self.count + other.count
        if not other.count:
            return self
        apart, share = other.mean - self.mean, other.count / count
        return Moments(
            count, self.mean + apart * share, self.squares + other.squares + apart.square() * self.count * share
        )


class Seen:
    """A watch of episodes that sums up what is seen in each, so that the order in which they go on changes no bit.

    Args:
        episodes: how many there are.
        about: ``shape``: near the mean, for the sums of squares to be precise.
    """

    def __init__(self, episodes: int, about: torch.Tensor) -> None:
        self._about = about
        self._counts = np.zeros(episodes, np.int64)
        self._sums = np.zeros((2, episodes, *about.shape))

    def __call__(self, numbers: np.ndarray, observations: torch.Tensor) -> None:
        apart = (observations.double() - self._about).numpy()
        self._counts[numbers] += 1
        self._sums[0, numbers] += apart
        self._sums[1, numbers] += apart**2

    def moments(self) -> Moments:
        """Of all that was seen."""
        count = int(self._counts.sum())
        if not count:
            return Moments.none(tuple(self._about.shape))
        first, second = torch.from_numpy(self._sums.sum(1))
        return Moments(count, self._about + first / count, (second - first.square() / count).clamp_min(0))
