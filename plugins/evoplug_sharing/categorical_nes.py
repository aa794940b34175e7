"""Strategy ``categorical-nes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from evoplug import Outcome, Problem
from evoplug.backends import choice
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Ge, Genotype, Gt, Holding, Lt, Strategy, dataclass
from evoplug_sharing.search import Search


@dataclass(kw_only=True)
class CategoricalNaturalEvolution(Strategy, genome="assignment"):
    """Natural evolution strategy over categorical choices: the search distribution of learned weight sharing.

    Every position has a probability for each of its choices, equal at first. They follow the natural gradient to higher
    expected utility, which fitness gives by its rank alone (Prellberg, 2020, equations 8.18, 8.19 and 8.44). The more
    positions, the smaller the steps must be.
    """

    population: Annotated[int, Ge(2), "samples a generation, lambda_pi"] = 50
    learning_rate: Annotated[float, Gt(0), "eta_pi"] = 0.1
    floor: Annotated[float, Ge(0), Lt(1), "what probabilities are clamped to, so that no choice is lost"] = 0.001

    def holds(self, genotype: Genotype | None) -> Holding:
        """EvoTorch's population and the members made of it."""
        return Holding(2 * self.population, self.population)

    def start(self, problem: Problem) -> CategoricalLoop:
        return CategoricalLoop(problem, Search(problem, self.population, self.learning_rate, self.floor))


class CategoricalLoop(TrackedLoop):
    """A step of the search a generation."""

    def __init__(self, problem: Problem, search: Search) -> None:
        super().__init__(problem)
        self._search = search

    def step(self) -> None:
        self._search.step()
        self.members = self._search.members
        self.track()

    @property
    def over(self) -> str | None:
        """Once all is decided, which no floor above 0 lets happen."""
        decided = self._best is not None and not self._search.distribution.entropy.any()
        return "the search distribution has collapsed: every position is decided" if decided else None

    @property
    def status(self) -> Mapping[str, Any]:
        """``entropy``: of a position, in nats, the mean of all."""
        return {"entropy": self._search.distribution.entropy.mean().item()}

    def finish(self) -> Outcome:
        """Of the best sample and the most probable genome the better one; beside it the other."""
        return choice.outcome(self.problem, self.best, self._best_generation, self._search.probable(), "most probable")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "search": self._search.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._search.load_state_dict(state["search"])
        self.members = self._search.members
        super().load_state_dict(state)
