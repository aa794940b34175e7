"""Pieces of work side by side, on threads. The pieces decide the result, the number of threads never does.

Work that takes long calls :func:`look_up` now and then, as training does between two batches: there it ends when the
run has been given up, or when another piece has failed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread, local
from typing import Any, Literal, TypeVar

import torch

T = TypeVar("T")

PATIENCE = 0.5
"""Seconds that pieces have to end once the run has been given up. Those that take longer are left behind: their
threads are daemons, which hold up no process that ends."""


class _Crew:
    """Threads that take pieces of work; they start when there is any."""

    def __init__(self, size: int, threads: int) -> None:
        self.size = size
        self.given_up: BaseException | None = None
        self._torch_threads = threads
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def do(self, work: Callable[[int], T], pieces: int) -> list[T]:
        """All the pieces, in threads."""
        for _ in range(min(self.size, pieces) - len(self._threads)):
            self._threads.append(Thread(target=self._take, name="evoplug", daemon=True))
            self._threads[-1].start()
        job = _Job(work, pieces)
        for number in range(pieces):
            self._jobs.put(partial(job.do, number))
        try:
            return job.wait()
        except BaseException:
            job.failed = -1  # whatever made this thread wait no longer: no piece is needed any more
            raise

    def close(self) -> None:
        """Wait for the threads to end; not for long where the run has been given up."""
        for _ in self._threads:
            self._jobs.put(None)
        until = math.inf if self.given_up is None else time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(None if until == math.inf else max(0.0, until - time.monotonic()))

    def _take(self) -> None:
        torch.set_num_threads(self._torch_threads)
        _here.crew = self
        while (piece := self._jobs.get()) is not None:
            piece()
            del piece  # and with it what it works on


class _Job:
    """Pieces of one kind, and what has come of them.

    The error of the first piece, by number, is the one that is raised, whichever failed first by the clock: pieces
    before one that has failed go on, those behind it end.
    """

    def __init__(self, work: Callable[[int], Any], pieces: int) -> None:
        self.failed: float = math.inf
        self._work, self._pieces = work, pieces
        self._results: dict[int, Any] = {}
        self._error: BaseException | None = None
        self._left = pieces
        self._lock, self._done = Lock(), Lock()
        self._done.acquire()

    def do(self, number: int) -> None:
        _here.job, _here.number = self, number
        try:
            if number < self.failed:
                self._results[number] = self._work(number)
        except BaseException as error:  # SystemExit too: a thread that ended by it would be waited for in vain
            with self._lock:
                if number < self.failed:
                    self.failed, self._error = number, error
        finally:
            _here.job = None
            with self._lock:
                self._left -= 1
                if not self._left:
                    self._done.release()

    def wait(self) -> list[Any]:
        self._done.acquire()  # which a signal can interrupt
        if self._error is not None:
            raise self._error
        return [self._results[number] for number in range(self._pieces)]


class _Here(local):
    """What a worker thread is at work on."""

    crew: _Crew | None = None
    job: _Job | None = None
    number = 0


_here = _Here()
_crew: _Crew | None = None


@contextmanager
def workers(count: int | Literal["auto"], threads: int = 1) -> Iterator[None]:
    """Inside the block, :func:`parallel` runs ``count`` pieces at once, each on ``threads`` threads of torch's own.

    These are settings of the whole process: blocks may be nested, and no two threads may be in one at a time.
    """
    global _crew
    outer, old_threads = _crew, torch.get_num_threads()
    torch.set_num_threads(threads)
    _crew = crew = _Crew(resolve(count, threads), threads)
    try:
        yield
    finally:
        crew.close()
        torch.set_num_threads(old_threads)
        _crew = outer


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside the block torch works in this thread alone. Where it has ever had more in a process, processes that are
    forked from that hang in torch: so evoplug does nothing outside of :func:`workers` or this."""
    old_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(old_threads)


def resolve(count: int | Literal["auto"], threads: int) -> int:
    """``"auto"`` is one a core, counting the threads of each: where there are more threads than cores, those of OpenMP
    sleep at every operation instead of waiting for the next one."""
    return max(1, (os.cpu_count() or 1) // threads) if count == "auto" else count


def count() -> int:
    """How many pieces run at once."""
    return 1 if _crew is None else _crew.size


def parallel(work: Callable[[int], T], pieces: int) -> list[T]:
    """``[work(0), ..., work(pieces - 1)]``, several at once; the exception of the first that fails is raised.

    Inside a piece, pieces are done one by one.
    """
    if _crew is None or _crew.size == 1 or pieces <= 1 or _here.crew is not None:
        return [work(number) for number in range(pieces)]
    return _crew.do(work, pieces)


def look_up() -> None:
    """Nothing, as long as this work is needed.

    Raises:
        Interrupted: once a signal has ended the run.
        EvaluationError: once the evaluation has taken longer than the run allows.
        Unneeded: in one of :func:`parallel`'s pieces, once another has failed.
    """
    crew = _here.crew or _crew
    if crew is not None and crew.given_up is not None:
        raise crew.given_up
    if _here.job is not None and _here.job.failed < _here.number:
        raise Unneeded


class Unneeded(BaseException):
    """Nobody waits for this piece of work any more."""


def give_up(error: BaseException) -> None:
    """Let :func:`look_up` raise the error from now on, in this thread and in the workers."""
    if _crew is not None:
        _crew.given_up = error


def _forked() -> None:
    """A new process has none of the threads."""
    global _crew
    _crew = _here.crew = _here.job = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
