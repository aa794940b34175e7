"""Sweeps: every cell is a run in a process and a folder of its own, and what is finished never runs again.

A cell's folder holds its whole configuration, so that running a cell and going on with an interrupted one are the same
command, ``evoplug resume FOLDER``. What a cell prints goes to ``output.log`` in its folder; its progress is read from
its records.

Cells that run at once share the cores: each begins with that many workers, and keeps them even when it is the last.
More would need a restart, and change no result.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import tomli_w

from evoplug.config import Cell, Experiment, cells, resolved
from evoplug.config.difference import differences
from evoplug.config.fit import fit_all
from evoplug.config.source import FORMAT
from evoplug.config.spec import OBJECT, as_toml
from evoplug.config.sweep import FILE
from evoplug.errors import ConfigError, EvaluationError, EvoplugError, FilesError, Interrupted
from evoplug.running import datafiles, rundir
from evoplug.running.lock import lock
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
    """What its ``resolved.toml`` says."""
    state: State
    """``complete``: was finished before this sweep began."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The last line of its records."""
    reason: str = ""
    """Why it failed."""
    exit_code: int = 0
    seconds: float = 0.0
    """Wall-clock time of its process."""

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


class SweepError(EvoplugError):
    """Some cells failed: a line for each. Its exit code is that of the worst."""

    def __init__(self, failed: Iterable[Work]) -> None:
        self.failed = tuple(failed)
        self.exit_code = max(work.exit_code for work in self.failed)
        super().__init__("\n".join(f"{work.name}: {work.reason} (see {work.folder})" for work in self.failed))


def run(experiment: Experiment, folder: Path, jobs: int | None, watch: SweepWatch) -> list[Work]:
    """Run what is missing of a sweep, seed by seed, so that every arm has its first runs early.

    Args:
        experiment: a checked configuration with a sweep.
        folder: the sweep's folder; cells go to ``<arm>/seed-<n>`` below it.
        jobs: cells at once; by default one a core, counting the threads of each, and one in all on a GPU.
        watch: is told of progress.

    Returns:
        All works, in the order of the arms.

    Raises:
        ConfigError, PluginError: what is wrong with any arm, before anything is written.
        FilesError: before anything is written, if the folder of a cell holds a run of other settings (all such
            folders), or data are missing.
        SweepError: once all cells have ended, if some failed.
        Interrupted: after a signal, when all running cells have saved.
    """
    works, jobs = _plan(experiment, folder, jobs)
    _make(folder)
    rundir.write_text(folder / FILE, tomli_w.dumps(as_toml({"evoplug": FORMAT, **experiment.document.data})))
    watch.begin(experiment, folder, works, jobs)
    seeds = list(dict.fromkeys(work.cell.seed for work in works))
    todo = sorted((w for w in works if w.state == "waiting"), key=lambda work: seeds.index(work.cell.seed))
    try:
        _Processes(todo, experiment.document.text, jobs, watch).run()
    finally:
        watch.end()
    if failed := [work for work in works if work.state == "failed"]:
        raise SweepError(failed)
    return works


# ---------------------------------------------------------------------------------------------------------- planning


