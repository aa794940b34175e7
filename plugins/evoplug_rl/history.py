"""What was done in the episodes that go on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evoplug_rl import board
from evoplug_rl.game import Shapes


class History:
    """The orders in each slot since its episode began.

    Args:
        slots: how many.
        shapes: of the actions.
    """

    def __init__(self, slots: int, shapes: Shapes) -> None:
        self._lengths = np.zeros(slots, np.int64)
        self._actions = np.zeros((64, slots, *shapes.action), shapes.action_type)

    def begin(self, slots: np.ndarray) -> None:
        """Episodes in these slots, whatever was going on there."""
        self._lengths[slots] = 0

    def step(self, slots: np.ndarray, actions: np.ndarray) -> None:
        """An action in each of these slots."""
        lengths = self._lengths[slots]
        if lengths.max() == len(self._actions):
            self._actions = np.concatenate([self._actions, np.zeros_like(self._actions)])
        self._actions[lengths, slots] = actions
        self._lengths[slots] = lengths + 1

    def orders(self, slot: int) -> Iterator[tuple[int, np.ndarray]]:
        """Each order in a slot, with its action."""
        actions = self._actions[: self._lengths[slot], slot]
        yield board.BEGIN, np.zeros_like(self._actions[0, 0])
        for action in actions:
            yield board.STEP, action
