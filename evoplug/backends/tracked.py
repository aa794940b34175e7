"""A loop that remembers the member to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evoplug.contracts import Loop, Problem
from evoplug.types import Members, Outcome


class TrackedLoop(Loop):
    """Its ``best`` is the best member of all generations where fitness is exact, of the last one where it is noisy:
    a noisy best of all time is the luckiest, not the best.

    Subclasses call ``track()`` at the end of each step, and extend ``state_dict`` and ``load_state_dict``.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._best: Members | None = None
        self._best_generation = 0

    def track(self) -> None:
        """Take ``self.members``, just evaluated, into account; of equals the older one stays."""
        fitness = self.members.fitness
        if fitness is None:
            raise ValueError("step left `members` without fitness: call problem.evaluate(members)")
        row = int(fitness.argmax())
        exact = self.problem.evaluator.deterministic
        if self._best is None or not exact or fitness[row] > self._best.fitness[0]:  # type: ignore[index]
            self._best = Members.cat([self.members[row : row + 1]])  # a copy: kept buffers are written over
            self._best_generation = self.problem.generation

    @property
    def best(self) -> Members:
        assert self._best is not None, "no generation has been evaluated"
        return self._best

    def finish(self) -> Outcome:
        return replace(self.problem.report(self.best), generation=self._best_generation)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best.state_dict(), "best_generation": self._best_generation}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._best = Members.from_state_dict(state["best"], self.problem.device)
        self._best_generation = state["best_generation"]
