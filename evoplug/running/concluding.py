"""What becomes of solutions once the search has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evoplug.contracts import Evaluator
from evoplug.running.problem import RunProblem
from evoplug.types import SPLITS, Members, Outcome

BEFORE = "before finishing"
"""Beside a solution that the evaluator has finished: the same as the search had left it."""


def concluded(problem: RunProblem, outcome: Outcome, marks: Mapping[str, Members]) -> Outcome:
    """The outcome as it is reported: the solution finished, if its evaluator does that, and the best at each mark
    beside it, finished in the same way.

    Args:
        problem: of the run.
        outcome: of the search.
        marks: name -> one member.
    """
    beside = dict(outcome.beside)
    best = problem.finalise(outcome.best)
    if best is not None:
        beside[BEFORE] = outcome.metrics
        outcome = replace(outcome, best=best, metrics=problem.metrics(best))
    for name, member in marks.items():
        finished = problem.finalise(member)
        beside[name] = problem.metrics(member if finished is None else finished)
        if finished is not None:
            beside[f"{name}, {BEFORE}"] = problem.metrics(member)
    return replace(outcome, beside=beside)


def table(problem: RunProblem, outcome: Outcome) -> dict[str, Any]:
    """What ``result.json`` says of it."""
    best = outcome.best
    fitness = None if best.fitness is None else best.fitness[0].item()
    described = problem.genotype.describe(best.genome(0)) if problem.genotype is not None else None
    return {
        "best": {
            "fitness": fitness,
            "generation": outcome.generation or int(problem.ledger["generations"]),
            "id": int(best.ids[0]),
            **{name: value.item() for name, value in problem.describe(best).items()},
            "description": described,
        },
        **{split: _ordered(outcome.metrics.get(split, {}), problem.evaluator) for split in SPLITS},
        "beside": outcome.beside,
    }


def _ordered(metrics: Mapping[str, float], evaluator: Evaluator) -> dict[str, float]:
    """The headline first: what comes first is shown, and compared where nobody says what."""
    return dict(sorted(metrics.items(), key=lambda metric: metric[0] != evaluator.headline))
