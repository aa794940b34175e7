"""Selection ``example``."""

from typing import Annotated

import torch
from evoplug import Rng
from evoplug.contracts import Gt, Selection, dataclass


@dataclass(kw_only=True)
class Example(Selection):
    """Draw members with probabilities in proportion to exp(fitness / temperature), fitness scaled to [0, 1]."""

    temperature: Annotated[float, Gt(0), "low: nearly always the best; high: nearly uniform"] = 0.2

    def __call__(self, fitness: torch.Tensor, count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` row numbers, with repeats; fitness ``(n,)``, -inf for invalid members, which are not drawn."""
        values = fitness.detach().to("cpu", torch.float64)
        valid = values.isfinite()
        if not valid.any():
            valid, values = ~valid, torch.zeros_like(values)
        low, high = values[valid].min(), values[valid].max()
        scaled = (values - low) / (high - low).clamp(min=torch.finfo(torch.float64).tiny)
        weights = torch.where(valid, ((scaled - 1) / self.temperature).exp(), 0.0)
        return torch.from_numpy(rng.numpy.choice(len(weights), count, p=(weights / weights.sum()).numpy()))
