"""Learned weight sharing: a search distribution over assignments and the weights themselves, learned in turns.

J. Prellberg, "Evolving deep neural networks" (thesis), chapter 8, Algorithm 6. Line and equation numbers are the
thesis's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from evoplug import Members, Problem
from evoplug.contracts import Ge, Genotype, Gt, Holding, Loop, Lt, Strategy, dataclass
from evoplug_sharing.fixed import assignment
from evoplug_sharing.search import Search


@dataclass(kw_only=True)
class LearnedWeightSharing(Strategy, genome="assignment"):
    """Learn which weights each task uses by natural evolution strategy, and the weights by gradient descent, in turns.

    Algorithm 6 of chapter 8 of the thesis; a generation is one of its iterations, a step of each. The solution is the
    most probable assignment, with the weights as they are at the end: nothing is chosen on the way.

    With ``sharing`` other than ``"learned"`` the assignment stays as given and only the weights are learned, under one
    sample, as all are alike: the baselines of the thesis. ``"none"`` gives each task sets of its own, for which there
    must be a choice for each; ``"full"`` one set for all.
    """

    sharing: Annotated[
        Literal["learned", "full", "none"] | tuple[int, ...], "or a fixed assignment: a choice for each position"
    ] = "learned"
    population: Annotated[int, Ge(2), "assignments in a step of the distribution, lambda_pi"] = 8
    weight_samples: Annotated[int, Ge(1), "assignments in a step of the weights, lambda_theta"] = 8
    learning_rate: Annotated[float, Gt(0), "of the distribution, eta_pi"] = 0.01
    floor: Annotated[float, Ge(0), Lt(1), "what probabilities are clamped to, so that no choice is lost"] = 0.001
    utilities: Annotated[
        Literal["ranks", "random"],
        "by rank of the loss, equation 8.19; or the same numbers dealt out by chance, a control of ours: entropy falls "
        "without any signal too",
    ] = "ranks"
    distribution_every: Annotated[int, Ge(1), "generations between two records of the whole distribution"] = 100

    needs = ("update",)

    def bind(self, genotype: Genotype | None) -> None:
        """Raises ConfigError if a fixed assignment does not fit the genotype."""
        self._fixed = None if self.sharing == "learned" else assignment(self.sharing, genotype)

    def holds(self, genotype: Genotype | None) -> Holding:
        """The samples of one step."""
        most = max(2 * self.population, self.weight_samples) if self.sharing == "learned" else 1
        return Holding(most, most)

    def start(self, problem: Problem) -> Loop:
        if self._fixed is not None:
            return FixedSharing(problem, problem.members(self._fixed[None].to(problem.device)))
        search = Search(problem, self.population, self.learning_rate, self.floor, self.utilities)
        return LearnedSharing(problem, search, self.weight_samples, self.distribution_every)


class LearnedSharing(Loop):
    """Lines 25 to 28, an iteration a generation."""

    def __init__(self, problem: Problem, search: Search, weight_samples: int, every: int) -> None:
        self.problem = problem
        self._search, self._weight_samples, self._every = search, weight_samples, every

    def step(self) -> None:
        rng = self.problem.rng.child("step", self.problem.generation)
        self._search.step()  # pi <- StepNES(theta, pi)
        self.problem.update(self._sampled(rng))  # theta <- StepSGD(theta, pi)
        self.members, self._best = self._search.members, self._search.probable()
        if "states" in self.problem.evaluator.provides:
            self.problem.evaluate(self._best)  # what it has learned is reported with it

    def _sampled(self, rng: Any) -> Members:
        """Line 16: assignments for the weights, each with the distribution that it comes from beside it."""
        members = self._search.sampled(self._weight_samples, rng)
        pi = self._search.distribution.pi
        members.columns["pi"] = pi.expand(len(members), *pi.shape)
        return members

    @property
    def best(self) -> Members:
        """The most probable assignment (section 8.4.5)."""
        return self._best

    @property
    def status(self) -> Mapping[str, Any]:
        """``entropy``: of a position, in nats, the mean of all; the most probable ``assignment``; what the evaluator
        says of it, such as its number of ``weights``; now and then the whole ``distribution``, a list a position."""
        distribution = self._search.distribution
        whole = {"distribution": distribution.pi.tolist()} if self.problem.generation % self._every == 0 else {}
        return {"entropy": distribution.entropy.mean().item(), **_said(self.problem, self._best), **whole}

    def state_dict(self) -> dict[str, Any]:
        members = {"members": self.members.state_dict(), "best": self._best.state_dict()}
        return {**members, "search": self._search.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._search.load_state_dict(state["search"])
        self.members = self._search.members
        self._best = Members.from_state_dict(state["best"], self.problem.device)


class FixedSharing(Loop):
    """Only StepSGD, under one assignment."""

    def __init__(self, problem: Problem, members: Members) -> None:
        self.problem, self.members = problem, members

    def step(self) -> None:
        self.members.fitness = self.problem.update(self.members).fitness

    @property
    def best(self) -> Members:
        return self.members

    @property
    def status(self) -> Mapping[str, Any]:
        """As of learned sharing."""
        return {"entropy": 0.0, **_said(self.problem, self.members)}

    def state_dict(self) -> dict[str, Any]:
        return {"members": self.members.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.members = Members.from_state_dict(state["members"], self.problem.device)


def _said(problem: Problem, member: Members) -> dict[str, Any]:
    """The assignment of one member and what the evaluator says of it."""
    genomes: Any = member.genomes
    described = {name: values.item() for name, values in problem.describe(member).items()}
    return {"assignment": genomes[0].tolist(), **described}
