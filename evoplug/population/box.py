"""How operators see a space of real vectors: its bounds, and the coordinates in which its scale is linear."""

from __future__ import annotations

from typing import Protocol, cast

import torch


class RealSpace(Protocol):
    """What every bound genotype of kind "real-vector" has."""

    length: int
    """Genes of one genome."""
    dtype: str
    """Of its tensors: "float64" or "float32"."""
    lower: torch.Tensor | None
    """``(length,)``, in natural units; None where the space has no bounds. -inf, on a logarithmic scale 0, in
    genes without bounds beside others that have them."""
    upper: torch.Tensor | None
    """As ``lower``; inf in genes without bounds beside others that have them."""
    scale: str
    """"linear", or "log": steps and means are taken on the logarithm of each gene; or "mixed": then the space has
    ``log`` too, ``(length,)`` bool, which says it of each gene."""


class Box:
    """Bounds (or none) and scale of a space; operators that add or average work in its coordinates.

    Args:
        lower, upper: ``(d,)`` in natural units, infinite in genes without bounds; both None where there are no bounds.
        log: whether a coordinate is the logarithm of its gene; ``(d,)`` bool where genes differ.
    """

    def __init__(
        self,
        lower: torch.Tensor | None = None,
        upper: torch.Tensor | None = None,
        log: bool | torch.Tensor = False,
    ) -> None:
        self.lower, self.upper, self.log = lower, upper, log

    @classmethod
    def of(cls, space: object) -> Box:
        """The box of a bound genotype, a :class:`RealSpace`."""
        real = cast(RealSpace, space)
        log = cast(torch.Tensor, real.log) if real.scale == "mixed" else real.scale == "log"  # type: ignore[attr-defined]
        return cls(real.lower, real.upper, log)

    @property
    def bounds(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Lower and upper bound ``(d,)`` in coordinates, or None."""
        if self.lower is None or self.upper is None:
            return None
        return self.encode(self.lower), self.encode(self.upper)

    @property
    def width(self) -> torch.Tensor | None:
        """``(d,)`` range of each coordinate, infinite where it has no bounds; None where none has."""
        return None if self.bounds is None else self.bounds[1] - self.bounds[0]

    def encode(self, genomes: torch.Tensor) -> torch.Tensor:
        """Natural units to coordinates."""
        if isinstance(self.log, torch.Tensor):
            coordinates = genomes.clone()
            coordinates[..., self.log] = coordinates[..., self.log].log()
            return coordinates
        return genomes.log() if self.log else genomes

    def decode_(self, coordinates: torch.Tensor) -> torch.Tensor:
        """Coordinates to natural units inside the bounds, in place."""
        if isinstance(self.log, torch.Tensor):
            coordinates[..., self.log] = coordinates[..., self.log].exp()
        elif self.log:
            coordinates.exp_()
        return self.clamp_(coordinates)

    def clamp_(self, genomes: torch.Tensor) -> torch.Tensor:
        """The nearest genomes inside the bounds, in place."""
        if self.lower is None or self.upper is None:
            return genomes
        return genomes.clamp_(self.lower.to(genomes), self.upper.to(genomes))
