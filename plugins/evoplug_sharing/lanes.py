"""The order of lanes and boxes: a column for each position, a box for each weight set, a lane for each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise

import numpy as np

from evoplug_sharing.groups import Sharing, groups, positions

Column = Sequence[Sequence[str]]
"""The boxes of a position from above, each with the tasks that run through it from above."""

SWEEPS = 12
"""To the right and back, from each start: later ones change little."""


def columns(found: Sharing) -> list[Column]:
    """A column for each position, so ordered that lanes cross little.

    By the barycentre method (Sugiyama, Tagawa and Toda 1981): boxes, and the tasks in them, stand in the order in
    which their lanes come from the neighbouring column, to the right and back again and again. Of all starts, one from
    the groups of each position, and of all sweeps the columns with the fewest crossings are kept.
    """
    every: list[Column] = [list(groups(found, position).values()) for position in positions(found)]
    return min(chain.from_iterable(_swept(every, start) for start in range(len(every))), key=crossings)


def crossings(found: Sequence[Column]) -> int:
    """How often lanes cross between neighbouring columns."""
    return sum(_inversions(_ranks(left), right) for left, right in pairwise(found))


def _swept(found: Sequence[Column], start: int) -> Iterator[list[Column]]:
    """The columns after each sweep, the first from one of them to both sides."""
    ordered = list(found)
    for column in range(start - 1, -1, -1):
        ordered[column] = _beside(ordered[column], ordered[column + 1])
    for _ in range(SWEEPS):
        for column in range(1, len(ordered)):
            ordered[column] = _beside(ordered[column], ordered[column - 1])
        yield list(ordered)
        for column in range(len(ordered) - 2, -1, -1):
            ordered[column] = _beside(ordered[column], ordered[column + 1])
        yield list(ordered)


def _beside(column: Column, neighbour: Column) -> Column:
    """The column in the order in which its lanes come from the other."""
    ranks = _ranks(neighbour)
    boxes = [sorted(box, key=ranks.__getitem__) for box in column]
    return sorted(boxes, key=lambda box: sum(ranks[task] for task in box) / len(box))


def _ranks(column: Column) -> dict[str, int]:
    return {task: rank for rank, task in enumerate(chain.from_iterable(column))}


def _inversions(ranks: dict[str, int], column: Column) -> int:
    """Pairs of tasks whose order is the other way round."""
    order = np.array([ranks[task] for task in chain.from_iterable(column)])
    return int(np.triu(order[:, None] > order[None, :], 1).sum())
