"""What evoplug itself costs: to start, for each generation around the libraries' own steps, and for checkpoints.

python benchmarks/startup.py
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import evotorch
import torch
from deap import algorithms as deap_algorithms
from deap import base, tools
from evotorch import algorithms
from evotorch.algorithms.searchalgorithm import SearchAlgorithm
from leea import Noise
from timing import Work, interleaved, show

import evoplug
import evoplug.backends.evotorch
from evoplug.config import Experiment
from evoplug.contracts import Strategy
from evoplug.running import cells, nursery
from evoplug.running.runner import Watch
from evoplug.running.sweeping import SweepWatch
from evoplug_basics.deap_loops import MuPlusLambda
from evoplug_basics.searchers import CMAES, SNES
from evoplug_supervised.classification import Classification
from evoplug_supervised.datasets.idx import MNIST

SECONDS, QUICK_START_SECONDS, ROUNDS = 8, 90, 4
GENERATIONS, GENES = 300, 20
CELLS, JOBS = 15, 2

FIRST_GENERATION = """
import tempfile, time
import evotorch, torch, evoplug, evoplug.backends.evotorch, evoplug.running.runner
import evoplug.config.fit, evoplug.running.environment, evoplug_leea.leea, evoplug_supervised.classification
import evoplug_basics.crossovers, evoplug_basics.mutations, evoplug_basics.selections
import evoplug_supervised.datasets.digits, evoplug_supervised.weights

class Stamp(evoplug.running.runner.Watch):
    def generation(self, row):
        self.at = time.perf_counter()

stamp, begin = Stamp(), time.perf_counter()
with tempfile.TemporaryDirectory() as folder:
    evoplug.run("quickstart", {"run.stop": {"generations": 1}}, out=folder + "/run", watch=stamp)
print(stamp.at - begin)
"""


def main() -> None:
    commands()
    quick_start()
    first_generation()
    generations()
    checkpoints()
    sweeps()


def commands() -> None:
    """Whole processes."""
    python = [sys.executable]
    evoplug = [*python, "-m", "evoplug"]
    variants = {"python -c pass": [*python, "-c", "pass"], "evoplug list": [*evoplug, "list"]}
    variants["evoplug --help"] = [*evoplug, "--help"]
    timings = interleaved({name: process(command) for name, command in variants.items()}, SECONDS)
    rows = [
        [name, f"{1e3 * timings.median(name):.0f}", f"{timings.ratio(name, 'python -c pass'):.1f}"] for name in variants
    ]
    show("Start-up", ["command", "ms", "x python -c pass"], rows)


def quick_start() -> None:
    """From the command to the first line of records; MNIST's preset where its files are there."""
    presets = ["basics/cma-es", "quickstart"]
    if all(file.exists() for file in MNIST().files()):
        presets.append("epbt/mnist")
    torch_alone = "python -c 'import torch'"
    variants = {torch_alone: process([sys.executable, "-c", "import torch"])}
    variants |= {f"evoplug run {preset}": until_the_first_generation(preset) for preset in presets}
    timings = interleaved(variants, QUICK_START_SECONDS)
    rows = [
        [name, f"{timings.minimum(name):.2f}", f"{timings.median(name):.2f}", f"{timings.ratio(name, torch_alone):.2f}"]
        for name in variants
    ]
    show("To the first generation", ["command", "least s", "median s", f"x {torch_alone}"], rows)


def until_the_first_generation(preset: str) -> Work:
    """A whole process, ended when it has printed that line."""

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "evoplug", "run", preset, "--out", f"{folder}/run"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
                assert running.stdout is not None
                begun = any(line.startswith("generation 1 ") for line in running.stdout)
                running.kill()
        assert begun, f"{preset} has not come to a first generation"

    return work


def first_generation() -> None:
    """From the end of all imports to the first line of records."""
    output = subprocess.run([sys.executable, "-c", FIRST_GENERATION], capture_output=True, text=True, check=True)
    show("run quickstart", ["", "s"], [["imports' end to the first generation", f"{float(output.stdout):.2f}"]])


def generations() -> None:
    """Between two generations of a run on the sphere, its records included, against the bare library."""
    pairs = {
        "snes (EvoTorch)": (SNES(population=100), evotorch_snes),
        "cma-es (EvoTorch)": (CMAES(population=100), evotorch_cmaes),
        "mu-plus-lambda (DEAP)": (MuPlusLambda(), deap_mu_plus_lambda),
    }
    torch.set_num_threads(1)
    rows = []
    for name, (strategy, bare) in pairs.items():
        spent = [(in_a_run(strategy), median_of(bare())) for _ in range(ROUNDS)][1:]
        ours, theirs = (1e3 * median(times) for times in zip(*spent, strict=True))
        rows.append([name, f"{ours:.2f}", f"{theirs:.2f}", f"{ours - theirs:.2f}"])
    show(
        f"A generation of 100 on the sphere with {GENES} genes",
        ["strategy", "evoplug, ms", "library alone, ms", "difference, ms"],
        rows,
        "DEAP alone breeds and evaluates lists of floats one by one",
    )


