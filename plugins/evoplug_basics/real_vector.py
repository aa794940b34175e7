"""Genotype ``real-vector``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import torch

from evoplug.contracts import ConfigError, Ge, Genotype, Task, dataclass
from evoplug.population import bounds
from evoplug.population.bounds import Bound
from evoplug.population.box import Box

if TYPE_CHECKING:
    from evoplug import Rng


@dataclass(kw_only=True)
class RealVector(Genotype, genome="real-vector"):
    """Vectors of real numbers inside bounds, drawn uniformly.

    Genomes are the rows of an ``(n, length)`` tensor, always in natural units. On scale "log" they are drawn
    log-uniformly, and operators take steps and means on the logarithm.

    Once bound it has ``lower`` and ``upper``, ``(length,)`` tensors in natural units. Operators and searchers read
    these, ``scale``, ``length`` and ``dtype`` of any genotype of kind "real-vector", where unbounded spaces have
    ``lower = upper = None``.
    """

    length: Annotated[int, Ge(1), "number of genes"] = 10
    low: Annotated[float | list[float] | None, "lower bound, or one per gene; by default the evaluator's domain"] = None
    high: Annotated[float | list[float] | None, "upper bound, or one per gene; by default the evaluator's domain"] = (
        None
    )
    scale: Annotated[Literal["linear", "log"], "how genes are drawn and changed"] = "linear"
    dtype: Annotated[Literal["float64", "float32"], "of the genomes' tensor"] = "float64"

    def check(self) -> Iterable[tuple[str, str]]:
        return self._mistakes(self.low, self.high)

    def bind(self, task: Task) -> None:
        """Set the bounds; those that are not given are the task's domain.

        Raises:
            ConfigError: if there is no domain, or bounds from both places do not go together.
        """
        natural: tuple[Bound, Bound] = task.domain or (None, None)
        low = natural[0] if self.low is None else self.low
        high = natural[1] if self.high is None else self.high
        for key, bound in (("low", low), ("high", high)):
            if bound is None:
                raise ConfigError(key, "must be given: the evaluator has no domain of its own")
        for key, message in self._mistakes(low, high):
            raise ConfigError(key, message)
        self.lower, self.upper = self._per_gene(low), self._per_gene(high)
        self._box = Box(self.lower, self.upper, self.scale == "log")

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        """``(n, length)``, uniform on the scale."""
        lower, upper = (bound.to(rng.device) for bound in (self._box.encode(self.lower), self._box.encode(self.upper)))
        u = torch.rand((n, self.length), generator=rng.torch, dtype=lower.dtype, device=rng.device)
        return self._box.decode_(lower + u * (upper - lower))

    def repair(self, genomes: Any) -> torch.Tensor:
        """The nearest genomes inside the bounds, a new tensor."""
        return self._box.clamp_(genomes.clone())

    def _per_gene(self, bound: Bound) -> torch.Tensor:
        return cast(torch.Tensor, bounds.cast(bound, self.dtype)).expand(self.length)

    def _mistakes(self, low: Bound, high: Bound) -> Iterable[tuple[str, str]]:
        """What is wrong with the bounds, as far as they are known."""
        for key, bound in (("low", low), ("high", high)):
            if isinstance(bound, list) and len(bound) != self.length:
                yield key, f"has {len(bound)} values, and there are {self.length} genes"
                return
        yield from bounds.mistakes(low, high, self.dtype, self.scale)
