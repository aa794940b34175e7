"""``evoplug export``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
def export(folder: Path, file: Path) -> None:
    """Write the solution of the finished run in DIR to FILE, and print the Python that loads it.

    The suffix decides: .pt2, the network with its preprocessing as a program of torch.export; .pt, its weights and the
    code that makes the network, or the genome where there is no network; .json, fitness and genome.
    """
    from rich.console import Console
    from rich.filesize import decimal

    from evoplug import api

    exported = api.export(folder, file)
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    for note in (f"{exported.path}, {decimal(exported.path.stat().st_size)}", *exported.notes):
        console.print(f"# {note}", style="dim", markup=False)
    console.print(exported.load, markup=False)
