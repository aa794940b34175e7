"""Warm processes: ``python -m evoplug ARGUMENTS``, forked from a process that has imported what they need.

To start Python and import torch takes seconds, longer than many a run. So a fresh Python, the nursery, imports once and
then runs nothing: no operation of torch, which would start threads that a fork loses, and nothing of CUDA, which does
not work after a fork. Whatever is to run is a fork of it, a process of its own in the state that imports leave: how it
crashes, leaks or changes its globals reaches no other, and ends with it.

Multiprocessing's ``forkserver`` would fork too, but a Python process has one for all its life, with the environment of
its first use; its children import the caller's ``__main__``, and do not end as ``python -m`` does.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import count
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from runpy import run_module
from typing import Any, NamedTuple, NoReturn, Protocol

from evoplug.errors import EvaluationError
from evoplug.running.writing import appending

PROGRAM = "evoplug"
IMPORTED = (
    "evoplug.cli.running", "evoplug.showing.runs", "evoplug.api", "evoplug.config.fit", "evoplug.running.runner",
    "evoplug.running.environment", "evoplug.running.lock",
)  # fmt: skip
"""What every run imports, with all that these import."""
IMPORTED_IF_HERE = ("evoplug.backends.evotorch", "evoplug.backends.deap", "sklearn.datasets", "torchvision")
"""What some runs import and is slow: imported where this process has it, since it has built what is to run."""

_ASKING = (signal.SIGINT, signal.SIGTERM)
_PR_SET_PDEATHSIG = 1


class Process(Protocol):
    """What is needed of a :class:`subprocess.Popen`."""

    def poll(self) -> int | None:
        """Its exit code, or minus the signal that killed it; None while it runs."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""


class Starter(Protocol):
    """Starts processes ``python -m evoplug ARGUMENTS``, each in a session of its own, without input."""

    def start(self, arguments: Sequence[str], output: Path) -> Process:
        """Start one.

        Args:
            arguments: of the command line.
            output: the file to whose end it prints.
        """

    def wait(self, seconds: float) -> None:
        """At most so long, and no longer than until a process ends, where that can be told."""

    def close(self) -> None:
        """Kill those that still run, and wait for their end."""


def starter() -> Starter:
    """The fastest here: macOS's own libraries do not survive a fork, and Windows has none."""
    return Nursery() if sys.platform == "linux" else Cold()


class Cold:
    """Starts processes from nothing, on every system."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, arguments: Sequence[str], output: Path) -> Process:
        with appending(output) as file:
            process = _python([PROGRAM, *arguments], stdout=file, stderr=subprocess.STDOUT)
        self._running = [each for each in self._running if each.poll() is None] + [process]
        return process

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


class Nursery:
    """Starts processes as forks of one that is warm, and of a new one where that has died. Linux only.

    No fork outlives this process, however it ends: the nursery sees its connection close, and kills them.
    """

    def __init__(self) -> None:
        self._keys = count()
        self._forks: dict[int, _Fork] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection

    def start(self, arguments: Sequence[str], output: Path) -> Process:
        if self._process is None:
            self._launch()
        fork = _Fork(self, next(self._keys))
        self._forks[fork.key] = fork
        self.tell(fork, _Order(list(arguments), str(output)))
        return fork

    def wait(self, seconds: float) -> None:
        if self._process is None:
            time.sleep(seconds)
            return
        try:
            while self._connection.poll(seconds):
                key, code = self._connection.recv()
                self._forks.pop(key).code = code
                seconds = 0
        except (EOFError, OSError):  # it has died
            self.close()

    def close(self) -> None:
        if self._process is not None:
            self._connection.close()
            self._process.wait()
            self._process = None
            for fork in self._forks.values():
                fork.code = -signal.SIGKILL
            self._forks.clear()

    def tell(self, fork: _Fork, what: _Order | int) -> None:
        """What to run, or the signal to send."""
        with suppress(OSError):  # it has died, which `wait` notices
            self._connection.send((fork.key, what if isinstance(what, int) else tuple(what)))

    def _launch(self) -> None:
        self._connection, other = Pipe()
        modules = [*IMPORTED, *(name for name in IMPORTED_IF_HERE if name in sys.modules)]
        with other:
            self._process = _python(
                [__name__, str(other.fileno()), *modules], stdout=subprocess.DEVNULL, pass_fds=[other.fileno()]
            )


class _Fork:
    """A process that a nursery has forked."""

    def __init__(self, nursery: Nursery, key: int) -> None:
        self._nursery, self.key = nursery, key
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code

    def send_signal(self, sig: int) -> None:
        if self.code is None:
            self._nursery.tell(self, sig)


class _Order(NamedTuple):
    arguments: Sequence[str]
    output: str


def _python(module: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """``python -m MODULE...``, with the same modules as here, wherever they come from.

    It has a session of its own: Ctrl-C must reach a run once, from here.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    return subprocess.Popen(
        [sys.executable, "-m", *module],
        stdin=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        **options,
    )


