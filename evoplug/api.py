"""What the command line does, from Python: run, sweep, resume, check."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug import config as configuration
from evoplug.config.document import Document
from evoplug.config.experiment import SOFT, Experiment
from evoplug.config.spec import OBJECT
from evoplug.errors import ConfigError, EvoplugError, FilesError, Interrupted, Mistake
from evoplug.running import rundir

if TYPE_CHECKING:
    from evoplug.config.fit import Built
    from evoplug.running.cells import Work
    from evoplug.running.lock import Lock
    from evoplug.running.runner import Watch
    from evoplug.showing.watches import RunWatch, SweepsWatch

File = str | os.PathLike[str]
"""A path; an :class:`evoplug.Run` stands for its folder."""
Config = configuration.Config | configuration.Experiment
"""A path, a preset's name, a configuration as a mapping, or what :func:`check` made of one."""
Overrides = Sequence[str] | Mapping[str, Any]

_ANYHOW = "--allow-changed (from Python allow_changed=True) goes on with it as it is"


def check(config: Config, overrides: Overrides = ()) -> Experiment:
    """The experiment that a configuration describes, checked without building its components.

    Raises:
        ConfigError: every mistake that can be found so; and, since it is not going to run anyhow, the rules that the
            components which can be built say are broken.
    """
    if isinstance(config, Experiment):
        if not overrides:
            return config
        reading = configuration.Reading(configuration.override(config.document, overrides))
    else:
        reading = configuration.Reading(configuration.load(config, overrides))
    if reading.mistakes:
        from evoplug.config.fit import checked

        return checked(reading)
    return reading.experiment()


def run(
    config: Config,
    overrides: Overrides = (),
    *,
    out: File | None = None,
    watch: RunWatch = None,
) -> rundir.Run:
    """Run a configuration to its end.

    One run at a time in a process: another thread's is refused, since a run borrows what a process has but once
    (global random numbers, torch's threads, signal handlers). A run inside a run, in one thread, is fine.

    Args:
        config: a path, a preset's name, the configuration as a mapping, or what :func:`check` made of one.
        overrides: ``["evaluator.batch=64"]`` or ``{"evaluator.batch": 64}``.
        out: the run folder; ``runs/<name>/run/seed-<seed>`` by default.
        watch: True shows what the command line does, in a notebook too. A function is called after each generation
            with its line of records, ``{"generations": 1, "best": ...}``; what it raises ends the run there and comes
            back to the caller. An :class:`evoplug.Watch` is told of all that happens.

    Returns:
        The finished run folder.

    Raises:
        ConfigError: with all mistakes, before anything is written; or if it is a sweep, which :func:`sweep` runs.
        FilesError: if data are missing, or the folder cannot be made.
        EvoplugError: what else ended the run; the folder holds ``result.json`` and ``error.log``.
        Interrupted: after SIGINT, SIGTERM or SIGHUP, when the generation has ended or 3 seconds are over.
    """
    from evoplug.config.fit import fit
    from evoplug.running import datafiles
    from evoplug.running.alone import alone
    from evoplug.running.lock import lock
    from evoplug.showing import watches

    here, watching = _here(), watches.of_run(watch)
    experiment = check(config, overrides)
    if experiment.sweep is not None:
        raise ConfigError("sweep", "a sweep is many runs: evoplug.sweep runs them all")
    with alone():
        built = fit(experiment)
        datafiles.require(built.evaluator)
        folder = rundir.create(here / out if out is not None else None, experiment.run.name, experiment.run.seed, here)
        with rundir.held(folder):
            rundir.require_unused(folder)  # another run may have been here meanwhile
            parts = lock(built.experiment)
            rundir.begin(folder, experiment.document.text, built.experiment, parts)
            return _execute(built, folder, watching, parts)


