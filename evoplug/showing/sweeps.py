"""What a person sees of a sweep: one live table for all cells on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evoplug.config import Experiment
from evoplug.running.rundir import Run
from evoplug.running.sweeping import SweepWatch, Work
from evoplug.showing import consoles
from evoplug.showing.live import can_redraw, live
from evoplug.showing.runs import clock, number, seen_from, spent

PAUSE = 30.0
"""Seconds between two plain lines about the running cells."""
REDRAW = 0.25
"""Seconds between two drawings of the table."""

_COLOURS = {"finished": "green", "failed": "bold red", "interrupted": "yellow"}


def watch() -> Lines:
    """A live table where standard output is a terminal or a notebook, else plain lines."""
    console = consoles.lasting()
    return LiveLines(console) if can_redraw(console) else Lines(console)


class Lines(SweepWatch):
    """A line for every cell that ends, and now and then one about those that run."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._here = Path(os.path.abspath(""))  # a part may leave it

    def begin(self, experiment: Experiment, folder: Path, works: Sequence[Work], jobs: int) -> None:
        self.works, self.folder, self.claims = works, seen_from(self._here, folder), experiment.claims
        self._start = self._shown_at = time.perf_counter()
        self._complete = sum(work.state == "complete" for work in works)
        arms = len({work.cell.arm for work in works})
        runs = f"{_count(arms, 'arm')}, {_count(len(works), 'run')}"
        runs += f"; {self._complete} complete already" if self._complete else ""
        runs += f"; {jobs} at once" if self._complete < len(works) else ""
        self.console.print(Text.assemble((experiment.run.name, "bold"), f"  {runs}"), soft_wrap=True)
        self.console.print(Text(str(self.folder), "dim"), soft_wrap=True)

    def look(self) -> None:
        if time.perf_counter() - self._shown_at >= PAUSE:
            self._shown_at = time.perf_counter()
            running = [f"{work.name} {_fraction(work):.0%}" for work in self.works if work.state == "running"]
            self.console.print(f"running: {'; '.join(running)}", soft_wrap=True)

    def ended(self, work: Work) -> None:
        line = Text.assemble(
            (f"{self._ended:{len(str(len(self.works)))}} of {len(self.works)}  ", "dim"),
            (f"{work.state:11}", _COLOURS[work.state]),
            f"  {work.name}  ",
            work.reason if work.state == "failed" else _outcome(work),
            (f"  {clock(work.seconds)}", "dim"),
        )
        self.console.print(line, soft_wrap=True)

    def end(self) -> None:
        states = [work.state for work in self.works]
        done = states.count("complete") + states.count("finished")
        rest = len(states) - done - states.count("failed")
        text = f"{done} of {_count(len(states), 'run')} finished"
        text += f", {states.count('failed')} failed" if "failed" in states else ""
        more = "; the same command goes on with the rest" if rest else ""
        took = f" in {clock(time.perf_counter() - self._start)}{more}"
        self.console.print(Text.assemble("\n", (text, "bold"), took), soft_wrap=True)
        if done:
            metric = "" if self.claims else f" --metric {self._metric()}"
            self.console.print(Text(f"evoplug compare {self.folder}{metric}", "dim"), soft_wrap=True)

    def _metric(self) -> str:
        """What the first finished run was tested by, or its fitness."""
        run = next(Run(work.folder) for work in self.works if work.state in ("complete", "finished"))
        return next((f"test.{name}" for name in run.test), "best.fitness")

    @property
    def _ended(self) -> int:
        return sum(work.state not in ("waiting", "running") for work in self.works)


class LiveLines(Lines):
    """The same lines, and below them a row for every running cell and a bar for all."""

    def begin(self, experiment: Experiment, folder: Path, works: Sequence[Work], jobs: int) -> None:
        super().begin(experiment, folder, works, jobs)
        self._first = self._share()
        self._drawn_at = 0.0
        self._live = live(self.console, transient=True)
        self._live.start()

    def look(self) -> None:
        if time.perf_counter() - self._drawn_at >= REDRAW:
            self._drawn_at = time.perf_counter()
            self._live.update(self._drawing(), refresh=True)

    def end(self) -> None:
        self._live.stop()
        super().end()

    def _drawing(self) -> Group:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("arm", no_wrap=True)
        for name in ("seed", "generation", "best", "mean"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("")
        for work in self.works:
            if work.state == "running":
                table.add_row(work.cell.arm, str(work.cell.seed), *_cells(work), _bar(_fraction(work)))
        foot = Table.grid(padding=(0, 1))
        share = self._share()
        gone = time.perf_counter() - self._start
        left = gone * (1 - share) / (share - self._first) if share > self._first else None
        failed = sum(work.state == "failed" for work in self.works)
        foot.add_row(
            ProgressBar(total=1, completed=share, width=30),
            f"{self._ended} of {_count(len(self.works), 'run')}",
            Text(f"{failed} failed", "bold red") if failed else "",
            f"{clock(left)} left" if left is not None else "",
        )
        return Group(Text(), table, Text(), foot)

    def _share(self) -> float:
        """How much of the whole sweep is done."""
        done = sum(_fraction(work) if work.state in ("waiting", "running") else 1.0 for work in self.works)
        return done / len(self.works)


def _fraction(work: Work) -> float:
    return spent(work.cell.experiment.run.stop, work.row) if work.row else 0.0


def _cells(work: Work) -> tuple[str, str, str]:
    if not work.row:
        return "-", "-", "-"
    return f"{work.row['generations']:,}", number(work.row.get("best")), number(work.row.get("mean"))


def _bar(fraction: float) -> Table:
    bar = Table.grid(padding=(0, 1))
    bar.add_row(ProgressBar(total=1, completed=fraction, width=20), f"{fraction:4.0%}")
    return bar


def _outcome(work: Work) -> str:
    """What came out, in a few words."""
    if work.state != "finished":
        return f"after generation {work.row.get('generations', 0):,}"
    run = Run(work.folder)
    fitness = run.result["best"]["fitness"]
    best = [] if fitness is None else [f"best {number(fitness)}"]
    tested = [f"test {name} {number(value)}" for name, value in list(run.test.items())[:1]]
    return "  ".join([*best, *tested])


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
