"""A composite of real vectors as one real vector: what components that work on these, and not on composites, see of it.

A strategy, an operator or an evaluator says by its kinds which of the two it works on. Between them genomes are turned
from one tensor into its parts and back; the parts of a tensor are views of its columns, so that costs no memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch

from evoplug.config.operators import takes_parts_together
from evoplug.contracts import Component, Genotype, kinds_of
from evoplug.errors import ConfigError
from evoplug.population.box import Box, RealSpace
from evoplug.rng import Rng
from evoplug.types import Members, Parts, genome


class JointVector(Genotype, genome="real-vector"):
    """The real vector of all genes of a composite, part after part.

    Genomes are the rows of one ``(n, length)`` tensor. Bounds and scale are those of the parts, gene by gene; genes
    without bounds beside others that have them have infinite ones, see :class:`evoplug.population.box.RealSpace`.

    Args:
        composite: bound; its parts are real vectors, or composites of such.

    Raises:
        ConfigError: if the parts' dtypes differ, since one tensor has one.
    """

    def __init__(self, composite: Genotype) -> None:
        self.composite = composite
        self._parts: dict[str, Any] = {
            name: part if "real-vector" in part.kinds else JointVector(part) for name, part in composite.parts.items()
        }
        spaces: list[RealSpace] = list(self._parts.values())
        self.dtype = _common({name: part.dtype for name, part in self._parts.items()})
        self.length = sum(space.length for space in spaces)
        bounded = any(bound is not None for space in spaces for bound in (space.lower, space.upper))
        self.lower = torch.cat([_lower(space) for space in spaces]) if bounded else None
        self.upper = torch.cat([_upper(space) for space in spaces]) if bounded else None
        self.log = torch.cat([_log(space) for space in spaces])
        self.scale = "log" if self.log.all() else "mixed" if self.log.any() else "linear"

    def split(self, genomes: torch.Tensor) -> Parts:
        """Views of the columns of ``(n, length)``, by part."""
        blocks = genomes.split([part.length for part in self._parts.values()], dim=1)
        cut = zip(self._parts.items(), blocks, strict=True)
        return Parts(
            {name: part.split(block) if isinstance(part, JointVector) else block for (name, part), block in cut}
        )

    def join(self, genomes: Parts) -> torch.Tensor:
        """The inverse of :meth:`split`: a new tensor ``(n, length)``."""
        blocks: list[Any] = [
            part.join(cast(Parts, genomes[name])) if isinstance(part, JointVector) else genomes[name]
            for name, part in self._parts.items()
        ]
        return torch.cat(blocks, dim=1)

    def sample(self, n: int, rng: Rng) -> torch.Tensor:
        return self.join(cast(Parts, self.composite.sample(n, rng)))

    def repair(self, genomes: Any) -> torch.Tensor:
        return self.join(cast(Parts, self.composite.repair(self.split(genomes))))

    def describe(self, genome: Any) -> Any:
        """As the composite, by part."""
        return self.composite.describe(self._by_part(genome))

    def inherit(self, state: Any, parent: Any, child: Any, rng: Rng) -> Any:
        return self.composite.inherit(state, self._by_part(parent), self._by_part(child), rng)

    def _by_part(self, row: torch.Tensor) -> Any:
        return genome(self.split(row.unsqueeze(0)), 0)


def seen_by(component: Component | type[Component], genotype: Genotype | None) -> Genotype | None:
    """A bound genotype as a component sees it: one real vector where it works on real vectors and not on composites.

    Raises:
        ConfigError: as :class:`JointVector`, with the key inside the genotype's table.
    """
    if genotype is None or not takes_parts_together(component.kinds, genotype.kinds, kinds_of(genotype)):
        return genotype
    return JointVector(genotype)


def translated(members: Members, seen: Genotype | None, wanted: Genotype | None) -> Members:
    """Members as one who sees the genotype in another way has them; all but the genomes is shared.

    Args:
        members: with genomes of ``seen``.
        seen, wanted: the genotype as :func:`seen_by` gives it.
    """
    if isinstance(seen, JointVector) and not isinstance(wanted, JointVector):
        return replace(members, genomes=seen.split(cast(torch.Tensor, members.genomes)))
    if isinstance(wanted, JointVector) and not isinstance(seen, JointVector):
        return replace(members, genomes=wanted.join(cast(Parts, members.genomes)))
    return members


def _common(dtypes: Mapping[str, str]) -> str:
    """The one dtype of all parts, given name -> dtype."""
    if len(set(dtypes.values())) > 1:
        found = ", ".join(f"`{name}` has {dtype}" for name, dtype in dtypes.items())
        raise ConfigError("parts", f"are taken together as one real vector, so they must have one dtype: {found}")
    return next(iter(dtypes.values()))


def _lower(space: RealSpace) -> torch.Tensor:
    """``(length,)``, infinite where there are none; on a logarithmic scale all genes are above 0."""
    if space.lower is not None:
        return space.lower
    return _unbounded(space, -torch.inf).masked_fill_(_log(space), 0.0)


def _upper(space: RealSpace) -> torch.Tensor:
    return _unbounded(space, torch.inf) if space.upper is None else space.upper


def _unbounded(space: RealSpace, bound: float) -> torch.Tensor:
    return torch.full((space.length,), bound, dtype=getattr(torch, space.dtype))


def _log(space: RealSpace) -> torch.Tensor:
    """``(length,)`` bool."""
    return torch.as_tensor(Box.of(space).log).expand(space.length)
