"""Where the commands print."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console

from evoplug.cli.streams import Lasting

PIPED = 130
"""Columns where standard output is no terminal."""


def console() -> Console:
    """Standard output, numbers uncoloured."""
    on_terminal = Console(highlight=False, emoji=False)
    return on_terminal if on_terminal.is_terminal else Console(highlight=False, emoji=False, width=PIPED)


def lasting() -> Console:
    """The same for work that goes on when its output cannot be written, since its reader has gone or a disk is full:
    from then on it is dropped."""
    file: Any = Lasting(sys.stdout)
    on_terminal = Console(highlight=False, emoji=False, file=file)
    return on_terminal if on_terminal.is_terminal else Console(highlight=False, emoji=False, width=PIPED, file=file)
