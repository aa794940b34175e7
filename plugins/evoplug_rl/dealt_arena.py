"""Several arenas as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import numpy as np
import torch

from evoplug import Rng
from evoplug_rl.arena import Arena, SlotError


class DealtArena(Arena):
    """Slots are dealt to arenas in turn. The first plays when all the others have been told to.

    Args:
        arenas: that play with the same shapes.
    """

    def __init__(self, arenas: Sequence[Arena]) -> None:
        self._arenas = arenas
        self._slots = np.arange(0)

    def begin(self, slots: np.ndarray, episodes: Sequence[Rng]) -> torch.Tensor:
        self._deal(slots)
        found = []
        for hand in self._hands:
            with self._blamed(hand):
                found.append(hand.arena.begin(hand.slots, [episodes[row] for row in hand.rows.tolist()]))
        return torch.cat(found)[self._order]

    def step_async(self, slots: np.ndarray, actions: np.ndarray) -> None:
        self._deal(slots)
        for hand in self._hands:
            hand.arena.step_async(hand.slots, actions[hand.rows])

    def step_wait(self) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        played = []
        for hand in self._hands:  # whoever plays here, before any is waited for that plays elsewhere
            with self._blamed(hand):
                played.append(hand.arena.step_wait())
        if len(played) == 1:
            return played[0]
        seen, rewards, over = zip(*played, strict=True)
        order = self._order
        return torch.cat(seen)[order], np.concatenate(rewards)[order], np.concatenate(over)[order]

    def close(self) -> None:
        with ExitStack() as stack:  # all of them, whatever one raises
            for arena in self._arenas:
                stack.callback(arena.close)

    def _deal(self, slots: np.ndarray) -> None:
        """Which slots are whose; most often those of the last time."""
        if slots is self._slots:
            return
        count = len(self._arenas)
        rows = [(slots % count == number).nonzero()[0] for number in range(count)]
        self._hands = [
            _Hand(arena, number, own, slots[own] // count)
            for number, (arena, own) in enumerate(zip(self._arenas, rows, strict=True))
            if len(own)
        ]
        self._slots, self._order = slots, np.concatenate([hand.rows for hand in self._hands]).argsort()

    @contextmanager
    def _blamed(self, hand: _Hand) -> Iterator[None]:
        """The slot by the number that it has here."""
        try:
            yield
        except SlotError as error:
            raise SlotError(error.slot * len(self._arenas) + hand.number, error.reason) from error


class _Hand(NamedTuple):
    """What an arena has of some slots."""

    arena: Arena
    number: int
    rows: np.ndarray
    """Among those slots."""
    slots: np.ndarray
    """As the arena numbers them."""
