"""Names of metrics: ``error.mnist`` is a part of ``error``, as every name is that goes on behind a dot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from evoplug.types import SPLITS

MEASURED = tuple(f"{split}." for split in SPLITS)
"""How columns of the records are named that hold metrics."""

OF_SOLUTION = frozenset({"fitness", "generation", "id", "description"})
"""What ``result.json`` says of every solution under ``best``; the evaluator's own values stand beside it."""


def is_any(metric: str, names: Iterable[str]) -> bool:
    """Whether a metric is one of these or a part of one."""
    return not {metric, *_wholes_of(metric)}.isdisjoint(names)


def wholes(names: Iterable[str]) -> list[str]:
    """Without those that are parts of another one here, in their order; the only part of one stays, ``f1.macro`` beside
    ``f1``: it is among many that nobody reads them."""
    names = list(names)
    parts = Counter(whole for name in names for whole in _wholes_of(name))
    in_parts = {name for name in names if parts[name] > 1}
    return [name for name in names if in_parts.isdisjoint(_wholes_of(name))]


def _wholes_of(metric: str) -> list[str]:
    """``["a", "a.b"]`` of ``a.b.c``."""
    return [metric[:end] for end, letter in enumerate(metric) if letter == "."]
