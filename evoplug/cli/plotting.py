"""``evoplug plot``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--x", default="generations", metavar="COLUMN", help="Against which column; generations unless given.")
@click.option("--y", multiple=True, metavar="COLUMN", help="What to draw; best and validation metrics unless given.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the figures; DIR/plots unless given.")
@click.option("--format", "formats", multiple=True, type=click.Choice(["png", "svg"]), help="Both unless given.")
def plot(folders: tuple[Path, ...], x: str, y: tuple[str, ...], out: Path | None, formats: tuple[str, ...]) -> None:
    """Draw the finished runs in DIR, a run's folder or one that holds many; a run alone as far as it is.

    Curves of columns of metrics.jsonl, runs of an arm together as mean and deviation, and the figures that the
    methods have of their own.
    """
    from evoplug import api
    from evoplug.analysis import plots

    if out is None and len(folders) > 1:
        raise click.UsageError("with more than one DIR, say where to put the figures: --out FOLDER")
    out = out or folders[0] / "plots"
    drawings = api.plot(*folders, x=x, y=y)
    for notice in drawings.notices:
        click.echo(f"note: {notice}", err=True)
    for drawing in drawings.figures:
        for path in plots.save(drawing, out, formats or plots.FORMATS):
            click.echo(path)
