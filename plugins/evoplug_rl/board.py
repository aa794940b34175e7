"""The memory that a run shares with its games' processes."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np

from evoplug_rl.game import Shapes

NOTHING, BEGIN, STEP = range(3)
"""Orders."""


def create(slots: int, processes: int, shapes: Shapes) -> int:
    """The file descriptor of a new board, all zeros. It has no name: nothing is left of it, however the processes
    end."""
    descriptor = os.memfd_create("evoplug") if hasattr(os, "memfd_create") else _unnamed()
    os.truncate(descriptor, _layout(slots, processes, shapes).itemsize)
    return descriptor


def attach(descriptor: int, slots: int, processes: int, shapes: Shapes) -> dict[str, np.ndarray]:
    """name -> array: by slot ``order``, ``action``, ``seed``, ``reward``, ``over``, ``frames`` (all of the last order)
    and ``seen``; by process the slot ``at`` which it works, -1 for none."""
    layout = _layout(slots, processes, shapes)
    board = np.frombuffer(mmap.mmap(descriptor, layout.itemsize), layout)[0]
    return {name: board[name] for name in layout.names or ()}


def _layout(slots: int, processes: int, shapes: Shapes) -> np.dtype:
    return np.dtype(
        [
            ("order", np.int8, slots),
            ("action", shapes.action_type, (slots, *shapes.action)),
            ("seed", np.int64, slots),
            ("reward", np.float64, slots),
            ("over", np.bool_, slots),
            ("frames", np.int64, slots),
            ("at", np.int64, processes),
            ("seen", shapes.seen_type, (slots, *shapes.seen)),
        ],
        align=True,
    )


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
