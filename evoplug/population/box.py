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
    """``(length,)``, in the genes' natural units; None where the space has no bounds."""
    upper: torch.Tensor | None
    """As ``lower``."""
    scale: str
    """"linear", or "log": steps and means are taken on the logarithm of each gene."""


class Box:
    """Bounds (or none) and scale of a space; operators that add or average work in its coordinates.

    Args:
        lower, upper: ``(d,)`` in natural units; both None where there are no bounds.
        log: whether a coordinate is the logarithm of its gene.
    """

    def __init__(self, lower: torch.Tensor | None = None, upper: torch.Tensor | None = None, log: bool = False) -> None:
        self.lower, self.upper, self.log = lower, upper, log

    @classmethod
    def of(cls, space: object) -> Box:
        """The box of a bound genotype, a :class:`RealSpace`."""
        real = cast(RealSpace, space)
        return cls(real.lower, real.upper, real.scale == "log")

    @property
    def bounds(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Lower and upper bound ``(d,)`` in coordinates, or None."""
        if self.lower is None or self.upper is None:
            return None
        return self.encode(self.lower), self.encode(self.upper)

    @property
    def width(self) -> torch.Tensor | None:
        """``(d,)`` range of each coordinate, or None."""
        return None if self.bounds is None else self.bounds[1] - self.bounds[0]

    def encode(self, genomes: torch.Tensor) -> torch.Tensor:
        """Natural units to coordinates."""
        return genomes.log() if self.log else genomes

    def decode_(self, coordinates: torch.Tensor) -> torch.Tensor:
        """Coordinates to natural units inside the bounds, in place."""
        return self.clamp_(coordinates.exp_() if self.log else coordinates)

    def clamp_(self, genomes: torch.Tensor) -> torch.Tensor:
        """The nearest genomes inside the bounds, in place."""
        if self.lower is None or self.upper is None:
            return genomes
        return genomes.clamp_(self.lower.to(genomes), self.upper.to(genomes))
