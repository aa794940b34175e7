"""The one door through which the files of a run folder are read.

A folder may be damaged, or a stranger's: no link in it is followed, nothing but a file is opened, and what a file holds
is handed on only in the shape that :mod:`evoplug.running.shapes` gives it. Whatever is wrong is one FilesError, a line
for each thing, that begins with the file.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoplug.errors import ConfigError, FilesError

if TYPE_CHECKING:
    from evoplug.config.schema import Checker
    from evoplug.config.settings import Claim

DEPTH = 100
"""Of tables and lists inside each other; far above what any run writes."""
SHOWN = 5
"""Of the things that are wrong with one file at most."""

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
AT_ONCE = getattr(os, "O_NONBLOCK", 0)
"""Not waiting for whoever has the other end of a pipe."""
_READ = os.O_RDONLY | NO_LINK | AT_ONCE | getattr(os, "O_BINARY", 0)


def there(path: Path) -> bool:
    """Whether anything has this name, be it a broken link.

    Raises:
        FilesError: if that cannot be told.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise FilesError(f"{path}: cannot be read: {reason(error)}") from error
    return True


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A file, open for reading.

    Raises:
        FilesError: if it is missing, a link, a folder or anything else than a file, or cannot be read.
    """
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError) as error:
        raise FilesError(f"{path}: {_unopened(error, path)}") from error
    require_file(descriptor, path)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def content(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        FilesError: as :func:`opened`.
    """
    with opened(path) as file:
        try:
            return file.read()
        except (OSError, MemoryError) as error:
            raise FilesError(f"{path}: cannot be read: {reason(error)}") from error


def from_json(path: Path, shape: Any) -> Any:
    """What a JSON file holds, as plain values in a shape.

    Raises:
        FilesError: as :func:`opened`, or if it is damaged.
    """
    return checked(parsed(content(path), path), shape, path)


def parsed(text: bytes, path: Path | str) -> Any:
    """The value of a text of JSON that stands in a file.

    Raises:
        FilesError: if it is none, or nested deeper than :data:`DEPTH`.
    """
    try:
        long = re.search(rb"\d{300}", text) is not None
        value = json.loads(text, parse_constant=_no_number, parse_int=_bounded if long else None)
    except (ValueError, RecursionError, MemoryError) as error:
        raise FilesError(f"{path}: is damaged: {reason(error)}") from error
    if text.count(b"[") + text.count(b"{") > DEPTH and _is_deeper(value, DEPTH):
        raise FilesError(f"{path}: is damaged: it is nested more than {DEPTH} levels deep")
    return value


def checked(value: Any, shape: Any, path: Path | str) -> Any:
    """The value itself, which has the shape: that of a table with something in it.

    Raises:
        FilesError: if it has not: where, and what stands there.
    """
    from pydantic import ValidationError

    from evoplug.config.messages import given, mistake, readable

    if not isinstance(value, dict) or not value:
        what = "an empty table" if value == {} else given(value)
        raise FilesError(f"{path}: is damaged: it holds {what}")
    try:
        _adapter(shape).validate_python(value)
    except ValidationError as error:
        wrong = [str(mistake(key, message, str(path))) for key, message in readable(error.errors(), value)]
        raise FilesError(_first(wrong)) from error
    return value


def configuration(path: Path) -> dict[str, Any]:
    """One run's configuration with every default, as far as it can be checked without the plugins that it names.

    Raises:
        FilesError: as :func:`opened`, or if it is damaged.
    """
    from evoplug.config.settings import Paper, RunSettings

    data, checker = _toml(path)
    run = data.get("run")
    checker.section(RunSettings, run, ("run",))
    if "extends" in data:
        checker.wrong(("extends",), "has no place in what a run has written: that stands for itself")
    for key in ("name", "seed", "stop"):
        if isinstance(run, Mapping) and key not in run:
            checker.wrong(("run", key), "is missing")
    for section in ("strategy", "evaluator", *(["genotype"] if "genotype" in data else [])):
        table = data.get(section)
        if not isinstance(table, Mapping) or not isinstance(table.get("use"), str):
            checker.wrong((section,), "must be a table with the name of a component: use = NAME")
    for section, sort in {"plugins": list, "operators": dict, "recorders": list}.items():
        if not isinstance(data.get(section, sort()), sort):
            checker.wrong((section,), f"must be {'an array' if sort is list else 'a table'}")
    if "paper" in data:
        checker.section(Paper, data["paper"], ("paper",))
    return _done(data, checker)