def sweep(
    config: Config,
    overrides: Overrides = (),
    *,
    seeds: int | None = None,
    jobs: int | None = None,
    out: File | None = None,
    watch: SweepsWatch = None,
) -> list[rundir.Run]:
    """Run every arm of a configuration with every seed, each in a process and a folder of its own.

    Where the configuration holds objects, the runs go on in this process, one after the other, each with deep copies
    of the objects: what ends this process ends the sweep, and the same call with the same objects goes on.

    A second call runs only what is missing or unfinished; with another budget (``run.stop``) all runs go on to that,
    unless they have spent more. No metric depends on ``jobs``: ``run.threads`` is fixed, and ``run.workers`` changes no
    result: unless the configuration sets it, cells that run at once share the cores, and each keeps the workers that it
    began with.

    Args:
        config: as for :func:`run`.
        overrides: as for :func:`run`; they hold for every arm.
        seeds: this many from ``run.seed`` on, whatever ``[sweep] seeds`` says.
        jobs: cells at once; by default one a core, counting the threads of each, as far as they fit into memory, and
            one in all on a GPU or with objects.
        out: the sweep's folder; ``runs/<name>`` by default. Cells go to ``<arm>/seed-<n>`` in it.
        watch: True shows what the command line does, in a notebook too. A function is called with each
            :class:`evoplug.Run` that has ended. An :class:`evoplug.SweepWatch` is told of all that happens.

    Returns:
        The finished runs, arm by arm.

    Raises:
        ConfigError: with all mistakes of all arms, before anything is written; or if ``jobs`` is less than 1,
            or more than 1 with objects; or an object cannot be copied.
        FilesError: if the folder of a cell holds a run of other settings, another sweep goes on in the sweep's folder,
            or data are missing.
        SweepError: once all have ended, if some failed.
        Interrupted: after SIGINT or SIGTERM, when the running cells have saved.
    """
    from evoplug.running import sweeping
    from evoplug.running.lock import just_run
    from evoplug.showing import watches

    if seeds is not None:
        key = "sweep.seeds"
        overrides = {**overrides, key: seeds} if isinstance(overrides, Mapping) else [*overrides, f"{key}={seeds}"]
    here = _here()
    experiment = check(config, overrides)
    folder = here / (out if out is not None else Path("runs") / experiment.run.name)
    works = sweeping.run(experiment, folder, jobs, watches.of_sweep(watch), _run_here)
    return [just_run(work.folder) for work in works]


def resume(
    folder: File,
    overrides: Overrides = (),
    *,
    allow_changed: bool = False,
    watch: RunWatch = None,
    **objects: Any,
) -> rundir.Run:
    """Go on with an unfinished run, or with a finished one under a larger budget.

    Args:
        folder: the run folder.
        overrides: ``run.stop``, ``run.checkpoint``, ``run.measure`` and ``run.workers`` only.
        allow_changed: go on although the source of a part, a file that it reads or a parameter of an object is not
            what it was.
        watch: as for :func:`run`.
        objects: the parts that the run got as objects, where they stood in its configuration:
            ``evaluator=MyEvaluator()``, ``operators={"mutation": Levy()}``.

    Raises:
        ConfigError: if an object is missing, or there was none where one is given; or if a budget is less than what
            the run has spent.
        FilesError: if the folder is no run folder, is held by another run, its checkpoints are damaged, or a part
            has changed: its source, a file that it reads, a parameter of an object.
    """
    from evoplug.config.fit import fit
    from evoplug.running.alone import alone
    from evoplug.running.budgets import lowered
    from evoplug.running.lock import changes, lock
    from evoplug.showing import watches

    watching = watches.of_run(watch)
    old = rundir.Run(_here() / folder)
    resolved = old.folder / rundir.RESOLVED
    rundir.require_whole(old)
    with alone(), rundir.held(old.folder):
        asked = configuration.load(resolved, overrides)
        _only_resumable(asked.overridden)
        if old.status == "finished" and not asked.overridden:
            return old
        then = None if allow_changed else _sources_unchanged(old.folder)
        with _recorded(resolved, asked):
            experiment = configuration.check(configuration.with_objects(asked, objects))
        parts = lock(experiment)
        if then is not None:
            _refuse(old.folder, changes(then, parts))
        if mistakes := list(lowered(old, experiment.run.stop)):
            raise ConfigError(mistakes=mistakes)
        return _execute(fit(experiment), old.folder, watching, parts)


