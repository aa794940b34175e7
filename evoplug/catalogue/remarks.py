"""What is not wrong with a component, but may not be what its author meant; for the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass

from evoplug.catalogue import loading, lookup
from evoplug.catalogue.definitions import UNKNOWN
from evoplug.catalogue.entry import Entry
from evoplug.contracts import Component
from evoplug.errors import EvoplugError


def remarks(entry: Entry, cls: type[Component]) -> Iterator[str]:
    """A line for each thing to look at.

    Args:
        entry: what the source says.
        cls: the loaded class.
    """
    if not entry.complete:
        unread = ", ".join(f"`{p.name}`" for p in entry.parameters if p.annotation is None or p.default is UNKNOWN)
        yield "only an import tells all about its parameters" + (f" ({unread})" if unread else "")
    for assignment in _untyped(cls):
        yield f"`{assignment}` changes no default: its type is missing"
    for kind in cls.kinds if entry.group != "genotypes" else ():
        there = _kinds()
        if kind not in there:
            yield lookup.unknown_kind(kind, there)


def _untyped(cls: type[Component]) -> Iterator[str]:
    """``NAME = VALUE`` that is to change the default of an inherited field, and does not."""
    if not is_dataclass(cls):
        return
    for field in fields(cls):
        if field.name in vars(cls) and vars(cls)[field.name] is not field.default:
            yield f"{field.name} = {vars(cls)[field.name]!r}"


def _kinds() -> set[str]:
    """The kinds of all installed genotypes that are whole."""
    found = set[str]()
    for entry in lookup.entries("genotypes"):
        with suppress(EvoplugError):
            found |= set(entry.kinds or loading.load(entry.group, lookup.usable(entry)).kinds)
    return found
