"""``evoplug run`` and ``evoplug resume``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("config")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value: evaluator.batch=64.")
@click.option("--seeds", type=click.IntRange(min=1), help="A sweep over this many seeds, from run.seed on.")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs of a sweep at once; one a core by default.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; runs/NAME/run/seed-N, of a sweep runs/NAME.")
@click.option("--device", help='"auto", "cpu", "cuda" or "cuda:N"; short for --set run.device=...')
def run(
    config: str,
    overrides: tuple[str, ...],
    seeds: int | None,
    jobs: int | None,
    out: Path | None,
    device: str | None,
) -> None:
    """Run CONFIG, a TOML file or the name of a preset, to its end.

    Where it has a [sweep], or with --seeds, run every arm with every seed; the same command again runs what is missing.
    """
    from evoplug import api
    from evoplug.cli.leaving import leave
    from evoplug.cli.notes import notes
    from evoplug.cli.output import line
    from evoplug.showing import runs, sweeps

    short = {"run.device": device, "sweep.seeds": seeds}
    experiment = api.check(config, [*overrides, *(f"{key}={value}" for key, value in short.items() if value)])
    for note in notes(experiment):
        line(f"evoplug: note: {note}", error=True)
    if experiment.sweep is not None:
        api.sweep(experiment, jobs=jobs, out=out, watch=sweeps.watch())
    elif jobs is not None:
        raise click.UsageError("--jobs is for sweeps, and this is one run; --seeds N makes a sweep of it")
    else:
        api.run(experiment, out=out, watch=runs.watch(stuck=leave))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A new budget: run.stop.generations=500.")
@click.option("--allow-changed", is_flag=True, help="Go on although a source, or a file that was read, has changed.")
def resume(folder: Path, overrides: tuple[str, ...], allow_changed: bool) -> None:
    """Go on with the run in FOLDER from its last checkpoint, to the same end as if it had never stopped."""
    from evoplug import api
    from evoplug.cli import output
    from evoplug.cli.leaving import leave
    from evoplug.showing.runs import watch

    watcher = watch(stuck=leave)
    finished = api.resume(folder, overrides, allow_changed=allow_changed, watch=watcher)
    if not watcher.began:
        output.line(f"already complete: {folder} ({finished.result['reason']})")
