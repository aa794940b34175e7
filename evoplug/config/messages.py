"""Mistakes in words: pydantic's errors, values, and the nearest names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from evoplug.errors import Key, Mistake, printable

_PHRASES = {
    "bool_type": "true or false",
    "int_type": "an integer",
    "float_type": "a number",
    "string_type": "a string",
    "list_type": "an array",
    "tuple_type": "an array",
    "sequence_type": "an array",
    "set_type": "an array",
    "dict_type": "a table",
    "mapping_type": "a table",
    "dataclass_type": "a table",
    "needs_python_object": "an object from Python",
    "finite_number": "finite",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
    "too_short": "of at least {min_length} entries",
    "too_long": "of at most {max_length} entries",
    "string_too_short": "of at least {min_length} characters",
    "string_too_long": "of at most {max_length} characters",
}
_INTEGERS = {"int_parsing_size", "int_from_float"}  # odd integers, by pydantic's other names
_KEYS = {"missing": "is missing", "extra_forbidden": "unknown key", "missing_argument": "is missing"}


def readable(errors: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[tuple[Key, str]]:
    """pydantic's errors on ``values`` as (key, message), one for each value that is wrong."""
    at: dict[Key, list[Mapping[str, Any]]] = {}
    for error in errors:
        at.setdefault(_path(error["loc"], values), []).append(error)
    # Of a union, keep what the member says that fits best: the one that got deepest into the value.
    innermost = [key for key in at if not any(other[: len(key)] == key and other != key for other in at)]
    return [(key, _message(at[key], _value(key, values))) for key in innermost]


def _path(location: Iterable[str | int], values: Any) -> Key:
    """The part of pydantic's location that leads into the values; the rest names members of unions."""
    path: Key = ()
    for part in location:
        inside = dict(enumerate(values)) if isinstance(values, list | tuple) else values
        if isinstance(inside, Mapping) and part in inside:
            path, values = (*path, part), inside[part]
    return path


def _value(key: Key, values: Any) -> Any:
    for part in key:
        values = values[part]
    return values


def _message(errors: Sequence[Mapping[str, Any]], value: Any) -> str:
    for error in errors:
        if error["type"] in _KEYS:
            return f"{_KEYS[error['type']]}: {error['loc'][-1]}"
    phrases = dict.fromkeys(filter(None, map(_phrase, errors)))
    if phrases and errors[0]["loc"][-1] == "[key]":
        return f"unknown key; must be {' or '.join(phrases)}"
    if phrases:
        return f"must be {' or '.join(phrases)}, got {given(value)}"
    return f"{errors[0]['msg'].partition(chr(10))[0]}, got {given(value)}"


def _phrase(error: Mapping[str, Any]) -> str | None:
    if error["type"] in _INTEGERS:
        return "an integer"
    template = _PHRASES.get(error["type"])
    return template and template.format(**{name: _short(value) for name, value in error.get("ctx", {}).items()})


def _short(value: Any) -> Any:
    """A bound or choices as people write them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace("'", "`") if isinstance(value, str) else value


def mistake(key: Key, message: str, where: str = "") -> Mistake:
    """A mistake whose text stays on one line, whatever names and values it quotes."""
    shown = tuple(printable(part) if isinstance(part, str) else part for part in key)
    return Mistake(shown, printable(" ".join(message.split("\n"))), printable(where))


def given(value: Any) -> str:
    """A value as the user wrote it, on one short line."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(given, value[:8]))}{', ...' if len(value) > 8 else ''}]"
    elif isinstance(value, bool | str):
        text = json.dumps(value, ensure_ascii=not str(value).isprintable())
    else:
        text = repr(value).partition("\n")[0]
    return text if len(text) <= 60 else f"{text[:56]} ..."


def unknown(name: object, known: Iterable[str], what: str = "key") -> str:
    """An unknown key (or what it is), and the nearest known one, or the choices."""
    choices = list(known)
    return f"unknown {what}; {suggestion(str(name), choices)}"


def suggestion(name: str, choices: Sequence[str]) -> str:
    """The nearest of the choices, or all of them."""
    near = get_close_matches(name, choices, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"choices: {listed(choices)}" if choices else "there are none"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """The names in backticks; of very many, how many there are besides."""
    names = [f"`{name}`" for name in names]
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown
