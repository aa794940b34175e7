"""The cells of a sweep that holds objects from Python, which no other process can be given: one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evoplug.errors import EvoplugError, Interrupted
from evoplug.running.cells import OUTPUT, SweepWatch, Work
from evoplug.running.runner import Watch
from evoplug.running.writing import appending

Execute = Callable[[Work, Watch], None]
"""Runs a cell in its folder, from its start or its last checkpoint to its end."""


def run(todo: Sequence[Work], set_up: Callable[[Work], None], execute: Execute, watch: SweepWatch) -> None:
    """Until all have ended, or a signal arrives and the running one has saved.

    Args:
        todo: what to run, in this order.
        set_up: makes a cell's folder a run folder.
        execute: runs one of them.
        watch: is told of progress.

    Raises:
        Interrupted: after a signal.
    """
    for work in todo:
        set_up(work)
        work.state = "running"
        try:
            execute(work, _Look(work, watch))
            work.state = "finished"
        except Interrupted:
            work.state = "interrupted"
            raise
        except EvoplugError as error:
            work.state, work.reason, work.exit_code = "failed", str(error).rpartition("\n")[2], error.exit_code
        finally:
            if work.state != "running":
                watch.ended(work)


class _Look(Watch):
    """Brings a work up to date, and keeps the run's notices where those of a process would stand."""

    def __init__(self, work: Work, watch: SweepWatch) -> None:
        self._work, self._watch, self._begin = work, watch, time.perf_counter()

    def begin(self, experiment: Any, folder: Path, resumed_at: int) -> None:
        self._look()

    def generation(self, row: Mapping[str, Any]) -> None:
        self._work.row = row
        self._look()

    def notice(self, text: str) -> None:
        with appending(self._work.folder / OUTPUT) as file:
            file.write(f"note: {text}\n".encode(errors="backslashreplace"))

    def end(self, result: Mapping[str, Any]) -> None:
        self._look()

    def _look(self) -> None:
        self._work.seconds = time.perf_counter() - self._begin
        self._watch.look()
