"""One page about a run or a sweep, complete in itself: no script, and nothing from outside."""

from __future__ import annotations

import json
import os
import pprint
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import numpy as np
from markupsafe import Markup

from evoplug import __version__
from evoplug.analysis import asked, direction, groups, numerals, plots
from evoplug.analysis.compare import Family, compare
from evoplug.analysis.groups import Groups
from evoplug.analysis.numerals import number
from evoplug.analysis.plots import Drawing
from evoplug.analysis.statistics import Summary, summary
from evoplug.config.difference import Difference, differences
from evoplug.config.messages import given
from evoplug.errors import EvoplugError, printable
from evoplug.running import filming, reading, rundir
from evoplug.running.metrics import wholes
from evoplug.running.rundir import Run
from evoplug.running.shapes import Environment, Lock
from evoplug.running.writing import write_text

FILE = "report.html"
LONGEST = 3000
"""Characters of a solution's description at most."""


def write(
    folder: Path,
    plugins: Iterable[str | os.PathLike[str]] = (),
    *,
    without: Iterable[str] = (),
    file: Path | None = None,
) -> tuple[Path, tuple[str, ...]]:
    """Write the page of a run, finished or not, or of all finished runs in a folder.

    Args:
        folder: a run folder, or one that holds run folders.
        plugins: the files beside the configurations that you trust.
        without: as :func:`evoplug.analysis.groups.read`.
        file: the page; :data:`FILE` in the folder by default.

    Returns:
        The page, and what could not be shown.

    Raises:
        FilesError, ConfigError: as :func:`evoplug.analysis.groups.read`, or if the file cannot be written.
    """
    read = groups.read([folder], unfinished=True, without=without, plugins=plugins)
    page = Page(read)
    path = file or folder / FILE
    write_text(path, page.html())
    return path, page.notices


class Metric(NamedTuple):
    """One column of the results."""

    name: str
    column: str
    """As :func:`evoplug.analysis.groups.numbers` calls it."""
    direction: str
    """In words, where less of it is better."""


class Result(NamedTuple):
    """One line of the results."""

    arm: str
    what: str
    """What stands beside the reported solution; empty for that solution itself."""
    values: tuple[Summary, ...]
    """By metric."""


class PartOfMetric(NamedTuple):
    """A part of a metric: ``test error mnist`` of ``test error``."""

    metric: Metric
    values: tuple[Summary, ...]
    """By arm."""


class Arm(NamedTuple):
    """One arm, as asked for."""

    name: str
    seeds: tuple[int, ...]
    changes: tuple[Difference, ...]
    """Against the first arm."""


class Reported(NamedTuple):
    """What a paper reports, beside one arm."""

    arm: str
    row: asked.Row
    ours: Summary


class Spent(NamedTuple):
    """What a run of one arm cost, as a mean."""

    arm: str
    ledger: Mapping[str, float]
    seconds: Mapping[str, float]
    """By part, the longest first."""


class Solution(NamedTuple):
    """The best run of one arm."""

    arm: str
    seed: int
    fitness: float | None
    generation: int
    description: str


class Episode(NamedTuple):
    """The film of one arm's best run of which there is one."""

    arm: str
    seed: int
    title: str
    score: float
    source: str
    """Of an image, with all that is in it."""


