"""What both methods record of every generation: who there is, with which genes, from whom."""

from __future__ import annotations

from typing import Any

from evoplug import Members, Parts


def lineage(members: Members) -> dict[str, Any]:
    """``ids``, ``parents`` (pairs of ids, the one whose weights were inherited first), ``fitness`` and ``genes`` of
    all members, row by row; ``genes`` by part where the genotype is composite."""
    genomes = members.genomes
    return {
        "ids": members.ids,
        "parents": members.parents,
        "fitness": members.fitness,
        "genes": dict(genomes) if isinstance(genomes, Parts) else genomes,
    }