def written(path: Path) -> dict[str, Any]:
    """A configuration as the user wrote it, which may extend another one: no more than that it can be one.

    Raises:
        FilesError: as :func:`opened`, or if it is damaged.
    """
    from evoplug.config.settings import Paper

    data, checker = _toml(path)
    if not isinstance(data.get("extends", ""), str):
        checker.wrong(("extends",), "must be the name of a preset or a path")
    if "paper" in data:
        checker.section(Paper, data["paper"], ("paper",))
    return _done(data, checker)


def sweep(path: Path) -> tuple[dict[str, Any], list[Claim]]:
    """The configuration of a whole sweep, with the names of its arms; and its claims.

    Raises:
        FilesError: as :func:`opened`, or if it is damaged.
    """
    data, checker = _toml(path)
    table = data.get("sweep")
    if not isinstance(table, Mapping):
        checker.wrong(("sweep",), "must be a table")
    elif not isinstance(table.get("arms", {}), Mapping) or not isinstance(table.get("base", ""), str):
        checker.wrong(("sweep",), "`arms` must be a table, and `base` a string")
    claims = _claims(data, checker)
    return _done(data, checker), claims


def _claims(data: Mapping[str, Any], checker: Checker) -> list[Claim]:
    from evoplug.config.settings import Claim

    tables = data.get("claim", [])
    if not isinstance(tables, list):
        checker.wrong(("claim",), "must be an array of tables")
        return []
    found = [checker.section(Claim, table, ("claim", index)) for index, table in enumerate(tables)]
    return [claim for claim in found if claim is not None]


def reason(error: BaseException) -> str:
    """Why something failed, in one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it is too large for the memory"
    said = getattr(error, "strerror", None) or str(error)
    return " ".join(str(said).split()) or type(error).__name__


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _bounded(digits: str) -> int:
    """An integer that is a finite number too.

    Raises:
        ValueError: if it is none.
    """
    number = int(digits)
    if abs(number) >= 2**1023:
        raise ValueError("it holds a number of hundreds of digits")
    return number


def _unopened(error: Exception, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return "is missing"
    if getattr(error, "errno", None) in (errno.ELOOP, errno.EMLINK) and path.is_symlink():
        return "is a symbolic link; none is followed inside a run folder"
    return f"cannot be read: {reason(error)}"


def require_file(descriptor: int, path: Path) -> None:
    """Raises FilesError for anything but a file, and closes it."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return
    os.close(descriptor)
    raise FilesError(f"{path}: is {'a folder' if stat.S_ISDIR(mode) else 'something else'}, not a file")


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether it has more levels; told level by level, since it may have more than a call stack holds."""
    level = [value]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(value, dict | list) for value in level)


def _toml(path: Path) -> tuple[dict[str, Any], Checker]:
    """A file of the configuration's format, and what notes further mistakes in it."""
    from evoplug.config import source
    from evoplug.config.schema import Checker

    with opened(path):
        pass
    try:
        read = source.read(path)
    except (ConfigError, RecursionError, MemoryError) as error:
        raise FilesError(str(error) if isinstance(error, ConfigError) else f"{path}: {reason(error)}") from error
    return read.tree.plain(), Checker(read.tree)


def _done(data: dict[str, Any], checker: Checker) -> dict[str, Any]:
    try:
        checker.done()
    except ConfigError as error:
        raise FilesError(_first(str(error).splitlines())) from error
    return data


def _first(wrong: list[str]) -> str:
    rest = len(wrong) - SHOWN
    return "\n".join([*wrong[:SHOWN], *([f"{wrong[0].partition(': ')[0]}: and {rest} more"] if rest > 0 else [])])


@cache
def _adapter(shape: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)
