"""The reference of all first-party components as Markdown: ``python -m evoplug.cli.reference > docs/reference.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, Entry, Parameter
from evoplug.cli import spelling

_HEAD = """\
# Reference

Every component and preset that comes with evoplug, by group. `evoplug list` and `evoplug show GROUP NAME` say the same
of all that is installed, other plugins too.

<!-- Made by `python -m evoplug.cli.reference > docs/reference.md`; a test fails when it is stale. -->
"""


def reference() -> str:
    """The whole page."""
    groups = {group: _own(group) for group in catalogue.GROUPS}
    blocks = [_HEAD]
    for group, entries in groups.items():
        if entries:
            blocks += [f"## {group.capitalize()}\n", *(_presets(entries) if group == "presets" else _group(entries))]
    return "\n".join(blocks)


def _own(group: str) -> list[Entry]:
    entries = [entry for entry in catalogue.entries(group) if entry.distribution == "evoplug"]
    return sorted(entries, key=lambda entry: entry.name)


def _group(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield f"### {entry.name}\n"
        yield f"{_escaped(spelling.plain(entry.docstring))}\n"
        if told := spelling.facts(entry):
            yield "; ".join(f"**{name}** {value}" for name, value in told.items()) + "\n"
        if entry.parameters:
            rows = [("parameter", "type", "default", "meaning"), ("---",) * 4, *map(_row, entry.parameters)]
            yield "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"
        if table := spelling.table(entry, entry.name):
            yield f"```toml\n{table}\n```\n"


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    kind, bounds = spelling.kind(parameter.annotation)
    default = "required" if parameter.default is REQUIRED else f"`{spelling.default(parameter)}`"
    declared = f"`{kind}`" + "".join(f", {bound}" for bound in bounds)
    cells = (f"`{parameter.name}`", declared, default, _escaped(spelling.plain(parameter.help)))
    return tuple(cell.replace("|", "\\|") for cell in cells)  # type: ignore[return-value]


def _presets(entries: Sequence[Entry]) -> Iterator[str]:
    rows = [("preset", ""), ("---", "---"), *((f"`{entry.name}`", _escaped(entry.doc)) for entry in entries)]
    yield "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"


def _escaped(text: str) -> str:
    """Prose in which no sign is taken for Markdown's own; code in backticks and indented blocks stay as they are."""
    return "\n".join(line if line.startswith("    ") else _escaped_line(line) for line in text.split("\n"))


def _escaped_line(line: str) -> str:
    pieces = line.split("`")
    pieces[::2] = (piece.replace("*", "\\*").replace("_", "\\_").replace("<", "&lt;") for piece in pieces[::2])
    return "`".join(pieces)


if __name__ == "__main__":
    sys.stdout.write(reference())
