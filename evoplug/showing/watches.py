"""Who looks on at a run or a sweep from Python: ``watch=``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, overload

from evoplug.errors import ConfigError
from evoplug.running.cells import SweepWatch, Work
from evoplug.running.lock import just_run
from evoplug.running.records import plain
from evoplug.running.rundir import Run
from evoplug.running.runner import Watch

RunWatch = Watch | Callable[[dict[str, Any]], object] | bool | None
"""A watch, a function of each line of records, or whether to show progress."""
SweepsWatch = SweepWatch | Callable[[Run], object] | bool | None
"""A watch, a function of each run that has ended, or whether to show progress."""


@overload
def progress(of: Literal["run"] = "run") -> Watch: ...
@overload
def progress(of: Literal["sweep"]) -> SweepWatch: ...
def progress(of: Literal["run", "sweep"] = "run") -> Watch | SweepWatch:
    """What the command line shows of a run, or of a sweep: a live table on a terminal and in a notebook, else lines.

    ``evoplug.run(config, watch=evoplug.progress())``; ``watch=True`` is the same.
    """
    from evoplug.showing import runs, sweeps  # late: a run that nobody watches needs no tables

    return sweeps.watch() if of == "sweep" else runs.watch()


def of_run(watch: RunWatch) -> Watch:
    """What ``watch=`` stands for.

    Raises:
        ConfigError: if it is nothing that can look on.
    """
    if isinstance(watch, Watch):
        return watch
    if watch is True:
        return progress()
    if not watch:
        return Watch()
    return _EachGeneration(_function(watch, "Watch"))


def of_sweep(watch: SweepsWatch) -> SweepWatch:
    """As :func:`of_run`, of a sweep."""
    if isinstance(watch, SweepWatch):
        return watch
    if watch is True:
        return progress("sweep")
    if not watch:
        return SweepWatch()
    return _EachRun(_function(watch, "SweepWatch"))


def _function(watch: Any, contract: str) -> Callable[[Any], object]:
    if isinstance(watch, type) or not callable(watch):
        raise ConfigError("watch", f"must be True, a function or an evoplug.{contract}, got {watch!r}")
    return watch


class _EachGeneration(Watch):
    """Calls a function with every line of records, as it stands in ``metrics.jsonl``."""

    def __init__(self, function: Callable[[dict[str, Any]], object]) -> None:
        self._function = function

    def generation(self, row: Mapping[str, Any]) -> None:
        self._function(plain(row))


class _EachRun(SweepWatch):
    """Calls a function with every run of a sweep that has ended, however that was."""

    def __init__(self, function: Callable[[Run], object]) -> None:
        self._function = function

    def ended(self, work: Work) -> None:
        self._function(just_run(work.folder))
