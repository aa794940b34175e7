"""Where data are looked for, and how files get there."""

from __future__ import annotations

import os
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from evoplug import FilesError


def data_folder(root: Path | None) -> Path:
    """``root``, else the environment's EVOPLUG_DATA, else the user's cache folder."""
    given = root or os.environ.get("EVOPLUG_DATA")
    return Path(given).expanduser() if given else user_cache_path("evoplug")


def missing(name: str, path: Path) -> FilesError:
    """What to say of a downloadable data set that is not there."""
    return FilesError(f"{name}: {path} is missing; get it with `evoplug data {name} --download`, or set EVOPLUG_DATA")


def damaged(path: Path, what: str) -> FilesError:
    """What to say of a file that is not what it should be."""
    return FilesError(f"{path} is damaged: {' '.join(what.split())}")


def unreadable(error: OSError, path: Path) -> FilesError:
    """What to say of what is there and cannot be read: ``path``, or the one that the error names."""
    return FilesError(f"{error.filename or path}: cannot be read: {error.strerror or error}")


def fetch(name: str, folder: Path, entry: str, download: Callable[[Path], None]) -> None:
    """Put ``entry``, a file or a folder, into ``folder``: whole, or not at all.

    Args:
        name: of the data set, for messages.
        folder: the data folder; made if need be.
        entry: what is there afterwards; an old one is replaced.
        download: writes ``entry`` into the temporary folder that it is given, and checks it.

    Raises:
        FilesError: if it cannot be had or does not pass its check; ``folder`` is as before.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".download-", dir=folder) as temporary:
            download(Path(temporary))
            if (folder / entry).exists():
                (folder / entry).rename(Path(temporary) / ".old")
            (Path(temporary) / entry).rename(folder / entry)
    except (OSError, HTTPException, RuntimeError) as error:
        raise FilesError(f"{name}: cannot be downloaded to {folder}: {' '.join(str(error).split())}") from error
