"""Ctrl-C, SIGTERM, a closed terminal and limits of time: let the step end, or give it up.

Python runs a handler in the main thread, between two of its instructions: code in C that takes long hears of no signal.
So a thread of its own listens too, and keeps the time. It uses no timer of the process, which may be the host's.
"""

from __future__ import annotations

import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

from evoplug.errors import Interrupted

GRACE = 3.0
"""Seconds that a step may go on after the first signal before it is given up."""
LAST = 1.5
"""Seconds in which code that was given up must have ended before it counts as stuck."""

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_KICK = getattr(signal, "SIGURG", signal.SIGINT)
"""Sent to the main thread by ours: it ends a wait, and its handler raises. Nothing else sends it unasked."""

Giving = Callable[[BaseException], None]


class Stopper:
    """Inside ``with Stopper() as stopper`` the first signal only sets ``stopper.signal``; where the step has not ended
    (:meth:`settle`) within :data:`GRACE` seconds, however many signals come, :class:`Interrupted` is raised inside it.
    After ``settle`` the next signal raises at once.

    Outside the main thread, where Python allows no handlers, signals do nothing. Where ``nohup`` has a closed terminal
    ignored, it stays so, and a process that is forked inside gets back the handlers from before.

    Args:
        patient: whether there are steps; else the first signal raises at once, outside of :meth:`step`.
        give_up: called with the error, from another thread, when work is given up: it tells whoever looks up.
        stuck: called with the error, from another thread, when the code goes on nevertheless.
    """

    def __init__(self, patient: bool = True, give_up: Giving | None = None, stuck: Giving | None = None) -> None:
        self.signal: int | None = None
        self.deaf = False
        """Whether signals are passed over: what ends a run is being written."""
        self._patient = patient
        self._give_up, self._stuck = give_up, stuck
        self._error: BaseException | None = None  # to be raised at `_raise_at`, or stuck in at `_stuck_at`
        self._raise_at = self._stuck_at = math.inf
        self._due: BaseException | None = None  # for the next kick
        self._given = self._settled = False
        self._limit: BaseException | None = None
        self._limit_at = math.inf
        self._old: dict[int, Any] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Stopper:
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._on_main = threading.current_thread() is threading.main_thread()
        if self._on_main:
            self._old_fd = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
            for number in {*SIGNALS, _KICK}:
                old = signal.getsignal(number)
                if old is not None and not (old is signal.SIG_IGN and number == getattr(signal, "SIGHUP", None)):
                    self._old[number] = old
                    signal.signal(number, self._handle)
        _open.append(self)
        self._thread = threading.Thread(target=self._listen, name="evoplug-signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._wake()
        assert self._thread is not None
        self._thread.join(LAST)
        _open.remove(self)
        self._restore()

    def _restore(self) -> None:
        """The handlers from before."""
        if self._on_main:
            signal.set_wakeup_fd(self._old_fd)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        self._mouth.close()
        self._ear.close()

    # ------------------------------------------------------------------------------------- for whoever is stopped

    @contextmanager
    def step(self) -> Iterator[None]:
        """A block of steps, in a Stopper that is not patient otherwise; a signal that it did not see is raised."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False
        if self.signal is not None:
            raise Interrupted(self.signal)

    def settle(self) -> None:
        """The step has ended: after a signal, nothing is given up any more."""
        self._settled = self.signal is not None
        self._raise_at = self._stuck_at = math.inf
        self._due = None

    @contextmanager
    def limit(self, seconds: float, error: BaseException) -> Iterator[None]:
        """A block that may take this long. On the main thread the error is raised where it is, elsewhere where it looks
        up or when it ends."""
        self._limit, self._limit_at = error, time.monotonic() + seconds
        self._wake()
        try:
            yield
            if self._limit is None:  # it ended at the very moment
                raise error
        finally:
            self._limit, self._limit_at = None, math.inf
            if self._due is error:
                self._due = None

    # ------------------------------------------------------------------------------------------ the main thread

    def _handle(self, number: int, frame: FrameType | None) -> None:
        due, self._due = self._due, None
        if number in SIGNALS and not self.deaf:
            self.signal = self.signal or _meant(number)
            if not self._patient or self._settled or self._given:
                raise Interrupted(_meant(number))
        if due is not None and not self.deaf:
            raise due

    # ---------------------------------------------------------------------------------------- the other thread

    def _wake(self) -> None:
        with suppress(OSError):
            self._mouth.send(b"\0")

    def _listen(self) -> None:
        while not self._closed:
            at = min(self._raise_at, self._stuck_at, self._limit_at)
            self._ear.settimeout(None if at == math.inf else max(1e-3, at - time.monotonic()))
            with suppress(TimeoutError):
                for number in self._ear.recv(64):
                    if number in SIGNALS and not self.deaf and not self._settled:
                        self._told(number)
            if not self._closed:
                self._look(time.monotonic())

    def _told(self, number: int) -> None:
        """Note when the step must have ended."""
        now = time.monotonic()
        if self._error is None:
            self._error = Interrupted(_meant(number))
            if self._patient:
                self._raise_at = now + GRACE
            else:  # the handler raises, if it is called
                self._give(self._error, now)

    def _look(self, now: float) -> None:
        """Do what is due."""
        if now >= self._limit_at:
            self._error, self._limit, self._limit_at = self._error or self._limit, None, math.inf
            self._raise_at = now
        if now >= self._raise_at:
            self._raise_at = math.inf
            assert self._error is not None
            self._due = self._error
            self._give(self._error, now)
            self._kick()
        if now >= self._stuck_at:
            self._stuck_at = math.inf
            if self._stuck is not None and self._error is not None:
                self._stuck(self._error)

    def _give(self, error: BaseException, now: float) -> None:
        self._given, self._stuck_at = True, now + LAST
        if self._give_up is not None:
            self._give_up(error)

    def _kick(self) -> None:
        if not self._on_main:
            return
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, _KICK)
        else:
            signal.raise_signal(_KICK)


def _meant(number: int) -> int:
    """A closed terminal asks for what SIGTERM asks for."""
    return int(signal.SIGTERM) if number == getattr(signal, "SIGHUP", None) else number


_open: list[Stopper] = []


def _forked() -> None:
    """In a new process, which is not ours to stop."""
    for stopper in reversed(_open):
        stopper._restore()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
