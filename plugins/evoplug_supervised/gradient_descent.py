"""Strategy ``gradient-descent``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from evoplug.contracts import Ge, Loop, Members, Strategy, dataclass

if TYPE_CHECKING:
    from evoplug import Problem


@dataclass(kw_only=True)
class GradientDescent(Strategy):
    """Train networks side by side, without evolution: the baseline of the papers.

    A generation is one round of the evaluator's training. The network reported is the one with the highest fitness
    after the last round; with a population of one, that one as it is at the end.
    """

    population: Annotated[int, Ge(1), "networks, each from an initialisation of its own"] = 1

    needs = ("states",)
    genotype = "none"

    def start(self, problem: Problem) -> Loop:
        return Descent(problem, problem.sample(self.population))


class Descent(Loop):
    """Members that keep their places and are trained in every step."""

    def __init__(self, problem: Problem, members: Members) -> None:
        self.problem, self.members = problem, members

    @property
    def best(self) -> Members:
        assert self.members.fitness is not None
        return self.members[[int(self.members.fitness.argmax())]]

    def step(self) -> None:
        self.problem.evaluate(self.members)

    def state_dict(self) -> dict[str, Any]:
        return {"members": self.members.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.members = Members.from_state_dict(state["members"], self.problem.device)
