"""Random search: the baseline of every search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from evoplug import Members
from evoplug.backends.champion import Champion
from evoplug.contracts import Ge, Loop, Strategy
from evoplug.evaluation import Problem


@dataclass(kw_only=True)
class RandomSearch(Strategy):
    """A new random population every generation."""

    population: Annotated[int, Ge(1), "genomes drawn a generation"] = 100

    def start(self, problem: Problem) -> Sampling:
        return Sampling(problem, self.population)


class Sampling(Loop):
    """Draw, evaluate, remember the best."""

    def __init__(self, problem: Problem, population: int) -> None:
        self.problem, self.population = problem, population
        self._champion = Champion(problem.evaluator.deterministic)

    def step(self) -> None:
        self.members = self.problem.sample(self.population)
        evaluation = self.problem.evaluate(self.members)
        self.members.fitness, self.members.states = evaluation.fitness, evaluation.states
        self._champion.see(self.members)

    @property
    def best(self) -> Members:
        assert self._champion.member is not None
        return self._champion.member

    def state_dict(self) -> dict[str, Any]:
        return {"members": self.members.state_dict(), "champion": self._champion.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.members = Members.from_state_dict(state["members"])
        self._champion.load_state_dict(state["champion"])
