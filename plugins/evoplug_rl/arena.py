"""What episodes are played in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from evoplug import Rng


class Arena(Protocol):
    """Environments in slots, all stepped together."""

    def begin(self, slots: Sequence[int], episodes: Sequence[Rng]) -> torch.Tensor:
        """Start an episode in each of k slots, whatever was going on there; its randomness is its stream alone.

        Returns:
            The first observations, ``(k, *shape)`` float32.

        Raises:
            SlotError: if an environment fails.
        """

    def step(self, slots: Sequence[int], actions: np.ndarray) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        """Act in each of k slots whose episode is not over; ``actions`` are ``(k, ...)``.

        Returns:
            Observations ``(k, *shape)`` float32, rewards ``(k,)`` float64, and ``(k,)`` bool: whether the episode is
            over.

        Raises:
            SlotError: if an environment fails.
        """

    def close(self) -> None:
        """Let go of the environments."""


class SlotError(Exception):
    """The environment in a slot has failed: it raised, or its process died."""

    def __init__(self, slot: int, reason: str) -> None:
        self.slot, self.reason = slot, reason
        super().__init__(f"slot {slot}: {reason}")
