"""``evoplug export``."""

from __future__ import annotations

from pathlib import Path

import click

from evoplug.cli import trusting


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@trusting.plugins
def export(folder: Path, file: Path, plugins: tuple[str, ...]) -> None:
    """Write the solution of the finished run in DIR to FILE, and print the Python that loads it.

    The suffix decides: .pt2, the network with its preprocessing as a program of torch.export; .pt, its weights and the
    code that makes the network, or the genome where there is no network; .json, fitness and genome. Several networks,
    e.g. one a task, go into one file under their names.
    """
    from rich.filesize import decimal

    from evoplug import results
    from evoplug.showing.consoles import Plain

    exported = results.export(folder, file, plugins=plugins)
    console = Plain(soft_wrap=True)
    for note in (f"{exported.path}, {decimal(exported.path.stat().st_size)}", *exported.notes):
        console.print(f"# {note}", style="dim")
    console.print(exported.load)
