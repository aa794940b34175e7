"""Drawings that are drawn anew in their place: on a terminal, and in a notebook."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console, RenderableType
from rich.jupyter import JUPYTER_HTML_FORMAT
from rich.live import Live

from evoplug.showing.consoles import Plain


def can_redraw(console: Console) -> bool:
    """Whether what a console shows can be drawn anew in its place."""
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

        self._place = display(_bundle(self._page()), raw=True, display_id=True)

    def update(self, drawing: RenderableType, *, refresh: bool = True) -> None:
        """Show a drawing there."""
        page = self._page()
        page.print(drawing)
        self._place.update(_bundle(page), raw=True)

    def stop(self) -> None:
        """Leave it as it is, or empty."""
        if self._transient:
            self._place.update(_bundle(self._page()), raw=True)

    def _page(self) -> Plain:
        return Plain(record=True, file=io.StringIO(), width=self._width, force_jupyter=False)


def _bundle(page: Plain) -> dict[str, Any]:
    """What was printed, as IPython takes it."""
    html = page.export_html(inline_styles=True, code_format=JUPYTER_HTML_FORMAT, clear=False)
    return {"text/html": html, "text/plain": page.export_text()}
