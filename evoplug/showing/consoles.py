"""Where tables are printed, and lines with colours."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from evoplug.errors import shown
from evoplug.showing.streams import Lasting

PIPED = 130
"""Columns where standard output is no terminal."""


class Plain(Console):
    """A console that takes no text for markup, colours no numbers, and lets no control character through."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does; escapes stand in the text before anybody measures it."""
        return super().render_str(shown(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, with what cannot be printed as escapes; rich's own control codes are no text and pass."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def console() -> Plain:
    """Standard output."""
    on_terminal = Plain()
    return on_terminal if on_terminal.is_terminal else Plain(width=PIPED)


def lasting() -> Plain:
    """The same for work that goes on when its output cannot be written, since its reader has gone or a disk is full:
    from then on it is dropped."""
    file: Any = Lasting(sys.stdout)
    on_terminal = Plain(file=file)
    return on_terminal if on_terminal.is_terminal else Plain(width=PIPED, file=file)
