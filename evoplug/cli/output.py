"""Lines and JSON that the commands print; tables go through :mod:`evoplug.showing.consoles`.

Much of what is printed came from a file or a plugin: what would steer a terminal is shown as an escape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from evoplug.errors import shown


def line(text: object, *, error: bool = False) -> None:
    """Print text, to standard error where it is no part of what was asked for."""
    click.echo(shown(str(text)), err=error)


def notes(texts: Iterable[str]) -> None:
    """What must be known beside the output."""
    for text in texts:
        line(f"note: {text}", error=True)


def as_json(data: Any) -> None:
    """Print JSON, in ASCII: it can be read whatever the encoding of the output."""
    click.echo(json.dumps(data, indent=2, allow_nan=False))
