"""Whoever looks on from Python with a function of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evoplug.running.cells import SweepWatch, Work
from evoplug.running.records import plain
from evoplug.running.rundir import Run
from evoplug.running.runner import Watch


class EachGeneration(Watch):
    """Calls a function with every line of records, as it stands in ``metrics.jsonl``."""

    def __init__(self, function: Callable[[dict[str, Any]], object]) -> None:
        self._function = function

    def generation(self, row: Mapping[str, Any]) -> None:
        self._function(plain(row))


class EachRun(SweepWatch):
    """Calls a function with every run of a sweep that has ended, however that was."""

    def __init__(self, function: Callable[[Run], object]) -> None:
        self._function = function

    def ended(self, work: Work) -> None:
        self._function(Run(work.folder))
