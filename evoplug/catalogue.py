"""What is installed: entry points -> components and presets, without importing any of them.

Names and versions come from the metadata of the installed distributions (:mod:`evoplug.installed`), everything else
from their source (:mod:`evoplug.definitions`). What is wrong with a component is noted in its entry and disturbs no
other one. Parts in files beside a configuration (:mod:`evoplug.local`) join them inside :func:`beside`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from functools import cache
from importlib import invalidate_caches
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from evoplug import definitions, installed, modules
from evoplug.contracts import CONTRACTS
from evoplug.definitions import REQUIRED, UNKNOWN, Definition, Parameter
from evoplug.errors import ConfigError, PluginError
from evoplug.installed import FIRST_PARTY, GROUPS, SINGULAR, Owner, normalised, qualify, unmet

__all__ = [
    "GROUPS", "REQUIRED", "UNKNOWN", "Entry", "Owner", "Parameter", "a", "beside", "check_group", "component",
    "entries", "find", "loaded", "named", "preset", "presets", "refresh", "singular", "strays", "unknown", "unmet",
    "usable",
]  # fmt: skip

_CONTRACTS = {contract.group: contract.__name__ for contract in CONTRACTS}


class Entry(NamedTuple):
    """One component, or one preset, as far as metadata and source tell."""

    group: str
    name: str
    value: str
    """``module:Class``, or ``FILE.py:Class``; of a preset, the package that holds it."""
    distribution: str
    """Of a part beside a configuration, the name of its file."""
    version: str
    """Empty for a part beside a configuration."""
    file: Path | None = None
    line: int | None = None
    docstring: str = ""
    """Of a preset, the comment that it begins with."""
    parameters: tuple[Parameter, ...] = ()
    kinds: tuple[str, ...] = ()
    """The kinds of genome that it works on; empty means any."""
    class_vars: Mapping[str, Any] = {}
    """Literal class variables of the class and its bases in the same package, e.g. ``needs``, ``costs``, ``examples``;
    those that only the contract has are not among them."""
    problem: str | None = None
    """What is broken."""
    complete: bool = True
    """False where only an import tells all, e.g. because a base class is in another package."""

    @property
    def doc(self) -> str:
        """The first line of the docstring."""
        return self.docstring.partition("\n")[0]

    def __str__(self) -> str:
        """As error messages name it: ``evoplug.mutations: levy = evoplug_levy:Levy (evoplug-levy 1.0)``."""
        group = qualify(self.group) if self.group in GROUPS else self.group
        owner = f" ({self.distribution} {self.version})" if self.version else ""
        return f"{group}: {self.name} = {self.value}{owner}"


# -------------------------------------------------------------------------------------------------- look up


_beside: ContextVar[tuple[Entry, ...]] = ContextVar("beside", default=())


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
        return tuple(entry for owner in owners for entry in _presets(owner))
    return tuple(_component(group, owner) for owner in owners)


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
            found += [component(written, owner, None, None, problem) for owner in installed.points()[written]]
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


_loaded: WeakKeyDictionary[type, Entry] = WeakKeyDictionary()
"""Class -> entry. Parts beside a configuration are among them after :func:`beside` has ended."""


def loaded(cls: type, entry: Entry) -> None:
    """Note that a class is what an entry stands for: in any thread, :func:`named` then knows it."""
    _loaded[cls] = entry


def named(cls: type) -> str:
    """A component's class as error messages name it: its entry, or its own name where it has none."""
    value = f"{cls.__module__}:{cls.__qualname__}"
    entry = _loaded.get(cls) or next((entry for entry in entries() if entry.value == value), None)
    return str(entry) if entry else cls.__qualname__


def unknown(group: str, name: str) -> str:
    """What to say about a name that the group does not have: where it is, the nearest names, or the choices."""
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


def _qualified(group: str, name: str) -> list[Entry]:
    distribution, _, bare = name.partition("/")
    wanted = normalised(distribution)
    return [entry for entry in entries(group) if entry.name == bare and normalised(entry.distribution) == wanted]


def _nearest(group: str, name: str, count: int = 3) -> str:
    """The names of the group nearest to this one, each as ``use`` takes it; empty where none is near."""
    near = get_close_matches(name, {entry.name for entry in entries(group)}, n=count)
    return " or ".join(f"`{usable(entry)}`" for each in near for entry in entries(group) if entry.name == each)


# --------------------------------------------------------------------------------------------------- source


def component(group: str, owner: Owner, file: Path | None, definition: Definition | None, problem: str | None) -> Entry:
    """The entry of a component: what its definition says, as far as there is one."""
    known = definition or Definition(complete=False)
    return Entry(
        group,
        owner.name,
        owner.value,
        owner.distribution,
        owner.version,
        known.file or file,
        known.line,
        known.docstring,
        known.parameters,
        known.kinds,
        known.class_vars,
        problem or (_misfit(group, owner.value, definition) if definition else None),
        known.complete,
    )


def _component(group: str, owner: Owner) -> Entry:
    file, definition, problem = _read(owner.value)
    return component(group, owner, file, definition, unmet(owner.distribution) or problem)


def _read(value: str) -> tuple[Path | None, Definition | None, str | None]:
    """The file of ``module:Class``, what it says, and what is wrong; None for each that is not known."""
    module, _, name = value.partition("[")[0].strip().partition(":")
    if not name:
        return None, None, f"its entry point `{value}` names no class: write `module:Class`"
    file, problem = modules.locate(module)
    if file is None:
        return None, None, problem
    try:
        text = definitions.read(module, file)
        definition = text.definition(name)
    except SyntaxError as error:
        place = f"{error.filename}:{error.lineno}" if error.lineno else error.filename
        return file, None, f"syntax error in {place}: {error.msg}"
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        return file, None, f"{file} cannot be read: {type(error).__name__}: {' '.join(str(error).split())}"
    if definition is None:
        found = text.binds(name.partition(".")[0])
        return file, None, None if found else f"module `{module}` has no `{name}`"
    return file, definition, None


def _misfit(group: str, value: str, definition: Definition) -> str | None:
    """What a class does not do that its group's contract asks for."""
    name = value.rpartition(":")[2].partition("[")[0].strip()
    wanted = _CONTRACTS.get(group)
    if wanted is not None and not definition.contracts & {wanted, "?"}:
        return f"`{name}` does not extend `{wanted}`, the contract of evoplug.{group}"
    if definition.ignored:
        fields = ", ".join(f"`{field}`" for field in definition.ignored)
        above = "write @dataclass(kw_only=True) above it"
        return f"`{name}` is no dataclass, so its fields are no parameters ({fields}): {above}"
    return None


# -------------------------------------------------------------------------------------------------- presets


def _presets(owner: Owner) -> Iterator[Entry]:
    source = (owner.value, owner.distribution, owner.version)
    folders = [place for place in modules.places(owner.value) if place.is_dir()]
    if not folders:
        yield Entry("presets", owner.name, *source, problem=f"there is no package `{owner.value}`")
    for folder in folders:
        for file in sorted(folder.rglob("*.toml")):
            name = file.relative_to(folder).with_suffix("").as_posix()
            yield Entry("presets", name, *source, file, 1, _opening_comment(file), problem=unmet(owner.distribution))


def _opening_comment(file: Path) -> str:
    lines = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return "\n".join(lines)
