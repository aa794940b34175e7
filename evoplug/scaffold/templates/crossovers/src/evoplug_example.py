"""Crossover ``example``."""

from typing import Annotated, Any

import torch
from evoplug import Rng
from evoplug.contracts import Crossover, Ge, Genotype, Le, dataclass


@dataclass(kw_only=True)
class Example(Crossover, genome="real-vector"):
    """A random point between both parents: z = a + u (b - a), one u = U(0, reach) a child."""

    reach: Annotated[float, Ge(0), Le(1), "how far towards the second parent; 1: all the way"] = 1.0

    def bind(self, space: Genotype) -> None:
        self._space: Any = space

    def __call__(self, a: torch.Tensor, b: torch.Tensor, rng: Rng) -> torch.Tensor:
        """Two ``(n, d)`` blocks of parents to ``(n, d)`` children, pair by pair."""
        u = self.reach * torch.rand(len(a), 1, generator=rng.torch, dtype=a.dtype, device=a.device)
        return self._space.repair(a + u * (b - a))
