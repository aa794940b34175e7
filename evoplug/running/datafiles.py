"""Data sets: which files they need, and whether these are here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, cast

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, Entry
from evoplug.config.building import blamed, build, held
from evoplug.contracts import Component, Dataset
from evoplug.errors import PASSING, EvoplugError, FilesError

State = Literal["here", "missing", "no files", "your own files", "broken"]


class Data(NamedTuple):
    """The files of a data set, with default parameters."""

    name: str
    state: State
    files: tuple[Path, ...] = ()
    """There or not."""
    detail: str = ""
    """The first file that is missing, the parameters that say where one's own files are, or what is broken."""

    @property
    def place(self) -> Path | None:
        """The folder of the files."""
        return _place(self.files)


def installed() -> Iterator[Data]:
    """Every data set."""
    return map(find, catalogue.entries("datasets"))


def find(entry: Entry) -> Data:
    """The files of one data set."""
    name = catalogue.usable(entry)
    if needed := [f"`{parameter.name}`" for parameter in entry.parameters if parameter.default is REQUIRED]:
        return Data(name, "your own files", detail=", ".join(needed))
    try:
        files = _files(name, dataset(name))
        absent = _absent(files)
    except EvoplugError as error:
        return Data(name, "broken", detail=str(error).partition("\n")[0])
    if absent:
        return Data(name, "missing", files, str(absent[0]))
    return Data(name, "here" if files else "no files", files)


def dataset(name: str) -> Dataset:
    """A data set with default parameters.

    Raises:
        EvoplugError: as :func:`evoplug.build`.
    """
    return cast(Dataset, build("datasets", name))


def require(component: Component) -> None:
    """Raise what loading would, where a file is missing of a data set that a component holds, itself or in its parts.

    Raises:
        FilesError: as :meth:`evoplug.contracts.Dataset.load` says it; or if a folder may not be looked into.
        PluginError: if a data set cannot say what its files are.
    """
    for name, part in held(component):
        if isinstance(part, Dataset) and _absent(_files(name, part)):
            part.load("train")
        require(part)


def places(component: Component) -> list[str]:
    """The folders from which data sets are read that a component holds, itself or in its parts; absolute.

    Raises:
        PluginError: as :func:`require`.
    """
    found: list[str] = []
    for name, part in held(component):
        place = _place(_files(name, part)) if isinstance(part, Dataset) else None
        found += [*([os.path.abspath(place)] if place else []), *places(part)]
    return found


def _place(files: Sequence[Path]) -> Path | None:
    """The folder that they are all in; None where there are none."""
    return Path(os.path.commonpath([file.parent for file in files])) if files else None


def _files(name: str, dataset: Dataset) -> tuple[Path, ...]:
    """What ``files`` says; an exception of its own is the plugin's fault."""
    try:
        return tuple(dataset.files())
    except PASSING:
        raise
    except BaseException as error:
        raise blamed(f"{name}: files", error) from error


def _absent(files: Iterable[Path]) -> list[Path]:
    """Those that are not there.

    Raises:
        FilesError: if that cannot be told.
    """
    return [file for file in files if not _is_there(file)]


def _is_there(file: Path) -> bool:
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise FilesError(f"{file}: cannot be read: {error.strerror}") from error
    return True