@contextmanager
def _recorded(file: Path, document: Document) -> Iterator[None]:
    """What is wrong inside with values of a run's own file is damage, unless it wants an object again."""
    try:
        yield
    except ConfigError as error:
        own = [wrong for wrong in error.mistakes if wrong.where.startswith(str(file))]
        if not own or any(_was_object(document.root.nearest(wrong.key).plain()) for wrong in own):
            raise
        raise FilesError(str(error)) from error


def _was_object(value: Any) -> bool:
    noted = value.get("use") if isinstance(value, Mapping) else value
    return isinstance(noted, str) and noted.startswith(OBJECT)


def _here() -> Path:
    """The working folder, which a part may leave; one that is gone is none."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def _only_resumable(keys: Sequence[tuple[str | int, ...]]) -> None:
    mistakes = [
        Mistake(key, f"a resume cannot change this; it may change run.{', run.'.join(SOFT)}", "--set")
        for key in keys
        if key[0] != "run" or len(key) < 2 or key[1] not in SOFT
    ]
    if mistakes:
        raise ConfigError(mistakes=mistakes)


def _sources_unchanged(folder: Path) -> Lock:
    """The lock of a run; FilesError if it is missing or damaged, or a source that it names has changed."""
    from evoplug.running.lock import changed_sources, read

    try:
        then = read(folder / rundir.LOCK)
    except FilesError as error:
        raise FilesError(f"{error}; {_ANYHOW}") from error
    _refuse(folder, changed_sources(then))
    return then


def _refuse(folder: Path, changed: Sequence[str]) -> None:
    if changed:
        raise FilesError(f"{folder}: {'; '.join(changed)}; {_ANYHOW}")


def _run_here(work: Work, watch: Watch) -> None:
    """A cell of a sweep in this process, begun or gone on with."""
    from evoplug.config.fit import fit
    from evoplug.running.alone import alone
    from evoplug.running.lock import changes, lock

    with alone(), rundir.held(work.folder):
        built = fit(work.cell.experiment.apart())
        parts = lock(built.experiment)
        _refuse(work.folder, changes(_sources_unchanged(work.folder), parts))
        _execute(built, work.folder, watch, parts)


def _execute(built: Built, folder: Path, watch: Watch, parts: Lock) -> rundir.Run:
    """A session of a run, made of these parts; what it returns trusts the code that has just been run."""
    from evoplug.population.workers import give_up, resolve
    from evoplug.running.datafiles import places as places_of_data
    from evoplug.running.environment import environment
    from evoplug.running.lock import places
    from evoplug.running.runner import Execution, log_error
    from evoplug.running.signals import Stopper
    from evoplug.running.writing import remove_strays

    settings = built.experiment.run
    execution = Execution(built, folder, watch)  # raises what is damaged before anything is changed
    remove_strays(folder)
    with Stopper(patient=False, give_up=give_up, stuck=execution.stuck) as stopper:
        try:
            data, before = places_of_data(built.evaluator), rundir.sessions(folder)
            session = environment(
                built.device, settings.threads, resolve(settings.workers, settings.threads), parts, data
            )
            then = before[-1].get("data") if before else None
            if then is not None and then != data:
                watch.notice(f"data are read from {', '.join(data)} now; before, they were read from {', '.join(then)}")
            with _writing(folder):
                rundir.write_json(folder / rundir.ENVIRONMENT, {"sessions": [*before, session]})
                rundir.write_json(folder / rundir.LOCK, parts)
                execution.run(stopper)
            return rundir.Run(folder, places(parts))
        except KeyboardInterrupt as interruption:
            stopper.deaf = True
            stopped = interruption if isinstance(interruption, Interrupted) else Interrupted(signal.SIGINT)
            execution.stopped("interrupted", str(stopped))
            raise stopped from None
        except EvoplugError as error:
            stopper.deaf = True
            log_error(folder)
            execution.stopped("failed", str(error))
            raise


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """What the system refuses inside, and no part is blamed for, is the run folder's."""
    try:
        yield
    except OSError as error:
        raise FilesError(f"{error.filename or folder}: {error.strerror or error}") from error
