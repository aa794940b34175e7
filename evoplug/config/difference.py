"""Where two configurations differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from evoplug.config.messages import given


class Difference(NamedTuple):
    """One value that two configurations do not share; None where one of them does not have it."""

    key: str
    """Dotted."""
    old: Any
    new: Any

    def __str__(self) -> str:
        old, new = ("nothing" if value is None else given(value) for value in (self.old, self.new))
        return f"{self.key} is {new}, not {old}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Difference]:
    """Every value that differs, tables inside tables compared key by key, in the order of the keys."""
    for key in sorted({*old, *new}):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            yield from differences(a, b, f"{prefix}{key}.")
        elif a != b:
            yield Difference(f"{prefix}{key}", a, b)
