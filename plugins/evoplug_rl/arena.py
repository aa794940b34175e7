"""What episodes are played in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from evoplug import Rng


class Arena(Protocol):
    """Games in slots, all stepped together. Slots are numbers ``(k,)``, in an array that stays as it is."""

    def begin(self, slots: np.ndarray, episodes: Sequence[Rng]) -> torch.Tensor:
        """Start an episode in each of k slots, whatever was going on there; its randomness is its stream alone.

        Returns:
            The first observations, ``(k, *shape)`` float32 or uint8.

        Raises:
            SlotError: if an environment fails.
        """

    def step_async(self, slots: np.ndarray, actions: np.ndarray) -> None:
        """Act in each of k slots whose episode is not over; ``actions`` are ``(k, ...)``. What comes of it is taken
        with :meth:`step_wait`, and nothing else is asked before."""

    def step_wait(self) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        """What came of the actions.

        Returns:
            Observations ``(k, *shape)``, rewards ``(k,)`` float64, and ``(k,)`` bool: whether the episode is over.

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
