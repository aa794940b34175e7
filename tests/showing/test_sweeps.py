"""What is seen of a sweep."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import evoplug
from evoplug.config import cells
from evoplug.running.sweeping import Work
from evoplug.showing.sweeps import Lines

SWEEP = {
    "strategy": "gradient-descent",
    "evaluator": {"use": "train", "dataset": "digits"},
    "sweep": {"seeds": 1},
}


def said(folder: Path, fitness: float | None, test: dict[str, float]) -> list[str]:
    """Line by line of a sweep of one run that ended so."""
    experiment = evoplug.check(SWEEP)
    (cell,) = cells(experiment)
    (folder / "resolved.toml").write_text("")
    best = {"fitness": fitness, "generation": 1, "description": None}
    ledger = {"generations": 1, "evaluations": 1, "seconds": 1.0}
    result = {"status": "finished", "reason": "", "ledger": ledger, "seconds": {}, "best": best, "test": test}
    result["validation"] = {}
    (folder / "result.json").write_text(json.dumps(result))
    console = Console(file=io.StringIO(), width=200)
    lines, work = Lines(console), Work(cell, folder, "", "finished")
    lines.begin(experiment, folder, [work], 1)
    lines.ended(work)
    lines.end()
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("test", "outcome", "metric"),
    [
        ({"score": 3.0, "steps": 2.0}, "best 0.75 test score 3", "test.score"),
        ({}, "best 0.75", "best.fitness"),
    ],
    ids=["what comes first", "without tests the fitness"],
)
def test_the_first_metric_is_shown_and_compared(
    tmp_path: Path, test: dict[str, float], outcome: str, metric: str
) -> None:
    lines = said(tmp_path, 0.75, test)
    assert f"1 of 1 finished run, seed 1 {outcome} 0:00" in lines
    assert lines[-1] == f"evoplug compare {tmp_path} --metric {metric}"


def test_a_solution_without_a_fitness_has_none_to_show(tmp_path: Path) -> None:
    assert "1 of 1 finished run, seed 1 test accuracy 0.5 0:00" in said(tmp_path, None, {"accuracy": 0.5})