def checkpoints() -> None:
    """Of a population of 1,000 x 92k, every 5 minutes, as is the default."""
    configuration = {
        "extends": "leea/mnist-validation",
        "run": {"stop": {"generations": 2}},
        "evaluator": Classification(dataset=Noise(), batch=512),
    }
    with tempfile.TemporaryDirectory() as folder:
        run = evoplug.run(configuration, out=Path(folder) / "run")
        size = max(path.stat().st_size for path in (run.folder / "checkpoints").iterdir())
        seconds = run.result["seconds"]["checkpoint"]
    show(
        "A checkpoint of 1,000 x 92,234",
        ["MiB", "s", "of 5 minutes"],
        [[f"{size / 2**20:.0f}", f"{seconds:.2f}", f"{seconds / 300:.2%}"]],
    )


class Stamps(Watch):
    """When each line of records was written."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def generation(self, row: Mapping[str, Any]) -> None:
        self.seconds.append(time.perf_counter())


def in_a_run(strategy: Strategy) -> float:
    """Seconds a generation of a whole run."""
    configuration = {
        "run": {"name": "sphere", "stop": {"generations": GENERATIONS}},
        "strategy": strategy,
        "genotype": {"use": "real-vector", "length": GENES},
        "evaluator": {"use": "function", "function": "sphere"},
    }
    stamps = Stamps()
    with tempfile.TemporaryDirectory() as folder:
        evoplug.run({"evoplug": 1, **configuration}, out=Path(folder) / "run", watch=stamps)
    return median(after - before for before, after in pairwise(stamps.seconds))


def median_of(steps: Iterator[object]) -> float:
    """Seconds a step."""
    stamps = [time.perf_counter() for _ in islice(steps, GENERATIONS)]
    return median(after - before for before, after in pairwise(stamps))


def evotorch_snes() -> Iterator[None]:
    return stepped(algorithms.SNES(sphere_problem(), stdev_init=2.0, popsize=100))


def evotorch_cmaes() -> Iterator[None]:
    return stepped(algorithms.CMAES(sphere_problem(), stdev_init=2.0, popsize=100))


def sphere_problem() -> evotorch.Problem:
    @evotorch.decorators.vectorized
    def sphere(x: torch.Tensor) -> torch.Tensor:
        return x.square().sum(1)

    return evotorch.Problem("min", sphere, solution_length=GENES, initial_bounds=(-5.12, 5.12), dtype=torch.float64)


def stepped(searcher: SearchAlgorithm) -> Iterator[None]:
    while True:
        searcher.step()
        yield


def deap_mu_plus_lambda() -> Iterator[None]:
    """20 + 100, the settings of the strategy."""

    class Fitness(base.Fitness):
        weights = (-1.0,)

    class Individual(list[float]):
        def __init__(self, genes: Iterable[float]) -> None:
            super().__init__(genes)
            self.fitness = Fitness()

    toolbox = base.Toolbox()
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutGaussian, mu=0, sigma=1.024, indpb=1.0)
    toolbox.register("select", tools.selBest)
    toolbox.register("evaluate", lambda genes: (sum(gene * gene for gene in genes),))
    population = [Individual(random.uniform(-5.12, 5.12) for _ in range(GENES)) for _ in range(20)]
    while True:
        population, _ = deap_algorithms.eaMuPlusLambda(population, toolbox, 20, 100, 0.4, 0.6, 1, verbose=False)
        yield


def sweeps() -> None:
    """A sweep of short runs with EvoTorch."""
    configuration = {
        "run": {"name": "short", "device": "cpu", "stop": {"generations": 100}},
        "strategy": {"use": "snes", "population": 20},
        "genotype": {"use": "real-vector", "length": 5},
        "evaluator": {"use": "function"},
        "sweep": {"seeds": CELLS},
    }
    rows = []
    for name, starter in {"python -m evoplug resume": nursery.Cold, "forks of a warm process": nursery.Nursery}.items():
        watched = Works()
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(cells, "starter", starter):
            begin = time.perf_counter()
            runs = evoplug.sweep(configuration, out=Path(folder) / "sweep", jobs=JOBS, watch=watched)
            whole = time.perf_counter() - begin
            spent = [run.result["ledger"]["seconds"] for run in runs]
        beside = [work.seconds - run for work, run in zip(watched.works, spent, strict=True)][JOBS:]
        rows.append([name, f"{whole:.1f}", f"{median(spent):.2f}", f"{median(beside):.2f}"])
    show(
        f"A sweep of {CELLS} short runs, {JOBS} at once",
        ["a cell is", "in all, s", "the run itself, s", "a cell beside its run, s"],
        rows,
        f"the first {JOBS} cells, which wait for the warm process, count only in all",
    )


class Works(SweepWatch):
    """All cells, by seed."""

    def begin(self, experiment: Experiment, folder: Path, works: Sequence[cells.Work], jobs: int) -> None:
        self.works = works


def process(command: Sequence[str]) -> Work:
    return lambda: subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
