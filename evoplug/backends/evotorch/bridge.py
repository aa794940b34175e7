"""A problem as EvoTorch sees it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from evotorch import Problem as EvoTorchProblem
from evotorch import SolutionBatch

from evoplug.contracts import Problem


class Bridge(EvoTorchProblem):
    """Fills batches from a genotype and evaluates them with a function of the whole batch.

    Args:
        problem: evoplug's problem, with a genotype of a tensor kind.
        fill: ``n -> (n, d)`` values for new solutions.
        evaluate: ``(n, d)`` values -> ``(n,)`` fitness, maximised, without NaN.
    """

    def __init__(
        self,
        problem: Problem,
        fill: Callable[[int], torch.Tensor],
        evaluate: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        space: Any = problem.genotype
        # Statistics of solutions are evoplug's; EvoTorch's own fail where a whole generation is invalid.
        super().__init__(
            "max",
            solution_length=space.length,
            dtype=space.dtype,
            device=problem.device,
            seed=problem.rng.child("evotorch").seed % 2**32,
            store_solution_stats=False,
            initial_bounds=(0.0, 1.0),  # required, and unused: ``_fill`` is overridden
        )
        self._new_values, self._fitness = fill, evaluate

    # Beside its own generator EvoTorch draws numbers that it does not use from torch's global one.

    def generate_values(self, num_solutions: int) -> torch.Tensor:
        with self._global_numbers_kept():
            return super().generate_values(num_solutions)

    def make_gaussian(self, *arguments: Any, **options: Any) -> torch.Tensor:
        with self._global_numbers_kept():
            return super().make_gaussian(*arguments, **options)

    def _global_numbers_kept(self) -> AbstractContextManager[None]:
        return torch.random.fork_rng([self.device] if self.device.type == "cuda" else [])

    def _fill(self, values: torch.Tensor) -> None:
        values[:] = self._new_values(len(values))

    def _evaluate_batch(self, batch: SolutionBatch) -> None:
        batch.set_evals(self._fitness(plain(batch.access_values(keep_evals=True))).to(self.eval_dtype))


def plain(values: torch.Tensor) -> torch.Tensor:
    """EvoTorch's tensors without their subclass, sharing memory."""
    return values.as_subclass(torch.Tensor)
