"""Many run folders as arms: what comparisons, plots and reports read."""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug.analysis import apart
from evoplug.analysis.direction import directed
from evoplug.analysis.earlier import Earlier, earlier
from evoplug.config.difference import differences
from evoplug.config.messages import suggestion
from evoplug.config.settings import Claim
from evoplug.config.sweep import FILE as SWEEP
from evoplug.config.trust import ASK
from evoplug.errors import ConfigError, FilesError
from evoplug.running import reading
from evoplug.running.rundir import CHECKPOINTS, METRICS, PLOTS, RESOLVED, Run, arm_folder
from evoplug.types import COLUMNS, SPLITS

if TYPE_CHECKING:
    from evoplug.contracts import Film

OWN = ("name", "seed", "device", "workers", "checkpoint", "measure")
"""Keys of ``[run]`` in which the runs of one arm may differ."""

REPORTED = ("validation", "test", "beside", "best", "ledger", "seconds")
"""Tables of ``result.json`` whose numbers are metrics, the most wanted first."""

_NO_METRIC = re.compile(r"best\.(id|generation|description)\b")


@dataclass(frozen=True)
class Groups:
    """Runs by arm: finished ones, or one alone that has not finished."""

    arms: Mapping[str, tuple[Run, ...]]
    """Name -> its runs by seed; problem by problem, and in the order of the sweep where there is one."""
    claims: tuple[Claim, ...] = ()
    """The sweep's; they may name an arm that has no finished run."""
    earlier: tuple[Earlier, ...] = ()
    """Runs that began before the claims stood as they do."""
    notices: tuple[str, ...] = ()
    """What the reader must know: what was left out, and why."""
    unfinished: tuple[str, ...] = ()
    """Arms that are here and have no finished run."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Arm -> its problem, where they are of several: metrics mean the same only within one. Empty where there is but
    one."""

    @property
    def runs(self) -> list[Run]:
        """Of all arms."""
        return [run for runs in self.arms.values() for run in runs]

    def apart(self) -> dict[str, dict[str, tuple[Run, ...]]]:
        """Problem -> its arms; the problem is ``""`` where there is but one."""
        found: dict[str, dict[str, tuple[Run, ...]]] = {}
        for arm, runs in self.arms.items():
            found.setdefault(self.problems.get(arm, ""), {})[arm] = runs
        return found


def read(
    folders: Iterable[str | os.PathLike[str]],
    *,
    unfinished: bool = False,
    without: Iterable[str] = (),
    plugins: Iterable[str | os.PathLike[str]] = (),
) -> Groups:
    """The finished runs in some folders.

    A run in ``.../<arm>/seed-<n>`` belongs to that arm, any other is an arm of its own. Where two arms share a name,
    the folders above make the difference. Unfinished runs are left out, and so is a seed that an arm has twice.

    Args:
        folders: run folders, or folders that hold run folders at any depth.
        unfinished: take a run that is there alone although it has not finished; a notice says how far it is.
        without: arms to leave out, by their names here, or single runs, as ``ARM/seed-3``; none of their files is read.
        plugins: the files beside the configurations that you trust, see :class:`evoplug.Run`; a notice names those
            that are left out.

    Raises:
        ConfigError: if there is nothing of a name in ``without``; names the nearest.
        FilesError: if there is no run folder or no finished run, a file of one is damaged, the runs are of different
            problems that no sweep has side by side, or the runs of an arm of different settings; it says where and how
            they differ.
    """
    notices: list[str] = []
    by_arm: dict[Path, list[Run]] = defaultdict(list)
    for run in _found(folders, tuple(plugins)):
        by_arm[arm_folder(run.folder)].append(run)
    labels = _labels(list(by_arm))
    by_arm = _rest(by_arm, labels, list(dict.fromkeys(without)), notices)
    found = [run for runs in by_arm.values() for run in runs]
    notices += _left_out(found)
    if unfinished and len(found) == 1 and found[0].status != "finished":
        return _unfinished(found[0], notices)
    sweeps = {folder.parent: _Sweep(folder.parent / SWEEP) for folder in by_arm if reading.there(folder.parent / SWEEP)}
    arms = sorted(by_arm, key=lambda arm: (str(arm.parent), _rank(arm, sweeps), _natural(arm.name)))
    labels = {**{arm: labels[arm] for arm in arms}, **labels}  # those that stay first, in the order of the sweep
    runs = {labels[arm]: tuple(_usable(labels[arm], by_arm[arm], notices)) for arm in arms}
    finished = {label: found for label, found in runs.items() if found}
    if not finished:
        raise FilesError("\n".join(["none of these runs has finished", *notices]))
    problems = apart.problems(finished, _swept(sweeps, labels))
    finished = {label: finished[label] for label in sorted(finished, key=apart.order(problems))}
    claims, before = _claims(sweeps, labels, finished)
    empty = tuple(label for label in runs if label not in finished)
    read = Groups(finished, claims, before, unfinished=empty, problems=problems)
    notices += [notice for arms in read.apart().values() for notice in apart.other_data(arms)]
    return replace(read, notices=tuple(notices))


