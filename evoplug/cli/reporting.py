"""``evoplug report``."""

from __future__ import annotations

from pathlib import Path

import click

from evoplug.cli import trusting


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@trusting.plugins
def report(folder: Path, plugins: tuple[str, ...]) -> None:
    """Write DIR/report.html, one page about the run in DIR, as far as it is, or about all finished runs in DIR.

    What was asked, what came out, what it cost, and with what; complete in itself, to be kept or sent.
    """
    from evoplug.analysis.report import write

    path, notices = write(folder, plugins)
    for notice in notices:
        click.echo(f"note: {notice}", err=True)
    click.echo(path)