def _plan(experiment: Experiment, folder: Path, jobs: int | None) -> tuple[list[Work], int]:
    """Every cell with its state, and how many run at once."""
    made = list(cells(experiment))
    arms = {cell.arm: cell.experiment for cell in made}
    built = dict(zip(arms, fit_all(arms.values()), strict=True))
    on_gpu = any(arm.device != "cpu" for arm in built.values())
    threads = max(cell.experiment.run.threads for cell in made)
    wanted = jobs or (1 if on_gpu else max(1, (os.cpu_count() or 1) // threads))
    works = [_work(cell, built[cell.arm].experiment, folder / cell.arm / f"seed-{cell.seed}") for cell in made]
    if any(f'"{OBJECT}' in work.resolved for work in works):
        raise ConfigError("sweep", "runs in processes of their own take no objects from Python; name the components")
    if conflicts := [work.reason for work in works if work.reason]:
        raise FilesError("\n".join(conflicts))
    for arm in dict.fromkeys(work.cell.arm for work in works if work.state == "waiting"):
        datafiles.require(built[arm].evaluator)
    return works, min(wanted, max(1, sum(work.state == "waiting" for work in works)))


def _work(cell: Cell, fitted: Experiment, folder: Path) -> Work:
    """A cell with its state; ``reason`` says what speaks against its folder."""
    text = tomli_w.dumps(resolved(replace(fitted, run=cell.experiment.run)))
    work = Work(cell, folder, text, "waiting")
    if (folder / rundir.RESOLVED).is_file():
        run = rundir.Run(folder)
        changed = next(differences(_compared(run.config), _compared(tomllib.loads(text))), None)
        if changed:
            work.reason = f"{folder}: holds a run of other settings: {changed} as there; name another --out or run.name"
        elif run.status == "finished":
            work.state = "complete"
    elif folder.is_dir() and not rundir.is_set_up(path.name for path in folder.iterdir()):
        work.reason = f"{folder}: is not empty and not a run folder"
    return work


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FilesError(f"{folder}: cannot make a run folder: {error.strerror}") from error


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    """A cell's configuration without its share of the cores, which changes no result."""
    return {**config, "run": {key: value for key, value in config["run"].items() if key != "workers"}}


# --------------------------------------------------------------------------------------------------------- processes


class _Processes:
    """Runs works in processes, some at once.

    Args:
        todo: what to run, in this order.
        text: the configuration as written.
        jobs: processes at once.
        watch: is told of progress.
    """

    def __init__(self, todo: Sequence[Work], text: str, jobs: int, watch: SweepWatch) -> None:
        self._waiting, self._text, self._jobs, self._watch = list(todo), text, jobs, watch
        self._running: dict[Work, _Process] = {}

    def run(self) -> None:
        """Until all have ended, or a signal arrives and the running ones have saved."""
        told = False
        try:
            with Stopper() as stopper:
                while self._running or (self._waiting and not told):
                    if stopper.signal is not None and not told:
                        stopper.settle()
                        self._tell(stopper.signal)
                        told = True
                    while self._waiting and len(self._running) < self._jobs and not told:
                        self._start(self._waiting.pop(0))
                    self._look()
                    time.sleep(POLL)
                if stopper.signal is not None:
                    raise Interrupted(stopper.signal)
        except BaseException as error:
            self._give_up(error.exit_code - 128 if isinstance(error, Interrupted) else signal.SIGTERM)
            raise

    def _start(self, work: Work) -> None:
        if not (work.folder / rundir.RESOLVED).is_file():
            _make(work.folder)
            rundir.begin(work.folder, self._text, work.cell.experiment, lock(work.cell.experiment))
        elif not (work.folder / rundir.LOCK).is_file():
            rundir.write_json(work.folder / rundir.LOCK, lock(work.cell.experiment))
        self._running[work] = _Process(work, self._workers(work))
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
        """After a second signal, or where this process fails: the cells end their steps now, or are killed."""
        self._tell(number)
        deadline = time.monotonic() + PATIENCE
        while self._running and time.monotonic() < deadline:
            self._look()
            time.sleep(POLL)
        for process in self._running.values():
            process.kill()


class _Process:
    """A cell's process."""

    def __init__(self, work: Work, workers: int | str) -> None:
        self._work = work
        self._begin = time.perf_counter()
        self._records = _Tail(work.folder / rundir.METRICS)
        self._stopped = False
        # The same modules as here, wherever they come from. A session of its own: Ctrl-C must reach it once, from here.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
        with appending(work.folder / OUTPUT) as output:
            self._output_begin = output.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "evoplug", "resume", str(work.folder), "--set", f"run.workers={workers}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def look(self) -> bool:
        """Bring the work up to date; whether the process has ended."""
        code = self._process.poll()
        work = self._work
        work.row = self._records.last() or work.row
        work.seconds = time.perf_counter() - self._begin
        if code is None:
            return False
        if code == 0:
            work.state = "finished"
        elif self._stopped:
            work.state = "interrupted"
        else:
            work.state, work.reason = "failed", self._reason(code)
            work.exit_code = code if code > 0 else EvaluationError.exit_code
        return True

    def signal(self, number: int) -> None:
        """Ask it to save and end."""
        self._stopped = True
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _reason(self, code: int) -> str:
        """The last line that it printed."""
        if code < 0:
            return f"was killed by signal {-code}"
        with (self._work.folder / OUTPUT).open("rb") as output:
            output.seek(self._output_begin)
            lines = output.read().decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), f"ended with exit code {code}")
        return said.removeprefix("evoplug: error: ")


class _Tail:
    """The end of a growing records file."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def last(self) -> dict[str, Any] | None:
        """The newest whole line, None where there is no new one."""
        if not self._path.is_file():
            return None
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._offset:  # a resumed run has cut its records off at its checkpoint
                self._offset, self._rest = 0, b""
            file.seek(self._offset)
            *whole, self._rest = (self._rest + file.read()).split(b"\n")
            self._offset = file.tell()
        try:
            row: dict[str, Any] | None = json.loads(whole[-1]) if whole else None
        except ValueError:
            return None
        return row
