"""Reading :mod:`evoplug_epbt.lineage` again: the ancestors of the member that a run reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Ancestor(NamedTuple):
    """The member, alive in one generation, from which the reported one has its weights."""

    generation: int
    id: int
    genes: Mapping[str, list[float]]
    """Part -> its genes; of a genotype that is not composite, the part is called ``genes``."""


def ancestors(records: Sequence[Mapping[str, Any]], reported: int | None = None) -> list[Ancestor]:
    """One for each generation, the first generation's first; a member that lives on is its own ancestor.

    As in the EPBT paper, section 5: the parent is the one whose weights and hyperparameters were used, not its mate.

    Args:
        records: the lines of ``metrics.jsonl``, up to the generation of the reported member.
        reported: its id; by default that of the best in the last line.
    """
    line: list[Ancestor] = []
    member = parent = _best(records[-1]) if reported is None else reported
    for row in reversed(records):
        member = member if member in row["ids"] else parent
        at = row["ids"].index(member)
        genes = row["genes"] if isinstance(row["genes"], Mapping) else {"genes": row["genes"]}
        line.append(Ancestor(row["generations"], member, {part: rows[at] for part, rows in genes.items()}))
        parent = row["parents"][at][0]
    return line[::-1]


def distinct(line: Sequence[Ancestor]) -> list[Ancestor]:
    """Without those that are another's carried over: each member once, in its first generation."""
    first: dict[int, Ancestor] = {}
    for ancestor in line:
        first.setdefault(ancestor.id, ancestor)
    return list(first.values())


def _best(row: Mapping[str, Any]) -> int:
    fitness = [float("-inf") if value is None else value for value in row["fitness"]]
    best: int = row["ids"][fitness.index(max(fitness))]
    return best
