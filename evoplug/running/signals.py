"""Ctrl-C, SIGTERM and a closed terminal: finish the step, or give it up; never leave a run that cannot be resumed."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from evoplug.errors import Interrupted

GRACE = 3.0
"""Seconds that a step may go on after the first signal before it is given up."""

_HANGUP = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()


class Stopper:
    """Inside ``with Stopper() as stopper``, the first SIGINT or SIGTERM only sets ``stopper.signal``; where the step
    does not end within :data:`GRACE` seconds, or at a second signal, :class:`Interrupted` is raised inside it. SIGHUP,
    unless it is ignored as under ``nohup``, is a SIGTERM.

    Outside the main thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._old: dict[int, Any] = {}
        self._timed = hasattr(signal, "setitimer")

    def __enter__(self) -> Stopper:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, *_HANGUP):
                if number not in _HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._old[number] = signal.signal(number, self._handle)
            if self._timed:
                self._old[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._give_up)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._old:
            self.settle()
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def settle(self) -> None:
        """The step has ended: nothing is given up any more."""
        if self._timed:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        number = signal.SIGTERM if number in _HANGUP else number
        if self.signal is not None:
            raise Interrupted(number)
        self.signal = number
        if self._timed:
            signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        assert self.signal is not None
        raise Interrupted(self.signal)
