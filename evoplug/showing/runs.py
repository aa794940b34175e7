"""What a person sees of a run: a live table on a terminal, plain lines elsewhere, a summary at the end."""

from __future__ import annotations

import os
import pprint
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evoplug.running.metrics import MEASURED, OF_SOLUTION, is_any, wholes
from evoplug.running.rundir import METRICS, RESULT
from evoplug.running.runner import Watch
from evoplug.showing import consoles
from evoplug.showing.live import can_redraw, live
from evoplug.types import SPLITS, TIME_UNITS

if TYPE_CHECKING:
    from evoplug.config import Experiment

SHOWN = 10
"""Generations in the live table."""

LINES, WIDTH = 4, 100
"""Of what is shown of a solution, at most."""
HEADING = 40
"""Characters of a column's heading at most."""

ACROSS = 8
"""Metrics of solutions side by side, at most."""

PAUSE = 5.0
"""Seconds between two plain lines."""


def watch(stuck: Callable[[BaseException], object] | None = None) -> Watching:
    """A live table where standard output is a terminal or a notebook, else plain lines.

    Args:
        stuck: called where a run has been given up and its code goes on; by default nothing happens then.
    """
    console = consoles.lasting()
    return LiveTable(console, stuck) if can_redraw(console) else PlainLines(console, stuck)


