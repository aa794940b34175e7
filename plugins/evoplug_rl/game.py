"""What is played in a slot of an arena. Importable without torch, so that processes of games start at once."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np


class Game(Protocol):
    """One episode at a time."""

    seen: np.ndarray
    """The last observation."""
    frames: int
    """That the episode took so far."""

    def begin(self, seed: int) -> None:
        """Start the episode of the stream with this seed, whatever was going on."""

    def step(self, action: Any) -> tuple[float, bool]:
        """The reward of an action; whether the episode is over."""

    def close(self) -> None:
        """Let go of what it holds."""


class Shapes(NamedTuple):
    """Of what goes to and fro between player and game; dtypes as numpy names them."""

    seen: tuple[int, ...]
    seen_type: str
    action: tuple[int, ...]
    action_type: str


class GameError(Exception):
    """A game has failed, in words that need no more said."""


def told(error: Exception) -> str:
    """What was raised, in one line."""
    said = " ".join(str(error).split())
    return said if isinstance(error, GameError) else f"{type(error).__name__}: {said}".rstrip(": ")
