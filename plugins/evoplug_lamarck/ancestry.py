"""Reading a run's records again: which architectures there were, and the line of those that led to the reported one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evoplug_lamarck.blocks import Block, blocks
from evoplug_lamarck.inheritance import sources

if TYPE_CHECKING:
    from evoplug import Run

GENOTYPE = "block-stack"


class Ancestor(NamedTuple):
    """An architecture of the line."""

    generation: int
    """The one in which it came."""
    fitness: float | None
    """As last measured before the next of the line came; None where it was not finite."""
    stack: Sequence[Block]
    niche: int | None = None
    """The generation in which the niche was founded that it is in; None outside of one."""


class Solution(NamedTuple):
    """One member of one generation, as recorded."""

    id: int
    parent: int
    fitness: float | None
    stack: Sequence[Block]


class Origin(NamedTuple):
    """Where a block's weights come from: the parent's block, by its place; None where they are new."""

    kernel: int | None
    rest: int | None


def has_stacks(run: Run) -> bool:
    """Whether a run's solutions are stacks of blocks, or have one as a part, and its records tell them."""
    first = next(iter(run.metrics), {})
    return ("genome" in first or "ids" in first) and _is_stack(run.config.get("genotype", {}))


def part(run: Run) -> str | None:
    """Which part of a composite genome is the stack; None where the genome is one as it is."""
    parts = run.config["genotype"].get("parts", {})
    return next((name for name, table in parts.items() if _is_stack(table)), None)


def inherits(run: Run) -> bool:
    """Whether children go on with their parents' weights, as the evaluator is told."""
    table = run.config["evaluator"].get("inherit") or {}
    return bool(table.get("weights", True))


def solutions(row: Mapping[str, Any], part: str | None) -> Iterator[Solution]:
    """Who a line of the records tells of: the child of a generation; or all members, with the parent whose weights
    they inherited first among their parents."""
    if "genome" in row:
        genome = row["genome"] if part is None else row["genome"][part]
        yield Solution(row["id"], row["parent"], row["child_fitness"], blocks(genome))
    else:
        genomes = row["genes"] if part is None else row["genes"][part]
        for id, parents, fitness, genome in zip(row["ids"], row["parents"], row["fitness"], genomes, strict=True):
            yield Solution(id, parents[0], fitness, blocks(genome))


def ancestors(run: Run) -> tuple[Ancestor, ...]:
    """The reported architecture's line, the first one first: each architecture once, whoever has carried it on."""
    best = run.result["best"]
    return lines(run.metrics[: best["generation"]], part(run))[best["id"]]


def lines(records: Iterable[Mapping[str, Any]], part: str | None = None) -> dict[int, tuple[Ancestor, ...]]:
    """The line of every solution, by id."""
    found: dict[int, tuple[Ancestor, ...]] = {}
    left, founded = 0, None  # generations of a niche that were still to come
    for row in records:
        founded = founded if left else row["generations"] if row.get("niche") else None
        left = row.get("niche", 0)
        # All of them before the next is stored: a parent that lives on is measured anew in the same generation.
        found |= {
            one.id: _longer(
                found.get(one.id, found.get(one.parent, ())),
                Ancestor(row["generations"], one.fitness, one.stack, founded),
            )
            for one in solutions(row, part)
        }
    return found


def block_counts(run: Run) -> tuple[list[float], list[float]]:
    """Epochs so far, and blocks of the best so far, of every generation that had a valid solution by then."""
    name, best, count = part(run), float("-inf"), 0
    curve = []
    for row in run.metrics:
        for one in solutions(row, name):
            if one.fitness is not None and one.fitness > best:
                best, count = one.fitness, len(one.stack)
        if count:
            curve.append((float(row["epochs"]), float(count)))
    return [x for x, _ in curve], [y for _, y in curve]


def origins(parent: Sequence[Block] | None, child: Sequence[Block]) -> tuple[list[Origin], bool]:
    """Of each block, and whether the dense layer is the parent's; without a parent all is new."""
    names = {} if parent is None else sources(parent, child)

    def place(tensor: str) -> int | None:
        return int(names[tensor].split(".")[1]) if tensor in names else None

    of_blocks = [Origin(place(f"blocks.{j}.conv.weight"), place(f"blocks.{j}.conv.bias")) for j in range(len(child))]
    return of_blocks, "dense.weight" in names


def _longer(line: tuple[Ancestor, ...], one: Ancestor) -> tuple[Ancestor, ...]:
    """One more ancestor; the last one again where the architecture is the same, with its new fitness."""
    if line and line[-1].stack == one.stack:
        return (*line[:-1], line[-1]._replace(fitness=one.fitness))
    return (*line, one)


def _is_stack(genotype: Mapping[str, Any]) -> bool:
    return genotype.get("use") == GENOTYPE or any(map(_is_stack, genotype.get("parts", {}).values()))
