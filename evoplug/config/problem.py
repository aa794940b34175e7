"""What must be equal in two runs for their metrics to mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def problem(config: Mapping[str, Any]) -> dict[str, Any]:
    """The data set or those of the tasks, whoever evaluates on it; else the environment, the game, or the function and
    its number of genes; by dotted key.

    Args:
        config: of one run, with every default.
    """
    evaluator, genotype = config["evaluator"], config.get("genotype", {})
    if isinstance(dataset := evaluator.get("dataset"), Mapping):
        return {"evaluator.dataset": dataset.get("use")}
    return {
        "evaluator.tasks": _tasks(evaluator),
        "evaluator.environment": evaluator.get("environment"),
        "evaluator.game": evaluator.get("game"),
        "evaluator.function": evaluator.get("function"),
        "evaluator.use": evaluator["use"],
        "genotype.length": genotype.get("length"),
    }


def data(config: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of the data sets, of one run or its tasks, by the evaluator's parameter."""
    evaluator = config["evaluator"]
    return {key: evaluator[key] for key in ("dataset", "tasks", "tasks_of") if key in evaluator}


def _tasks(evaluator: Mapping[str, Any]) -> str | None:
    """Tasks and the data set of each; None where there are none."""
    tables = {**(evaluator.get("tasks") or {}), "tasks of": evaluator.get("tasks_of")}
    named = [
        f"{name} {table['use']}" for name, table in tables.items() if isinstance(table, Mapping) and "use" in table
    ]
    return " + ".join(named) or None


def told_apart(problems: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each problem, the same for equal ones, e.g. ``function=sphere``; ``""`` where all are one."""
    if all(each == problems[0] for each in problems):
        return [""] * len(problems)
    return [_name(each, [other for other in problems if _first(other) == _first(each)]) for each in problems]


def _name(one: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    """What it is, and how it differs from others that are so, too."""
    keys = [key for key in one if key == _first(one) or any(other[key] != one[key] for other in alike)]
    return ", ".join(f"{key.rpartition('.')[2]}={one[key]}" for key in keys if one[key] is not None)


def _first(problem: Mapping[str, Any]) -> str:
    return next(key for key, value in problem.items() if value is not None)
