"""The first generations of a run, by the clock."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from evoplug import config as configuration
from evoplug.config import Experiment
from evoplug.config.document import Config, Overrides
from evoplug.config.fit import Built, fit
from evoplug.contracts import Loop
from evoplug.population.workers import workers
from evoplug.running.costs import Timing
from evoplug.running.problem import RunProblem
from evoplug.running.runner import Execution, Watch
from evoplug.running.signals import Stopper
from evoplug.types import compact

ENOUGH = 4.0
"""Seconds of generations after the first that are timed; two generations at the least."""


def rehearse(config: Config, overrides: Overrides, arm: str, folder: Path, begin: float) -> Timing:
    """Run the first generations and the report of one arm in this process.

    Args:
        config, overrides: as for :func:`evoplug.run`.
        arm: which arm of a sweep.
        folder: for what a run writes; empty.
        begin: when the process began, by ``time.perf_counter``.

    Raises:
        EvoplugError: what would have ended the run.
    """
    built = fit(_arm(config, overrides, arm))
    run = built.experiment.run
    clock = _Clock()
    execution = _Unsaved(_endless(built), folder, clock)
    with suppress(_Enough):
        execution.run(Stopper())  # not entered: what stops a run stops this process
    problem, loop = execution.problem, execution.loop
    save, size = _checkpoint(problem, loop)
    with workers(run.workers, run.threads):
        splits = run.measure.splits if run.measure else ()
        measure = _seconds(lambda: [problem.measure(loop.best, split) for split in splits])
        report = _seconds(loop.finish)
    return Timing(
        start=clock.times[0] - begin,
        first=clock.times[1] - clock.times[0],
        generation=(clock.times[-1] - clock.times[1]) / (len(clock.rows) - 1),
        measure=measure,
        save=save,
        report=report,
        ledger=clock.spent(problem.ledger.row()),
        checkpoint=size,
        memory=_peak(),
        device_memory=torch.cuda.max_memory_allocated(execution.device) if execution.device.type == "cuda" else 0,
    )


class _Unsaved(Execution):
    """Without checkpoints."""

    def _due(self, spent: Mapping[str, float]) -> bool:
        return False


class _Enough(Exception):
    """Enough generations have been timed."""


class _Clock(Watch):
    """Notes when generations end, and ends the run when it has seen enough."""

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        self.times = [time.perf_counter()]
        self.rows: list[Mapping[str, Any]] = []

    def generation(self, row: Mapping[str, Any]) -> None:
        self.times.append(time.perf_counter())
        self.rows.append(row)
        if len(self.rows) > 2 and self.times[-1] - self.times[1] >= ENOUGH:
            raise _Enough

    def spent(self, columns: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Column of the ledger -> (after the first generation, what each later one adds)."""
        first, last, later = self.rows[0], self.rows[-1], len(self.rows) - 1
        return {column: (first[column], (last[column] - first[column]) / later) for column in columns}


def _arm(config: Config, overrides: Overrides, arm: str) -> Experiment:
    experiment = configuration.check(configuration.load(config, overrides))
    return next(cell.experiment for cell in configuration.cells(experiment) if cell.arm == arm)


def _endless(built: Built) -> Built:
    """The same run without budget, and without what a run does only now and then."""
    run = built.experiment.run
    endless = replace(run, stop={"generations": sys.maxsize}, measure=None, timeout=None)
    return replace(built, experiment=replace(built.experiment, run=endless))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


class _Counting:
    """A file that only counts what is written to it."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self.size += size
        return size

    def flush(self) -> None:
        """Nothing is held back."""


def _checkpoint(problem: RunProblem, loop: Loop) -> tuple[float, int]:
    """Seconds and bytes of a checkpoint, without a disk."""
    sink: Any = _Counting()
    state = {"problem": problem.state_dict(), "loop": loop.state_dict()}
    return _seconds(lambda: torch.save(compact(state), sink)), sink.size


def _peak() -> int | None:
    """The most memory that this process has had, in bytes."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return getrusage(RUSAGE_SELF).ru_maxrss * unit
