"""Tables of words and numbers as plain text, Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv as library
import io
import re
from collections.abc import Iterable
from typing import NamedTuple

from evoplug.errors import printable


class Table(NamedTuple):
    """Words and numbers in rows."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int
    """From this column on, all but the last ``words`` columns are numbers."""
    words: int = 0
    of: str = "of"
    """What titles of such tables are, as the heading of a column."""


def plain(tables: Iterable[Table], notes: Iterable[str] = ()) -> str:
    """For a prompt: columns in line, words to the left and numbers to the right."""
    blocks = [f"{printable(table.title)}\n{_aligned(table)}" for table in tables]
    lines = [f"note: {printable(note)}" for note in notes]
    return "\n\n".join([*blocks, *(["\n".join(lines)] if lines else [])])


def markdown(tables: Iterable[Table], notes: Iterable[str] = ()) -> str:
    """For a page; the notes are a list below."""
    blocks = [f"**{_in_markdown(table.title)}**\n\n{_grid(table)}" for table in tables]
    lines = [f"- {_in_markdown(note)}" for note in notes]
    return "\n".join([*blocks, *(["\n".join(lines) + "\n"] if lines else [])])


def csv(tables: Iterable[Table]) -> str:
    """Tables of one header are one block, with their titles as the first column; an empty line is between blocks."""
    blocks: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for table in tables:
        blocks.setdefault((table.of, *table.header), []).extend((table.title, *row) for row in table.rows)
    buffer = io.StringIO()
    for index, (header, rows) in enumerate(blocks.items()):
        buffer.write("\n" if index else "")
        library.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


def latex(tables: Iterable[Table], notes: Iterable[str] = ()) -> str:
    """``tabular`` environments with the rules of booktabs, a comment above each; the notes are comments."""
    return "\n".join([*map(_tabular, tables), *(f"% {printable(note)}" for note in notes)]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "±": r"$\pm$",
}  # fmt: skip


def _aligned(table: Table) -> str:
    rows = [tuple(map(printable, row)) for row in (table.header, *table.rows)]
    last = len(table.header) - table.words
    columns = [
        [cell.rjust(width) if table.numbers <= index < last else cell.ljust(width) for cell in cells]
        for index, cells in enumerate(zip(*rows, strict=True))
        for width in [max(map(len, cells))]
    ]
    return "\n".join("   ".join(row).rstrip() for row in zip(*columns, strict=True))


def _grid(table: Table) -> str:
    last = len(table.header) - table.words
    rule = ["---:" if table.numbers <= column < last else "---" for column in range(len(table.header))]
    lines = [map(_in_markdown, table.header), rule, *(map(_in_markdown, row) for row in table.rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#~$&])", r"\\\1", printable(text))


def _tabular(table: Table) -> str:
    middle = len(table.header) - table.numbers - table.words
    columns = "l" * table.numbers + "r" * middle + "l" * table.words
    rows = [f"{' & '.join(map(_in_latex, row))} \\\\" for row in (table.header, *table.rows)]
    body = [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"]
    return "\n".join([f"% {printable(table.title)}", rf"\begin{{tabular}}{{{columns}}}", *body, r"\end{tabular}", ""])


def _in_latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in printable(text))
