"""Checkpoints: tensors and plain data, written so that a reader finds a whole file or none.

A checkpoint's name holds its generation and the checksum of its bytes, ``00000120-<sha256>.pt``: the file and its
checksum appear in one atomic rename, and a damaged file is told by its name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import torch

from evoplug.errors import FilesError
from evoplug.running.reading import opened, reason, there
from evoplug.running.writing import Hashing, durable, remove_strays, sync_folder, temporary
from evoplug.types import compact

FORMAT = 1
"""Raised when an older evoplug could no longer read what is written."""

DIGITS = 16
"""Hexadecimal digits of the checksum that a name holds."""

_NAME = re.compile(r"\d{8,}-[0-9a-f]*\.pt")


class Checkpoints:
    """The ``checkpoints`` folder of a run.

    Args:
        folder: made with the first checkpoint.
        keep: how many of the newest whole ones stay.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.folder, self.keep = folder, keep

    def save(self, generation: int, state: Mapping[str, Any]) -> Path:
        """Write ``state``; then remove the oldest whole ones beyond ``keep``, and with them all damaged ones.

        Raises:
            TypeError: as :func:`compact`.
            FilesError: if the disk is full or the folder cannot be written; older checkpoints are untouched.
        """
        state = compact({"format": FORMAT, **state})
        self._make()
        with temporary(self.folder, f"{self.folder}: a checkpoint") as (file, name):
            hashing = Hashing(file)
            torch.save(state, cast(IO[bytes], hashing))
            durable(file)
            path = self.folder / f"{generation:08d}-{hashing.digest[:DIGITS]}.pt"
            os.replace(name, path)
            sync_folder(self.folder)
        self._tidy(path)
        return path

    def load(self) -> tuple[dict[str, Any], list[str]] | None:
        """The newest whole checkpoint and a warning for each damaged one before it; None where there is none yet.

        Raises:
            FilesError: if all are damaged, one holds more than data or is of a newer format, or the folder cannot be
                read. Nothing is changed.
        """
        paths = self._newest_first()
        warnings: list[str] = []
        for path in paths:
            try:
                if _is_whole(path):
                    return _read(path), warnings
                problem = f"{path}: damaged (its checksum does not match)"
            except _Unreadable as error:
                problem = str(error)
            warnings.append(f"{problem}; the checkpoint before it is used")
        if paths:
            names = ", ".join(path.name for path in paths)
            raise FilesError(f"{self.folder}: every checkpoint is damaged ({names}); nothing was changed")
        return None

    def _make(self) -> None:
        try:
            self.folder.mkdir(exist_ok=True)
            self._require_own()
        except OSError as error:
            raise FilesError(f"{self.folder}: cannot be written: {reason(error)}") from error

    def _tidy(self, newest: Path) -> None:
        """Remove what ``newest`` makes superfluous. Damaged ones do not count, or none that is whole would be left."""
        whole = 1
        for path in self._newest_first():
            if path == newest:
                continue
            with suppress(OSError, _Unreadable):
                if whole < self.keep and _is_whole(path):
                    whole += 1
                else:
                    path.unlink(missing_ok=True)
        remove_strays(self.folder)

    def _newest_first(self) -> list[Path]:
        """
        Raises:
            FilesError: if the folder cannot be read, which is not the same as that it is empty.
        """
        if not there(self.folder):
            return []
        self._require_own()
        try:
            return sorted((path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)
        except OSError as error:
            raise FilesError(f"{self.folder}: cannot be read: {reason(error)}") from error

    def _require_own(self) -> None:
        """Raises FilesError where it is no folder of the run's own: what is removed in it would be another's."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            raise FilesError(f"{self.folder}: must be a folder, and no symbolic link to one")


class _Unreadable(FilesError):
    """A file whose checksum cannot be told."""


def _is_whole(path: Path) -> bool:
    """Whether its checksum is that in its name.

    Raises:
        _Unreadable: if that cannot be told.
    """
    try:
        with opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS] == path.stem.partition("-")[2]
    except (FilesError, OSError) as error:
        raise _Unreadable(str(error) if isinstance(error, FilesError) else f"{path}: {reason(error)}") from error


def _read(path: Path) -> dict[str, Any]:
    """
    Raises:
        FilesError: if it holds more than data, is of a newer format, or is no checkpoint of a run.
    """
    try:
        with opened(path) as file:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except FilesError:
        raise
    except Exception as error:  # bytes that torch has not written can raise nearly anything
        raise FilesError(f"{path}: holds more than tensors and plain data, which is never loaded") from error
    number = state.get("format") if isinstance(state, dict) else None
    if type(number) is not int:
        raise FilesError(f"{path}: is no checkpoint of a run")
    if number > FORMAT:
        raise FilesError(f"{path}: has format {number}, this evoplug reads up to {FORMAT}; upgrade evoplug")
    return cast(dict[str, Any], state)
