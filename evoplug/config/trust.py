"""Configurations that may be a stranger's: of the code that one names, only what the reader trusts is run.

A run folder names files beside its configuration, and functions in files and modules. Who runs or resumes it runs all
of that. Who only reads it runs what is installed, and what he names himself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from evoplug.catalogue import definitions
from evoplug.config.document import Document, load
from evoplug.errors import FilesError

ASK = "--plugins FILE (from Python plugins=[FILE]) names what you trust"

_trusted: ContextVar[frozenset[str] | None] = ContextVar("trusted", default=None)


@contextmanager
def trusting(places: Iterable[str]) -> Iterator[None]:
    """Inside the block functions come from these files and modules only; outside of any, from everywhere."""
    token = _trusted.set(frozenset(places))
    try:
        yield
    finally:
        _trusted.reset(token)


def refused(place: str, function: str) -> Callable[..., Any] | None:
    """What stands for a function from a file or a module that is not trusted; None for one that is.

    It can be handed around, as a part may hold it without a use for it; a call raises FilesError.
    """
    trusted = _trusted.get()
    if trusted is None or place in trusted:
        return None

    def call(*_: Any, **__: Any) -> Any:
        raise FilesError(f"{function} is code that the run folder names, and was not run; {ASK}")

    return call


def read(file: Path, trusted: Iterable[str]) -> Document:
    """A configuration with the trusted files beside it, in place of those that it names itself.

    Raises:
        ConfigError: if it cannot be read.
    """
    return load(file, {"plugins": [place for place in trusted if place.endswith(".py") and _has_parts(Path(place))]})


def _has_parts(file: Path) -> bool:
    """Whether parts are registered in a file; True too where whoever reads them will say what is wrong with it."""
    with suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return any(definitions.parse(file).registered())
    return True
