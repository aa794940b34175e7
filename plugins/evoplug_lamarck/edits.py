"""Telling from two stacks which edits lie between them, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from evoplug_lamarck.blocks import Block


class Edit(NamedTuple):
    """What was done to one block."""

    words: str
    block: int | None
    """Its place in the child; None where it is gone."""


def edits(parent: Sequence[Block], child: Sequence[Block]) -> tuple[Edit, ...]:
    """The fewest edits that lead from one to the other, from the first block to the last.

    Blocks are the same where **h** has the same mark; one with other channels, whose tensors are all new, is known by
    its place among the others.
    """

    @cache
    def rest(i: int, j: int) -> tuple[Edit, ...]:
        """From the parent's block i and the child's block j on."""
        ways = []  # of those as short as each other the first is taken: a block that may be the same is the same
        if i < len(parent) and j < len(child) and _may_be(parent[i], child[j]):
            ways.append((*(Edit(words, j) for words in _changes(parent[i], child[j])), *rest(i + 1, j + 1)))
        if i < len(parent):
            ways.append((Edit("remove block", None), *rest(i + 1, j)))
        if j < len(child):
            ways.append((Edit("add block", j), *rest(i, j + 1)))
        return min(ways, key=len, default=())

    return rest(0, 0)


def sentence(found: Iterable[Edit]) -> str:
    """``add block, 2 × more channels``; what is done twice is said once, its number with it on the line."""
    counts = Counter(edit.words for edit in found)
    return ", ".join(words if count == 1 else f"{count}\N{NO-BREAK SPACE}× {words}" for words, count in counts.items())


def _may_be(old: Block, new: Block) -> bool:
    """Whether one block can have become the other: **h** is new only where the channels change."""
    return (old.rest_mark == new.rest_mark) == (old.channels == new.channels)


def _changes(old: Block, new: Block) -> Iterable[str]:
    if new.channels != old.channels:
        yield "more channels" if new.channels > old.channels else "fewer channels"
    if new.kernel != old.kernel:
        yield f"kernel {old.kernel} to {new.kernel}"
    if new.stride != old.stride:
        yield f"stride {new.stride}"
