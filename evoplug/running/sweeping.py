"""Sweeps: every cell is a run in a process and a folder of its own. What is finished never runs again; under a larger
budget it goes on."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from evoplug.config import Cell, Experiment, cells, resolved
from evoplug.config.difference import differences
from evoplug.config.experiment import SOFT
from evoplug.config.fit import Built, fit_all
from evoplug.config.source import FORMAT
from evoplug.config.spec import OBJECT, as_toml
from evoplug.config.sweep import FILE
from evoplug.errors import ConfigError, EvoplugError, FilesError
from evoplug.population import memory
from evoplug.running import datafiles, in_process, reading, rundir, stated
from evoplug.running.budgets import lowered
from evoplug.running.cells import OUTPUT, Cells, SweepWatch, Work
from evoplug.running.lock import beside, changed_objects, changed_sources, lock
from evoplug.running.lock import read as locked

_GOES_ON = ("stop", "checkpoint", "measure")
"""Keys of ``[run]`` that a cell which is there takes from now on."""


class SweepError(EvoplugError):
    """Some cells failed: a line for each. Its exit code is that of the worst."""

    def __init__(self, failed: Iterable[Work]) -> None:
        self.failed = tuple(failed)
        self.exit_code = max(work.exit_code for work in self.failed)
        super().__init__("\n".join(f"{work.name}: {work.reason} (see {work.folder})" for work in self.failed))


def run(
    experiment: Experiment, folder: Path, jobs: int | None, watch: SweepWatch, execute: in_process.Execute
) -> list[Work]:
    """Run what is missing of a sweep, seed by seed, so that every arm has its first runs early.

    Args:
        experiment: a checked configuration with a sweep.
        folder: the sweep's folder; cells go to ``<arm>/seed-<n>`` below it.
        jobs: cells at once; by default one a core, counting the threads of each, as far as they fit into memory, and
            one in all on a GPU.
        watch: is told of progress.
        execute: runs a cell in this process: what a sweep does that holds objects from Python.

    Returns:
        All works, in the order of the arms.

    Raises:
        ConfigError, PluginError: what is wrong with any arm, before anything is written; or ``jobs`` is less than 1, or
            more than fit into memory; or a budget is less than what a cell has spent.
        FilesError: before anything is written, if the folder of a cell holds a run of other settings (all such
            folders), or data are missing; or if another sweep goes on in this folder.
        SweepError: once all cells have ended, if some failed.
        Interrupted: after a signal, when all running cells have saved.
    """
    if jobs is not None and jobs < 1:
        raise ConfigError("jobs", f"must be 1 or more, got {jobs}")
    works, jobs = _plan(experiment, folder, jobs)
    rundir.make(folder)
    with rundir.held(folder):
        rundir.write_text(folder / FILE, tomli_w.dumps(as_toml({"evoplug": FORMAT, **experiment.document.data})))
        watch.begin(experiment, folder, works, jobs)
        seeds = list(dict.fromkeys(work.cell.seed for work in works))
        todo = sorted((w for w in works if w.state == "waiting"), key=lambda work: seeds.index(work.cell.seed))
        try:
            if _hold_objects(works):
                in_process.run(todo, partial(_set_up, experiment), execute, watch)
            else:
                Cells(todo, partial(_set_up, experiment), jobs, watch).run()
        finally:
            watch.end()
    if failed := [work for work in works if work.state == "failed"]:
        raise SweepError(failed)
    return works


# ---------------------------------------------------------------------------------------------------------- planning


def _plan(experiment: Experiment, folder: Path, jobs: int | None) -> tuple[list[Work], int]:
    """Every cell with its state, and how many run at once."""
    made = list(cells(experiment))
    arms = {cell.arm: cell.experiment.apart() for cell in made}
    built = dict(zip(arms, fit_all(arms.values()), strict=True))
    on_gpu = any(arm.device != "cpu" for arm in built.values())
    threads = max(cell.experiment.run.threads for cell in made)
    wanted = jobs or (1 if on_gpu else max(1, (os.cpu_count() or 1) // threads))
    works = [_work(cell, built[cell.arm].experiment, folder / cell.arm / f"seed-{cell.seed}") for cell in made]
    if _hold_objects(works):
        if wanted > 1 and jobs is not None:
            raise ConfigError("jobs", f"objects from Python stay in this process: one run at a time, not {jobs}")
        wanted = 1
    if mistakes := [mistake for work in works for mistake in work.mistakes]:
        raise ConfigError(mistakes=mistakes)
    if conflicts := [work.reason for work in works if work.reason]:
        raise FilesError("\n".join(conflicts))
    for arm in dict.fromkeys(work.cell.arm for work in works if work.state == "waiting"):
        datafiles.require(built[arm].evaluator)
    waiting = [built[work.cell.arm] for work in works if work.state == "waiting"]
    return works, _at_once(waiting, min(wanted, max(1, len(waiting))), asked=jobs is not None)


def _at_once(waiting: Sequence[Built], wanted: int, asked: bool) -> int:
    """As many runs as are wanted; where nobody has asked for so many, no more than fit into memory side by side.

    Raises:
        ConfigError: if they were asked for, and do not fit.
    """
    for device in dict.fromkeys(run.device for run in waiting):
        needs = sorted((run.memory for run in waiting if run.device == device), reverse=True)[:wanted]
        if asked:
            memory.require(sum(needs), f"{len(needs)} runs at once", "jobs", device)
        elif (fitting := memory.together(needs, device)) < len(needs):
            wanted = max(1, fitting)
    return wanted


def _hold_objects(works: Iterable[Work]) -> bool:
    return any(f'"{OBJECT}' in work.resolved for work in works)


def _work(cell: Cell, fitted: Experiment, folder: Path) -> Work:
    """A cell with its state; ``reason`` says what speaks against its folder."""
    text = tomli_w.dumps(resolved(replace(fitted, run=cell.experiment.run)))
    work = Work(cell, folder, text, "waiting")
    if reading.there(folder / rundir.RESOLVED):
        run, new = rundir.Run(folder), tomllib.loads(text)
        if reading.there(folder / OUTPUT):
            with reading.opened(folder / OUTPUT):  # raises, before any cell runs, what is no file to write to
                pass
        changed = next(differences(_compared(run.config), _compared(new)), None)
        if changed:
            work.reason = f"{folder}: holds a run of other settings: {changed} as there; name another --out or run.name"
            return work
        if changes := _changes(folder, fitted):
            work.reason = f"{folder}: {'; '.join(changes)}; name another --out or run.name"
            return work
        work.changed = {k: v for k, v in new["run"].items() if k in _GOES_ON and v != run.config["run"].get(k)}
        work.mistakes = tuple(lowered(run, new["run"]["stop"], str(folder)))
        if run.status == "finished" and "stop" not in work.changed:
            work.state = "complete"
    elif reading.there(folder) and not rundir.is_set_up(rundir.names(folder)):
        work.reason = f"{folder}: is not empty and not a run folder"
    return work


def _changes(folder: Path, fitted: Experiment) -> list[str]:
    """What a run is made of that its configuration does not tell: objects, and code beside it. An arm's runs are of one
    code; what is installed may have become newer."""
    file = folder / rundir.LOCK
    if not file.is_file():
        return []
    then = locked(file)
    return changed_objects(then, fitted) + changed_sources(beside(then))


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    """A cell's configuration without what a run may go on under: budgets, checkpoints, measuring, workers."""
    return {**config, "run": {key: value for key, value in config["run"].items() if key not in SOFT}}


def _set_up(sweep: Experiment, work: Work) -> None:
    """Make the folder of a cell a run folder, unless it is one."""
    own = work.cell.experiment
    if not (work.folder / rundir.RESOLVED).is_file():
        rundir.make(work.folder)
        rundir.write_text(work.folder / rundir.CLAIMS, stated.text(sweep.claims))
        rundir.begin(work.folder, sweep.document.text, own, lock(own))
    elif not (work.folder / rundir.LOCK).is_file():
        rundir.write_json(work.folder / rundir.LOCK, lock(own))
