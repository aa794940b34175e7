"""The cells of a sweep at work: each in a process of its own, some at once.

A cell's folder holds its whole configuration, so that running a cell and going on with an interrupted one are the same
command, ``evoplug resume FOLDER``. What a cell prints goes to ``output.log`` in its folder; its progress is read from
its records.

Cells that run at once share the cores: each begins with that many workers, and keeps them even when it is the last.
More would need a restart, and change no result.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w

from evoplug.config import Cell, Experiment
from evoplug.errors import EvaluationError, FilesError, Interrupted, Mistake
from evoplug.running import records, rundir
from evoplug.running.nursery import Starter, starter
from evoplug.running.reading import opened
from evoplug.running.signals import Stopper
from evoplug.running.writing import appending

OUTPUT = "output.log"
POLL = 0.1
"""Seconds between two looks at the running cells."""
PATIENCE = 10.0
"""Seconds that cells have to save and end after a second signal, before they are killed."""

State = Literal["complete", "waiting", "running", "finished", "failed", "interrupted"]


@dataclass(eq=False)
class Work:
    """A cell and how far it is."""

    cell: Cell
    folder: Path
    resolved: str
    """What its ``resolved.toml`` says where there is none yet."""
    state: State
    """``complete``: was finished before this sweep began."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The last line of its records."""
    reason: str = ""
    """Why it failed."""
    exit_code: int = 0
    seconds: float = 0.0
    """Wall-clock time of its process."""
    changed: Mapping[str, Any] = field(default_factory=dict)
    """Keys of ``[run]`` under which the run that is there goes on."""
    mistakes: tuple[Mistake, ...] = ()
    """Why it cannot go on under them."""

    @property
    def name(self) -> str:
        return f"{self.cell.arm}, seed {self.cell.seed}"


class SweepWatch:
    """What a sweep tells whoever looks on. The methods do nothing; the command line's watches print."""

    def begin(self, experiment: Experiment, folder: Path, works: Sequence[Work], jobs: int) -> None:
        """Everything is checked, nothing runs yet."""

    def look(self) -> None:
        """Called several times a second: the works have gone on."""

    def ended(self, work: Work) -> None:
        """A cell has finished, failed or saved itself after a signal."""

    def end(self) -> None:
        """No cell runs any more."""


class Cells:
    """Runs works in processes, some at once.

    Args:
        todo: what to run, in this order.
        set_up: makes a cell's folder a run folder.
        jobs: processes at once.
        watch: is told of progress.
    """

    def __init__(self, todo: Sequence[Work], set_up: Callable[[Work], None], jobs: int, watch: SweepWatch) -> None:
        self._waiting, self._set_up, self._jobs, self._watch = list(todo), set_up, jobs, watch
        self._running: dict[Work, _Run] = {}
        self._starter = starter()

    def run(self) -> None:
        """Until all have ended, or a signal arrives and the running ones have saved."""
        told = False
        try:
            with Stopper() as stopper:
                while self._running or (self._waiting and not told):
                    self._look()
                    if stopper.signal is not None and not told:
                        stopper.settle()
                        self._tell(stopper.signal)
                        told = True
                    while self._waiting and len(self._running) < self._jobs and not told:
                        self._start(self._waiting.pop(0))
                    self._starter.wait(POLL)
                if stopper.signal is not None:
                    raise Interrupted(stopper.signal)
        except BaseException as error:
            self._give_up(error.exit_code - 128 if isinstance(error, Interrupted) else signal.SIGTERM)
            raise
        finally:
            self._starter.close()

    def _start(self, work: Work) -> None:
        self._set_up(work)
        self._running[work] = _Run(work, self._workers(work), self._starter)
        work.state = "running"

    def _workers(self, work: Work) -> int | str:
        """A cell's share of the cores, settled when it begins."""
        settings = work.cell.experiment.run
        at_once = min(self._jobs, len(self._running) + 1 + len(self._waiting))
        if settings.workers != "auto" or at_once == 1:
            return settings.workers
        return max(1, (os.cpu_count() or 1) // (at_once * settings.threads))

    def _look(self) -> None:
        for work, process in list(self._running.items()):
            if process.look():
                del self._running[work]
                self._watch.ended(work)
        self._watch.look()

    def _tell(self, number: int) -> None:
        for process in self._running.values():
            process.signal(number)

    def _give_up(self, number: int) -> None:
        """After a second signal, or where this process fails: the cells end their steps now, or will be killed."""
        self._tell(number)
        deadline = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < deadline:
            self._look()
            self._starter.wait(POLL)


class _Run:
    """A cell's process."""

    def __init__(self, work: Work, workers: int | str, starter: Starter) -> None:
        self._work = work
        self._begin = time.perf_counter()
        self._records = _Tail(work.folder / rundir.METRICS)
        self._stopped = False
        self._output = work.folder / OUTPUT
        with appending(self._output) as file:
            self._output_begin = file.tell()
        settings = [f"run.{key}={_inline(table)}" for key, table in work.changed.items()]
        options = [word for setting in (*settings, f"run.workers={workers}") for word in ("--set", setting)]
        self._process = starter.start(["resume", str(work.folder), *options], self._output)

    def look(self) -> bool:
        """Bring the work up to date; whether the process has ended."""
        code = self._process.poll()
        work = self._work
        work.row = self._records.last() or work.row
        work.seconds = time.perf_counter() - self._begin
        if code is None:
            return False
        if code == 0 and self._has_result():
            work.state = "finished"
        elif self._stopped:
            work.state = "interrupted"
        else:
            work.state, work.reason = "failed", self._reason(code)
            work.exit_code = code if code > 0 else EvaluationError.exit_code
        return True

    def _has_result(self) -> bool:
        """Whether its run has finished: code of a part may end a process too, and say that all is well."""
        try:
            return rundir.is_finished(self._work.folder)
        except FilesError:
            return False

    def signal(self, number: int) -> None:
        """Ask it to save and end."""
        self._stopped = True
        self._process.send_signal(number)

    def _reason(self, code: int) -> str:
        """The last line that it printed, where nothing else tells more."""
        if code < 0:
            return f"was killed by signal {-code}"
        if code == 0:
            return "its process ended without a result: a part must have ended it"
        with opened(self._output) as output:
            output.seek(self._output_begin)
            lines = output.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), f"ended with exit code {code}")
        return said.removeprefix("evoplug: error: ")


def _inline(table: Mapping[str, Any]) -> str:
    """A table of plain values as TOML has it on one line."""
    return f"{{ {', '.join(tomli_w.dumps({key: value}).strip() for key, value in table.items())} }}"


class _Tail:
    """The end of a growing records file."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def last(self) -> dict[str, Any] | None:
        """The newest whole line; None where there is no new one, or none that can be read: the run says why."""
        try:
            with opened(self._path) as file:
                if file.seek(0, os.SEEK_END) < self._offset:  # a resumed run has cut its records off at its checkpoint
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                *whole, self._rest = (self._rest + file.read()).split(b"\n")
                self._offset = file.tell()
            return records.row_of(whole[-1], str(self._path)) if whole else None
        except FilesError:
            return None