# ------------------------------------------------------------------------------------------------- inside the nursery


def main() -> None:
    """``python -m evoplug.running.nursery FD MODULE...``: the other end of a :class:`Nursery`'s connection."""
    fd, *modules = sys.argv[1:]
    for module in modules:
        with suppress(Exception):  # whoever needs it meets the error, and tells it
            import_module(module)
    gc.collect()
    gc.freeze()  # else a fork's first collection copies all that was imported
    order = _Inside(Connection(int(fd))).serve()
    _as_if_started(order.output)
    sys.argv[1:] = order.arguments
    try:
        run_module(PROGRAM, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code == 0:
            _end_well()
        raise


class _Inside:
    """Forks as told, and tells who has ended.

    Args:
        connection: gives (key, order) for a new fork and (key, signal) for one that runs; takes (key, exit code).
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._pid = connection, os.getpid()
        self._pids: dict[int, int] = {}
        self._ended, self._ends = socket.socketpair()

    def serve(self) -> _Order:
        """Returns in each fork, with its order; never in the nursery, which ends when the connection closes."""
        for end in (self._ended, self._ends):
            end.setblocking(False)
        signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING)  # a fork takes them when it is ready
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # one that is ignored wakes nobody
        signal.set_wakeup_fd(self._ends.fileno())
        while True:
            ready = wait([self._connection, self._ended])
            if self._ended in ready:
                self._ended.recv(4096)
                self._reap()
            if self._connection in ready:
                try:
                    key, what = self._connection.recv()
                except (EOFError, OSError):
                    self._end()
                if isinstance(what, tuple):
                    order = _Order(*what)
                    if self._fork(key, order):
                        return order
                elif key in self._pids:
                    os.kill(self._pids[key], what)

    def _fork(self, key: int, order: _Order) -> bool:
        """Whether this is the fork."""
        try:
            pid = os.fork()
        except OSError as error:
            with appending(Path(order.output)) as output:
                output.write(f"no process can be started: {error.strerror}\n".encode())
            self._tell(key, EvaluationError.exit_code)
            return False
        if pid:
            self._pids[key] = pid
            return False
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._pid:  # it died before that
            os.kill(os.getpid(), signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for each in (self._connection, self._ended, self._ends):
            each.close()
        return True

    def _reap(self) -> None:
        for key, pid in list(self._pids.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self._pids[key]
                self._tell(key, os.waitstatus_to_exitcode(status))

    def _tell(self, key: int, code: int) -> None:
        with suppress(OSError):  # it is closed, which the next read notices
            self._connection.send((key, code))

    def _end(self) -> NoReturn:
        """Kill all forks, with what they have started."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):  # it has no session of its own yet
                os.killpg(pid, signal.SIGKILL)
        for pid in self._pids.values():
            os.waitpid(pid, 0)
        os._exit(0)


def _as_if_started(output: str) -> None:
    """What a fork has of the nursery and a new process has not, goes; and it takes signals."""
    with open(os.devnull, "rb") as nothing, appending(Path(output)) as file:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Global random numbers would be the same in all forks. Python's `random` sees to that itself.
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()  # and not that of CUDA
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING)


def _end_well() -> NoReturn:
    """End as Python does, but for taking every imported module apart, which takes longer than many a run."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for each in [sys.stdout, sys.stderr, *gc.get_objects()]:  # of those since the fork: what a plugin has left open
        if issubclass(type(each), io.TextIOWrapper | io.BufferedWriter | io.BufferedRandom):
            with suppress(Exception):
                each.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
