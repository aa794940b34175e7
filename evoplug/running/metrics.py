"""Names of metrics: ``error.mnist`` is a part of ``error``, as every name is that goes on behind a dot."""

from __future__ import annotations

from collections.abc import Iterable

from evoplug.types import SPLITS

MEASURED = tuple(f"{split}." for split in SPLITS)
"""How columns of the records are named that hold metrics."""

OF_SOLUTION = frozenset({"fitness", "generation", "id", "description"})
"""What ``result.json`` says of every solution under ``best``; the evaluator's own values stand beside it."""


def is_any(metric: str, names: Iterable[str]) -> bool:
    """Whether a metric is one of these or a part of one."""
    known = set(names)
    ends = [at for at, letter in enumerate(metric) if letter == "."]
    return any(metric[:end] in known for end in (*ends, len(metric)))


def wholes(names: Iterable[str]) -> list[str]:
    """Without those that are parts of another one here, in their order."""
    names = list(names)
    return [name for name in names if not is_any(name, set(names) - {name})]
