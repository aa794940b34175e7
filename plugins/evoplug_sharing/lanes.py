"""The order of lanes and boxes: a column for each position, a box for each weight set, a lane for each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from random import Random

import numpy as np

from evoplug_sharing.groups import Sharing, groups, positions

Column = Sequence[Sequence[str]]
"""The boxes of a position from above, each with the tasks that run through it from above."""

STARTS, SWEEPS = 40, 4
"""Orders of the tasks to begin with, and sweeps to the right and back from each: more change little."""


def columns(found: Sharing) -> list[Column]:
    """A column for each position, so ordered that lanes cross little.

    By the barycentre method (Sugiyama, Tagawa and Toda 1981): boxes, and the tasks in them, stand in the order in
    which their lanes come from the neighbouring column, to the right and back again and again. It begins with the
    order of the tasks and with others, the same every time; of all that comes up the fewest crossings are kept.
    """
    every: list[Column] = [list(groups(found, position).values()) for position in positions(found)]
    return min(chain.from_iterable(_swept(every, order) for order in _orders(list(found))), key=crossings)


def crossings(found: Sequence[Column]) -> int:
    """How often lanes cross between neighbouring columns."""
    return sum(_inversions(_ranks(left), right) for left, right in pairwise(found))


def _orders(tasks: list[str]) -> Iterator[list[str]]:
    """As they are, then shuffled."""
    yield tasks
    random = Random(0)
    for _ in range(STARTS - 1):
        yield random.sample(tasks, len(tasks))


def _swept(found: Sequence[Column], order: Sequence[str]) -> Iterator[list[Column]]:
    """The columns after each sweep, the first behind tasks in an order."""
    before: Column = [order]
    for _ in range(SWEEPS):
        found = _sweep(found, before)
        yield list(found)
        found = _sweep(found[::-1], found[-1])[::-1]
        yield list(found)
        before = found[0]


def _sweep(found: Sequence[Column], before: Column) -> list[Column]:
    """Each column by the one before it."""
    ordered = list[Column]()
    for column in found:
        before = _beside(column, before)
        ordered.append(before)
    return ordered


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
