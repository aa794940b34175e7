"""How much memory a run will take, by what its parts say of themselves, before anything is there."""

from __future__ import annotations

from evoplug.contracts import Evaluator, Genotype, Strategy
from evoplug.population import memory

BESIDE = 32
"""Bytes of a member's ids and fitness."""


def require_members(strategy: Strategy, genotype: Genotype | None, evaluator: Evaluator | None, device: str) -> int:
    """How many bytes the members take, which must fit into memory.

    Args:
        strategy: not bound yet.
        genotype: bound.
        evaluator: bound; None as long as it is not, and then left out.
        device: where members live.

    Raises:
        ConfigError: with an empty key.
    """
    held = strategy.holds(genotype)
    shares = {"genomes": held.members * genotype.footprint() if genotype else 0, "the search": held.more}
    if evaluator is not None:
        shares["evaluation"] = evaluator.footprint(held.members, held.evaluated)
    need = BESIDE * held.members + sum(shares.values())
    large = ", ".join(f"{what} {memory.spelled(size)}" for what, size in shares.items() if size > memory.SMALL)
    memory.require(need, f"{held.members:,} members{large and f' ({large})'}", device=device)
    return need


def selected(strategy: Strategy) -> int:
    """How many are selected at once, at the least."""
    population = getattr(strategy, "population", None)
    return population if isinstance(population, int) else 1
