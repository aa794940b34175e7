"""How the process of a command ends early."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from evoplug.cli.output import line
from evoplug.errors import EvoplugError, Interrupted


def said(error: BaseException) -> int:
    """Tell an error on standard error, a line each; its exit code."""
    if isinstance(error, EvoplugError):
        for each in str(error).split("\n"):
            line(f"evoplug: error: {each}", error=True)
        return error.exit_code
    if not isinstance(error, Interrupted):
        error = Interrupted(2)
    line(f"evoplug: {error}", error=True)
    return error.exit_code


def leave(error: BaseException) -> None:
    """Tell an error and end this process, from any thread."""
    end(said(error))


def end(code: int) -> None:
    """End this process and its children, whatever they do."""
    if "multiprocessing" in sys.modules:
        from multiprocessing import active_children

        for child in active_children():
            child.kill()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
