"""Where the commands print."""

from __future__ import annotations

from rich.console import Console

PIPED = 130
"""Columns where standard output is no terminal."""


def console() -> Console:
    """Standard output, numbers uncoloured."""
    on_terminal = Console(highlight=False, emoji=False)
    return on_terminal if on_terminal.is_terminal else Console(highlight=False, emoji=False, width=PIPED)