class Watching(Watch):
    """Keeps what both displays need: how far the run is and how fast; prints the beginning and the end."""

    def __init__(self, console: Console, stuck: Callable[[BaseException], object] | None = None) -> None:
        self.console, self._stuck = console, stuck
        self.began = False
        self._here = Path(os.path.abspath(""))  # a part may leave it

    def prepare(self, folder: Path) -> None:
        self.folder = seen_from(self._here, folder)

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        self.prepare(folder)
        self.began = True
        self.stop = experiment.run.stop
        self._start = time.perf_counter()
        self._first_fraction: float | None = None
        parts = [experiment.strategy, experiment.genotype, experiment.evaluator]
        names = " · ".join(spec.name for spec in parts if spec is not None)
        self._network = experiment.genotype is not None and "weights" in experiment.genotype.schema.kinds
        self._minimised = experiment.evaluator.schema.facts.get("minimised", ())
        self.say((experiment.run.name, "bold"), f"  {names}  seed {experiment.run.seed}")
        self.say((str(folder), "dim"), f"  resumed after generation {resumed_at}" if resumed_at else "")

    def notice(self, text: str) -> None:
        self.say(("note:", "yellow"), f" {text}")

    def end(self, result: Mapping[str, Any]) -> None:
        if result["status"] == "interrupted":
            self.say(("interrupted", "bold"), f"; go on with: evoplug resume {self.folder}")
        if result["status"] != "finished":
            return
        fitness = result["best"]["fitness"]
        best = "" if fitness is None else f", best fitness {number(fitness)}"
        self.say("\n", ("finished", "bold"), f": {result['reason']}{best}")
        if result["validation"] or result["test"] or result["beside"]:
            self.console.print(_metrics(result))
        for head, line in zip(("solution", "        "), self._solution(result["best"]), strict=False):
            self.say(f"{head} {line}")
        self.say((f"spent    {_ledger(result['ledger'])}", "dim"))
        self.say((f"seconds  {_profile(result['seconds'])}", "dim"))
        self.say((f"folder   {self.folder}", "dim"))

    def _solution(self, best: Mapping[str, Any]) -> Iterator[str]:
        """What is said of it: by its genotype, then by the evaluator."""
        if best.get("description") is not None and not self._network:
            yield described(best["description"])
        if own := {name: value for name, value in best.items() if name not in OF_SOLUTION}:
            yield ", ".join(f"{name} {count(value)}" for name, value in own.items())

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Print a line of texts, with a style or without."""
        self.console.print(Text.assemble(*parts), soft_wrap=True)

    def stuck(self, error: BaseException) -> None:
        if self._stuck is not None:
            self._stuck(error)

    def progress(self, row: Mapping[str, Any]) -> tuple[float, float | None]:
        """The share of the budget that is spent, by the rule that will end the run, and the seconds left."""
        fraction = spent(self.stop, row)
        elapsed = time.perf_counter() - self._start
        if self._first_fraction is None:
            self._first_fraction, self._start = fraction, time.perf_counter()
            return fraction, None
        done = fraction - self._first_fraction
        return fraction, elapsed * (1 - fraction) / done if done > 0 else None


class PlainLines(Watching):
    """A line now and then."""

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        super().begin(experiment, folder, resumed_at)
        self._shown_at = 0.0

    def generation(self, row: Mapping[str, Any]) -> None:
        fraction, left = self.progress(row)
        if time.perf_counter() - self._shown_at < PAUSE and fraction < 1:
            return
        self._shown_at = time.perf_counter()
        text = "  ".join(f"{name} {cell}" for name, cell in cells(row, left).items())
        self.say(text)


class LiveTable(Watching):
    """The last generations, a bar, and the time left.

    Where metrics are not measured in every generation, the others show the last values, dimmed.
    """

    def begin(self, experiment: Experiment, folder: Path, resumed_at: int) -> None:
        super().begin(experiment, folder, resumed_at)
        self._rows: deque[dict[str, str | Text]] = deque(maxlen=SHOWN)
        self._measured: dict[str, Text] = {}
        self._live = live(self.console, transient=False)
        self._live.start()
        self._drawn_at = 0.0

    def generation(self, row: Mapping[str, Any]) -> None:
        fraction, left = self.progress(row)
        shown = cells(row, None)
        self._rows.append({**shown, **self._measured, **shown})
        self._measured |= {name: Text(cell, "dim") for name, cell in shown.items() if name.startswith(MEASURED)}
        if time.perf_counter() - self._drawn_at >= 0.1 or fraction >= 1:
            self._drawn_at = time.perf_counter()
            self._live.update(self._drawing(fraction, left), refresh=True)

    def end(self, result: Mapping[str, Any]) -> None:
        if self.began:
            self._live.stop()
        super().end(result)

    def _drawing(self, fraction: float, left: float | None) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim")
        columns = self._columns()
        for heading in columns.values():
            table.add_column(heading, justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*(row.get(name, "") for name in columns))
        foot = Table.grid(padding=(0, 1))
        remaining = f"{clock(left)} left" if left is not None else ""
        hidden = len(self._rows[-1]) - len(columns)
        more = Text(f"{hidden} more columns in {METRICS}" if hidden else "", "dim")
        foot.add_row(ProgressBar(total=1, completed=fraction, width=30), f"{fraction:4.0%}", remaining, more)
        return Group(Text(), table, Text(), foot)

    def _columns(self) -> dict[str, str]:
        """Column -> its heading; of what is measured, the first that find room."""
        shown: dict[str, str] = {}
        width = 0
        for name in self._rows[-1]:
            measured = name.startswith(MEASURED)
            less = measured and is_any(name.partition(".")[2], self._minimised)
            heading = f"{_short(name)}, less is better" if less else _short(name)
            width += max(len(heading), *(len(row.get(name, "")) for row in self._rows))
            if measured and width > self.console.width and any(other.startswith(MEASURED) for other in shown):
                break
            shown[name] = heading
            width += 2  # spaces
        return shown


def cells(row: Mapping[str, Any], left: float | None) -> dict[str, str]:
    """A line of records as a person reads it: column -> text. Parts of metrics, such as ``error.mnist``, stay in the
    file."""
    shown = {
        "generation": f"{row['generations']:,}",
        "evaluations": f"{row['evaluations']:,}",
        "best": number(row["best"]),
        "mean": number(row["mean"]),
        "invalid": f"{row['invalid']:,}",
        "s/generation": f"{sum(row['time'].values()):.3g}",
    }
    shown |= {name: number(row[name]) for name in wholes(name for name in row if name.startswith(MEASURED))}
    return shown | ({"time left": clock(left)} if left is not None else {})


def number(value: float | None) -> str:
    """Five significant digits, so that digits do not dance."""
    return "-" if value is None else f"{value + 0:.5g}"  # + 0: zero without a sign


def count(value: float | None) -> str:
    """An integer in full, any other number as :func:`number` has it."""
    return f"{value:,}" if isinstance(value, int) else number(value)


def _short(name: str) -> str:
    """A name as a heading: its end, which says more than its beginning, where it is long."""
    return name if len(name) <= HEADING else f"...{name[3 - HEADING :]}"


def described(description: Any) -> str:
    """A solution as its genotype describes it, on a few lines; what does not fit is in ``result.json``."""
    text = (
        description
        if isinstance(description, str)
        else pprint.pformat(_rounded(description), width=WIDTH, compact=True, sort_dicts=False)
    )
    lines = [line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..." for line in text.split("\n")]
    rest = [f"... the rest is in {RESULT}"] if len(lines) > LINES else []
    return "\n         ".join([*lines[:LINES], *rest])


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return float(number(value)) if isinstance(value, float) else value


def spent(stop: Mapping[str, float], row: Mapping[str, Any]) -> float:
    """The share of the budget that is spent, by the rule that will end the run."""
    return min(1.0, max((_spent(rule, budget, row) for rule, budget in stop.items()), default=0.0))


def _spent(rule: str, budget: float, row: Mapping[str, Any]) -> float:
    if rule == "fitness":
        return 1.0 if row["best"] >= budget else 0.0
    if rule in TIME_UNITS:
        return float(row["seconds"] / (budget * TIME_UNITS[rule]))
    return float(row.get(rule, 0) / budget)


def seen_from(here: Path, folder: Path) -> Path:
    """A folder relative to another one that it is in, else as it is."""
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def clock(seconds: float) -> str:
    """``M:SS``, or ``H:MM:SS``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _metrics(result: Mapping[str, Any]) -> Table:
    """The reported solution first, what is reported beside it after it, a line each; many metrics have lines instead.
    Parts of metrics stay in the file."""
    reports = {"reported": {split: result[split] for split in SPLITS}, **result["beside"]}
    if any("best" in report for report in result["beside"].values()):
        reports["reported"] = {"best": {"fitness": result["best"]["fitness"]}, **reports["reported"]}
    columns = list(dict.fromkeys((split, name) for r in reports.values() for split in r for name in wholes(r[split])))
    head = ["", *(f"{split} {_short(name)}" for split, name in columns)]
    lines = [
        [label, *(number(report.get(split, {}).get(name)) for split, name in columns)]
        for label, report in reports.items()
    ]
    transposed = len(columns) > ACROSS
    if transposed:
        head, *lines = ([*line] for line in zip(head, *lines, strict=True))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column, name in enumerate(head):
        table.add_column(name, justify="right" if column else "left", no_wrap=not column, overflow="fold")
    for row, line in enumerate(lines):
        table.add_row(*line, style=None if transposed else "bold" if row == 0 else "dim")
    return table


def _ledger(ledger: Mapping[str, float]) -> str:
    return ", ".join(f"{value:,.0f} {column}" for column, value in ledger.items())


def _profile(seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {spent:.1f} s" for part, spent in sorted(seconds.items(), key=lambda item: -item[1]))
