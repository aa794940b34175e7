"""``evoplug report``."""

from __future__ import annotations

from pathlib import Path

import click

from evoplug.cli import trusting


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--without", metavar="NAME", multiple=True, help="Leave out an arm, or a single run as ARM/seed-3.")
@trusting.plugins
def report(folder: Path, without: tuple[str, ...], plugins: tuple[str, ...]) -> None:
    """Write DIR/report.html, one page about the run in DIR, as far as it is, or about all finished runs in DIR.

    What was asked, what came out, what it cost, and with what; complete in itself, to be kept or sent.
    """
    from evoplug.analysis.report import write
    from evoplug.cli import output

    path, notices = write(folder, plugins, without=without)
    output.notes(notices)
    output.line(path)
