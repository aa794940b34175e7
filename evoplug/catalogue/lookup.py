"""Looking up what is installed, and what stands in files beside a configuration: inside :func:`beside` these join."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache
from importlib import invalidate_caches
from pathlib import Path

from evoplug.catalogue import definitions, installed, modules
from evoplug.catalogue import entry as entry_of
from evoplug.catalogue.entry import Entry
from evoplug.catalogue.installed import FIRST_PARTY, GROUPS, SINGULAR, normalised, qualify, unmet
from evoplug.errors import ConfigError, PluginError, name

_beside: ContextVar[tuple[Entry, ...]] = ContextVar("beside", default=())
_decorated: dict[tuple[str, str], type] = {}
"""(group, name) -> class, of all that ``@evoplug.register`` was run on in this process."""


@contextmanager
def beside(parts: Iterable[Entry]) -> Iterator[None]:
    """Inside the block these parts, which stand in files beside a configuration, are there too."""
    token = _beside.set(tuple(parts))
    try:
        yield
    finally:
        _beside.reset(token)


def entries(group: str | None = None) -> tuple[Entry, ...]:
    """Everything in one group, or in all: evoplug's own first, then by distribution.

    Raises:
        ConfigError: for an unknown group.
    """
    if group is None:
        return tuple(entry for each in GROUPS for entry in entries(each))
    check_group(group)
    return (*_entries(group), *(entry for entry in _beside.get() if entry.group == group))


@cache
def _entries(group: str) -> tuple[Entry, ...]:
    """What is installed; read once in a process."""
    owners = installed.points().get(group, ())
    if group == "presets":
        return tuple(entry for owner in owners for entry in entry_of.presets(owner))
    return tuple(entry_of.installed(group, owner) for owner in owners)


def strays(group: str | None = None) -> tuple[Entry, ...]:
    """Entry points in groups that evoplug does not have, which are typing errors: all of them broken.

    Args:
        group: only those that may belong to this one.
    """
    found = []
    for written in set(installed.points()) - set(GROUPS):
        near = get_close_matches(re.split(r"[-._:]", written, maxsplit=1)[-1], GROUPS, n=1)
        if group is None or near == [group]:
            problem = f"there is no group `{written}`" + (f"; did you mean `{qualify(near[0])}`?" if near else "")
            found += [entry_of.component(written, owner, None, None, problem) for owner in installed.points()[written]]
    return tuple(sorted(found, key=lambda entry: (entry.group, entry.distribution, entry.name)))


def find(group: str, name: str) -> Entry:
    """The entry that ``use = NAME`` means: evoplug's own before all others; ``DISTRIBUTION/NAME`` picks one.

    Raises:
        ConfigError: if there is none, with the nearest names and an empty key.
        PluginError: if two other distributions have the name, or one has it in a group by a typing error.
    """
    candidates = [entry for entry in entries(group) if entry.name == name] or _qualified(group, name)
    if not candidates:
        for stray in strays(group):
            if stray.name == name:
                raise PluginError(f"{stray}: {stray.problem}")
        raise ConfigError("", unknown(group, name))
    first = candidates[0]
    distributions = list(dict.fromkeys(entry.distribution for entry in candidates))
    if first.distribution != FIRST_PARTY and len(distributions) > 1:
        ways = " or ".join(f'"{distribution}/{name}"' for distribution in distributions)
        raise PluginError(f"{SINGULAR[group]} `{name}` is in more than one distribution; say {ways}")
    return first


def usable(entry: Entry) -> str:
    """The shortest name by which :func:`find` finds this entry."""
    if entry.group not in GROUPS:
        return entry.name
    try:
        found = find(entry.group, entry.name)
    except PluginError:
        found = None
    return entry.name if found is entry else f"{entry.distribution}/{entry.name}"


def recognise(cls: type) -> None:
    """Messages about an object of a class that is installed name its entry, whoever has imported it."""
    value = f"{cls.__module__}:{cls.__qualname__}"
    for entry in entries():
        if entry.value == value:
            name(cls, str(entry))


def decorated(group: str, name: str, cls: type) -> None:
    """Note a class of this process that has a name no configuration may know."""
    _decorated[group, name] = cls


def unknown(group: str, name: str) -> str:
    """What to say about a name that the group does not have: where it is, the nearest names, or the choices."""
    if (group, name) in _decorated:
        return _out_of_reach(group, name, _decorated[group, name])
    elsewhere = next((each for each in GROUPS if any(entry.name == name for entry in entries(each))), None)
    if elsewhere is not None:
        message = f"`{name}` is {a(elsewhere)}, not {a(group)}"
    else:
        message = f"there is no {SINGULAR[group]} `{name}`"
    if near := _nearest(group, name):
        return f"{message}; did you mean {near}?"
    if elsewhere is None:
        for each in GROUPS:
            if near := _nearest(each, name, 1):
                return f"{message}; did you mean the {SINGULAR[each]} {near}?"
    choices = ", ".join(map(usable, entries(group)))
    return f"{message}; choices: {choices}" if choices else message


def unknown_kind(kind: str, there: Iterable[str]) -> str:
    """What to say of a kind of genome that no genotype has."""
    near = get_close_matches(kind, list(there), n=1)
    return f"no installed genotype is of kind `{kind}`" + (f"; did you mean `{near[0]}`?" if near else "")


def check_group(group: str) -> None:
    """Raises ConfigError, with the nearest name, unless there is such a group."""
    if group not in GROUPS:
        near = get_close_matches(group, GROUPS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"choices: {', '.join(GROUPS)}"
        raise ConfigError("", f"there is no group `{group}`; {hint}")


def presets() -> dict[str, Path]:
    """name, e.g. ``"leea/adam"``, -> TOML file of every preset that can be named without its distribution."""
    return {entry.name: entry.file for entry in entries("presets") if entry.file and usable(entry) == entry.name}


def preset(name: str) -> Path:
    """The TOML file of a preset.

    Raises:
        ConfigError, PluginError: as :func:`find`; PluginError too where the preset's package is missing.
    """
    entry = find("presets", name)
    if entry.file is None:
        raise PluginError(f"preset `{name}` of {entry.distribution} {entry.version}: {entry.problem}")
    return entry.file


def singular(group: str) -> str:
    """What one of the group is called: ``"mutation"``."""
    return SINGULAR[group]


def a(group: str) -> str:
    """One of the group, in words: ``"a mutation"``."""
    word = singular(group)
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def refresh() -> None:
    """Forget what was read: to be called after a package was installed into a living process."""
    invalidate_caches()
    for cached in (_entries, installed.points, unmet, definitions.read, modules.found):
        cached.cache_clear()


def _out_of_reach(group: str, name: str, cls: type) -> str:
    """What to say about a class that was given a name where only this process finds it."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    with suppress(OSError, ValueError):
        if file and f"class {cls.__name__}" in Path(file).read_text(encoding="utf-8"):
            return f"`{name}` is {a(group)} in {file}, which the configuration does not list: add it to `plugins`"
    ways = f"give the object itself, {cls.__name__}(...), or put the class into a file and list that in `plugins`"
    return f"`{name}` is {a(group)} of this session alone, which no other process could find again: {ways}"


def _qualified(group: str, name: str) -> list[Entry]:
    distribution, _, bare = name.partition("/")
    wanted = normalised(distribution)
    return [entry for entry in entries(group) if entry.name == bare and normalised(entry.distribution) == wanted]


def _nearest(group: str, name: str, count: int = 3) -> str:
    """The names of the group nearest to this one, each as ``use`` takes it; empty where none is near."""
    near = get_close_matches(name, {entry.name for entry in entries(group)}, n=count)
    return " or ".join(f"`{usable(entry)}`" for each in near for entry in entries(group) if entry.name == each)
