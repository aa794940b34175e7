"""``plugins.lock``: what a run is made of, the sources of its parts and the files that they name; and what of it has
changed since."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from evoplug import catalogue
from evoplug.catalogue import folders, modules
from evoplug.config import Experiment, Spec, objects, paths
from evoplug.config.difference import differences
from evoplug.config.functions import Reference
from evoplug.config.spec import kind
from evoplug.contracts import Component
from evoplug.errors import FilesError, Key, dotted
from evoplug.running import reading
from evoplug.running.rundir import LOCK, Run


def lock(experiment: Experiment) -> dict[str, dict[str, Any]]:
    """A row for each component and each function from a file or a module: its distribution and its source's hash; one
    for each module beside such a file that it imports; and one for each file that a parameter of the type ``Path``
    names: its hash, and that it is ``data``. Folders have none.

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


Lock = Mapping[str, Mapping[str, Any]]


def read(file: Path) -> Lock:
    """A lock file.

    Raises:
        FilesError: if it is missing, damaged or empty: nothing would then say what has changed.
    """
    from evoplug.running.shapes import Lock as Shape

    found: Lock = reading.from_json(file, Shape)
    return found


def just_run(folder: Path) -> Run:
    """A run whose configuration is the caller's own, so that its code is trusted."""
    file = folder / LOCK
    return Run(folder, places(read(file)) if file.is_file() else ())


def places(parts: Lock) -> Iterator[str]:
    """The files and modules that code of a run comes from."""
    for key, row in parts.items():
        if not (row.get("data") or row.get("object")):
            yield key.rpartition(":")[0]


def beside(parts: Lock) -> Lock:
    """The rows of code that belongs to no distribution: files beside a configuration and what they import."""
    return {key: row for key, row in parts.items() if "distribution" not in row}


def changes(then: Lock, now: Lock) -> list[str]:
    """What has changed since a lock was written: in words, a phrase for each sort of change."""
    found = dict[str, list[str]]()
    if new := [key for key in now if key not in then]:
        found["parts that the run did not begin with"] = new
    for key, row in then.items():
        for sort, what in _changes(key, row, now.get(key)):
            found.setdefault(sort, []).append(what)
    return [f"{sort}: {', '.join(what)}" if sort else ", ".join(what) for sort, what in found.items()]


def changed_sources(then: Lock) -> list[str]:
    """As :func:`changes`, of the sources that the keys of a lock name: no configuration is looked at, so nothing that
    one names is imported.

    Raises:
        FilesError: if a file cannot be read.
    """
    sources = {key: row for key, row in then.items() if not (row.get("data") or row.get("object"))}
    installed = {entry.value: entry.file for entry in catalogue.entries()}
    files = {key: installed[key] if key in installed else _source(key) for key in sources}
    return changes(sources, {key: {"sha256": _hash(file)} for key, file in files.items() if not _is_gone(file)})


def changed_objects(then: Lock, experiment: Experiment) -> list[str]:
    """As :func:`changes`, of the parts alone that are objects: a configuration cannot tell two of a class apart."""
    now = dict(row for spec in experiment.specs() for row in _objects(spec))
    return changes({key: row for key, row in then.items() if key in now}, now)


def _changes(key: str, then: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """(sort of change, what) of one row."""
    data = then.get("data", False)
    if now is None:
        yield "", f"{key} is missing"
    elif now["sha256"] != then["sha256"]:
        yield f"the {'data have' if data else 'source has'} changed since the run began", key
    if now is not None and "parameters" in then:
        for each in differences(then["parameters"], now.get("parameters", {}), f"{key}."):
            yield "parameters have changed since the run began", str(each)


def _rows(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """The part itself, and the functions and files in its parameters."""
    yield from _objects(spec)
    if spec.given is not None:
        return
    entry = catalogue.find(spec.group, spec.name)
    installed = {"distribution": entry.distribution, "version": entry.version} if entry.version else {}
    yield entry.value, {**installed, "sha256": _hash(entry.file)}
    if not entry.version and entry.file is not None:
        yield from _beside(entry.file)
    for value in spec.parameters.values():
        if isinstance(value, Reference):
            yield str(value), {"sha256": _hash(_source(value))}
            if (file := Path(value.rpartition(":")[0])).suffix == ".py":
                yield from _beside(file)
        if spec.group != "recorders":  # what they name is written by the run
            named = (file for file in paths.inside(value) if file.is_file())
            yield from ((str(file), {"data": True, "sha256": _hash(file)}) for file in named)


def _beside(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The modules beside a file that it imports."""
    yield from ((str(module), {"sha256": _hash(module)}) for module in folders.imported(file))


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


def _source(key: str) -> Path | None:
    """The file of ``module:name``, ``FILE.py:name`` or ``FILE.py``; None for a module without one, such as a built-in.

    No module is imported to find it.
    """
    place = key if key.endswith(".py") else key.rpartition(":")[0]
    return Path(place) if place.endswith(".py") else modules.locate(place)[0]


def _is_gone(file: Path | None) -> bool:
    return file is not None and not file.is_file()


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
