"""Which tasks share weights in the solution of a run, and how many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evoplug import Run

Sharing = Mapping[str, Mapping[str, int]]
"""Task -> position -> the weight set that it uses there. Sets are a position's own: set 1 of another has other weights.
Every task has the same positions."""


def sharing(run: Run) -> Sharing | None:
    """What the description of a run's solution says; None where it is not of tasks and positions."""
    said = run.result["best"]["description"]
    if not isinstance(said, Mapping) or not said or not all(isinstance(row, Mapping) and row for row in said.values()):
        return None
    alike = len({tuple(row) for row in said.values()}) == 1
    return said if alike and all(type(chosen) is int for row in said.values() for chosen in row.values()) else None


def positions(found: Sharing) -> list[str]:
    """Their names, from the input to the output."""
    return list(next(iter(found.values())))


def groups(found: Sharing, position: str) -> dict[int, list[str]]:
    """Weight set -> the tasks that use it at a position; of those alone that are used."""
    users: dict[int, list[str]] = {}
    for task, row in found.items():
        users.setdefault(row[position], []).append(task)
    return users


def uniform(found: Sharing) -> str:
    """What there is to say where tasks share all positions, or none; else nothing."""
    counts = {len(groups(found, position)) for position in positions(found)}
    if counts == {1}:
        return "all tasks share every position"
    return "no tasks share any position" if counts == {len(found)} else ""


def sizes(found: Sequence[Sharing], position: str) -> NDArray[np.float64]:
    """How many tasks use the same weights at a position, over several runs (figures 8.4 and 8.5 of the thesis).

    Returns:
        ``(T,)``: the share of all tasks of all runs that are in a group of exactly t, themselves among them,
        t = 1 ... T, the most tasks that a run has; its sum is 1.
    """
    counts = Counter[int]()
    for each in found:
        for users in groups(each, position).values():
            counts[len(users)] += len(users)
    shares = np.array([counts[size] for size in range(1, max(map(len, found)) + 1)], dtype=np.float64)
    return shares / shares.sum()