class Page:
    """Everything that the template says.

    Args:
        groups: the runs.
    """

    def __init__(self, groups: Groups) -> None:
        self.arms = groups.arms
        self.problems = groups.problems
        self.first = next(iter(groups.arms.values()))[0]
        self.finished = self.first.status == "finished"
        self._notices = list(groups.notices)
        drawings = plots.draw(groups)
        self.figures = drawings.figures
        self._notices += drawings.notices
        self.doubts: tuple[str, ...] = ()
        self.families = self._families(groups)
        self.parts = self._parts()
        self.episodes = list(self._episodes())

    def html(self) -> str:
        """The page."""
        environment = jinja2.Environment(
            autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
        )
        environment.filters |= {
            "number": number,
            "spread": spread,
            "inline": inline,
            "duration": duration,
            "said": said,
        }
        template = environment.from_string((files(__package__) / FILE).read_text(encoding="utf-8"))
        return _without_controls(template.render(page=self, version=__version__))

    @property
    def notices(self) -> tuple[str, ...]:
        """What the reader must know."""
        return tuple(dict.fromkeys(self._notices))

    # ---------------------------------------------------------------------------------------------- what was asked

    @property
    def title(self) -> str:
        name: str = self.first.config["run"]["name"]
        return name if self.finished else f"{name} (unfinished)"

    @property
    def names(self) -> list[str]:
        """Strategy, genotype and evaluator."""
        tables = (self.first.config.get(section) for section in ("strategy", "genotype", "evaluator"))
        return [table["use"] for table in tables if table]

    @property
    def runs(self) -> list[Run]:
        return [run for runs in self.arms.values() for run in runs]

    @property
    def stop(self) -> str:
        """The first run's budget."""
        return " or ".join(f"{rule} = {number(budget)}" for rule, budget in self.first.config["run"]["stop"].items())

    def _parts(self) -> list[asked.Part]:
        try:
            return asked.parts(self.first)
        except EvoplugError as error:
            self._notices.append(f"defaults are not known: {error}")
            return []

    def asked(self) -> Iterator[Arm]:
        """Every arm, and where it is not as the first."""
        base = asked.settings(self.first.config)
        for name, (run, *others) in self.arms.items():
            seeds = tuple(each.config["run"]["seed"] for each in (run, *others))
            yield Arm(name, seeds, tuple(differences(base, asked.settings(run.config))))

    @property
    def config(self) -> str:
        """The first run's configuration with every default."""
        return reading.content(self.first.folder / rundir.RESOLVED).decode("utf-8-sig")

    # ----------------------------------------------------------------------------------------------- what came out

    @property
    def metrics(self) -> list[Metric]:
        """Test metrics first, then validation, then fitness and what the evaluator says of solutions; without parts of
        metrics, of which there may be fifty."""
        shown = set(wholes(self._measured))
        return [metric for metric in self._all_metrics() if metric.column in shown]

    @cached_property
    def _measured(self) -> dict[str, list[Run]]:
        """Of each metric the runs that have it."""
        having: dict[str, list[Run]] = {}
        for run in self.runs:
            for name in groups.numbers(run):
                having.setdefault(name, []).append(run)
        return having

    def _all_metrics(self) -> Iterator[Metric]:
        for start in ("test.", "validation.", "best."):
            for name, runs in self._measured.items():
                if name.startswith(start):
                    yield Metric(plots.words(name), name, direction.remark(runs, name))

    def parts_of_metrics(self) -> list[PartOfMetric]:
        """What :attr:`metrics` leaves out, of every arm."""
        shown = set(self.metrics)
        parts = [metric for metric in self._all_metrics() if metric not in shown]
        columns = [metric.column for metric in parts]
        by_arm = [_summaries(runs, columns) for runs in self.arms.values()]
        return [PartOfMetric(*row) for row in zip(parts, zip(*by_arm, strict=True), strict=True)]

    def results(self) -> Iterator[Result]:
        """Of every arm the reported solutions."""
        for arm, runs in self.arms.items():
            yield Result(arm, "", _summaries(runs, [metric.column for metric in self.metrics]))

    def beside(self) -> Iterator[Result]:
        """What methods report beside them."""
        for arm, runs in self.arms.items():
            for what in dict.fromkeys(what for run in runs for what in groups.outcome(run).get("beside", {})):
                yield Result(arm, what, _summaries(runs, [f"beside.{what}.{m.column}" for m in self.metrics]))

    def _families(self, found: Groups) -> tuple[Family, ...]:
        if not found.claims:
            self._notices += map(str, found.earlier)
            return ()
        try:
            compared = compare(found)
        except EvoplugError as error:
            self._notices.append(f"claims are not tested: {error}")
            return ()
        self._notices += compared.notices
        self.doubts = compared.doubts
        return compared.families

    def papers(self) -> Iterator[Reported]:
        """Every arm that stands for a row of a paper's table, or was made from one."""
        for arm, runs in self.arms.items():
            if row := asked.row(runs[0]):
                (ours,) = _summaries(runs, [row.paper.metric])
                yield Reported(arm, row, ours)

    def _episodes(self) -> Iterator[Episode]:
        for arm, runs in self.arms.items():
            try:
                if (found := groups.filmed(runs, 1)) is None:
                    continue
                run, film = found
                encoded = b64encode(filming.content(rundir.plots(run.folder) / rundir.EPISODE)).decode()
            except EvoplugError as error:
                self._notices.append(f"an episode is not shown: {error}")
                continue
            source = f"data:image/gif;base64,{encoded}"
            yield Episode(arm, run.config["run"]["seed"], film.title, film.score, source)

    def solutions(self) -> Iterator[Solution]:
        """Of each arm, the run with the best fitness; nothing of a run that has not finished."""
        for arm, runs in self.arms.items():
            run = max(runs, key=groups.fitness)
            best = groups.outcome(run)["best"]
            seed = run.config["run"]["seed"]
            if "description" in best:
                yield Solution(arm, seed, best["fitness"], best["generation"], _described(best["description"]))

    # ------------------------------------------------------------------------------------------------ what it cost

    def spent(self) -> Iterator[Spent]:
        """By arm."""
        for arm, runs in self.arms.items():
            ledger = _means([groups.outcome(run)["ledger"] for run in runs])
            seconds = _means([groups.outcome(run)["seconds"] for run in runs])
            yield Spent(arm, ledger, dict(sorted(seconds.items(), key=lambda item: -item[1])))

    @property
    def seconds(self) -> float:
        """Of all runs together."""
        return sum(groups.outcome(run)["ledger"]["seconds"] for run in self.runs)

    # -------------------------------------------------------------------------------------------------- with what

    def sessions(self) -> list[tuple[int, dict[str, Any]]]:
        """Each environment in which there was a session, and in how many."""
        found: dict[str, tuple[int, dict[str, Any]]] = {}
        for run in self.runs:
            for session in _sessions(run):
                same = {key: value for key, value in session.items() if key != "started"}
                key = json.dumps(same, sort_keys=True)
                found[key] = (found.get(key, (0, same))[0] + 1, same)
        return list(found.values())

    @property
    def started(self) -> str:
        """The day of the first session."""
        return min(s["started"] for run in self.runs for s in _sessions(run))[:10]

    def sources(self) -> list[dict[str, str]]:
        """A row for each source of a part; a part that differs between runs has several."""
        rows = {
            (part, row.get("sha256")): {
                "part": part,
                "distribution": f"{row['distribution']} {row.get('version') or ''}" if row.get("distribution") else "",
                "hash": (row.get("sha256") or "")[:12],
            }
            for run in self.runs
            for part, row in reading.from_json(run.folder / rundir.LOCK, Lock).items()
        }
        return [rows[key] for key in sorted(rows, key=str)]


