"""The Python API, equal to the command line: run, sweep, resume, check; compare, plot, report, export."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union

from evoplug import config as configuration
from evoplug.config.experiment import SOFT, Experiment
from evoplug.errors import ConfigError, EvoplugError, FilesError, Interrupted, Mistake
from evoplug.running import rundir

if TYPE_CHECKING:
    from evoplug.analysis.compare import Comparison
    from evoplug.analysis.plots import Drawings
    from evoplug.config.fit import Built
    from evoplug.running.exporting import Exported
    from evoplug.running.runner import Watch
    from evoplug.running.sweeping import SweepWatch, Work

File = str | os.PathLike[str]
"""A path; an :class:`evoplug.Run` stands for its folder."""
Config = configuration.Config | configuration.Experiment
"""A path, a preset's name, a configuration as a mapping, or what :func:`check` made of one."""
Overrides = Sequence[str] | Mapping[str, Any]
RunWatch = Union["Watch", Callable[[dict[str, Any]], object], bool, None]
"""Who looks on at a run: a watch, a function of each line of records, or whether to show progress."""
RunsWatch = Union["SweepWatch", Callable[[rundir.Run], object], bool, None]
"""The same of a sweep; the function is called with each run that has ended."""


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
        Interrupted: after SIGINT or SIGTERM.
    """
    from evoplug.config.fit import fit
    from evoplug.running import datafiles

    watching = _watching(watch)
    experiment = check(config, overrides)
    if experiment.sweep is not None:
        raise ConfigError("sweep", "a sweep is many runs: evoplug.sweep runs them all")
    built = fit(experiment)
    datafiles.require(built.evaluator)
    folder = rundir.create(out, experiment.run.name, experiment.run.seed)
    with rundir.held(folder):
        rundir.write_text(folder / rundir.CONFIG, experiment.document.text)
        _write_resolved(folder, built.experiment)
        _execute(built, folder, watching)
    return rundir.Run(folder)


def sweep(
    config: Config,
    overrides: Overrides = (),
    *,
    seeds: int | None = None,
    jobs: int | None = None,
    out: File | None = None,
    watch: RunsWatch = None,
) -> list[rundir.Run]:
    """Run every arm of a configuration with every seed, each in a process and a folder of its own.

    Where the configuration holds objects, the runs go on in this process, one after the other, each with deep copies
    of the objects: what ends this process ends the sweep, and the same call with the same objects goes on.

    A second call runs only what is missing or unfinished. No metric depends on ``jobs``: ``run.threads`` is fixed, and
    ``run.workers`` changes no result: unless the configuration sets it, cells that run at once share the cores, and
    each keeps the workers that it began with.

    Args:
        config: as for :func:`run`.
        overrides: as for :func:`run`; they hold for every arm.
        seeds: this many from ``run.seed`` on, whatever ``[sweep] seeds`` says.
        jobs: cells at once; by default one a core, counting the threads of each, and one in all on a GPU or
            with objects.
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

    if seeds is not None:
        key = "sweep.seeds"
        overrides = {**overrides, key: seeds} if isinstance(overrides, Mapping) else [*overrides, f"{key}={seeds}"]
    experiment = check(config, overrides)
    folder = Path(out) if out is not None else Path("runs") / experiment.run.name
    works = sweeping.run(experiment, folder, jobs, _watching_sweep(watch), _run_here)
    return [rundir.Run(work.folder) for work in works]


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
        ConfigError: if an object is missing, or there was none where one is given.
        FilesError: if the folder is no run folder, is held by another run, its checkpoints are damaged, or a part
            has changed: its source, a file that it reads, a parameter of an object.
    """
    from evoplug.config.fit import fit

    watching = _watching(watch)
    old = rundir.Run(folder)
    with rundir.held(old.folder):
        document = configuration.load(old.folder / rundir.RESOLVED, overrides)
        _only_resumable(document.overridden)
        if old.status == "finished" and not document.overridden:
            return old
        built = fit(configuration.check(configuration.with_objects(document, objects)))
        if not allow_changed:
            _unchanged(old.folder, built.experiment)
        if document.overridden:
            _write_resolved(old.folder, built.experiment)
        _execute(built, old.folder, watching)
    return rundir.Run(folder)


def compare(
    *folders: File,
    metric: str | None = None,
    at: tuple[str, float] | None = None,
    better: str | None = None,
    than: str | None = None,
    margin: float = 0.0,
    goal: Literal["max", "min"] | None = None,
) -> Comparison:
    """Is one arm better than another, and can it be shown?

    What comes back prints as tables; ``.rows()`` and ``.tests()`` are the same as plain values, for
    ``pandas.DataFrame(compared.rows())``.

    Args:
        folders: run folders, or folders that hold run folders at any depth.
        metric: e.g. ``"test.accuracy"``; by default those of the sweep's claims, else the first on test data.
        at: ``("epochs", 128)`` compares at an equal budget, by a column of the records.
        better: test this arm over ``than`` in place of the sweep's claims.
        than: the arm to be beaten.
        margin: test that ``better`` is not worse by this much or more.
        goal: whether more of the metric is better, or less; "max" by default.

    Raises:
        ConfigError: if a metric, a column or an arm is not there, or ``better`` is given without ``than``.
        FilesError: if there is no finished run, or the runs cannot be compared.
    """
    from evoplug.analysis import groups
    from evoplug.analysis.compare import asked_for
    from evoplug.analysis.compare import compare as compared

    read = groups.read(folders)
    metrics = [metric] if metric else dict.fromkeys(claim.metric for claim in read.claims)
    claims = asked_for(better, than, margin, goal, metrics)
    return compared(read, metric, at=at, claims=claims, goal=goal or "max")


def plot(*folders: File, x: str = "generations", y: Sequence[str] = ()) -> Drawings:
    """Draw finished runs, or one run as far as it is.

    Args:
        folders: run folders, or folders that hold run folders at any depth.
        x: the column of the records against which curves are drawn.
        y: columns, a figure each; by default ``best`` and every validation metric, and the methods' own figures.

    Returns:
        A mapping name -> ``matplotlib.figure.Figure``, none of pyplot's; its ``notices`` say what was left out.

    Raises:
        ConfigError: if no run has such a column.
        FilesError: if there is no run to draw.
    """
    from dataclasses import replace

    from evoplug.analysis import groups, plots

    read = groups.read(folders, unfinished=True)
    drawings = plots.draw(read, [y] if isinstance(y, str) else y, x)
    return replace(drawings, notices=(*read.notices, *drawings.notices))


def report(folder: File, file: File | None = None) -> Path:
    """Write one page about a run, as far as it is, or about all finished runs in a folder.

    Args:
        folder: a run folder, or one that holds run folders at any depth.
        file: the page; ``report.html`` in the folder by default.

    Returns:
        The page.

    Raises:
        ConfigError, FilesError: if there is nothing to report, or the page cannot be written.
    """
    from evoplug.analysis.report import write

    return write(Path(folder), Path(file) if file is not None else None)[0]


def export(folder: File, file: File) -> Exported:
    """Write the solution of a finished run to a file that needs no evoplug.

    Args:
        folder: the run's folder.
        file: ``.pt2``, the network with its preprocessing as a program of ``torch.export``; ``.pt``, its weights and
            the code that makes the network, or the genome where there is no network; ``.json``, fitness and genome.

    Returns:
        The file's ``path``, the Python that loads it as ``load``, and ``notes`` on what it holds.

    Raises:
        ConfigError: for another suffix, or ``.pt2`` without a network.
        FilesError: if the run has not finished, or the file cannot be written.
    """
    from evoplug.running import exporting

    return exporting.export(rundir.Run(folder).best, Path(file))


def _watching(watch: RunWatch) -> Watch:
    from evoplug.running.runner import Watch
    from evoplug.running.watches import EachGeneration

    return _watch(watch, Watch, EachGeneration, "run")


def _watching_sweep(watch: RunsWatch) -> SweepWatch:
    from evoplug.running.cells import SweepWatch
    from evoplug.running.watches import EachRun

    return _watch(watch, SweepWatch, EachRun, "sweep")


def _watch(watch: Any, contract: type[Any], of_function: type[Any], what: Literal["run", "sweep"]) -> Any:
    """What ``watch=`` stands for.

    Raises:
        ConfigError: if it is nothing that can look on.
    """
    if isinstance(watch, contract):
        return watch
    if watch is True:
        import evoplug  # what is shown belongs to the command line, which stands above this module

        return evoplug.progress(what)
    if callable(watch) and not isinstance(watch, type):
        return of_function(watch)
    if watch is None or watch is False:
        return contract()
    raise ConfigError("watch", f"must be True, a function or an evoplug.{contract.__name__}, got {watch!r}")


def _only_resumable(keys: Sequence[tuple[str | int, ...]]) -> None:
    mistakes = [
        Mistake(key, f"a resume cannot change this; it may change run.{', run.'.join(SOFT)}", "--set")
        for key in keys
        if key[0] != "run" or len(key) < 2 or key[1] not in SOFT
    ]
    if mistakes:
        raise ConfigError(mistakes=mistakes)


def _unchanged(folder: Path, experiment: Experiment) -> None:
    from evoplug.running.lock import changes, lock

    if changed := changes(folder / rundir.LOCK, lock(experiment)):
        ways = "--allow-changed (from Python allow_changed=True) goes on with it as it is"
        raise FilesError(f"{folder}: {'; '.join(changed)}; {ways}")


def _write_resolved(folder: Path, experiment: Experiment) -> None:
    import tomli_w

    rundir.write_text(folder / rundir.RESOLVED, tomli_w.dumps(configuration.resolved(experiment)))


def _run_here(work: Work, watch: Watch) -> None:
    """A cell of a sweep in this process, begun or gone on with."""
    from evoplug.config.fit import fit

    with rundir.held(work.folder):
        built = fit(work.cell.experiment.apart())
        _unchanged(work.folder, built.experiment)
        _execute(built, work.folder, watch)


def _execute(built: Built, folder: Path, watch: Watch) -> None:
    from evoplug.population.workers import resolve
    from evoplug.running.environment import environment
    from evoplug.running.lock import lock
    from evoplug.running.runner import Execution, log_error

    settings = built.experiment.run
    sessions = [*_sessions(folder), environment(built.device, settings.threads, resolve(settings.workers))]
    rundir.write_json(folder / rundir.ENVIRONMENT, {"sessions": sessions})
    rundir.write_json(folder / rundir.LOCK, lock(built.experiment))
    execution = Execution(built, folder, watch)
    try:
        execution.run()
    except Interrupted as interruption:
        execution.stopped("interrupted", str(interruption))
        raise
    except EvoplugError as error:
        log_error(folder)
        execution.stopped("failed", str(error))
        raise


def _sessions(folder: Path) -> list[Any]:
    import json

    path = folder / rundir.ENVIRONMENT
    return list(json.loads(path.read_bytes())["sessions"]) if path.is_file() else []
