"""How files of a run are written: whole or not at all, and never through a link that somebody has put there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from evoplug.errors import FilesError, printable
from evoplug.running.reading import AT_ONCE, NO_LINK, reason, require_file

STRAY = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""What a process that was killed while it wrote leaves behind."""

_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_LINK | _BINARY
_END = os.O_WRONLY | os.O_CREAT | os.O_APPEND | NO_LINK | AT_ONCE | _BINARY


def write_text(path: Path, text: str) -> None:
    """Replace a text file in one step.

    Raises:
        FilesError: if it cannot be written, or the text holds what is no UTF-8.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        line = printable(text[: error.end].split("\n")[-1])
        raise FilesError(f"{path}: cannot be written: it would hold a name that is no UTF-8: {line}") from None
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the place of ``path`` in one step at the end of the block, or not at all.

    Raises:
        FilesError: if it cannot be written.
    """
    with temporary(path.parent, str(path)) as (file, name):
        yield file
        durable(file)
        os.replace(name, path)
        sync_folder(path.parent)


@contextmanager
def temporary(folder: Path, what: str) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file under a name that nobody can foresee, which is gone after the block unless it was renamed.

    Args:
        folder: where.
        what: how messages name what is written.

    Raises:
        FilesError: if it cannot be written.
    """
    name = folder / f".{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(name, _NEW, 0o666), "wb") as file:
            yield file, name
    except (OSError, RuntimeError) as error:
        raise FilesError(f"{what}: cannot be written: {reason(_of_the_system(error))}") from error
    finally:
        with suppress(OSError):
            name.unlink()


def _of_the_system(error: BaseException) -> BaseException:
    """What the system said, where torch has put an error of its own around it."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, OSError):
        inner = inner.__context__
    return inner or error


def durable(file: IO[bytes]) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows cannot open folders and needs none of it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def appending(path: Path) -> IO[bytes]:
    """A file open at its end, made where it is missing.

    Raises:
        FilesError: if it is a link or anything else than a file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, _END, 0o666)
    except OSError as error:
        what = "is a symbolic link; none is followed" if path.is_symlink() else f"cannot be written: {reason(error)}"
        raise FilesError(f"{path}: {what}") from error
    require_file(descriptor, path)
    return os.fdopen(descriptor, "ab")


def remove_strays(folder: Path) -> None:
    """Remove what processes left that were killed while they wrote; to be called by whoever holds the folder."""
    with suppress(OSError):
        for path in folder.iterdir():
            if STRAY.fullmatch(path.name):
                path.unlink(missing_ok=True)


class Hashing:
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
        """SHA-256, in hexadecimal digits."""
        return self._hash.hexdigest()
