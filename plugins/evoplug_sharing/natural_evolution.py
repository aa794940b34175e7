"""EvoTorch's search algorithm over categorical choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from evoplug.backends.evotorch import Bridge, SearchAlgorithm, SinglePopulationAlgorithmMixin, SolutionBatch, plain

if TYPE_CHECKING:
    from evoplug_sharing.categorical import Categorical

Utilities = Callable[[torch.Tensor], torch.Tensor]
"""``(n,)`` fitness, higher is better, to ``(n,)`` utilities."""


class CategoricalNES(SearchAlgorithm, SinglePopulationAlgorithmMixin):
    """Follows the natural gradient of a categorical distribution to higher expected utility: StepNES, algorithm 6.

    Args:
        problem: whose solutions are int64.
        distribution: to begin with.
        samples: assignments in a step, lambda_pi.
        learning_rate: eta_pi.
        utilities: what fitness becomes; by its order alone, so that its scale does not matter.
    """

    def __init__(
        self, problem: Bridge, distribution: Categorical, samples: int, learning_rate: float, utilities: Utilities
    ) -> None:
        SearchAlgorithm.__init__(self, problem, pi=lambda: self.distribution.pi)
        self.distribution: Categorical = distribution
        self._learning_rate, self._utilities = learning_rate, utilities
        self._population = SolutionBatch(problem, samples, empty=True)
        SinglePopulationAlgorithmMixin.__init__(self)

    @property
    def population(self) -> SolutionBatch:
        """The samples of the last step."""
        return self._population

    def _step(self) -> None:
        samples = self._population.access_values()
        self.distribution.sample(out=samples, generator=self.problem)
        self.problem.evaluate(self._population)
        gradients = self.distribution.compute_gradients(
            samples, self._utilities(plain(self._population.evals)[:, 0]), objective_sense="max", ranking_method="raw"
        )
        self.distribution = self.distribution.update_parameters(gradients, learning_rates={"pi": self._learning_rate})
