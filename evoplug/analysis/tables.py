"""A comparison as plain tables, and these as Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evoplug.analysis.compare import Arm, Comparison, Family
from evoplug.analysis.numerals import number
from evoplug.errors import printable


class Table(NamedTuple):
    """Words and numbers in rows."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int
    """From this column on, all but the last ``words`` columns are numbers."""
    words: int = 0


def tables(compared: Comparison, spell: Callable[[float], str] = number) -> Iterator[Table]:
    """The arms by metric, then the verdicts by family.

    Args:
        compared: a comparison.
        spell: how numbers are written.
    """
    for metric, arms in compared.arms.items():
        yield _arms(metric, arms, spell)
    for family in compared.families:
        yield _verdicts(family, spell)


def _arms(metric: str, arms: Sequence[Arm], spell: Callable[[float], str]) -> Table:
    papers, problems = any(arm.paper for arm in arms), any(arm.problem for arm in arms)
    words = ("arm", *(["problem"] if problems else []))
    header = (*words, "n", "median", "mean", "deviation", *(["paper"] if papers else []))
    rows = (
        (
            arm.name,
            *([arm.problem] if problems else []),
            str(arm.summary.n),
            *(spell(value) for value in arm.summary[1:]),
            *([spell(arm.paper.value) if arm.paper else ""] if papers else []),
        )
        for arm in arms
    )
    return Table(metric, header, tuple(rows), len(words))


def _verdicts(family: Family, spell: Callable[[float], str]) -> Table:
    header = ("claim", "metric", "p", "p (Holm)", "A", "A from", "A to", "answer", "expected")
    rows = (
        (
            str(verdict.claim),
            verdict.claim.metric,
            *(spell(value) for value in (verdict.p, verdict.corrected, *verdict.effect)),
            verdict.answer,
            "" if family.name == "every pair" else verdict.claim.expect,
        )
        for verdict in family.verdicts
    )
    title = family.name if family.name == "every pair" else f"claims {family.name}"
    return Table(title, header, tuple(rows), 2, 2)


# ------------------------------------------------------------------------------------------------------------ formats


def markdown(compared: Comparison) -> str:
    """Tables for a page, and below them what a reader must know."""
    blocks = [f"**{_in_markdown(table.title)}**\n\n{_grid(table)}" for table in tables(compared)]
    notes = [f"- {_in_markdown(note)}" for note in (*compared.doubts, *compared.notices)]
    return "\n".join([*blocks, *(["\n".join(notes) + "\n"] if notes else [])])


def comma_separated(compared: Comparison) -> str:
    """Blocks with a header each and an empty line between: the arms of all metrics, then the verdicts of all families.

    Numbers are whole, to the last digit; a cell is empty where there is none.
    """
    blocks: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for table in tables(compared, lambda value: "" if value != value else repr(float(value))):
        blocks.setdefault((_BLOCK[table.header[0]], *table.header), []).extend(
            (table.title, *row) for row in table.rows
        )
    buffer = io.StringIO()
    for index, (header, rows) in enumerate(blocks.items()):
        buffer.write("\n" if index else "")
        csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()


def latex(compared: Comparison) -> str:
    """``tabular`` environments with the rules of booktabs, a comment above each; notes are comments."""
    blocks = [_tabular(table) for table in tables(compared)]
    return "\n".join([*blocks, *(f"% {printable(note)}" for note in (*compared.doubts, *compared.notices))]) + "\n"


FORMATS: Mapping[str, Callable[[Comparison], str]] = {"markdown": markdown, "csv": comma_separated, "latex": latex}

_BLOCK = {"arm": "of", "claim": "family"}
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "±": r"$\pm$",
}  # fmt: skip


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
