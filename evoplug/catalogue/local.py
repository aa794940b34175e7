"""Code beside a configuration: parts that ``plugins = ["./my_ops.py"]`` names, and functions from ``"./file.py:name"``.

Parts are found as installed ones are, by reading; a file runs when a part of it is used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from evoplug.catalogue import definitions, entry, folders, lookup
from evoplug.catalogue.entry import Entry
from evoplug.catalogue.installed import FIRST_PARTY, Owner
from evoplug.contracts import CONTRACTS
from evoplug.errors import ConfigError, PluginError

_GROUPS = tuple(contract.group for contract in CONTRACTS)

C = TypeVar("C", bound=type)


def register(group: str, name: str) -> Callable[[C], C]:
    """Give a part beside a configuration its name: ``@evoplug.register("mutations", "levy")`` above its class.

    The configuration says ``plugins = ["./my_ops.py"]`` and then ``use = "levy"``. The decorator is read, not run:
    the class stays as it is, and both arguments must be plain strings. From Python, and for a class in a notebook, hand
    over the object itself, ``evoplug.run({"evaluator": MyEvaluator(), ...})``: a name is for what another process can
    find again. In a package, an entry point takes the decorator's place.

    Args:
        group: the group of the contract that the class extends, e.g. ``"mutations"``.
        name: the name for ``use``.
    """

    def note(cls: C) -> C:
        if not cls.__module__.startswith(folders.PREFIX):  # else a configuration has it already
            lookup.decorated(group, name, cls)
        return cls

    return note


def parts(file: Path) -> Iterator[Entry]:
    """What a file registers, read without running it.

    Args:
        file: its absolute path.

    Raises:
        ConfigError: for a name that cannot be, e.g. in a group that is not there.
        PluginError: if the file cannot be read or parsed.
    """
    try:
        source = definitions.parse(file)
        registered = list(source.registered())
    except SyntaxError as error:
        raise PluginError(f"{file}:{error.lineno}: syntax error: {error.msg}") from error
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise PluginError(f"{file}: cannot be read: {' '.join(str(error).split())}") from error
    if not registered:
        raise ConfigError("", f"{file} registers nothing: write @evoplug.register(GROUP, NAME) above a class")
    for cls, group, name, line in registered:
        if problem := _unfit(group, name):
            raise ConfigError("", f"{file}:{line}: {problem}")
        yield entry.component(group, Owner(name, f"{file}:{cls}", file.name, ""), file, source.definition(cls), None)


def importable(code: str) -> str:
    """Code that imports from modules beside a configuration, as a process can run it that has none of them: each by its
    file's own name, with the file's folder on the path."""
    files = {name: Path(str(sys.modules[name].__file__)) for name in dict.fromkeys(folders.LOADED.findall(code))}
    if not files:
        return code
    lines = ["import sys"]
    for loaded, file in files.items():
        place = file.parent if file.name == "__init__.py" else file
        lines.append(f"sys.path.insert(0, {str(place.parent)!r})")
        name = place.stem
        if not name.isidentifier():
            name = "_" + re.sub(r"\W", "_", name)
            lines += ["import importlib", f"sys.modules[{name!r}] = importlib.import_module({place.stem!r})"]
        code = code.replace(loaded, name)
    return "\n".join([*lines, code])


def _unfit(group: str, name: str) -> str | None:
    """Why a part cannot have this group and name."""
    if group not in _GROUPS:
        return f"@evoplug.register has no group {group!r}; choices: {', '.join(_GROUPS)}"
    if not name or not name.isprintable() or "/" in name:
        return f"@evoplug.register: {name!r} cannot be a name"
    if any(each.distribution == FIRST_PARTY and each.name == name for each in lookup.entries(group)):
        return f"`{name}` is {lookup.a(group)} of evoplug itself; register another name"
    return None