# ------------------------------------------------------------------------------------------------- numbers of a run


def outcome(run: Run) -> dict[str, Any]:
    """``result.json`` of a finished run; of an unfinished one those of its tables that the records can tell.

    ``best`` is then of the last generation, ``validation`` and ``test`` as last measured, and ``ledger`` has only the
    columns that every run has.
    """
    if run.status == "finished" or not run.metrics:
        return run.result
    last = run.metrics[-1]
    spent = [row.get("time", {}) for row in run.metrics]
    measured = {name: value for row in run.metrics for name, value in row.items()}
    parts = dict.fromkeys(part for seconds in spent for part in seconds)
    return {
        "best": {"fitness": last.get("best"), "generation": last["generations"]},
        **{split: _of_split(split, measured) for split in SPLITS},
        "ledger": {name: last.get(name, 0) for name in COLUMNS},
        "seconds": {part: sum(seconds.get(part, 0) for seconds in spent) for part in parts},
    }


def _of_split(split: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """metric -> value, of the columns of one split."""
    begin = f"{split}."
    return {name.removeprefix(begin): value for name, value in columns.items() if name.startswith(begin)}


def numbers(run: Run) -> dict[str, float]:
    """All metrics of a run's outcome, by dotted name: ``test.accuracy``, ``best.fitness``, ``ledger.epochs`` ...

    What a method reports beside its solution is there too, e.g. ``beside.mean of the weights.test.accuracy``.
    A metric that was not finite is NaN.
    """
    result = outcome(run)
    found = dict(_flat({name: result[name] for name in REPORTED if name in result}))
    return {name: value for name, value in found.items() if not _NO_METRIC.match(name)}


def fitness(run: Run) -> float:
    """Of what a run reports; -inf where it has none."""
    found = outcome(run)["best"]["fitness"]
    return -math.inf if found is None else float(found)


def filmed(runs: Iterable[Run], count: int) -> tuple[Run, Film] | None:
    """Of the runs of which ``evoplug play`` has filmed an episode, the one with the best fitness, and what
    :meth:`evoplug.Run.episode` gives of it for this ``count``; None where there is none.

    Raises:
        FilesError: as :meth:`evoplug.Run.episode`.
    """
    for run in sorted(runs, key=fitness, reverse=True):
        if (film := run.episode(count)) is not None:
            return run, film
    return None


def column(run: Run, metric: str) -> float:
    """One metric of a run, by a name of :func:`numbers`.

    Raises:
        ConfigError: if the run has no such metric; names the nearest or all.
    """
    return _choose(metric, numbers(run), "metric", run)


def curve(run: Run, column: str, against: str) -> tuple[list[float], list[float]]:
    """A column of the records over another: x and y, a pair for every generation that has both.

    Args:
        run: a run folder.
        column: what is drawn, e.g. ``best`` or ``validation.accuracy``.
        against: mostly a column of the ledger, e.g. ``generations`` or ``epochs``.

    Raises:
        ConfigError: if no generation has such a column; names the nearest or all.
        FilesError: if the records are damaged.
    """
    rows = [dict(_flat(row)) for row in run.metrics]
    known = {name: value for row in rows for name, value in row.items()}
    for name in (column, against):
        _choose(name, known, "column in its records", run)
    both = [(row[against], row[column]) for row in rows if column in row and against in row]
    return [x for x, _ in both], [y for _, y in both]


def _choose(name: str, values: Mapping[str, float], what: str, run: Run) -> float:
    if name not in values:
        raise ConfigError((), f"{run.folder} has no {what} `{name}`; {suggestion(name, list(values))}")
    return values[name]


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(dotted name, number) of every number; null stands for one that was not finite."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is None:
            yield f"{prefix}{name}", math.nan
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)


