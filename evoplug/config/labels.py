"""What the combinations of a grid are called: ``batch=8,sigma=0.1``.

A label follows from its values alone, so that a grid which gets more values finds its finished runs again.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evoplug.config import locate
from evoplug.config.messages import given, printable

LONGEST = 100
"""Bytes of an arm's name: a folder's name may have 255, a path with more folders in it 4,096."""
_HASH = 8


def axes(paths: Iterable[str]) -> dict[str, str]:
    """Path -> what its axis is called: the last part of the key, or as much of its end as tells it from the others."""
    keys = {path: locate.key_path(path) or (path,) for path in paths}
    return {path: _end(key, [other for name, other in keys.items() if name != path]) for path, key in keys.items()}


def labels(names: Sequence[str], combinations: Iterable[Sequence[Any]]) -> list[str]:
    """The label of each combination, no two of them the same name of a folder.

    Args:
        names: of the axes, as :func:`axes` has them.
        combinations: a value an axis, each combination another one.
    """
    combinations = list(combinations)
    plain = [_folder(",".join(map(_labelled, names, values))) for values in combinations]
    seen = Counter(map(folded, plain))
    return [
        label if seen[folded(label)] == 1 and len(label.encode()) <= LONGEST else _short(label, exact(values))
        for label, values in zip(plain, combinations, strict=True)
    ]


def exact(value: Any) -> str:
    """A text that no other value has."""
    return json.dumps(value, sort_keys=True, default=str)


def folded(name: str) -> str:
    """The same for names that one folder cannot hold side by side on every system."""
    return unicodedata.normalize("NFC", name).casefold()


def _end(key: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    lengths = (n for n in range(1, len(key)) if not any(other[-n:] == key[-n:] for other in others))
    return ".".join(key[-next(lengths, len(key)) :])


def _labelled(name: str, value: Any) -> str:
    return f"{name}={','.join(_of_table(value)) if isinstance(value, Mapping) else _text(value)}"


def _of_table(table: Mapping[str, Any]) -> Iterator[str]:
    """``mlp``, ``hidden=[8]``: the component first, by its name alone."""
    if "use" in table:
        yield _text(table["use"])
    yield from (f"{key}={_text(value)}" for key, value in table.items() if key != "use")


def _text(value: Any) -> str:
    """A value in full, in few characters."""
    if isinstance(value, Mapping):
        return f"{{{','.join(_of_table(value))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(given(inner) if isinstance(inner, str) else _text(inner) for inner in value)}]"
    return value if isinstance(value, str) else given(value)


def _folder(text: str) -> str:
    """The text as a folder can be called."""
    return printable(text).replace("/", "-").replace("\\", "-").strip()


def _short(label: str, of: str) -> str:
    """The start of the label, and what tells it from those that begin alike."""
    mark = f"~{hashlib.sha256(of.encode()).hexdigest()[:_HASH]}"
    return label.encode()[: LONGEST - len(mark)].decode(errors="ignore").rstrip() + mark
