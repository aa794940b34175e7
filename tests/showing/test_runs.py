"""What is seen of a run while it goes on."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

import evoplug
from evoplug.showing import live
from evoplug.showing.runs import LiveTable, Watching


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


def test_what_is_measured_keeps_its_column_and_its_last_value_between_two_measurements() -> None:
    first, last = ({"validation.accuracy": value, "test.accuracy": value / 2} for value in (0.75, 0.875))
    lines = shown(row(1), row(2, **first), row(3), row(4, **last), row(5))
    assert lines[1] == "generation evaluations best mean invalid s/generation validation.accuracy test.accuracy"
    ends = [line.split()[6:] for line in lines[2:7]]
    assert ends == [[], ["0.75", "0.375"], ["0.75", "0.375"], ["0.875", "0.4375"], ["0.875", "0.4375"]]


def test_parts_of_a_metric_stay_in_the_file() -> None:
    parts = {"validation.error.mnist": 0.25, "validation.error.kmnist": 0.75}
    lines = shown(row(1, **{"validation.error": 0.5, **parts, "validation.errors": 2.0}))
    assert lines[1].split()[6:] == ["validation.error", "validation.errors"]
    assert lines[2].split()[6:] == ["0.5", "2"]


def test_the_only_part_of_a_metric_is_shown() -> None:
    lines = shown(row(1, **{"validation.f1": 0.5, "validation.f1.macro": 0.25}))
    assert lines[1].split()[6:] == ["validation.f1", "validation.f1.macro"]


def test_of_many_metrics_the_first_are_shown_that_find_room() -> None:
    names = [f"validation.{name}" for name in ("accuracy", "f1", "sensitivity", "specificity", "auc")]
    lines = shown(row(1, **dict.fromkeys(names, 0.5)))
    assert lines[1].split()[6:] == names[:3]
    assert lines[-1].endswith("2 more columns in metrics.jsonl")


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (4, ["validation a validation b validation c validation d", "reported 0.5 0.5 0.5 0.5", "others 0.25 - - -"]),
        (9, ["reported others", "validation a 0.5 0.25", "validation b 0.5 -"]),
    ],
)
def test_many_metrics_of_a_solution_have_lines_of_their_own(count: int, expected: list[str]) -> None:
    watching, said = narrow(120)
    watching.folder = Path("runs")
    result = {"status": "finished", "reason": "", "best": {"fitness": 0.5}, "ledger": {}, "seconds": {}, "test": {}}
    beside = {"others": {"validation": {"a": 0.25}}}
    watching.end({**result, "validation": dict.fromkeys("abcdefghi"[:count], 0.5), "beside": beside})
    assert [" ".join(line.split()) for line in said.getvalue().splitlines()][2:5] == expected


class Place:
    """A place in a notebook's output."""

    def __init__(self) -> None:
        self.drawn: list[dict[str, str]] = []

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.drawn.append(bundle)


@pytest.mark.parametrize("transient", [False, True])
def test_in_a_notebook_the_table_is_drawn_anew_in_its_place(monkeypatch, transient) -> None:
    """A stand-in for IPython, which is there in every notebook and nowhere else."""
    place = Place()
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    shown = ModuleType("IPython.display")
    shown.display = lambda bundle, **keywords: place if keywords == {"raw": True, "display_id": True} else None  # type: ignore
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    console = Console(file=io.StringIO(), force_jupyter=True)
    assert live.can_redraw(console)
    drawing = live.live(console, transient=transient)
    drawing.start()
    drawing.update(Text("<generation> 7"), refresh=True)
    assert place.drawn[-1]["text/plain"] == "<generation> 7\n"
    assert "&lt;generation&gt; 7" in place.drawn[-1]["text/html"]
    drawing.stop()
    assert place.drawn[-1]["text/plain"] == ("" if transient else "<generation> 7\n")


def test_without_validation_there_is_no_column_for_it() -> None:
    assert not [line for line in shown(row(1), row(2)) if "validation" in line]


def narrow(width: int = 40) -> tuple[Watching, io.StringIO]:
    """On a terminal of 40 columns, and what it says."""
    said = io.StringIO()
    return Watching(Console(file=said, width=width)), said


def test_paths_are_whole_on_a_narrow_terminal() -> None:
    watching, said = narrow()
    folder = Path("/a/folder/of/many/names", "that is longer than the terminal", "seed-1 [x]")
    watching.begin(evoplug.check("quickstart"), folder, 3)
    watching.notice(f"{folder}/checkpoints: no checkpoint yet; the run starts again")
    assert said.getvalue().splitlines()[-2:] == [
        f"{folder}  resumed after generation 3",
        f"note: {folder}/checkpoints: no checkpoint yet; the run starts again",
    ]


@pytest.mark.parametrize(("fitness", "best"), [(0.5, ", best fitness 0.5"), (None, "")])
def test_a_solution_without_a_fitness_has_none_to_show(fitness: float | None, best: str) -> None:
    watching, said = narrow()
    watching.begin(evoplug.check("quickstart"), Path("runs"), 0)
    ended = {"status": "finished", "reason": "epochs = 3", "best": {"fitness": fitness}, "ledger": {}, "seconds": {}}
    watching.end({**ended, "validation": {}, "test": {}, "beside": {}})
    assert f"finished: epochs = 3{best}" in said.getvalue().splitlines()


def test_a_stuck_run_ends_no_process_but_the_command_lines() -> None:
    """Called from another thread; a notebook goes on."""
    told: list[BaseException] = []
    error = KeyboardInterrupt()
    Watching(Console(file=io.StringIO())).stuck(error)
    Watching(Console(file=io.StringIO()), told.append).stuck(error)
    assert told == [error]
