"""Records: ``metrics.jsonl``, a line of JSON for every generation."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from evoplug.errors import FilesError
from evoplug.running import reading
from evoplug.running.writing import appending

INTEGER = 1024
"""Bits of the largest integers that are written: those of the largest float."""


class Whole(NamedTuple):
    """What a records file is, or begins with."""

    length: int
    """In bytes."""
    sha256: str

    def begins(self, text: bytes) -> bool:
        """Whether a file with this content begins so."""
        return hashlib.sha256(text[: self.length]).hexdigest() == self.sha256


class Records:
    """Appends lines to a records file.

    Args:
        path: the file.
        offset: its length at the checkpoint that a run goes on from, see :func:`require`; what stands behind it is
            cut off.

    Raises:
        FilesError: here and in every method, if the file cannot be written.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._digest = hashlib.sha256(reading.content(path)[:offset] if offset else b"")
        self._path, self._file = path, appending(path)
        with self._writing():
            self._file.truncate(offset)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line; numbers that are not finite become null."""
        line = json.dumps(plain(row), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        with self._writing():
            self._file.write(line)
            self._file.flush()
        self._digest.update(line)

    def sync(self) -> Whole:
        """Make all lines durable; what the file is then, for a checkpoint."""
        with self._writing():
            os.fsync(self._file.fileno())
            return Whole(os.fstat(self._file.fileno()).st_size, self._digest.hexdigest())

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # of a line that did not fit: that has been said
            self._file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FilesError(f"{self._path}: cannot be written: {reading.reason(error)}") from error


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Lines of records as columns, in the order in which they appear: a value a line, None where a line has none.

    Tables inside a line, as ``time``, become columns with dotted names.
    """
    flat = [dict(_flat(row)) for row in rows]
    return {name: [row.get(name) for row in flat] for name in dict.fromkeys(name for row in flat for name in row)}


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def plain(value: Any, place: str = "") -> Any:
    """A value as JSON can hold it: tensors and arrays as lists, non-finite numbers as None.

    Raises:
        TypeError: for anything else than numbers, strings, and lists and tables of them, with its place.
    """
    if isinstance(value, Mapping):
        return {plain(str(key), f"{place}.{key!a}"): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{place}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str) and not value.isascii() and _is_torn(value):
        raise TypeError(f"{place.removeprefix('.') or 'it'} holds {value!a}, which is no text: UTF-8 cannot write it")
    if isinstance(value, int) and value.bit_length() > INTEGER:
        raise TypeError(f"{place.removeprefix('.') or 'it'} is an integer of {value.bit_length()} bits")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist(), place)
    what = f"{place.removeprefix('.') or 'it'} is a {type(value).__qualname__}"
    raise TypeError(f"{what}: records hold numbers, strings, and lists and tables of them")


def _is_torn(text: str) -> bool:
    """Whether there are halves of characters in it, as ``os.fsdecode`` makes of foreign bytes."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def read(path: Path, whole: Whole | None = None) -> tuple[list[dict[str, Any]], str | None]:
    """All lines of a records file, and a warning where the last one was torn and dropped.

    Args:
        path: the file.
        whole: what it begins with, unless it is shorter, where that is known.

    Raises:
        FilesError: if the file cannot be read, or a line before the last is damaged: the file and the line's number.
    """
    text = reading.content(path)
    if whole is not None and len(text) >= whole.length and not whole.begins(text):
        raise FilesError(f"{path}: is damaged: its checksum is wrong")
    lines = text.split(b"\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            rows.append(row_of(line, f"{path}:{number}"))
        except FilesError as error:
            if number < len(lines):
                raise FilesError(f"{path}:{number}: this line is damaged") from error
            return rows, f"{path}:{number}: the last line is torn and was left out"
    return rows, None


def require(path: Path, whole: Whole, generation: int) -> None:
    """Raise FilesError unless the file begins with what a checkpoint of a generation says: these very bytes, a whole
    line for each generation."""
    text = reading.content(path)[: whole.length] if whole.length else b""
    lines = text.split(b"\n")
    try:
        if not whole.begins(text) or lines.pop():
            raise FilesError(f"it has {len(text)} bytes of {whole.length}, or others, or ends within a line")
        generations = [row_of(line, f"{path}:{number}")["generations"] for number, line in enumerate(lines, start=1)]
        if generations != list(range(1, generation + 1)) or b"\r\n" in text:
            raise FilesError("its lines are not those generations")
    except FilesError as error:
        raise FilesError(
            f"{path}: does not begin with generations 1 to {generation:,} as the checkpoint left them: it was cut or "
            f"changed; put it back as it was, or begin anew in another folder"
        ) from error


def row_of(line: bytes, place: str) -> dict[str, Any]:
    """One line of a records file.

    Raises:
        FilesError: if it is damaged.
    """
    from evoplug.running.shapes import Row

    row: dict[str, Any] = reading.checked(reading.parsed(line, place), Row, place)
    return row
