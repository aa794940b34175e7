"""Loss functions as genomes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import torch

from evoplug.contracts import Ge, Genotype, Le, dataclass
from evoplug.population import bounds
from evoplug_epbt.taylor_loss import TaylorLoss, length

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class TaylorGLO(Genotype, genome=("taylorglo", "loss", "real-vector")):
    """The TaylorGLO parameters theta of a loss function: two centres and the coefficients of a Taylor polynomial.

    Genomes are ``(n, length)`` float64, theta0 first, in the order of EPBT's equation 1; order 3 has eight. New ones
    are uniform between ``initial_low`` and ``initial_high``. The defaults are EPBT's, -10 to 10; its PBT baseline
    starts "around zero".
    """

    order: Annotated[int, Ge(1), Le(20), "of the Taylor polynomial"] = 3
    low: Annotated[float, "smallest theta"] = -10.0
    high: Annotated[float, "largest theta"] = 10.0
    initial_low: Annotated[float | None, "smallest theta of a new genome; default: low"] = None
    initial_high: Annotated[float | None, "largest theta of a new genome; default: high"] = None

    scale = "linear"
    dtype = "float64"

    def check(self) -> Iterable[tuple[str, str]]:
        wrong = list(bounds.mistakes(self.low, self.high, self.dtype))
        yield from wrong
        if wrong:
            return
        low, high = self._initial
        if not self.low <= low <= self.high:
            yield "initial_low", f"must lie between low = {self.low:g} and high = {self.high:g}, got {low:g}"
        elif not low <= high <= self.high:
            yield "initial_high", f"must lie between {low:g} and high = {self.high:g}, got {high:g}"

    @property
    def length(self) -> int:
        """Genes in a genome."""
        return length(self.order)

    @property
    def lower(self) -> torch.Tensor:
        """``(length,)`` smallest values."""
        return torch.full((self.length,), self.low, dtype=torch.float64)

    @property
    def upper(self) -> torch.Tensor:
        """``(length,)`` largest values."""
        return torch.full((self.length,), self.high, dtype=torch.float64)

    @property
    def _initial(self) -> tuple[float, float]:
        return (
            self.low if self.initial_low is None else self.initial_low,
            self.high if self.initial_high is None else self.initial_high,
        )

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        low, high = self._initial
        unit = torch.rand(n, self.length, generator=rng.torch, device=rng.device, dtype=torch.float64)
        return low + (high - low) * unit

    def repair(self, genomes: Any) -> torch.Tensor:
        return genomes.clamp(self.low, self.high)

    def loss(self, genomes: torch.Tensor) -> TaylorLoss:
        """The loss functions of ``(..., d)``: logits ``(..., n, classes)`` and labels ``(..., n)`` to ``(..., n)``."""
        return TaylorLoss(genomes, self.order)
