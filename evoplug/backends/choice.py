"""Which of several solutions is reported: never the one that was merely lucky."""

from __future__ import annotations

from evoplug.contracts import Problem
from evoplug.types import Members


def best(problem: Problem, candidates: Members) -> int:
    """The row of the best of some evaluated members: by the headline on validation data; where there are none by
    fitness, which all get anew, on the same draw, unless it is exact.

    The best of a generation owes a part of its fitness to the noise by which it was chosen.
    """
    validated = problem.validation(candidates)
    if validated is not None:
        return int(validated.argmax())
    if not problem.evaluator.deterministic:
        candidates = problem.members(candidates.genomes)
        problem.evaluate(candidates)
    assert candidates.fitness is not None
    return int(candidates.fitness.argmax())
