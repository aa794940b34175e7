"""Records: ``metrics.jsonl``, a line of JSON for every generation."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from evoplug.errors import FilesError


class Records:
    """Appends lines to a records file.

    Args:
        path: the file.
        offset: its length at the checkpoint that a run goes on from; what stands behind it is cut off.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._file = path.open("ab")
        self._file.truncate(offset)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line; numbers that are not finite become null."""
        self._file.write(json.dumps(plain(row), ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._file.flush()

    def sync(self) -> int:
        """Make all lines durable; the length of the file, for a checkpoint."""
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


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
        return {str(key): plain(item, f"{place}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{place}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "tolist"):
        return plain(value.tolist(), place)
    what = f"{place.removeprefix('.') or 'it'} is a {type(value).__qualname__}"
    raise TypeError(f"{what}: records hold numbers, strings, and lists and tables of them")


def read(path: Path) -> tuple[list[dict[str, Any]], str | None]:
    """All lines of a records file, and a warning where the last one was torn and dropped.

    Raises:
        FilesError: if a line before the last is damaged: the file and the line's number.
    """
    lines = path.read_bytes().split(b"\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise FilesError(f"{path}:{number}: this line is damaged") from None
            return rows, f"{path}:{number}: the last line is torn and was left out"
    return rows, None
