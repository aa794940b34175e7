"""Default kernels behind ``Mutation.into`` and ``Crossover.into``: whole populations from block operators.

The rows are made in lanes of a fixed size, each with a stream of its own that depends on the lane's number alone, on
as many threads as there are workers. So neither the number of workers nor the order of work changes a bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from evoplug.population.workers import parallel
from evoplug.types import Members, Parts

if TYPE_CHECKING:
    from evoplug.contracts import Crossover, Mutation
    from evoplug.rng import Rng

LANE = 2**16
"""Genes in a lane: one row where a genome has more, many where it has few."""


def lanes(n: int, d: int) -> list[slice]:
    """n rows of d genes cut into lanes."""
    size = max(1, LANE // max(1, d))
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def mutate(mutation: Mutation, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
    """``out[i] = mutation(parents[rows[i]])``; columns follow their parent."""
    for name, column in out.columns.items():
        column[:] = parents.columns[name][rows]
    _fill(out, rng, lambda lane, stream: mutation(_genomes(parents, rows[lane]), stream), mutation)


def cross(
    crossover: Crossover, parents: Members, first: torch.Tensor, second: torch.Tensor, rng: Rng, out: Members
) -> None:
    """``out[i] = crossover(parents[first[i]], parents[second[i]])``; columns become the mean of the parents'."""
    for name, column in out.columns.items():
        column[:] = (parents.columns[name][first] + parents.columns[name][second]) / 2
    _fill(
        out,
        rng,
        lambda lane, stream: crossover(_genomes(parents, first[lane]), _genomes(parents, second[lane]), stream),
        crossover,
    )


def _fill(out: Members, rng: Rng, child: Any, operator: Any) -> None:
    genomes = out.genomes
    if isinstance(genomes, torch.Tensor):
        cut = lanes(*genomes.shape)

        def work(number: int) -> None:
            genomes[cut[number]] = child(cut[number], rng.child(number))

        parallel(work, len(cut))
        return
    raise NotImplementedError(f"{type(operator).__name__}: genomes of {type(genomes).__name__}")


def _genomes(members: Members, rows: Any) -> Any:
    assert not isinstance(members.genomes, Parts)
    return members.genomes[rows]
