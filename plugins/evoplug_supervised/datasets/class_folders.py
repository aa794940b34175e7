"""Which image files there are in a folder that has a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from evoplug import FilesError
from evoplug_supervised.folder import unreadable

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_NONE = frozenset({"__MACOSX", "@eaDir"})
"""Folders that archivers and file servers leave, beside those that begin with a dot."""


class Listing(NamedTuple):
    """The image files of one folder of classes."""

    classes: Sequence[str]
    """Sorted; a label is a place in it."""
    files: Sequence[tuple[Path, int]]
    """Paths and labels, class by class."""
    folders: Mapping[Path, int]
    """The folders that were looked into, and when each had last changed, in ns."""

    @property
    def is_current(self) -> bool:
        """Whether no file has come or gone since; what is in them may have changed."""
        try:
            return all(_changed(folder) == then for folder, then in self.folders.items())
        except OSError:
            return False


def listing(folder: Path) -> Listing:
    """Look for images.

    Hidden folders and files are passed over. Links are followed, unless they lead back: into ``folder``, to where they
    stand, or above; within a class each folder counts once.

    Raises:
        FilesError: if there are no classes, one has no images, or a folder cannot be read.
    """
    try:
        home = folder.resolve()
        folders = {folder: _changed(folder)}
        classes = sorted(inner.name for inner in _inside(folder, home))
        files = list[tuple[Path, int]]()
        for label, name in enumerate(classes):
            tree = _tree(folder / name, home)
            folders |= {inner: _changed(inner) for inner in tree}
            images = [(image, label) for inner in tree for image in _images(inner)]
            if not images:
                raise FilesError(f"{folder / name} holds no images; their names end in {', '.join(ENDINGS)}")
            files += images
    except OSError as error:
        raise unreadable(error, folder) from error
    if not classes:
        raise FilesError(f"{folder} holds no folders, of which there must be one for each class")
    return Listing(classes, files, folders)


def _tree(top: Path, home: Path) -> list[Path]:
    """A class's folder and those in it, sorted, each once whatever links lead to it."""
    found, waiting = dict[Path, Path](), [top]
    while waiting:
        folder = waiting.pop(0)
        if found.setdefault(folder.resolve(), folder) is folder:
            waiting += sorted(_inside(folder, home))
    return sorted(found.values(), key=str)


def _inside(folder: Path, home: Path) -> Iterator[Path]:
    """The folders in a folder that are not hidden and do not lead back."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _hidden(entry.name) and entry.is_dir() and not (entry.is_symlink() and _leads_back(entry, home)):
                yield Path(entry.path)


def _leads_back(link: os.DirEntry[str], home: Path) -> bool:
    there, here = Path(link.path).resolve(), Path(link.path).parent.resolve()
    return here.is_relative_to(there) or there.is_relative_to(home)


def _images(folder: Path) -> list[Path]:
    """Sorted; a link that leads nowhere is among them, to be missed when it is opened. A pipe, which would keep
    whoever opens it waiting, is none."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is_image(entry.name) and _is_file(entry)]
    return [folder / name for name in sorted(names)]


def _is_image(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not _hidden(name)


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() or not os.path.exists(entry.path)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _NONE


def _changed(folder: Path) -> int:
    return folder.stat().st_mtime_ns
