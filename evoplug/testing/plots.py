"""What a plot promises."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evoplug import api
from evoplug.catalogue import loading
from evoplug.contracts import Plot
from evoplug.running import rundir
from evoplug.testing.problems import SPACES, Judge
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite

Arms = Mapping[str, Sequence[rundir.Run]]


class PlotSuite(Suite):
    """Draws short runs of a strategy that the plot is for, or runs that recorded only what all do.

    Override the fixture ``arms`` for a plot that shows more.
    """

    group = "plots"

    @pytest.fixture
    def arms(self, tmp_path: Path) -> Arms:
        """Finished runs by arm: an arm of two runs, one of a single run, one of a run of a single generation."""
        strategies = loading.load(self.group, self.used()).strategies  # type: ignore[attr-defined]
        make = partial(_run, strategies[0]) if strategies else _written
        sizes = {"two runs": (2, 4), "one run": (1, 4), "one generation": (1, 1)}
        return {
            arm: [make(tmp_path / arm / f"seed-{seed}", seed, generations) for seed in range(runs)]
            for arm, (runs, generations) in sizes.items()
        }

    def test_it_draws_a_figure_of_its_own(self, example: Mapping[str, Any], arms: Arms) -> None:
        """Which pyplot does not know of; or nothing, where the runs recorded nothing of it."""
        from matplotlib import pyplot
        from matplotlib.figure import Figure

        plot: Plot = self.build(example)
        before = pyplot.get_fignums()
        for chosen in (arms, *({arm: runs} for arm, runs in arms.items())):
            with seeded(1):
                figure = plot.draw(chosen)
            assert figure is None or isinstance(figure, Figure)
            assert pyplot.get_fignums() == before, "make the figure by matplotlib.figure.Figure(), not by pyplot"
            if figure is not None:
                figure.savefig(io.BytesIO(), format="png")

    def test_runs_are_left_as_they_are(self, example: Mapping[str, Any], arms: Arms) -> None:
        plot: Plot = self.build(example)
        before = _files(arms)
        plot.draw(arms)
        assert _files(arms) == before


def _run(strategy: str, folder: Path, seed: int, generations: int) -> rundir.Run:
    """A run of a strategy on the suite's own problem."""
    parts = {
        "strategy": {"use": strategy},
        "evaluator": Judge(provides=loading.load("strategies", strategy).needs),  # type: ignore[attr-defined]
        "genotype": SPACES["bounded"],
    }
    return api.run({"run": {"name": "arms", "seed": seed, "stop": {"generations": generations}}, **parts}, out=folder)


def _written(folder: Path, seed: int, generations: int) -> rundir.Run:
    """A folder as a run leaves it that recorded nothing of its own."""
    rows = [
        {"generations": g, "evaluations": 10 * g, "seconds": 0.5 * g, "best": -1 / g - seed, "mean": -2.0, "std": 0.5,
         "invalid": 0, "time": {"evaluation": 0.4}}
        for g in range(1, generations + 1)
    ]  # fmt: skip
    result = {
        "status": "finished", "reason": f"generations = {generations}", "seed": seed,
        "ledger": {name: rows[-1][name] for name in ("generations", "evaluations", "seconds")},
        "best": {"fitness": rows[-1]["best"], "generation": generations, "id": 1, "description": None},
        "seconds": {"evaluation": 0.4},
        "validation": {}, "test": {}, "beside": {},
    }  # fmt: skip
    folder.mkdir(parents=True)
    run = f'[run]\nname = "arms"\nseed = {seed}\nstop = {{}}\n'
    config = f'evoplug = 1\n{run}[strategy]\nuse = "any"\n[evaluator]\nuse = "any"\n'
    (folder / rundir.RESOLVED).write_text(config, encoding="utf-8")
    (folder / rundir.METRICS).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    rundir.write_json(folder / rundir.RESULT, result)
    return rundir.Run(folder)


def _files(arms: Arms) -> dict[Path, bytes]:
    folders = [run.folder for runs in arms.values() for run in runs]
    return {path: path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
