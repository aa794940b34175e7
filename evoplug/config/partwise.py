"""Operators of composite genotypes: one operator a part.

Where a strategy searches the parts together, as one real vector, each operator works on the columns of its part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from evoplug.config.joint import JointVector, translated
from evoplug.contracts import Crossover, Genotype, Mutation
from evoplug.errors import ConfigError
from evoplug.population.breeding import average, follow
from evoplug.types import Members, Parts, take

if TYPE_CHECKING:
    from evoplug.rng import Rng


@dataclass(kw_only=True)
class PartwiseMutation(Mutation):
    """Each part of a genome by a mutation of its own, each with a stream of its own, ``rng.child(part)``.

    What a part's mutation keeps in a column ``name`` stands in the column ``PART.name``.
    """

    parts: Mapping[str, Mutation | None]
    """None leaves the part as it is."""

    def __post_init__(self) -> None:
        self._joint: JointVector | None = None

    def bind(self, space: Genotype) -> None:
        """Bind each mutation to its part's genotype.

        Raises:
            ConfigError: what the mutations raised, with the part's name before the key.
        """
        self._joint = space if isinstance(space, JointVector) else None
        _bind(self.parts, space if self._joint is None else self._joint.composite)

    def at(self, generation: int) -> PartwiseMutation:
        other = copy(self)
        other.parts = {name: operator.at(generation) if operator else None for name, operator in self.parts.items()}
        return other

    def columns(self, n: int) -> dict[str, torch.Tensor]:
        return {
            f"{part}.{name}": column
            for part, mutation in self.parts.items()
            if mutation
            for name, column in mutation.columns(n).items()
        }

    def describe(self) -> dict[str, float]:
        return {
            f"{part}.{name}": value
            for part, mutation in self.parts.items()
            if mutation
            for name, value in mutation.describe().items()
        }

    def __call__(self, genomes: Parts | torch.Tensor, rng: Rng) -> Parts | torch.Tensor:
        """Parts of n rows to new ones; ``(n, d)`` to a new one where they are taken together."""
        return _map(self.parts, (genomes,), rng, self._joint)

    def into(self, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
        follow(parents, rows, out)
        parents, out = _apart(parents, self._joint), _apart(out, self._joint)
        for name, mutation in self.parts.items():
            old, new = _part(parents, name), _part(out, name)
            if mutation:
                mutation.into(old, rows, rng.child(name), new)
            else:
                new.genomes[:] = take(old.genomes, rows)  # type: ignore[index, assignment]


@dataclass(kw_only=True)
class PartwiseCrossover(Crossover):
    """Each part of two genomes by a crossover of its own, each with a stream of its own, ``rng.child(part)``."""

    parts: Mapping[str, Crossover | None]
    """None takes the part from the first parent."""

    def __post_init__(self) -> None:
        self._joint: JointVector | None = None

    def bind(self, space: Genotype) -> None:
        """Bind each crossover to its part's genotype.

        Raises:
            ConfigError: what the crossovers raised, with the part's name before the key.
        """
        self._joint = space if isinstance(space, JointVector) else None
        _bind(self.parts, space if self._joint is None else self._joint.composite)

    def at(self, generation: int) -> PartwiseCrossover:
        other = copy(self)
        other.parts = {name: operator.at(generation) if operator else None for name, operator in self.parts.items()}
        return other

    def __call__(self, a: Parts | torch.Tensor, b: Parts | torch.Tensor, rng: Rng) -> Parts | torch.Tensor:
        """Parts of n rows, twice, to new ones; two ``(n, d)`` to a new one where they are taken together."""
        return _map(self.parts, (a, b), rng, self._joint)

    def into(self, parents: Members, first: torch.Tensor, second: torch.Tensor, rng: Rng, out: Members) -> None:
        average(parents, first, second, out)
        parents, out = _apart(parents, self._joint), _apart(out, self._joint)
        for name, crossover in self.parts.items():
            old, new = _part(parents, name), _part(out, name)
            if crossover:
                crossover.into(old, first, second, rng.child(name), new)
            else:
                new.genomes[:] = take(old.genomes, first)  # type: ignore[index, assignment]


def _bind(parts: Mapping[str, Mutation | Crossover | None], space: Genotype) -> None:
    mistakes = []
    for name, operator in parts.items():
        try:
            if operator:
                operator.bind(space.parts[name])
        except ConfigError as error:
            mistakes += [mistake._replace(key=(name, *mistake.key)) for mistake in error.mistakes]
    if mistakes:
        raise ConfigError(mistakes=mistakes)


def _apart(members: Members, joint: JointVector | None) -> Members:
    """The same members with their genomes in parts, of the same memory."""
    return members if joint is None else translated(members, joint, joint.composite)


def _map(
    parts: Mapping[str, Callable[..., Any] | None],
    genomes: tuple[Parts | torch.Tensor, ...],
    rng: Rng,
    joint: JointVector | None,
) -> Parts | torch.Tensor:
    """Each part of the genomes, or of pairs of them, through its operator; without one, as in the first."""
    apart: list[Any] = [each if joint is None else joint.split(each) for each in genomes]  # type: ignore[arg-type]
    made = {name: (operator, [parents[name] for parents in apart]) for name, operator in parts.items()}
    children = Parts(
        {
            name: _apply(operator, blocks, rng.child(name)) if operator else blocks[0]
            for name, (operator, blocks) in made.items()
        }
    )
    return children if joint is None else joint.join(children)


def _apply(operator: Callable[..., Any], blocks: list[Any], rng: Rng) -> Any:
    """A block at once for tensors; one genome after the other for lists."""
    if isinstance(blocks[0], torch.Tensor):
        return operator(*blocks, rng)
    return [operator(*genomes, rng.child(row)) for row, genomes in enumerate(zip(*blocks, strict=True))]


def _part(members: Members, name: str) -> Members:
    """One part of the members, with the columns that its operators keep."""
    assert isinstance(members.genomes, Parts)
    prefix = f"{name}."
    own = {key.removeprefix(prefix): column for key, column in members.columns.items() if key.startswith(prefix)}
    return replace(members, genomes=members.genomes[name], columns=own)