# ------------------------------------------------------------------------------------------------------------ numbers


def spread(values: Summary) -> str:
    """Mean and deviation; the value itself of one run."""
    return numerals.spread(values.mean, values.deviation)


def duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def said(value: Any) -> str:
    """A setting, a component by its name, or that there is none."""
    if isinstance(value, Mapping):
        return str(value.get("use", "several"))
    return "none" if value is None else given(value)


def inline(drawing: Drawing) -> Markup:
    """A figure as an element of a page: without a prolog, without styles for the whole page, with ids of its own."""
    text = plots.svg(drawing)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg") :], flags=re.DOTALL)
    own = Markup.escape(drawing.name)
    text = re.sub(r'(\bid="|href="#|url\(#)', lambda found: f"{found[0]}{own}-", text)
    escaped = Markup.escape(drawing.caption)
    return Markup(text.replace("<svg", f'<svg role="img" aria-label="{escaped}"', 1))


def _without_controls(page: str) -> str:
    """The page with what no page may hold, control characters and halves of characters, as escapes."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", lambda found: printable(found[0]), page)


def _summaries(runs: Iterable[Run], columns: Iterable[str]) -> tuple[Summary, ...]:
    """Of several runs; of a metric that no run has, of nothing."""
    rows = [groups.numbers(run) for run in runs]
    return tuple(summary(np.array([row[name] for row in rows if name in row], dtype=np.float64)) for name in columns)


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By name; what a run does not have counts as 0."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: sum(row.get(name, 0) for row in rows) / len(rows) for name in names}


def _described(description: Any) -> str:
    """A solution's description, readable, cut where it is very long."""
    text = pprint.pformat(_rounded(description), width=72, compact=True, sort_dicts=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n... the whole is in {rundir.RESULT}"


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _sessions(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = reading.from_json(run.folder / rundir.ENVIRONMENT, Environment)["sessions"]
    return found
