"""Strategy ``example``."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from evoplug import Problem
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Ge, Loop, Members, Mutation, Strategy, dataclass, use


@dataclass(kw_only=True)
class Example(Strategy):
    """Hill climbers side by side: each makes one mutant a generation and becomes it unless it is worse."""

    population: Annotated[int, Ge(1), "climbers"] = 20
    mutation: Annotated[Mutation, "how a mutant is made"] = use("gaussian")

    def start(self, problem: Problem) -> Loop:
        return ExampleLoop(problem, self)


class ExampleLoop(TrackedLoop):
    """One generation a step; ``track`` remembers the member to report."""

    def __init__(self, problem: Problem, strategy: Example) -> None:
        super().__init__(problem)
        self.strategy = strategy
        self.members = problem.sample(strategy.population)

    def step(self) -> None:
        if self.members.fitness is None:
            self.problem.evaluate(self.members)
        else:
            mutants = self._mutants()
            n, fitness = len(mutants), self.problem.evaluate(mutants).fitness
            better = fitness >= self.members.fitness
            rows = torch.arange(n, device=better.device) + n * better
            self.members = Members.cat([self.members, mutants])[rows]
        self.track()

    def _mutants(self) -> Members:
        parents = self.members
        mutants = self.problem.children(parents)
        rng = self.problem.rng.child("mutation", self.problem.generation)
        rows = torch.arange(len(parents), device=parents.ids.device)
        self.strategy.mutation.at(self.problem.generation).into(parents, rows, rng, mutants)
        self.problem.inherit(parents, mutants)
        return mutants

    def state_dict(self) -> dict[str, Any]:
        """``members``, and all that ``step`` depends on: a resumed run equals one that was never stopped."""
        return {**super().state_dict(), "members": self.members.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.members = Members.from_state_dict(state["members"], self.problem.device)
