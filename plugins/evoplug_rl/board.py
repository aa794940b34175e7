"""The memory that a run shares with its emulators' processes."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np

from evoplug_rl.emulator import Rules

BEGIN, NOTHING = -1, -2
"""Orders that are no action."""


def create(slots: int, processes: int, rules: Rules) -> int:
    """The file descriptor of a new board. It has no name: nothing is left of it, however the processes end."""
    descriptor = os.memfd_create("evoplug") if hasattr(os, "memfd_create") else _unnamed()
    os.truncate(descriptor, _layout(slots, processes, rules).itemsize)
    return descriptor


def attach(descriptor: int, slots: int, processes: int, rules: Rules) -> np.ndarray:
    """The board as a structured array: by slot ``order``, ``seed``, ``reward``, ``over``, ``frames`` (all of the last
    order) and ``screens``; by process the slot ``at`` which it works, -1 for none."""
    layout = _layout(slots, processes, rules)
    return np.frombuffer(mmap.mmap(descriptor, layout.itemsize), layout)[0]


def _layout(slots: int, processes: int, rules: Rules) -> np.dtype:
    return np.dtype(
        [
            ("order", np.int64, slots),
            ("seed", np.int64, slots),
            ("reward", np.float64, slots),
            ("over", np.bool_, slots),
            ("frames", np.int64, slots),
            ("at", np.int64, processes),
            ("screens", np.uint8, (slots, rules.stack, rules.side, rules.side)),
        ],
        align=True,
    )


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
