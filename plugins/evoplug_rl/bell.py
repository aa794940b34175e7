"""Waiting for another process."""

from __future__ import annotations

import os
import select
import time

AWAKE = 2e-4
"""Seconds in which a process looks again and again before it sleeps: to be woken takes about as long, which is more
than small environments take for a step. It lets others go first."""


class Bell:
    """Tells when there is something to read, or nothing can come any more.

    Args:
        descriptor: of a pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def rings(self, patience: float | None = None) -> bool:
        """Whether it does, within some seconds; by default there is all the time in the world."""
        until = time.perf_counter() + AWAKE
        while not self._poll.poll(0):
            if time.perf_counter() > until:
                return bool(self._poll.poll(None if patience is None else patience * 1000))
            os.sched_yield()
        return True
