"""One Atari 2600 game, played by frames as deep Q-learning sees it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from ale_py import Action, ALEInterface, LoggerMode
from ale_py.roms import get_all_rom_ids, get_rom_path

from evoplug import Rng
from evoplug_rl.area import Area
from evoplug_rl.game import Shapes


class Rules(NamedTuple):
    """How a game is played: the parameters of `atari` that its emulators need, as plain values."""

    game: str
    actions: Literal["minimal", "full"]
    side: int
    stack: int
    skip: int
    no_ops: int
    fire: bool
    end: Literal["game", "life"]
    sticky: float


class Emulator:
    """One game at a time.

    An episode begins in the state that the game has when it was loaded and reset once: resetting it again is no clean
    start, since games carry memory over.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._ale = _loaded(rules.game)
        self._ale.reset_game()
        self._clean = self._ale.cloneState()
        self._actions = actions(rules.game, rules.actions)
        height, width = self._ale.getScreenDims()
        self._area = Area(height, width, rules.side)
        self._last = np.empty((min(2, rules.skip), height, width), np.uint8)
        self.seen = np.zeros((rules.stack, rules.side, rules.side), np.uint8)
        """``(stack, side, side)`` uint8: what the player sees, the newest screen last."""
        self.frames = 0
        """Emulated since the episode began, no-ops and FIRE too."""

    def begin(self, seed: int) -> None:
        """Start the episode of the stream with this seed."""
        rules = self._rules
        self._rng, self._held, self.frames = Rng(seed), Action.NOOP, 0
        self._ale.restoreState(self._clean)
        self._lives = self._ale.lives()
        for _ in range(no_ops(seed, rules.no_ops)):
            self._frame(Action.NOOP)
        if rules.fire and self._actions[1] == Action.FIRE:
            for action in self._actions[1:3]:
                self._hold(action)
        else:
            for screen in self._last:
                self._ale.getScreenGrayscale(screen)
            self._push()
        self.seen[:] = self.seen[-1]

    def step(self, action: int) -> tuple[float, bool]:
        """The reward of one action, held for ``skip`` frames or to the end; whether the episode is over."""
        reward = self._hold(self._actions[action])
        lives = self._ale.lives()
        lost, self._lives = lives < self._lives, lives
        return reward, self._ale.game_over() or (self._rules.end == "life" and lost)

    def close(self) -> None:
        """There is nothing to let go of."""

    def picture(self) -> np.ndarray:
        """``(height, width, 3)`` uint8: the screen in colour."""
        return np.asarray(self._ale.getScreenRGB())

    def _hold(self, action: Action) -> float:
        """The reward of an action held for `skip` frames. The player sees the brighter of the last two screens:
        games draw some things on every other one only."""
        reward = 0.0
        for left in reversed(range(self._rules.skip)):
            reward += self._frame(action)
            if left < len(self._last):
                self._ale.getScreenGrayscale(self._last[left])
            if self._ale.game_over():
                break
        self._push()
        return reward

    def _push(self) -> None:
        self.seen[:-1] = self.seen[1:]
        self.seen[-1] = self._area(self._last.max(0))

    def _frame(self, action: Action) -> float:
        """One frame. Where actions stick, the draws are ours: the emulator's own belong to its loading."""
        if self._rules.sticky and self._rng.numpy.random() < self._rules.sticky:
            action = self._held
        self._held = action
        self.frames += 1
        return float(self._ale.act(action))


def shapes(rules: Rules) -> Shapes:
    """Of its screens and actions."""
    return Shapes((rules.stack, rules.side, rules.side), "uint8", (), "int64")


def no_ops(seed: int, most: int) -> int:
    """How many no-ops an episode begins with, 1 to ``most``, none where that is 0. Seeds of streams are uniform, and
    so are these; the episode without any other randomness is the one of ``seed % most``."""
    return 1 + seed % most if most else 0


@cache
def games() -> tuple[str, ...]:
    """The games that there are; without those that two must play, whose loading ends the process."""
    return tuple(game for game in sorted(get_all_rom_ids()) if ALEInterface.isSupportedROM(_rom(game)))


@cache
def actions(game: str, which: Literal["minimal", "full"]) -> tuple[Action, ...]:
    """What can be done in a game: what makes a difference there, or all 18 actions of the console."""
    ale = _loaded(game)
    return tuple(ale.getMinimalActionSet() if which == "minimal" else ale.getLegalActionSet())


def _loaded(game: str) -> ALEInterface:
    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setInt("random_seed", 1)  # fixed, for it would be the time
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(_rom(game))
    return ale


def _rom(game: str) -> Path:
    path = get_rom_path(game)
    assert path is not None
    return path
