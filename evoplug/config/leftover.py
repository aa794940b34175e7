"""What was written for a strategy that another one has taken the place of: its operators, and its genotype."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from evoplug.config.spec import named
from evoplug.config.tree import Node
from evoplug.errors import Key

LeftOver = Mapping[Key, str]
"""Key of an operator, ``("operators", "mutation")``, or of the genotype -> the strategy that it was written for."""


def after(old: Node, new: Node, written: Iterable[Key], left: LeftOver) -> LeftOver:
    """What is left over in a configuration that was changed.

    Args:
        old, new: it before and after.
        written: the keys that the change itself writes: these are meant for the strategy that is there now.
        left: what was left over before.
    """
    before, now, written = _strategy(old), _strategy(new), list(written)
    exchanged = dict.fromkeys(_pieces(old), before) if before is not None and before != now else {}
    return {
        key: strategy
        for key, strategy in {**exchanged, **left}.items()
        if strategy != now and not any(_overlap(key, other) for other in written)
    }


def keys(root: Node) -> Iterator[Key]:
    """The sections that a file writes, and each operator."""
    for name, node in root.value.items():
        inner = node.value if name == "operators" and isinstance(node.value, dict) else None
        yield from ((name,),) if inner is None else ((name, slot) for slot in inner)


def _pieces(root: Node) -> Iterator[Key]:
    return (key for key in keys(root) if key == ("genotype",) or (key[0] == "operators" and len(key) > 1))


def _strategy(root: Node) -> str | None:
    """The name of the strategy."""
    node = root.value.get("strategy")
    value = node.value.get("use") if node is not None and isinstance(node.value, dict) else node
    if value is None:
        return None
    plain = value.plain()
    return plain if isinstance(plain, str) else named(plain)


def _overlap(key: Key, other: Key) -> bool:
    """Whether one of them is the other, or inside it."""
    return all(a == b for a, b in zip(key, other, strict=False))
