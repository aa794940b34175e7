"""Games in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import numpy as np
import torch

from evoplug import Rng
from evoplug_rl.arena import Arena, SlotError
from evoplug_rl.game import Game, Shapes, told


class LocalArena(Arena):
    """An arena of games, each made when its slot is first used, and used until the end.

    Args:
        make: a new game.
        shapes: of its observations and actions.
    """

    def __init__(self, make: Callable[[], Game], shapes: Shapes) -> None:
        self._make, self._shapes = make, shapes
        self._games: dict[int, Game] = {}

    def begin(self, slots: np.ndarray, episodes: Sequence[Rng]) -> torch.Tensor:
        seen = self._empty(len(slots))
        for row, (slot, rng) in enumerate(zip(slots.tolist(), episodes, strict=True)):
            try:
                if slot not in self._games:
                    self._games[slot] = self._make()
                self._games[slot].begin(rng.seed)
            except Exception as error:
                raise SlotError(slot, told(error)) from error
            seen[row] = self._games[slot].seen
        return torch.from_numpy(seen)

    def step_async(self, slots: np.ndarray, actions: np.ndarray) -> None:
        self._ordered = slots, actions

    def step_wait(self) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        slots, actions = self._ordered
        seen, rewards, over = self._empty(len(slots)), np.empty(len(slots)), np.empty(len(slots), bool)
        slot = -1
        try:
            for row, (slot, action) in enumerate(zip(slots.tolist(), actions, strict=True)):
                game = self._games[slot]
                rewards[row], over[row] = game.step(action)
                seen[row] = game.seen
        except Exception as error:
            raise SlotError(slot, told(error)) from error
        return torch.from_numpy(seen), rewards, over

    def close(self) -> None:
        with ExitStack() as stack:  # all of them, whatever one raises
            for game in self._games.values():
                stack.callback(game.close)
            self._games = {}

    def _empty(self, count: int) -> np.ndarray:
        return np.empty((count, *self._shapes.seen), self._shapes.seen_type)
