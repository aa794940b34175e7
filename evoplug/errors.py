"""What can go wrong, each with the exit code of the command line.

Every error's text is made of single lines for the user; tracebacks go to ``error.log`` in the run folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

Key = tuple[str | int, ...]


class EvoplugError(Exception):
    """Base of every error that evoplug raises on purpose."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled without a call of ``__init__``, which in subclasses takes something else than the text."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class Mistake(NamedTuple):
    """One thing that is wrong in a configuration."""

    key: Key
    """Path of the value, e.g. ``("evaluator", "dataset", "pool")``; indices of arrays are integers."""
    message: str
    where: str = ""
    """``FILE:LINE``, or ``--set``; empty where the configuration came from Python."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, dotted(self.key), self.message) if part)


class ConfigError(EvoplugError):
    """One or more mistakes in a configuration or in the parameters of one component.

    Components raise it, or yield the pairs from ``check()``, with keys relative to their own table:
    ``ConfigError("hidden", "needs at least one layer")``. What builds them adds the path and the line.
    """

    exit_code = 2

    def __init__(self, key: str | Key = (), message: str = "", *, mistakes: Iterable[Mistake] = ()) -> None:
        self.mistakes = tuple(mistakes) or (Mistake(split(key), message),)
        super().__init__("\n".join(map(str, self.mistakes)))


class PluginError(EvoplugError):
    """A plugin that cannot be loaded or built, or that breaks its contract."""

    exit_code = 3


class FilesError(EvoplugError):
    """A run folder, a checkpoint or a data set that is missing, damaged or held by another run."""

    exit_code = 4


class EvaluationError(EvoplugError):
    """An evaluation that raised, died, hung, or gave nothing valid."""

    exit_code = 5


class Interrupted(KeyboardInterrupt):
    """The run was told to stop by a signal; its last checkpoint is in place. No ``except Exception`` swallows it."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number
        super().__init__(signal_number)

    def __str__(self) -> str:
        return f"stopped by signal {self.args[0]}"


PASSING = (EvoplugError, KeyboardInterrupt)
"""What passes through wherever a part is blamed for all else that it raises, ``SystemExit`` too."""


# ------------------------------------------------------------------------------------------ whose fault it is

_names: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def name(cls: type, text: str) -> None:
    """Note how messages are to name a component's class: by its entry in the catalogue."""
    _names[cls] = text


def named(cls: type) -> str:
    """A component's class as messages name it: ``evoplug.mutations: levy = evoplug_levy:Levy (evoplug-levy 1.0)``, or
    its own name where it did not come from the catalogue."""
    return _names.get(cls, cls.__qualname__)


def require(component: object, broken: str | None) -> None:
    """Lay a broken promise, if there is one, at the component's door.

    Raises:
        PluginError: in one line, with the component's entry.
    """
    if broken is not None:
        raise PluginError(f"{named(type(component))}: {broken}")


# ------------------------------------------------------------------------------------------ keys of configurations


def dotted(key: Key) -> str:
    """``("a", "b", 1)`` as ``a.b[1]``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def split(key: str | Key) -> Key:
    """``"a.b"`` as ``("a", "b")``; a path stays as it is."""
    return tuple(part for part in key.split(".") if part) if isinstance(key, str) else tuple(key)


# ------------------------------------------------------------------------------------------ how foreign text is shown


def printable(text: str) -> str:
    """The text with control characters and line breaks as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(text: str) -> str:
    """The text with its line breaks, other control characters as escapes."""
    return "\n".join(map(printable, text.split("\n")))
