"""The cells of a sweep that holds objects from Python, which no other process can be given: one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evoplug.errors import EvoplugError, Interrupted
from evoplug.running.cells import OUTPUT, SweepWatch, Work, set_up
from evoplug.running.runner import Watch

Execute = Callable[[Work, Watch], None]
"""Runs a cell in its folder, from its start or its last checkpoint to its end."""


def run(todo: Sequence[Work], files: Mapping[str, str], watch: SweepWatch, execute: Execute) -> None:
    """Until all have ended, or a signal arrives and the running one has saved.

    Args:
        todo: what to run, in this order.
        files: name -> text of what a cell's folder begins with, beside its own ``resolved.toml``.
        watch: is told of progress.
        execute: runs one of them.

    Raises:
        Interrupted: after a signal.
    """
    for work in todo:
        set_up(work, files)
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
        with (self._work.folder / OUTPUT).open("a", encoding="utf-8") as file:
            file.write(f"note: {text}\n")

    def end(self, result: Mapping[str, Any]) -> None:
        self._look()

    def _look(self) -> None:
        self._work.seconds = time.perf_counter() - self._begin
        self._watch.look()
