"""Tables of plain text, for a prompt or a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of the same columns, one or more, as lines: numbers to the right, all else to the left."""
    columns = [_column(name, [row[name] for row in rows]) for name in rows[0]]
    return "\n".join("   ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def _column(name: str, values: Sequence[Any]) -> list[str]:
    """A heading and the cells below it, all of one width."""
    cells = [name, *map(_cell, values)]
    width = max(map(len, cells))
    right = not any(isinstance(value, str) for value in values)
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
