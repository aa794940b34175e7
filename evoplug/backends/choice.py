"""Which of several solutions is reported: never the one that was merely lucky."""

from __future__ import annotations

from evoplug.contracts import Problem
from evoplug.types import Members, Outcome


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


def outcome(problem: Problem, sample: Members, generation: int, centre: Members, name: str = "centre") -> Outcome:
    """Of the best sample of a search distribution and its centre the better one; beside it the other.

    The centre is evaluated once for it; where fitness is noisy and there are no validation data, both are.

    Args:
        problem: of the run.
        sample: the best one, evaluated.
        generation: in which it was.
        centre: one member, which is evaluated here.
        name: what the centre is called.
    """
    problem.evaluate(centre)
    both = {"best sample": sample, name: centre}
    chosen = list(both)[best(problem, Members.cat(list(both.values())))]
    (other,) = both.keys() - {chosen}
    beside = problem.metrics(both[other])
    if problem.evaluator.deterministic:  # else the two fitness values are of different draws
        beside["best"] = {"fitness": both[other].fitness[0].item()}  # type: ignore[index]
    when = generation if chosen == "best sample" else None
    return Outcome(both[chosen], problem.metrics(both[chosen]), {other: beside}, when)
