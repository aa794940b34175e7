"""``evoplug check``: what a configuration would run, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evoplug.cli import spelling
from evoplug.cli.spelling import toml

if TYPE_CHECKING:
    from rich.table import Table

    from evoplug.config import Experiment
    from evoplug.config.fit import Built
    from evoplug.config.operators import Operator


@click.command()
@click.argument("config")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Replace a value: evaluator.batch=64.")
@click.option("--device", help='"auto", "cpu", "cuda" or "cuda:N"; short for --set run.device=...')
@click.option("--time", "timed", is_flag=True, help="Run a few generations and say what the whole will cost.")
def check(config: str, overrides: tuple[str, ...], device: str | None, timed: bool) -> None:
    """Check CONFIG, a TOML file or the name of a preset, and print what it would run."""
    from rich.text import Text

    from evoplug import api
    from evoplug import config as configuration
    from evoplug.cli.notes import notes
    from evoplug.config.fit import fit_all
    from evoplug.showing import consoles

    settings = [*overrides, *([f"run.device={device}"] if device else [])]
    experiment = api.check(config, settings)
    cells = list(configuration.cells(experiment))
    arms = {cell.arm: cell.experiment for cell in cells}
    built = fit_all(arms.values())
    if experiment.sweep is None:
        experiment = built[0].experiment
    console = consoles.console()
    console.print(_summary(experiment, built[0]))
    for note in notes(experiment):
        console.print(Text.assemble(("note: ", "yellow"), note), soft_wrap=True)
    console.print(Text("ok", "bold green"))
    if timed:
        from evoplug.cli.timing import time_arms

        time_arms(config, settings, cells, console)


def _summary(experiment: Experiment, built: Built) -> Table:
    """A row for each part: what it is, its name, its parameters."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    for label, name, text in _rows(experiment, built):
        table.add_row(label, Text(name), Text(text))
    return table


def _rows(experiment: Experiment, built: Built) -> Iterator[tuple[str, str, str]]:
    run = experiment.run
    yield "strategy", experiment.strategy.name, _parameters(experiment.strategy.table())
    if experiment.genotype:
        text = _parameters(experiment.genotype.table())
        yield "genotype", experiment.genotype.name, "; ".join(filter(None, [text, _genes(built.genotype)]))
    yield "evaluator", experiment.evaluator.name, _parameters(experiment.evaluator.table())
    for slot, operator in experiment.operators.items():
        yield from _operator(slot, operator)
    for recorder in experiment.recorders:
        yield "recorder", recorder.name, _parameters(recorder.table())
    yield "stop", "", " or ".join(f"{rule} = {toml(budget)}" for rule, budget in run.stop.items())
    yield "device", built.device, f"threads = {run.threads}, workers = {run.workers}"
    if experiment.sweep:
        arms, seeds = experiment.sweep.arms, experiment.sweep.seeds
        yield "sweep", f"{len(arms) * len(seeds)} runs", f"{', '.join(arms)}; seeds {', '.join(map(str, seeds))}"
    else:
        yield "seed", str(run.seed), ""
    for claim in experiment.claims:
        yield "claim", claim.metric, f"{spelling.claim(claim)}; expected: {claim.expect}"
    arm = "*" if experiment.sweep else "run"
    seed = "*" if experiment.sweep else run.seed
    yield "folder", "", str(Path("runs") / run.name / arm / f"seed-{seed}")


def _operator(slot: str, operator: Operator) -> Iterator[tuple[str, str, str]]:
    if isinstance(operator, Mapping):
        for part, inner in operator.items():
            yield from _operator(f"{slot} of {part}", inner)
    else:
        yield slot, operator.name if operator else "none", _parameters(operator.table()) if operator else ""


def _parameters(table: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={toml(value)}" for name, value in table.items() if name != "use")


def _genes(genotype: Any) -> str:
    """How many genes a vector genotype has, or each vector part of a composite."""
    if genotype.parts:
        counts = [f"{name}: {_genes(part)}" for name, part in genotype.parts.items() if _genes(part)]
        return ", ".join(counts)
    length = getattr(genotype, "length", None)
    return f"{length:,} {'gene' if length == 1 else 'genes'}" if isinstance(length, int) else ""
