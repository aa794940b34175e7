"""``--plugins``: parts that stand in files beside a configuration, for commands that run none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from evoplug.catalogue import Entry, local
from evoplug.errors import ConfigError

option = click.option(
    "--plugins",
    "beside",
    multiple=True,
    metavar="PATH",
    help="The parts in this Python file too, or those beside this configuration; may be given several times.",
)


def parts(paths: Iterable[str]) -> tuple[Entry, ...]:
    """What stands in Python files, and in those that configurations name, read without running any.

    Raises:
        ConfigError: for a file that is not there or registers nothing, or two parts of one name.
        PluginError: if a file cannot be read.
    """
    found: dict[tuple[str, str], Entry] = {}
    for path in paths:
        for entry in _in_file(Path(path)) if path.endswith(".py") else _beside(path):
            first = found.setdefault((entry.group, entry.name), entry)
            if first.value != entry.value:
                raise ConfigError("", f"{entry.value} takes the name `{entry.name}` that {first.value} has")
    return tuple(found.values())


def _in_file(file: Path) -> Iterator[Entry]:
    if not file.is_file():
        raise ConfigError("", f"there is no file {file}")
    return local.parts(file.resolve())


def _beside(config: str) -> Iterable[Entry]:
    from evoplug.config import load, plugins
    from evoplug.config.schema import Checker

    document = load(config)
    checker = Checker(document.root)
    entries = plugins.read(checker, document.data.get(plugins.KEY, []))
    checker.done()
    return entries
