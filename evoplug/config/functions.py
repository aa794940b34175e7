"""Functions that a configuration names: ``"./file.py:name"`` and ``"package.module:name"``."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from evoplug.catalogue import folders
from evoplug.catalogue.blame import text
from evoplug.config import trust
from evoplug.config.messages import given, listed
from evoplug.errors import ConfigError

_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_REFERENCE = re.compile(rf"(?:(?P<file>.+\.py)|(?P<module>{_DOTTED})):(?P<name>{_DOTTED})")
FORMS = '"./file.py:name" or "package.module:name"'


class Reference(str):
    """``FILE:NAME`` with an absolute file, or ``MODULE:NAME``."""

    def resolve(self) -> Callable[..., Any]:
        """Import the function, from a file as :func:`evoplug.catalogue.folders.load` does.

        Of one that is not trusted inside :func:`evoplug.config.trust.trusting`, what stands for it.

        Raises:
            ConfigError: if it cannot be imported, is not there, or cannot be called.
        """
        place, _, name = self.rpartition(":")
        if call := trust.refused(place, self):
            return call
        try:
            module = folders.load(Path(place)) if place.endswith(".py") else import_module(place)
            found = reduce(getattr, name.split("."), module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            reason = " ".join(text(error).split())
            raise ConfigError("", f"{self} cannot be loaded: {type(error).__name__}: {reason}") from error
        if not callable(found):
            raise ConfigError("", f"{self} is not a function but {type(found).__name__}")
        function: Callable[..., Any] = found
        return function


def read(value: object, known: tuple[str, ...], folder: Path) -> str | Reference:
    """A known name as it is, or a reference; files are relative to ``folder``.

    Raises:
        ConfigError: if it is neither, or the file is not there.
    """
    if isinstance(value, str) and value in known:
        return value
    match = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        choices = f"a known name ({listed(known)}), {FORMS}" if known else FORMS
        near = get_close_matches(value, known, n=1) if isinstance(value, str) else []
        hint = f"did you mean `{near[0]}`?" if near else f"must be {choices}"
        raise ConfigError("", f"got {given(value)}; {hint}")
    if match["module"] and not match["file"]:
        return Reference(match.string)
    file = (folder / match["file"]).absolute()
    if not file.is_file():
        raise ConfigError("", f"there is no file {file}")
    return Reference(f"{file.resolve()}:{match['name']}")
