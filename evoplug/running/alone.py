"""One run at a time in a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from evoplug.errors import EvoplugError

_lock = threading.RLock()


@contextmanager
def alone() -> Iterator[None]:
    """A run borrows what a process has but once: Python's and torch's global random numbers, torch's threads, the
    handlers of signals. Runs inside others, in one thread, give back what they borrow in time.

    Raises:
        EvoplugError: if another thread of this process is at a run.
    """
    if not _lock.acquire(blocking=False):
        raise EvoplugError("another thread is at a run, and a process has one at a time; evoplug.sweep has several")
    try:
        yield
    finally:
        _lock.release()
