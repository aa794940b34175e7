"""Configurations as trees whose every value knows where it was written: annotate, merge, override."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, NamedTuple

from evoplug.contracts import Component
from evoplug.errors import Key, dotted

MAX_DEPTH = 32
"""Of tables and arrays inside each other; far above any real configuration."""

NONE = "none"
"""What says that there is nothing: no component, no section."""


class Origin(NamedTuple):
    """Where a value was written."""

    where: str
    """``FILE:LINE`` or ``--set``; empty for a mapping from Python."""
    folder: Path
    """What relative file names in it are relative to."""


@dataclass(frozen=True)
class Node:
    """A value, and where it comes from."""

    value: Any
    """``dict[str, Node]``, ``list[Node]`` or a scalar."""
    origin: Origin

    def plain(self) -> Any:
        """The value without origins."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, list) else self.value

    def nearest(self, key: Key) -> Node:
        """The node at ``key``, or the innermost one around it."""
        node = self
        for part in key:
            inside = node.value if isinstance(node.value, dict) else dict(enumerate(_elements(node)))
            if part not in inside:
                break
            node = inside[part]
        return node


def annotate(data: Any, origin: Callable[[Key], Origin], key: Key = ()) -> Node:
    """A tree of ``data``, which may hold tuples and other mappings where TOML has arrays and tables."""
    value = data
    if len(key) > MAX_DEPTH:  # `unfit` says so to the user
        value = None
    elif isinstance(data, Mapping):
        value = {name: annotate(inner, origin, (*key, name)) for name, inner in data.items()}
    elif isinstance(data, list | tuple):
        value = [annotate(inner, origin, (*key, index)) for index, inner in enumerate(data)]
    return Node(value, origin(key))


def unfit(data: Any, key: Key = (), *, objects: bool = False) -> Iterator[tuple[Key, str]]:
    """What in ``data`` no configuration can hold: (key, message) of each.

    Args:
        objects: whether components and functions pass, as they do in Python calls.
    """
    if len(key) > MAX_DEPTH:
        yield key[:1], f"is nested more than {MAX_DEPTH} levels deep"
    elif isinstance(data, Mapping):
        for name, inner in data.items():
            if isinstance(name, str) and _is_text(name):
                yield from unfit(inner, (*key, name), objects=objects)
            else:
                yield key, f"keys must be strings, got {name!r}"
    elif isinstance(data, list | tuple):
        for index, inner in enumerate(data):
            yield from unfit(inner, (*key, index), objects=objects)
    elif not (objects and (isinstance(data, Component) or callable(data))) and (problem := _unfit_scalar(data)):
        yield key, problem


def _unfit_scalar(value: Any) -> str | None:
    if isinstance(value, bool | float):
        return None
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else "integers must fit into 64 bits"
    if isinstance(value, str):
        return None if _is_text(value) else "must be valid Unicode text"
    if isinstance(value, date | time):
        return "dates and times have no use here; write a string in quotes"
    return f"must be a string, a number, true or false, an array or a table, got {type(value).__name__}"


def _is_text(value: str) -> bool:
    """Whether it can be written down: without lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def merge(base: Node | None, over: Node, notices: list[str], key: Key = ()) -> Node:
    """``over`` on top of ``base``: tables merge, all else replaces.

    A table that changes ``use`` starts anew, since the parameters were another component's; ``notices`` says so.
    """
    if base is not None and isinstance(over.value, str) and over.value != NONE and _names_component(base):
        _note_dropped(base, over, (), notices, key)  # the short form of a component
    if base is None or not isinstance(over.value, dict):
        return over
    base = _opened(base)
    if not isinstance(base.value, dict):
        return over
    if "use" in over.value and changes_use(base, over.value["use"]):
        _note_dropped(base, over.value["use"], over.value, notices, key)
        return over
    merged = {name: merge(base.value.get(name), node, notices, (*key, name)) for name, node in over.value.items()}
    return Node({**base.value, **merged}, over.origin)


def replace(
    tree: Node, key: tuple[str, ...], new: Node, notices: list[str], also: Collection[Key] = (), done: Key = ()
) -> Node:
    """The tree with the value at ``key`` replaced as a whole; tables on the way are made where there are none.

    Replacing ``use`` by another name drops the other parameters of its table; ``notices`` says so.

    Args:
        also: keys, from the root, that are replaced next: what stands there is not dropped.
        done: the way from the root to ``tree``.
    """
    if not key:
        return new
    name, *rest = key
    if name != "use":
        tree = _opened(tree)
    table = tree.value if isinstance(tree.value, dict) else {}
    if key == ("use",) and changes_use(tree, new):
        own = {other[len(done)] for other in also if len(other) > len(done) and other[: len(done)] == done}
        _note_dropped(tree, new, own, notices, done)
        return Node({"use": new}, new.origin)
    inner = table.get(name, Node({}, new.origin))
    return Node({**table, name: replace(inner, tuple(rest), new, notices, also, (*done, name))}, tree.origin)


def without(tree: Node, key: Key) -> Node:
    """The tree without what stands at ``key``, where something does."""
    name, *rest = key
    if not isinstance(tree.value, dict) or name not in tree.value:
        return tree
    if rest:
        return Node({**tree.value, name: without(tree.value[name], tuple(rest))}, tree.origin)
    return Node({other: node for other, node in tree.value.items() if other != name}, tree.origin)


def _opened(node: Node) -> Node:
    """The table of a component that is given by its name alone; an empty one where there is to be none."""
    if not isinstance(node.value, str):
        return node
    return Node({} if node.value == NONE else {"use": node}, node.origin)


def changes_use(table: Node, use: Node) -> bool:
    """Whether the table names a component, and another one than ``use``."""
    return _names_component(table) and table.value["use"].value != use.value


def _names_component(table: Node) -> bool:
    return isinstance(table.value, dict) and "use" in table.value


def _note_dropped(base: Node, use: Node, own: Collection[Any], notices: list[str], key: Key) -> None:
    """Note the parameters of ``base`` that go; not those which the change sets itself, ``own``."""
    dropped = [name for name in base.value if name != "use" and name not in own]
    if dropped:
        where = f"{use.origin.where}: " if use.origin.where else ""
        notices.append(
            f"{where}{dotted(key)}: use = `{use.plain()}` drops what `{base.value['use'].plain()}` had: "
            f"{', '.join(dropped)}"
        )


def _elements(node: Node) -> list[Node]:
    return node.value if isinstance(node.value, list) else []
