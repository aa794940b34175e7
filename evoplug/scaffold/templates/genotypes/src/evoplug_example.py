"""Genotype ``example``."""

from typing import Annotated, Any, ClassVar

import torch
from evoplug import Rng
from evoplug.contracts import Ge, Genotype, Task, dataclass


@dataclass(kw_only=True)
class Example(Genotype, genome=("example", "real-vector")):
    """Numbers in [0, 1] in ascending order, drawn uniformly.

    They are real vectors too, so the operators of these work on them; ``repair`` puts their children in order.
    """

    length: Annotated[int, Ge(1), "how many numbers"] = 10

    # What operators on real vectors read, beside `length`, `lower` and `upper`.
    scale: ClassVar[str] = "linear"
    dtype: ClassVar[str] = "float64"

    def bind(self, task: Task) -> None:
        self.lower, self.upper = torch.zeros(self.length).double(), torch.ones(self.length).double()

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        """``(n, length)`` float64."""
        numbers = torch.rand(n, self.length, generator=rng.torch, dtype=torch.float64, device=rng.device)
        return numbers.sort(1).values

    def repair(self, genomes: Any) -> torch.Tensor:
        """The nearest numbers in [0, 1], in order; a new tensor."""
        ordered: torch.Tensor = genomes.clamp(0, 1).sort(1).values
        return ordered
