"""``evoplug run`` and ``evoplug resume``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("config")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value: evaluator.batch=64.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/NAME/run/seed-N unless given.")
@click.option("--device", help='"auto", "cpu", "cuda" or "cuda:N"; short for --set run.device=...')
def run(config: str, overrides: tuple[str, ...], out: Path | None, device: str | None) -> None:
    """Run CONFIG, a TOML file or the name of a preset, to its end."""
    from evoplug import api
    from evoplug.cli.watching import watch

    settings = [*overrides, *([f"run.device={device}"] if device else [])]
    api.run(config, settings, out=out, watch=watch())


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A new budget: run.stop.generations=500.")
def resume(folder: Path, overrides: tuple[str, ...]) -> None:
    """Go on with the run in FOLDER from its last checkpoint, to the same end as if it had never stopped."""
    from evoplug import api
    from evoplug.cli.watching import watch

    watcher = watch()
    finished = api.resume(folder, overrides, watch=watcher)
    if not watcher.began:
        click.echo(f"already complete: {finished.folder} ({finished.result['reason']})")
