"""The Python API, equal to the command line: run, resume, check."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug import config as configuration
from evoplug import rundir
from evoplug.config.experiment import SOFT
from evoplug.errors import ConfigError, EvoplugError, Interrupted, Mistake

if TYPE_CHECKING:
    from evoplug.config import Experiment
    from evoplug.config.fit import Built
    from evoplug.runner import Watch

Config = str | os.PathLike[str] | Mapping[str, Any]
Overrides = Sequence[str] | Mapping[str, Any]


def check(config: Config, overrides: Overrides = ()) -> Experiment:
    """The experiment that a configuration describes, checked without building anything.

    Raises:
        ConfigError: every mistake that can be found without importing a plugin.
    """
    return configuration.check(configuration.load(config, overrides))


def run(
    config: Config,
    overrides: Overrides = (),
    *,
    out: str | os.PathLike[str] | None = None,
    watch: Watch | None = None,
) -> rundir.Run:
    """Run a configuration to its end.

    Args:
        config: a path, a preset's name, or the configuration as a mapping.
        overrides: ``["evaluator.batch=64"]`` or ``{"evaluator.batch": 64}``.
        out: the run folder; ``runs/<name>/run/seed-<seed>`` by default.
        watch: is told of progress.

    Returns:
        The finished run folder.

    Raises:
        ConfigError: with all mistakes, before anything is written.
        EvoplugError: what else ended the run; the folder holds ``result.json`` and ``error.log``.
        Interrupted: after SIGINT or SIGTERM.
    """
    from evoplug.config.fit import fit

    experiment = check(config, overrides)
    if experiment.sweep is not None:
        raise ConfigError("sweep", "sweeps cannot be run yet; take the table out to run the base configuration")
    built = fit(experiment)
    folder = rundir.create(out, experiment.run.name, experiment.run.seed)
    with rundir.held(folder):
        rundir.write_text(folder / rundir.CONFIG, experiment.document.text)
        _write_resolved(folder, built.experiment)
        _execute(built, folder, watch)
    return rundir.Run(folder)


def resume(folder: str | os.PathLike[str], overrides: Overrides = (), *, watch: Watch | None = None) -> rundir.Run:
    """Go on with an unfinished run, or with a finished one under a larger budget.

    Args:
        folder: the run folder.
        overrides: ``run.stop``, ``run.checkpoint``, ``run.measure`` and ``run.workers`` only.
        watch: is told of progress.

    Raises:
        FilesError: if the folder is no run folder, is held by another run, or its checkpoints are damaged.
    """
    from evoplug.config.fit import fit

    old = rundir.Run(folder)
    with rundir.held(old.folder):
        document = configuration.load(old.folder / rundir.RESOLVED, overrides)
        _only_resumable(document.overridden)
        experiment = configuration.check(document)
        if old.status == "finished" and not document.overridden:
            return old
        built = fit(experiment)
        if document.overridden:
            _write_resolved(old.folder, built.experiment)
        _execute(built, old.folder, watch)
    return rundir.Run(folder)


def _only_resumable(keys: Sequence[tuple[str | int, ...]]) -> None:
    mistakes = [
        Mistake(key, f"a resume cannot change this; it may change run.{', run.'.join(SOFT)}", "--set")
        for key in keys
        if key[0] != "run" or len(key) < 2 or key[1] not in SOFT
    ]
    if mistakes:
        raise ConfigError(mistakes=mistakes)


def _write_resolved(folder: Path, experiment: Experiment) -> None:
    import tomli_w

    rundir.write_text(folder / rundir.RESOLVED, tomli_w.dumps(configuration.resolved(experiment)))


def _execute(built: Built, folder: Path, watch: Watch | None) -> None:
    from evoplug.environment import environment, lock
    from evoplug.population.workers import resolve
    from evoplug.runner import Execution, Watch, log_error

    settings = built.experiment.run
    sessions = [*_sessions(folder), environment(built.device, settings.threads, resolve(settings.workers))]
    rundir.write_json(folder / rundir.ENVIRONMENT, {"sessions": sessions})
    rundir.write_json(folder / rundir.LOCK, lock(built.components()))
    execution = Execution(built, folder, watch or Watch())
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
