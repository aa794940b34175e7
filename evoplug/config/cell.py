"""The runs of a sweep, each with an experiment of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from evoplug.config.document import replacement
from evoplug.config.experiment import Experiment
from evoplug.config.sweep import BASE


@dataclass(frozen=True)
class Cell:
    """One run of a sweep."""

    arm: str
    seed: int
    experiment: Experiment


def cells(experiment: Experiment) -> Iterator[Cell]:
    """Every run of the sweep, arm by arm, each with an experiment of its own; one for a configuration without sweep."""
    if experiment.sweep is None:
        yield Cell(BASE, experiment.run.seed, experiment)
        return
    for arm, base in experiment.arms.items():
        for seed in experiment.sweep.seeds:
            seeded = base.document.override([replacement("run.seed", seed, base.document.root.origin)[0]])
            yield Cell(arm, seed, replace(base, run=replace(base.run, seed=seed), document=seeded))
