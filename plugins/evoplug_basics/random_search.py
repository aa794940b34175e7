"""Random search: the baseline of every search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from evoplug import Members, Problem
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Ge, Strategy


@dataclass(kw_only=True)
class RandomSearch(Strategy):
    """A new random population every generation."""

    population: Annotated[int, Ge(1), "genomes drawn a generation"] = 100

    def start(self, problem: Problem) -> Sampling:
        return Sampling(problem, self.population)


class Sampling(TrackedLoop):
    """Draw, evaluate, remember the best."""

    def __init__(self, problem: Problem, population: int) -> None:
        super().__init__(problem)
        self.population = population

    def step(self) -> None:
        self.members = self.problem.sample(self.population)
        self.problem.evaluate(self.members)
        self.track()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "members": self.members.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.members = Members.from_state_dict(state["members"], self.problem.device)
        super().load_state_dict(state)
