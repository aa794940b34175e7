"""Where the commands print."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console, RenderableType
from rich.jupyter import JUPYTER_HTML_FORMAT
from rich.live import Live

PIPED = 130
"""Columns where standard output is no terminal."""


def console() -> Console:
    """Standard output, numbers uncoloured."""
    on_terminal = Console(highlight=False, emoji=False)
    return on_terminal if on_terminal.is_terminal else Console(highlight=False, emoji=False, width=PIPED)


def can_redraw(console: Console) -> bool:
    """Whether what it shows can be drawn anew in its place: on a terminal, and in a notebook."""
    return console.is_terminal or console.is_jupyter


def live(console: Console, *, transient: bool) -> Live | NotebookLive:
    """A drawing that ``update`` changes in its place; a transient one is gone after ``stop``."""
    if console.is_jupyter:
        return NotebookLive(console.width, transient)
    return Live(console=console, auto_refresh=False, transient=transient)


class NotebookLive:
    """As rich's ``Live``, in the output of a notebook's cell; that of rich needs ipywidgets there."""

    def __init__(self, width: int, transient: bool) -> None:
        self._width, self._transient = width, transient

    def start(self) -> None:
        """Take a place in the output."""
        from IPython.display import display

        self._place = display(_bundle(Console(record=True, file=io.StringIO())), raw=True, display_id=True)

    def update(self, drawing: RenderableType, *, refresh: bool = True) -> None:
        """Show a drawing there."""
        drawn = Console(
            record=True, file=io.StringIO(), width=self._width, force_jupyter=False, highlight=False, emoji=False
        )
        drawn.print(drawing)
        self._place.update(_bundle(drawn), raw=True)

    def stop(self) -> None:
        """Leave it as it is, or empty."""
        if self._transient:
            self._place.update(_bundle(Console(record=True, file=io.StringIO())), raw=True)


def _bundle(drawn: Console) -> dict[str, Any]:
    """What was drawn, as IPython takes it."""
    html = drawn.export_html(inline_styles=True, code_format=JUPYTER_HTML_FORMAT, clear=False)
    return {"text/html": html, "text/plain": drawn.export_text()}
