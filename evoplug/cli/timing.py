"""What ``evoplug check --time`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from evoplug.running.costs import Timing
from evoplug.running.timing import measure

if TYPE_CHECKING:
    from evoplug.config import Cell


def time_arms(config: str, overrides: list[str], cells: list[Cell], console: Console) -> None:
    """Time each arm of a configuration, one after the other, and print what its runs will cost."""
    arms = {cell.arm: cell.experiment.run for cell in cells}
    timings = {}
    for arm in arms:
        with console.status(Text(f"timing {arm}")):
            timings[arm] = measure(config, overrides, arm)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("arm", no_wrap=True, style="cyan")
    totals = {arm: timings[arm].total(run) for arm, run in arms.items()}
    rows = {arm: dict(_cells(timings[arm], timings[arm].generations(arms[arm].stop), totals[arm])) for arm in arms}
    for heading in next(iter(rows.values())):
        table.add_column(heading, justify="right", no_wrap=True)
    for arm, row in rows.items():
        table.add_row(arm, *row.values())
    console.print(table)
    if len(cells) > 1:
        console.print(f"{len(cells)} runs one after the other: {_in_all(cells, totals)}")


def _cells(timing: Timing, generations: int | None, total: float | None) -> Iterator[tuple[str, str]]:
    """Heading -> text."""
    yield "start", duration(timing.start)
    yield "s/gen.", f"{timing.generation:.3g}"
    yield "gen.", "not known" if generations is None else f"{generations:,}"
    yield "report", duration(timing.report)
    yield "one run", "not known" if total is None else duration(total)
    yield "memory", "not known" if timing.memory is None else decimal(timing.memory)
    if timing.device_memory:
        yield "on the device", decimal(timing.device_memory)
    yield "checkpoint", decimal(timing.checkpoint)


def _in_all(cells: list[Cell], totals: Mapping[str, float | None]) -> str:
    known = [total for cell in cells if (total := totals[cell.arm]) is not None]
    return duration(sum(known)) if len(known) == len(cells) else "not known, where only a fitness ends them"


def duration(seconds: float) -> str:
    """Two units at the most: ``"34 s"``, ``"2 min 5 s"``, ``"1 h 20 min"``, ``"3 d 4 h"``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    first = next(i for i, (_, size) in enumerate(units) if seconds >= size)
    finest = units[min(first + 1, 3)][1]
    rest, parts = round(seconds / finest) * finest, []
    for name, size in units[max(0, first - 1) : first + 2]:
        count, rest = divmod(rest, size)
        parts += [f"{count} {name}"] if count else []
    return " ".join(parts)
