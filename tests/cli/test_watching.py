"""What is seen of a run while it goes on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

import evoplug
from evoplug.cli.watching import LiveTable


def row(generation: int, **more: Any) -> dict[str, Any]:
    counts = {"generations": generation, "evaluations": 10 * generation, "seconds": 1.0, "invalid": 0}
    return {**counts, "best": 0.5, "mean": 0.25, "time": {"evaluation": 0.1}, **more}


def shown(*rows: dict[str, Any]) -> list[str]:
    """The last drawing of the live table, line by line."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=120)
    table = LiveTable(console)
    table.begin(evoplug.check("quickstart"), Path("runs"), 0)
    for each in rows:
        table.generation(each)
    table.end({"status": "failed"})
    drawn = Console(file=io.StringIO(), width=120)
    drawn.print(table._drawing(0.5, None))
    assert isinstance(drawn.file, io.StringIO)
    return [" ".join(line.split()) for line in drawn.file.getvalue().splitlines()]


def test_validation_keeps_its_column_and_its_last_value_between_two_measurements() -> None:
    first = {"validation.accuracy": 0.75}
    lines = shown(row(1), row(2, **first), row(3), row(4, **{"validation.accuracy": 0.875}), row(5))
    assert lines[1] == "generation evaluations best mean invalid s/generation validation.accuracy"
    ends = [line.split()[6:] for line in lines[2:7]]
    assert ends == [[], ["0.75"], ["0.75"], ["0.875"], ["0.875"]]


def test_without_validation_there_is_no_column_for_it() -> None:
    assert not [line for line in shown(row(1), row(2)) if "validation" in line]
