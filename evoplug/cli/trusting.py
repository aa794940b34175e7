"""``--plugins``: of the code that a run folder names, what its reader trusts."""

from __future__ import annotations

import click

plugins = click.option(
    "--plugins",
    multiple=True,
    metavar="FILE",
    help="A file beside the configuration, or a module of functions, that you trust: its code is run if need be.",
)
