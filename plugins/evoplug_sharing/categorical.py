"""The search distribution over assignments: N independent categorical distributions over K choices each.

Chapter 8 of the thesis writes it with the probabilities of all but the last choice as its parameters; these are
expectation parameters of an exponential family, for which plain and natural gradient are one (equation 8.15). Here the
last one is kept too: its gradient is what makes the K of a position sum to zero, so the two forms move alike.

Prellberg (2020): Evolving Deep Neural Networks, doctoral thesis, University of Oldenburg, section 8.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evoplug.backends.evotorch import Distribution


class Categorical(Distribution):
    """p(a | pi), the joint of N independent categorical distributions in expectation parameters (equation 8.37).

    Its parameters are ``pi``, the probabilities ``(N, K)`` floating, which sum to one in every row, and optionally
    ``floor``: what a probability is clamped to after an update, before the row is renormalised, so that no choice is
    lost for good; 0 unless given. Renormalised, a probability can end slightly below the floor, as in the thesis.
    """

    MANDATORY_PARAMETERS = {"pi"}
    OPTIONAL_PARAMETERS = {"floor"}
    PARAMETER_NDIMS = {"pi": 2}

    def __init__(self, parameters: Mapping[str, Any], *, solution_length: int | None = None, **options: Any) -> None:
        length = len(parameters["pi"])
        if solution_length not in (None, length):
            raise ValueError(f"pi has {length} rows, and a solution has {solution_length} positions")
        super().__init__(solution_length=length, parameters=dict(parameters), **options)

    @property
    def pi(self) -> torch.Tensor:
        """The probabilities ``(N, K)``."""
        pi: torch.Tensor = self.parameters["pi"]
        return pi

    @property
    def mode(self) -> torch.Tensor:
        """``(N,)`` int64: the most probable assignment; of equal choices the first."""
        return self.pi.argmax(1)

    @property
    def entropy(self) -> torch.Tensor:
        """``(N,)`` in nats, from log K where nothing is decided to 0."""
        return -torch.xlogy(self.pi, self.pi).sum(1)

    def _fill(self, out: torch.Tensor, *, generator: Any = None) -> None:
        generator = getattr(generator, "generator", generator)
        out[:] = torch.multinomial(self.pi, len(out), replacement=True, generator=generator).T

    def _compute_gradients(self, samples: torch.Tensor, weights: torch.Tensor, ranking_used: str | None) -> dict:
        """1/lambda sum_i u_i (T(a_i) - pi): equation 8.18 with equation 8.44."""
        utilities = weights.expand(len(self.pi), -1)
        chosen = torch.zeros_like(self.pi).scatter_add_(1, samples.long().T, utilities)
        return {"pi": chosen / len(samples) - weights.mean() * self.pi}

    def update_parameters(
        self,
        gradients: Mapping[str, torch.Tensor],
        *,
        learning_rates: Mapping[str, float] | None = None,
        optimizers: Mapping[str, Any] | None = None,
    ) -> Categorical:
        """pi + eta times the gradient, clamped and renormalised, as a new distribution."""
        step = self._follow_gradient("pi", gradients["pi"], learning_rates=learning_rates, optimizers=optimizers)
        pi = (self.pi + step).clamp_min(self.parameters.get("floor", 0.0))
        return self.modified_copy(pi=pi / pi.sum(1, keepdim=True))


def ranked(fitness: torch.Tensor) -> torch.Tensor:
    """Utilities ``(n,)`` in [-1, 1] by rank, 2 (rank - 1) / (n - 1) - 1, the best getting 1 (equation 8.19).

    Equal fitness shares the mean of its ranks. Of one sample alone nothing can be learned: its utility is 0.

    Args:
        fitness: ``(n,)``, higher is better, -inf for invalid samples, which are the worst together.
    """
    n = len(fitness)
    in_order = fitness.sort().values
    worse = torch.searchsorted(in_order, fitness)
    better = n - torch.searchsorted(in_order, fitness, right=True)
    return (worse - better).to(torch.float64) / max(1, n - 1)
