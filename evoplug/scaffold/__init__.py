"""``evoplug new-plugin``: a small, complete project around one component.

A template is that project for a component ``example``, in ``templates``: what every project has, and above it what
the projects of one group have.
"""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

from evoplug import __version__, catalogue
from evoplug.contracts import CONTRACTS
from evoplug.errors import ConfigError, FilesError

_TEMPLATES = files(__name__) / "templates"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CONTRACTS = {contract.group: contract.__name__ for contract in CONTRACTS}


def create(name: str, group: str, into: Path) -> Path:
    """Write a new project into the folder ``into / name``.

    Args:
        name: of the distribution, e.g. ``"evoplug-levy"``; without ``evoplug-`` it is also the component's.
        group: of the component, e.g. ``"mutations"``, or ``"presets"``.
        into: where the folder goes.

    Returns:
        The new folder.

    Raises:
        ConfigError: if a name or the group cannot be.
        FilesError: if there is such a folder already, or it cannot be written.
    """
    catalogue.check_group(group)
    words = _words(name, group)
    project = dict(_texts(_TEMPLATES / "every")) | dict(_texts(_TEMPLATES / group))
    code = project.get("src/evoplug_example.py", "")
    if problem := _unfit(name, group, words, code):
        raise ConfigError("", f"`{name}` {problem}")
    folder = into / name
    try:
        folder.mkdir(parents=True)
        for path, text in project.items():
            file = folder / _filled(path, words)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(text, words), encoding="utf-8")
    except FileExistsError:
        raise FilesError(f"{folder} is there already; choose another name, or another place by --into") from None
    except OSError as error:
        raise FilesError(f"{folder}: cannot be written: {error.strerror}") from error
    return folder


def component(name: str) -> str:
    """What the component of a new distribution is called."""
    return name.removeprefix("evoplug-")


def _words(name: str, group: str) -> Mapping[str, str]:
    """What stands in the templates -> what takes its place."""
    return {
        "evoplug>=0.0.0": f"evoplug>={__version__}",
        "evoplug-example": name,
        "evoplug_example": name.replace("-", "_"),
        "ContractSuite": f"{_CONTRACTS.get(group, '')}Suite",
        "Example": "".join(part.capitalize() for part in component(name).split("-")),
        r"\bexample\b": component(name),
        "GROUP": group,
        "SINGULAR": catalogue.singular(group),
    }


def _unfit(name: str, group: str, words: Mapping[str, str], code: str) -> str | None:
    """Why a new distribution cannot have this name, if it cannot."""
    package, cls = words["evoplug_example"], words["Example"]
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(component(name)):
        return "cannot be a name: use small letters, digits and single hyphens, a letter first, e.g. evoplug-levy"
    if package == "evoplug" or package in sys.stdlib_module_names or keyword.iskeyword(package):
        return "is the name of another module; choose another, e.g. evoplug-levy"
    if problem := _taken(name, package):
        return problem
    if keyword.iskeyword(cls) or re.search(rf"\b{cls}\b", code):
        return f"would name its class `{cls}`, which means something else there; choose another"
    taken = [entry for entry in catalogue.entries(group) if entry.name == component(name)]
    if taken and taken[0].distribution == "evoplug":
        return f"would bring a {catalogue.singular(group)} `{component(name)}`, which evoplug has; choose another"
    return None


def _taken(name: str, package: str) -> str | None:
    """What is installed that a new distribution would stand in the way of."""
    with suppress(PackageNotFoundError):
        return f"is the name of what is installed, in version {version(name)}; choose another, e.g. evoplug-levy"
    with suppress(ImportError, ValueError):
        found = find_spec(package)
        if found is not None and found.origin:  # a mere folder has none
            return f"would bring the module `{package}`, of which there is one; choose another, e.g. evoplug-levy"
    return None


def _texts(folder: Traversable) -> Iterator[tuple[str, str]]:
    """(path inside ``folder``, text) of every file."""
    for item in folder.iterdir():
        if item.is_file():
            yield item.name, item.read_text(encoding="utf-8")
        elif item.name != "__pycache__":
            yield from ((f"{item.name}/{path}", text) for path, text in _texts(item))


def _filled(text: str, words: Mapping[str, str]) -> str:
    for pattern, word in words.items():
        text = re.sub(pattern, word, text)
    return text
