"""Files and folders that parameters of the type ``Path`` name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evoplug.errors import Key

_ARRAYS = (list, tuple, set, frozenset)


def absolute(value: Any, folder: Callable[[Key], Path], key: Key) -> Any:
    """The value with every path in it absolute and without links; one that begins with ``~`` is the user's.

    Args:
        value: a plain parameter as its type has it.
        folder: what the paths at a key are relative to.
        key: where the value stands.

    Raises:
        OSError, ValueError, RuntimeError: for what can be no path.
    """
    if isinstance(value, Path):
        return (folder(key) / value.expanduser()).resolve()
    if isinstance(value, Mapping):
        return {name: absolute(inner, folder, (*key, name)) for name, inner in value.items()}
    if type(value) in _ARRAYS:
        return type(value)(absolute(inner, folder, (*key, index)) for index, inner in enumerate(value))
    return value


def inside(value: Any) -> Iterator[Path]:
    """Every path in a parameter's value."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from inside(inner)
    elif type(value) in _ARRAYS:
        for inner in value:
            yield from inside(inner)
