"""Whole populations of children from operators on blocks: what stands behind ``Mutation.into`` and ``Crossover.into``.

Rows of a tensor are made in lanes of a fixed size, other genomes one by one, each lane and each genome with a stream
of its own that depends on its number alone. So neither the number of workers nor the order of work changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch

from evoplug.errors import require
from evoplug.population.untouched import untouched
from evoplug.population.workers import parallel
from evoplug.rng import Rng
from evoplug.types import Members, unstorable

Operator = Callable[..., Any]
"""A crossover or a mutation."""

LANE = 2**19
"""Genes in a lane: one row where a genome has more, many where it has few. Smaller lanes leave the cores waiting for
each other between short operations, larger ones leave the cache."""


def mutate(mutation: Operator, parents: Members, rows: torch.Tensor, rng: Rng, out: Members) -> None:
    """``out[i] = mutation(parents[rows[i]])``; columns follow their parent."""
    follow(parents, rows, out)
    _breed(mutation, parents, (rows,), rng, out)


def cross(
    crossover: Operator, parents: Members, first: torch.Tensor, second: torch.Tensor, rng: Rng, out: Members
) -> None:
    """``out[i] = crossover(parents[first[i]], parents[second[i]])``; columns as in :func:`average`."""
    average(parents, first, second, out)
    _breed(crossover, parents, (first, second), rng, out)


def follow(parents: Members, rows: torch.Tensor, out: Members) -> None:
    """``out``'s columns become those of ``parents[rows]``."""
    for name, column in out.columns.items():
        column[:] = parents.columns[name][rows]


def average(parents: Members, first: torch.Tensor, second: torch.Tensor, out: Members) -> None:
    """``out``'s columns become the mean of those of ``parents[first]`` and ``parents[second]``; columns of integers
    and of booleans, which have no mean of their kind, follow ``parents[first]``."""
    for name, column in out.columns.items():
        old = parents.columns[name]
        column[:] = (old[first] + old[second]) / 2 if column.is_floating_point() else old[first]


def in_lanes(
    parents: Members,
    rows: Sequence[torch.Tensor],
    rng: Rng,
    out: Members,
    write: Callable[..., Any],
) -> None:
    """Call ``write(lane, stream, new, *old)`` for each lane of children, several at once; genomes are tensors.

    ``lane`` is the slice of children, ``new`` their rows in ``out``, to be written, ``old`` a block of parents for each
    tensor of ``rows``, only to be read. A lane draws from its own ``stream`` alone.
    """
    genomes, children = cast(torch.Tensor, parents.genomes), cast(torch.Tensor, out.genomes)
    cut = lanes(*children.shape)

    def work(number: int) -> None:
        lane = cut[number]
        write(lane, rng.child(number), children[lane], *(_pick(genomes, chosen[lane]) for chosen in rows))

    parallel(work, len(cut))


def lanes(n: int, d: int) -> list[slice]:
    """n rows of d genes cut into lanes."""
    size = max(1, LANE // max(1, d))
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _pick(genomes: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """``genomes[rows]``, without a copy where it is one row; with a counter of changes of its own."""
    if len(rows) > 1:
        return genomes.index_select(0, rows)
    row = int(rows)
    return genomes[row : row + 1].data


def _breed(operator: Operator, parents: Members, rows: Sequence[torch.Tensor], rng: Rng, out: Members) -> None:
    """Call ``operator(*parents, rng)`` on blocks of a tensor, or on the genomes of a list one by one."""
    old, new = parents.genomes, out.genomes
    if isinstance(old, torch.Tensor):

        def write(lane: slice, stream: Rng, new: torch.Tensor, *old: torch.Tensor) -> None:
            with untouched(operator, lambda: old, "its parents: return a new tensor"):
                children = operator(*old, stream)
            wanted, got = _spelled(new), _spelled(children)
            require(operator, None if got == wanted else f"must return a tensor {wanted}, got {got}")
            new[:] = children

        in_lanes(parents, rows, rng, out, write)
    elif isinstance(old, list) and isinstance(new, list):
        first = [old[row] for each in rows for row in each[:1].tolist()]  # to look at all would take its time
        with untouched(operator, lambda: first, "its parents: return a new genome"):
            for i, chosen in enumerate(zip(*(each.tolist() for each in rows), strict=True)):
                new[i] = operator(*(old[row] for row in chosen), rng.child(i))
                require(operator, _unlike(new[i], [old[row] for row in chosen]))
        begun = bool((parents.parents >= 0).any())  # those of the first generation are all looked at
        for child in new[:1] if begun else new:
            require(operator, unstorable(child))
    else:
        require(operator, "does not work on genomes of several parts")


def _unlike(child: Any, parents: Sequence[Any]) -> str | None:
    """What is wrong with a child, as far as that can be told without its genotype, whose affair its size is."""
    if isinstance(child, tuple | type(None)) and not any(isinstance(parent, type(child)) for parent in parents):
        return f"must return one genome, like its parent's a {type(parents[0]).__qualname__}, got {_spelled(child)}"
    return None


def _spelled(value: Any) -> str:
    """A tensor's dtype and shape, or what else it is."""
    if isinstance(value, tuple):  # DEAP's operators return all their children in one
        return f"a tuple of {len(value)}: return the genome itself"
    if not isinstance(value, torch.Tensor):
        return "None" if value is None else f"a {type(value).__qualname__}"
    return f"{value.dtype} {tuple(value.shape)}".removeprefix("torch.")
