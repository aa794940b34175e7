"""``python -m evoplug_rl.game_process``: plays in some of the slots, for the process that started it.

It reads a byte when there are orders on the board, and answers with one when they are carried out. It ends when it can
read no more: so it outlives no run, however that ends.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evoplug_rl import board
from evoplug_rl.bell import Bell
from evoplug_rl.game import Game, Shapes, told

Make = Callable[[], Game]


def main() -> None:
    """The one argument is what :func:`command` has put there. The last line that it leaves on stderr says what a game
    has raised."""
    make, number, descriptor, slots, processes, shapes = pickle.loads(bytes.fromhex(sys.argv[1]))
    player = Player(make, number, processes, board.attach(descriptor, slots, processes, shapes))
    bell = Bell(0)
    while bell.rings() and os.read(0, 1):
        try:
            player.carry_out()
        except Exception as error:
            sys.exit(told(error))
        os.write(1, b".")


def command(make: Make, number: int, descriptor: int, slots: int, processes: int, shapes: Shapes) -> list[str]:
    """The arguments of the process that has every slot of which the remainder by ``processes`` is ``number``.

    Args:
        make: a new game; what can be pickled, and found again without torch.
    """
    return [__name__, pickle.dumps((make, number, descriptor, slots, processes, shapes)).hex()]


class Player:
    """Plays in every slot of which the remainder by ``processes`` is ``number``.

    Args:
        make: a new game.
        shared: the board.
    """

    def __init__(self, make: Make, number: int, processes: int, shared: Mapping[str, np.ndarray]) -> None:
        self._make, self._shared = make, shared
        self._slots = np.arange(number, len(shared["order"]), processes)
        self._at = shared["at"][number:]
        self._games: dict[int, Game] = {}

    def carry_out(self) -> None:
        """All orders that are on the board."""
        shared = self._shared
        rows = self._slots[shared["order"][self._slots] != board.NOTHING]
        begin = (shared["order"][rows] == board.BEGIN).tolist()
        orders = zip(rows.tolist(), begin, shared["seed"][rows].tolist(), shared["action"][rows], strict=True)
        done = [self._one(*order) for order in orders]
        shared["reward"][rows], shared["over"][rows], shared["frames"][rows] = zip(*done, strict=True)
        shared["order"][rows] = board.NOTHING
        self._at[0] = -1

    def _one(self, slot: int, begin: bool, seed: int, action: Any) -> tuple[float, bool, int]:
        """Reward, whether the episode is over, and frames of one order."""
        self._at[0] = slot
        game = self._games.get(slot)
        if game is None:
            game = self._games[slot] = self._make()
        before, reward, over = 0 if begin else game.frames, 0.0, False
        if begin:
            game.begin(seed)
        else:
            reward, over = game.step(action)
        self._shared["seen"][slot] = game.seen
        return reward, over, game.frames - before


if __name__ == "__main__":
    main()
