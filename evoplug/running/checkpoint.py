"""Checkpoints: tensors and plain data, written so that a reader finds a whole file or none.

A checkpoint's name holds its generation and the checksum of its bytes, ``00000120-<sha256>.pt``: the file and its
checksum appear in one atomic rename, and a damaged file is told by its name.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import torch

from evoplug.errors import FilesError
from evoplug.types import compact

FORMAT = 1
"""Raised when an older evoplug could no longer read what is written."""

DIGITS = 16
"""Hexadecimal digits of the checksum that a name holds."""


class _Hashing:
    """A binary file that hashes what passes through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:DIGITS]


class Checkpoints:
    """The ``checkpoints`` folder of a run.

    Args:
        folder: made when it is missing.
        keep: how many of the newest stay.
    """

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.folder, self.keep = folder, keep
        folder.mkdir(exist_ok=True)

    def save(self, generation: int, state: Mapping[str, Any]) -> Path:
        """Write ``state`` and remove the oldest beyond ``keep``.

        Raises:
            TypeError: as :func:`compact`.
            FilesError: if the disk is full or the folder cannot be written; older checkpoints are untouched.
        """
        temporary = self.folder / f"{generation:08d}.tmp"
        state = compact({"format": FORMAT, **state})
        try:
            digest = _write(temporary, state)
            path = self.folder / f"{generation:08d}-{digest}.pt"
            os.replace(temporary, path)
            _sync_folder(self.folder)
        except (OSError, RuntimeError) as error:  # torch wraps a failed write in a RuntimeError
            temporary.unlink(missing_ok=True)
            raise FilesError(f"{temporary.parent}: cannot write a checkpoint: {_first_line(error)}") from error
        for old in self._newest_first()[self.keep :]:
            old.unlink(missing_ok=True)
        return path

    def load(self) -> tuple[dict[str, Any], list[str]] | None:
        """The newest whole checkpoint and a warning for each damaged one before it; None where there is none yet.

        Raises:
            FilesError: if all are damaged, one holds more than data, or is of a newer format.
        """
        for stray in self.folder.glob("*.tmp"):
            stray.unlink()
        paths = self._newest_first()
        warnings: list[str] = []
        for path in paths:
            if _digest(path) == path.stem.partition("-")[2]:
                return _read(path), warnings
            warnings.append(f"{path}: damaged (its checksum does not match); the checkpoint before it is used")
        if paths:
            names = ", ".join(path.name for path in paths)
            raise FilesError(f"{self.folder}: every checkpoint is damaged ({names}); nothing was changed")
        return None

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("*-*.pt"), reverse=True)


def _write(path: Path, state: Mapping[str, Any]) -> str:
    """Write and fsync a file; returns its checksum."""
    with path.open("wb") as file:
        hashing = _Hashing(file)
        torch.save(state, cast(IO[bytes], hashing))
        file.flush()
        os.fsync(file.fileno())
    return hashing.digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FilesError(f"{path}: holds more than tensors and plain data, which is never loaded") from error
    if state["format"] > FORMAT:
        raise FilesError(f"{path}: has format {state['format']}, this evoplug reads up to {FORMAT}; upgrade evoplug")
    return state


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows cannot open folders and needs none of it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
