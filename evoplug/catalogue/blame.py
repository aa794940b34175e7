"""Whose fault an exception is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb

from evoplug.contracts import Component
from evoplug.errors import PASSING, PluginError, named


@contextmanager
def blamed(otherwise: Component, over: str = "") -> Iterator[None]:
    """An exception inside that is none of evoplug's own is the component's that was at work; so is ``sys.exit``.

    Args:
        otherwise: whose it is where the traceback leads through no component.
        over: what it was at work on, where the exception alone does not tell.

    Raises:
        PluginError: in place of the exception, which is chained.
    """
    try:
        yield
    except PASSING:
        raise
    except BaseException as error:
        guilty = named(type(_at_work(error) or otherwise))
        raise PluginError(f"{guilty} {said(error, over)}") from error


def said(error: BaseException, over: str = "") -> str:
    """What was raised, and where: the traceback itself goes into ``error.log``."""
    if isinstance(error, NotImplementedError) and not text(error):
        *_, (frame, _) = walk_tb(error.__traceback__)
        return f"has no `{frame.f_code.co_name}`"
    what = f"{type(error).__name__}: {text(error).strip()}".partition("\n")[0].rstrip(": ")
    return f"raised {what}{over} ({place(error)}; see error.log)"


def text(error: BaseException) -> str:
    """What an exception says, as it can be written to any file; its ``__str__`` is a part's own code."""
    try:
        said = str(error)
    except Exception as another:
        said = f"(its text cannot be had: {type(another).__name__})"
    return said.encode(errors="backslashreplace").decode()


def place(error: BaseException) -> str:
    """Where it was raised: ``ops.py:12``."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"


def _at_work(error: BaseException) -> Component | None:
    """The component in whose method an exception was raised, the innermost; None outside of any."""
    owners = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__)]
    return next((owner for owner in reversed(owners) if isinstance(owner, Component)), None)