# ---------------------------------------------------------------------------------------------- from folders to arms


def _found(folders: Iterable[str | os.PathLike[str]], plugins: tuple[str | os.PathLike[str], ...]) -> list[Run]:
    """Every run folder once."""
    found: dict[Path, Run] = {}
    for folder in map(Path, folders):
        paths = list(_run_folders(folder)) if reading.there(folder) else []
        if not paths:
            here = "there is no run folder here" if reading.there(folder) else "is not there"
            raise FilesError(f"{folder}: {here}")
        found |= {path.resolve(): Run(path, plugins) for path in paths}
    return list(found.values())


def _run_folders(folder: Path) -> Iterator[Path]:
    """The run folders in a folder, at any depth; no links are followed.

    Raises:
        FilesError: if a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise FilesError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for path, folders, files in os.walk(folder, onerror=refuse):
        if RESOLVED in (*folders, *files):
            folders[:] = [name for name in folders if name not in (CHECKPOINTS, PLOTS)]
            yield Path(path)
        folders.sort()


def _left_out(runs: Iterable[Run]) -> list[str]:
    """A notice for each file beside a configuration that is not trusted."""
    files = dict.fromkeys(file for run in runs for file in run.left_out)
    return [f"{file}: left out, since it is code that a run names; {ASK}" for file in files]


def _natural(name: str) -> list[tuple[float, str]]:
    """Numbers in names by their size: ``batch=8`` before ``batch=64``."""
    return [(float(part) if part.isdecimal() else math.inf, part) for part in re.split(r"(\d+)", name) if part]


def _labels(arms: Sequence[Path]) -> dict[Path, str]:
    """The shortest ends of the paths that tell all of them apart."""
    depth = 1
    while len({arm.parts[-depth:] for arm in arms}) < len(arms):
        depth += 1
    return {arm: "/".join(arm.parts[-depth:]) for arm in arms}


def _rest(
    by_arm: Mapping[Path, list[Run]], labels: Mapping[Path, str], without: Sequence[str], notices: list[str]
) -> dict[Path, list[Run]]:
    """What remains without the arms and the runs of these names."""

    def names(arm: Path, run: Run) -> set[str]:
        return {labels[arm], f"{labels[arm]}/{run.folder.resolve().name}"}

    known = {name for arm, runs in by_arm.items() for run in runs for name in names(arm, run)}
    for name in without:
        if name not in known:
            raise ConfigError((), f"{name}: no arm or run of this name to leave out; {suggestion(name, sorted(known))}")
    if without:
        notices.append(f"left out, as was asked: {', '.join(without)}")
    rest = {arm: [run for run in runs if not names(arm, run) & {*without}] for arm, runs in by_arm.items()}
    return {arm: runs for arm, runs in rest.items() if runs}


def _usable(label: str, runs: Iterable[Run], notices: list[str]) -> Iterator[Run]:
    """The finished runs of one arm, every seed once; all of them must have the same settings."""
    first: Run | None = None
    seeds: dict[int, Run] = {}
    for run in sorted(runs, key=lambda run: (run.config["run"]["seed"], _natural(run.folder.name))):
        seed = run.config["run"]["seed"]
        if run.status != "finished":
            notices.append(f"{run.folder}: {run.status}, left out")
            continue
        if first is not None and (difference := next(differences(_settings(first), _settings(run)), None)):
            raise FilesError(
                f"{run.folder}: {difference} as in {first.folder}; these are different arms: give one of the two"
            )
        if seed in seeds:
            notices.append(f"{run.folder}: seed {seed} of arm {label} again, as {seeds[seed].folder}; left out")
            continue
        first = first or run
        seeds[seed] = run
        _check_records(run, notices)
        yield run


def _unfinished(run: Run, notices: list[str]) -> Groups:
    """One run as far as it is."""
    if not run.metrics:
        raise FilesError(f"{run.folder}: {run.status}, before the end of its first generation")
    notices = [progress(run), *notices]
    _check_records(run, notices)
    return Groups({arm_folder(run.folder).name: (run,)}, notices=tuple(notices))


def progress(run: Run) -> str:
    """How far an unfinished run is: ``unfinished: generation 7 of 500; interrupted: stopped by signal 2``."""
    stop = dict(run.config["run"]["stop"])
    generations = f" of {stop.pop('generations'):,}" if "generations" in stop else ""
    others = f", until {' or '.join(f'{rule} = {budget:g}' for rule, budget in stop.items())}" if stop else ""
    reason = f"; {run.status}: {run.result['reason']}" if run.result else ""
    return f"unfinished: generation {run.metrics[-1]['generations']:,}{generations}{others}{reason}"


def _settings(run: Run) -> dict[str, Any]:
    """What the runs of one arm share."""
    config = {name: table for name, table in run.config.items() if name not in ("recorders", "paper")}
    return {**config, "run": {key: value for key, value in config["run"].items() if key not in OWN}}


def _check_records(run: Run, notices: list[str]) -> None:
    path = run.folder / METRICS
    if not reading.there(path):
        raise FilesError(f"{path}: is missing")
    recorded = run.metrics[-1]["generations"] if run.metrics else 0
    if run.torn:
        notices.append(run.torn)
    if run.status == "finished" and recorded + bool(run.torn) < run.result["ledger"]["generations"]:
        raise FilesError(f"{path}: ends at generation {recorded:,} of {run.result['ledger']['generations']:,}")


# --------------------------------------------------------------------------------------------------------- the sweep


class _Sweep:
    """What a sweep left in its folder about itself."""

    def __init__(self, path: Path) -> None:
        self._data, self._claims = reading.sweep(path)

    def rank(self, arm: str) -> int:
        """The arm's place."""
        arms = [self._data["sweep"].get("base", "run"), *self._data["sweep"].get("arms", {})]
        return arms.index(arm) if arm in arms else len(arms)

    @property
    def claims(self) -> Sequence[Claim]:
        """As the sweep states them."""
        return self._claims


