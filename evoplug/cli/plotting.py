"""``evoplug plot``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evoplug.cli import trusting

Ends = tuple[float | None, float | None]


class Range(click.ParamType[Ends]):
    """``A:B``, of which either may be left out."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Ends:
        low, colon, high = str(value).partition(":")
        try:
            ends = (float(low) if low.strip() else None, float(high) if high.strip() else None)
        except ValueError:
            colon = ""
        if not colon:
            self.fail(f"expected A:B, e.g. 0:100, or 0: for one end, got {value!r}", param, ctx)
        if ends[0] is not None and ends[1] is not None and not ends[0] < ends[1]:
            self.fail(f"must go from a smaller to a larger number, got {value!r}", param, ctx)
        return ends


@click.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--x", default="generations", metavar="COLUMN", help="Against which column; generations unless given.")
@click.option(
    "--y", multiple=True, metavar="COLUMN", help="What to draw; best and what was measured along the way unless given."
)
@click.option("--log-x", is_flag=True, help="A logarithmic x axis for the curves.")
@click.option("--log-y", is_flag=True, help="A logarithmic y axis for the curves.")
@click.option("--xlim", type=Range(), default=":", help="Part of the x axis, e.g. 0:100 or 10: for one end.")
@click.option("--ylim", type=Range(), default=":", help="Part of the y axis.")
@click.option("--without", metavar="NAME", multiple=True, help="Leave out an arm, or a single run as ARM/seed-3.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the figures; DIR/plots unless given.")
@click.option("--format", "formats", multiple=True, type=click.Choice(["png", "svg"]), help="Both unless given.")
@trusting.plugins
def plot(
    folders: tuple[Path, ...],
    x: str,
    y: tuple[str, ...],
    log_x: bool,
    log_y: bool,
    xlim: Ends,
    ylim: Ends,
    without: tuple[str, ...],
    out: Path | None,
    formats: tuple[str, ...],
    plugins: tuple[str, ...],
) -> None:
    """Draw the finished runs in DIR, a run's folder or one that holds many; a run alone as far as it is.

    Curves of columns of metrics.jsonl, runs of an arm together as mean and deviation, and the figures that the
    methods have of their own.
    """
    from evoplug import results
    from evoplug.analysis import plots
    from evoplug.cli import output
    from evoplug.running import rundir

    if out is None and len(folders) > 1:
        raise click.UsageError("with more than one DIR, say where to put the figures: --out FOLDER")
    into = rundir.plots(folders[0]) if out is None else out
    drawings = results.plot(
        *folders, x=x, y=y, log_x=log_x, log_y=log_y, xlim=xlim, ylim=ylim, without=without, plugins=plugins
    )
    output.notes(drawings.notices)
    for drawing in drawings.figures:
        for path in plots.save(drawing, into, formats or plots.FORMATS):
            output.line(path)
