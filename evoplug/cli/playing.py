"""``evoplug play``."""

from __future__ import annotations

from pathlib import Path

import click

from evoplug.cli import trusting


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, help="Of the episode; 0 unless given.")
@trusting.plugins
def play(folder: Path, file: Path | None, seed: int, plugins: tuple[str, ...]) -> None:
    """Film an episode of the solution of the finished run in DIR, and print its score.

    FILE ends in .gif or, where imageio-ffmpeg is installed, in .mp4; DIR/plots/episode.gif unless given, which `evoplug
    report DIR` shows from then on. The same seed gives the same episode.
    """
    from evoplug import results
    from evoplug.cli import output

    filmed = results.play(folder, file, seed=seed, plugins=plugins)
    output.notes(filmed.notes)
    output.line(f"{filmed.title}: score {filmed.score:g}")
    output.line(filmed.path)
