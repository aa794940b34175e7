"""``plugins = ["./my_ops.py"]``: which parts stand in files beside the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evoplug.catalogue import Entry, local
from evoplug.config.messages import given
from evoplug.config.schema import Checker
from evoplug.errors import ConfigError, Key

KEY = "plugins"


def read(checker: Checker, value: Any) -> tuple[Entry, ...]:
    """The parts in the listed files, read without running them; what is wrong is noted.

    Raises:
        PluginError: if a file cannot be read or parsed.
    """
    if not isinstance(value, list):
        checker.wrong((KEY,), f'must be an array of files, e.g. ["./my_ops.py"], got {given(value)}')
        return ()
    found: dict[tuple[str, str], Entry] = {}
    for index, name in enumerate(value):
        for entry in _parts(checker, name, (KEY, index)):
            first = found.setdefault((entry.group, entry.name), entry)
            if first is not entry:
                checker.wrong((KEY, index), f"{entry.value} takes the name `{entry.name}` that {first.value} has")
    return tuple(found.values())


def _parts(checker: Checker, name: Any, key: Key) -> Iterator[Entry]:
    """The parts in one file, which is relative to the configuration that names it."""
    if not isinstance(name, str) or not name.endswith(".py"):
        checker.wrong(key, f'must be the path of a Python file, e.g. "./my_ops.py", got {given(name)}')
        return
    file = (checker.root.nearest(key).origin.folder / name).resolve()
    if not file.is_file():
        checker.wrong(key, f"there is no file {file}")
        return
    try:
        yield from local.parts(file)
    except ConfigError as error:
        checker.wrong(key, error.mistakes[0].message)
