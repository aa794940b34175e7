"""Whether a run may go on under another budget: not under less than it has spent, which its result would deny."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evoplug.errors import FilesError, Mistake
from evoplug.running.rundir import CHECKPOINTS, Run
from evoplug.types import TIME_UNITS


def lowered(run: Run, stop: Mapping[str, float], where: str = "--set") -> Iterator[Mistake]:
    """What is wrong with new stop rules of a run; rules that stay as they are may have been passed.

    Args:
        run: a run folder with anything in it.
        stop: rule -> budget.
        where: they are set.
    """
    given = run.config["run"]["stop"]
    changed = {rule: budget for rule, budget in stop.items() if budget != given.get(rule)}
    row = _spent(run) if changed else {}
    for rule, budget in changed.items():
        if rule == "fitness":
            best = row.get("best")
            if best is not None and best > budget:
                yield _mistake(where, rule, budget, "the best fitness so far", best)
        elif (spent := _in_its_unit(rule, row)) > budget:
            yield _mistake(where, rule, budget, "what this run has spent", spent)


def _in_its_unit(rule: str, row: Mapping[str, Any]) -> float:
    spent: float = row.get("seconds", 0) / TIME_UNITS[rule] if rule in TIME_UNITS else row.get(rule, 0)
    return spent


def _spent(run: Run) -> Mapping[str, Any]:
    """The ledger, and the best fitness, from which the run would go on; empty where it would begin."""
    try:
        metrics = run.metrics
    except FilesError:  # what stands behind the checkpoint does not matter, and going on refuses other damage
        return {}
    if run.status == "finished":
        return {**({"best": metrics[-1]["best"]} if metrics else {}), **run.result["ledger"]}
    names = [path.name for path in (run.folder / CHECKPOINTS).glob("*-*.pt")]
    newest = max((int(name.partition("-")[0]) for name in names), default=0)
    return next((row for row in reversed(metrics) if row["generations"] == newest), {})


def _mistake(where: str, rule: str, budget: float, than: str, is_now: float) -> Mistake:
    message = f"{_number(budget)} is less than {than}, {_number(is_now)}"
    return Mistake(("run", "stop", rule), message, where)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
