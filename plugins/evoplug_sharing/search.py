"""A search distribution at work on a problem."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import torch

from evoplug import Members, Problem, Rng
from evoplug.backends.evotorch import Bridge
from evoplug_sharing.categorical import Categorical, ranked
from evoplug_sharing.natural_evolution import CategoricalNES


class Search:
    """Samples members, evaluates them, and follows the natural gradient.

    Args:
        problem: with a bound genotype of categorical choices.
        samples: members of a step, lambda_pi.
        learning_rate: eta_pi.
        floor: what probabilities are clamped to.
        utilities: ``"ranks"`` by equation 8.19; ``"random"``: the same numbers, dealt out by chance.
    """

    def __init__(
        self,
        problem: Problem,
        samples: int,
        learning_rate: float,
        floor: float,
        utilities: Literal["ranks", "random"] = "ranks",
    ) -> None:
        self._problem = problem
        space: Any = problem.genotype
        self._bridge = Bridge(problem, lambda n: self.distribution.sample(n), self._evaluate)
        pi = torch.full((space.length, space.choices), 1 / space.choices, dtype=torch.float64, device=problem.device)
        self._nes = CategoricalNES(
            self._bridge,
            Categorical({"pi": pi, "floor": floor}),
            samples,
            learning_rate,
            ranked if utilities == "ranks" else partial(_dealt, generator=self._bridge.generator),
        )
        self.members: Members
        """Those of the last step, evaluated."""

    @property
    def distribution(self) -> Categorical:
        """As the last step left it."""
        return self._nes.distribution

    def step(self) -> None:
        """pi <- StepNES(pi)."""
        self._nes.step()

    def sampled(self, n: int, rng: Rng) -> Members:
        """n members from the distribution, not evaluated."""
        genomes = torch.empty(n, self.distribution.solution_length, dtype=torch.int64, device=self._problem.device)
        return self._problem.members(self.distribution.sample(out=genomes, generator=rng.torch))

    def probable(self) -> Members:
        """The most probable one, as one new member, not evaluated."""
        return self._problem.members(self.distribution.mode[None])

    def _evaluate(self, values: torch.Tensor) -> torch.Tensor:
        self.members = self._problem.members(values.clone())  # EvoTorch writes over its population
        return self._problem.evaluate(self.members).fitness

    def state_dict(self) -> dict[str, Any]:
        """What a step depends on, and the members of the last one."""
        return {
            "pi": self.distribution.pi,
            "generator": self._bridge.generator.get_state(),
            "members": self.members.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self._nes.distribution = self.distribution.modified_copy(pi=state["pi"].to(self._problem.device))
        self._bridge.generator.set_state(state["generator"])
        self.members = Members.from_state_dict(state["members"], self._problem.device)


def _dealt(fitness: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The utilities of ``(n,)`` different fitness values, in random order."""
    order = torch.randperm(len(fitness), generator=generator, device=fitness.device)
    return ranked(order.to(torch.float64))