def _claims(
    sweeps: Mapping[Path, _Sweep], labels: Mapping[Path, str], runs: Mapping[str, Sequence[Run]]
) -> tuple[tuple[Claim, ...], tuple[Earlier, ...]]:
    """The claims of all sweeps, and the runs that began before they stood so."""
    claims, before = list[Claim](), list[Earlier]()
    found = [run for of_arm in runs.values() for run in of_arm]
    for folder, sweep in sweeps.items():
        claims += [_named(folder, labels, claim) for claim in sweep.claims]
        arms = [label for arm, label in labels.items() if arm.parent == folder and label in runs]
        meant = partial(_meant, folder, labels, found)
        before += earlier({arm: runs[arm] for arm in arms}, sweep.claims, meant)
    return tuple(claims), tuple(before)


def _named(folder: Path, labels: Mapping[Path, str], claim: Claim) -> Claim:
    """A claim of the sweep in ``folder``, with the arms as they are called here."""
    better, than = (labels.get(folder.resolve() / arm, arm) for arm in (claim.better, claim.than))
    return replace(claim, better=better, than=than)


def _meant(folder: Path, labels: Mapping[Path, str], runs: Sequence[Run], claim: Claim) -> Claim:
    """The same in its direction: one that says it is as one that leaves it to the evaluators who say the same."""
    return directed(_named(folder, labels, claim), runs)


def _swept(sweeps: Iterable[Path], labels: Mapping[Path, str]) -> Iterator[list[str]]:
    """The arms of each sweep."""
    for folder in sweeps:
        yield [label for arm, label in labels.items() if arm.parent == folder]


def _rank(arm: Path, sweeps: Mapping[Path, _Sweep]) -> int:
    return sweeps[arm.parent].rank(arm.name) if arm.parent in sweeps else 0
