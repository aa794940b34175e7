"""Docstrings and tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from evoplug.cli import spelling


def prose(docstring: str) -> str:
    """A docstring in which no sign is taken for Markdown's own; code in backticks and indented blocks stay as is."""
    return "\n".join(
        line if line.startswith("    ") else _escaped(line) for line in spelling.plain(docstring).split("\n")
    )


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; cells are Markdown already."""
    lines = [header, ("---",) * len(header), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _escaped(line: str) -> str:
    pieces = line.split("`")
    pieces[::2] = (piece.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;") for piece in pieces[::2])
    return "`".join(pieces)
