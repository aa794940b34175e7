"""Standard output that cannot be written: closed, full, or without a reader."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Any

UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)
"""What the system says of it, naming no file."""


def open_closed() -> None:
    """Let streams that were closed when the process began (``>&-``) lead nowhere."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def drop() -> None:
    """Let standard output lead nowhere: what is left in its buffer would fail again when Python closes it."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Lasting:
    """A stream whose writes do not fail."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(ValueError, AttributeError):  # closed
            try:
                self._stream.write(text)
            except OSError:
                drop()
        return len(text)

    def flush(self) -> None:
        with suppress(ValueError, AttributeError):
            try:
                self._stream.flush()
            except OSError:
                drop()

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
