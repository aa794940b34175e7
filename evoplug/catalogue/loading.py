"""A name -> a class. The only place where components are imported."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType

from evoplug.catalogue import folders, lookup
from evoplug.catalogue.blame import text
from evoplug.catalogue.entry import Entry
from evoplug.catalogue.installed import unmet
from evoplug.contracts import CONTRACTS, Component
from evoplug.errors import ConfigError, PluginError
from evoplug.errors import name as called

_CONTRACTS: Mapping[str, type[Component]] = {each.group: each for each in CONTRACTS}


def contract(group: str) -> type[Component]:
    """The class that the components of a group extend.

    Raises:
        ConfigError: for a group without components, such as ``"presets"``.
    """
    lookup.check_group(group)
    if group not in _CONTRACTS:
        raise ConfigError("", f"`{group}` holds no components; choices: {', '.join(_CONTRACTS)}")
    return _CONTRACTS[group]


def load(group: str, name: str) -> type[Component]:
    """Import one component's class. Whatever its plugin does wrong stays its own.

    Raises:
        ConfigError: if there is no such component, with the nearest names and an empty key.
        PluginError: if it cannot be imported, does not extend the group's contract, or is no dataclass although it has
            fields: the component, its distribution and the cause in one line; the cause's own traceback is chained.
    """
    wanted = contract(group)
    entry = lookup.find(group, name)
    if entry.version and (problem := unmet(entry.distribution)):
        raise _refused(entry, problem)
    place, _, extended = entry.value.rpartition(":")
    attribute = extended.partition("[")[0].strip()
    try:
        found = reduce(getattr, attribute.split("."), _module(place.strip()))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _refused(entry, f"{type(error).__name__}: {text(error)}") from error
    if not (isinstance(found, type) and issubclass(found, wanted)):
        raise _refused(entry, f"`{attribute}` does not extend `{wanted.__name__}`, the contract of evoplug.{group}")
    if entry.problem and entry.line is not None:  # of the class as it is written
        raise _refused(entry, entry.problem)
    called(found, str(entry))
    return found


def _module(place: str) -> ModuleType:
    return folders.load(Path(place)) if place.endswith(".py") else import_module(place)


def _refused(entry: Entry, cause: str) -> PluginError:
    return PluginError(f"{entry}: {' '.join(cause.split())}")
