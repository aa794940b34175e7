"""The reference of configurations and all first-party components as Markdown.

``python -m evoplug.cli.reference > docs/reference.md``
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import is_dataclass
from pathlib import Path

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, UNKNOWN, Entry, Parameter, definitions
from evoplug.cli import markdown, spelling
from evoplug.cli.sections import SECTIONS, Section
from evoplug.config.parameters import of_class

_HEAD = """\
# Reference

The sections of a configuration, then every component and preset that comes with evoplug, by group. `evoplug list` and
`evoplug show GROUP NAME` say the same of all components that are installed, other plugins' too.

<!-- Made by `python -m evoplug.cli.reference > docs/reference.md`; a test fails when it is stale. -->
"""


def reference() -> str:
    """The whole page."""
    groups = {group: _own(group) for group in catalogue.GROUPS}
    blocks = [_HEAD, "## Configuration\n", *(block for section in SECTIONS for block in _section(section))]
    for group, entries in groups.items():
        if entries:
            blocks += [f"## {group.capitalize()}\n", *(_presets(entries) if group == "presets" else _group(entries))]
    return "\n".join(blocks)


def _section(section: Section) -> Iterator[str]:
    yield f"### {section.title}\n"
    yield section.text
    if section.keys:
        keys = _keys(section.keys)
        yield _table("key", (key._replace(default=None) if key.name in section.filled else key for key in keys))
    if section.example:
        yield f"```toml\n{section.example}```\n"


def _keys(section: type, prefix: str = "") -> Iterator[Parameter]:
    """The keys of a section, those of tables inside it dotted."""
    file = Path(inspect.getfile(section))
    definition = definitions.read(section.__module__, file).definition(section.__name__)
    assert definition
    types = of_class(section, section.__name__).parameters
    for key in definition.parameters:
        name, inner = f"{prefix}{key.name}", types[key.name].shape.core
        if isinstance(inner, type) and is_dataclass(inner):
            yield key._replace(name=name, annotation="table", default={} if key.default is UNKNOWN else key.default)
            yield from _keys(inner, f"{name}.")
        else:
            yield key._replace(name=name)


def _own(group: str) -> list[Entry]:
    entries = [entry for entry in catalogue.entries(group) if entry.distribution == "evoplug"]
    return sorted(entries, key=lambda entry: entry.name)


def _group(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        yield f"### {entry.name}\n"
        yield f"{markdown.prose(entry.docstring)}\n"
        if told := spelling.facts(entry):
            yield "; ".join(f"**{name}** {value}" for name, value in told.items()) + "\n"
        if entry.parameters:
            yield _table("parameter", entry.parameters)
        if table := spelling.table(entry, entry.name):
            yield f"```toml\n{table}\n```\n"


def _table(what: str, parameters: Iterable[Parameter]) -> str:
    return markdown.table((what, "type", "default", "meaning"), map(_row, parameters))


def _row(parameter: Parameter) -> tuple[str, str, str, str]:
    kind, bounds = spelling.kind(parameter.annotation)
    default = "required" if parameter.default is REQUIRED else f"`{spelling.default(parameter)}`"
    declared = f"`{kind}`" + "".join(f", {bound}" for bound in bounds)
    return f"`{parameter.name}`", declared, default, markdown.prose(parameter.help)


def _presets(entries: Sequence[Entry]) -> Iterator[str]:
    yield markdown.table(("preset", ""), ((f"`{entry.name}`", markdown.prose(entry.doc)) for entry in entries))


if __name__ == "__main__":
    sys.stdout.write(reference())
