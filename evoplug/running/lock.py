"""``plugins.lock``: what a run is made of, the sources of its parts and the files that they name; and what of it has
changed since."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Container, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from evoplug import catalogue
from evoplug.config import Experiment, Spec, objects, paths
from evoplug.config.difference import differences
from evoplug.config.functions import Reference
from evoplug.config.spec import kind
from evoplug.contracts import Component
from evoplug.errors import FilesError, Key, dotted


def lock(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """A row for each component and each function from a file or a module: its distribution and its source's hash; and
    one for each file that a parameter of the type ``Path`` names: its hash, and that it is ``data``. Folders have none.

    Keys are ``module:Class``, ``FILE.py:Class`` beside a configuration, or the file. A part that was given as an
    object, and so cannot be rebuilt from its name, stands under its place in the configuration, e.g.
    ``evaluator.dataset``, and its row says what it was an ``object`` of, and those of its ``parameters`` that can be
    written down.

    Raises:
        FilesError: if one of the files cannot be read.
    """
    with catalogue.beside(experiment.plugins):
        rows = [row for spec in experiment.specs() for row in _rows(spec)]
    return dict(sorted(rows))


def changes(file: Path, now: dict[str, dict[str, Any]], only: Container[str] | None = None) -> list[str]:
    """What is not as a lock file, if there is one, has it: in words, a phrase for each sort of change.

    Args:
        file: the lock file.
        now: the rows as they are.
        only: keys of the rows to look at; all by default.

    Raises:
        FilesError: if the file is damaged.
    """
    found = dict[str, list[str]]()
    try:
        then = json.loads(file.read_bytes()) if file.is_file() else {}
        for key, row in then.items():
            if only is not None and key not in only:
                continue
            for sort, what in _changes(key, row, now.get(key)):
                found.setdefault(sort, []).append(what)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FilesError(f"{file}: is damaged: {error}") from error
    return [f"{sort}: {', '.join(what)}" if sort else ", ".join(what) for sort, what in found.items()]


def changed_objects(file: Path, experiment: Experiment) -> list[str]:
    """As :func:`changes`, of the parts alone that are objects: a run's configuration cannot tell two of a class apart.

    Raises:
        FilesError: if the file is damaged.
    """
    rows = dict(row for spec in experiment.specs() for row in _objects(spec))
    return changes(file, rows, only=rows) if rows else []


def _changes(key: str, then: dict[str, Any], now: dict[str, Any] | None) -> Iterator[tuple[str, str]]:
    """(sort of change, what) of one row."""
    data = then.get("data", False)
    if data and now is None:
        yield "", f"{key} is missing"
    elif now is None or now["sha256"] != then["sha256"]:
        yield f"the {'data have' if data else 'source has'} changed since the run began", key
    if now is not None and "parameters" in then:
        for each in differences(then["parameters"], now.get("parameters", {}), f"{key}."):
            yield "parameters have changed since the run began", str(each)


def _rows(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """The part itself, and the functions and files in its parameters."""
    if spec.given is not None:
        yield from _objects(spec)
        return
    yield from _objects(spec)
    entry = catalogue.find(spec.group, spec.name)
    installed = {"distribution": entry.distribution, "version": entry.version} if entry.version else {}
    yield entry.value, {**installed, "sha256": _hash(entry.file)}
    for value in spec.parameters.values():
        if isinstance(value, Reference):
            yield str(value), {"sha256": _hash(_file(value))}
        if spec.group != "recorders":  # what they name is written by the run
            named = (file for file in paths.inside(value) if file.is_file())
            yield from ((str(file), {"data": True, "sha256": _hash(file)}) for file in named)


def _objects(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """The part itself where it is an object, or the functions in its parameters that are objects."""
    if spec.given is not None:
        yield _object(spec.given, spec.key)
    for name, value in spec.parameters.items():
        if callable(value):
            yield _object(value, (*spec.key, name))


def _object(given: Any, key: Key) -> tuple[str, dict[str, Any]]:
    """An object's row; its source is that of its class, or the function's own, where Python knows it.

    A function has no parameters.
    """
    what, digest = kind(given), None
    with suppress(OSError, TypeError):
        digest = hashlib.sha256(inspect.getsource(what).encode()).hexdigest()
    row: dict[str, Any] = {"object": f"{what.__module__}:{what.__qualname__}", "sha256": digest}
    if isinstance(given, Component):
        row["parameters"] = {dotted(inner): _as_json(value) for inner, value in objects.settings(given)}
    return dotted(key), row


def _as_json(value: Any) -> Any:
    """As it comes back from a file, with a word for each float that JSON lacks."""
    return json.loads(json.dumps(value), parse_constant=str)


def _file(function: Reference) -> Path | None:
    place = function.rpartition(":")[0]
    found = place if place.endswith(".py") else getattr(import_module(place), "__file__", None)
    return Path(found) if found else None


def _hash(file: Path | None) -> str | None:
    """Of a file's content, read in pieces.

    Raises:
        FilesError: if it cannot be read.
    """
    if file is None:
        return None
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FilesError(f"{file}: cannot be read: {error.strerror}") from error
