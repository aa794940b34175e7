"""A whole generation of 1,000 networks of 92k weights at batch 512: ours, one-line torch, EvoTorch's and DEAP's own.

python benchmarks/generation.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from deap import algorithms, base, creator, tools
from leea import Noise, batched, evolution, stepper, weights
from timing import Work, by_torch, interleaved, show
from torch.nn.functional import cross_entropy

from evoplug import Rng, Task
from evoplug.population.workers import workers

POPULATION, BATCH, SIGMA = 1000, 512, 0.001
PARENTS, ELITES, CROSSED, MUTATED = POPULATION // 2, POPULATION // 20, POPULATION // 2, 9 * POPULATION // 20
SECONDS = 40


def main() -> None:
    peers = {
        "torch one-liners, baddbmm": one_liners,
        "EvoTorch GeneticAlgorithm": evotorch_stock,
        "DEAP eaMuCommaLambda, numpy": deap_numpy,
    }
    counts = {name: Evaluate() for name in peers}
    ours = evolution(POPULATION, BATCH)
    variants = {name: by_torch(make(counts[name])) for name, make in peers.items()}
    with workers("auto"):
        timings = interleaved({"evoplug leea": stepper(ours), **variants}, SECONDS)
    evaluations = {"evoplug leea": POPULATION, **{name: evaluate.last for name, evaluate in counts.items()}}
    show(
        f"A generation of {POPULATION:,} x 92,234 at batch {BATCH}",
        ["loop and operators", "s/generation", "x ours", "evaluations/generation"],
        [
            [name, f"{timings.median(name):.2f}", f"{timings.ratio(name, 'evoplug leea'):.1f}", f"{count:,}"]
            for name, count in evaluations.items()
        ],
        "EvoTorch: tournaments of 4, one-point crossover, mutation of all, parents evaluated again; its defaults",
    )


class Evaluate:
    """Fitness as one writes it, on a fresh batch; remembers how many rows it was last given."""

    def __init__(self) -> None:
        genotype = weights()
        genotype.bind(Task(input_shape=(1, 14, 14), outputs=10))
        self.template, self.length = genotype.template, genotype.length
        self.initial = genotype.sample(POPULATION, Rng(1))
        self.x, self.y = Noise().load("train")
        self.last = 0

    def __call__(self, genomes: torch.Tensor) -> torch.Tensor:
        rows = torch.randperm(len(self.x))[:BATCH]
        logits, labels = batched(self.template, genomes, self.x[rows]), self.y[rows].expand(len(genomes), -1)
        self.last = len(genomes)
        return -cross_entropy(logits.mT, labels, reduction="none").mean(1)


def one_liners(evaluate: Evaluate) -> Work:
    """The same algorithm, an operator a line."""
    population = evaluate.initial

    def drawn(ranked: torch.Tensor, count: int) -> torch.Tensor:
        return population[ranked[torch.randint(PARENTS, (count,))]]

    def step() -> None:
        nonlocal population
        ranked = evaluate(population).argsort(descending=True)
        a, b, c = drawn(ranked, CROSSED), drawn(ranked, CROSSED), drawn(ranked, MUTATED)
        crossed = torch.where(torch.rand_like(a) < 0.5, a, b)
        mutated = c + SIGMA * torch.randn_like(c)
        population = torch.cat([population[ranked[:ELITES]], crossed, mutated])

    return step


def evotorch_stock(evaluate: Evaluate) -> Work:
    """EvoTorch's algorithm with its own operators."""
    from evotorch import Problem
    from evotorch.algorithms import GeneticAlgorithm
    from evotorch.decorators import vectorized
    from evotorch.operators import GaussianMutation, OnePointCrossOver

    evaluations = 0

    @vectorized
    def fitness(genomes: torch.Tensor) -> torch.Tensor:
        nonlocal evaluations
        evaluations += len(genomes)
        return evaluate(genomes.as_subclass(torch.Tensor))

    problem = Problem(
        "max", fitness, solution_length=evaluate.length, initial_bounds=(-0.1, 0.1), store_solution_stats=False
    )
    searcher = GeneticAlgorithm(
        problem,
        operators=[OnePointCrossOver(problem, tournament_size=4), GaussianMutation(problem, stdev=SIGMA)],
        popsize=POPULATION,
    )

    def step() -> None:
        nonlocal evaluations
        evaluations = 0
        searcher.step()
        evaluate.last = evaluations

    return step


def deap_numpy(evaluate: Evaluate) -> Work:
    """DEAP's (mu, lambda) loop: rows are numpy arrays, each operator is a few vector operations on a row."""
    random = np.random.Generator(np.random.SFC64(1))
    creator.create("Maximum", base.Fitness, weights=(1.0,))
    creator.create("Row", np.ndarray, fitness=creator.Maximum)

    def mate(a: Any, b: Any) -> tuple[Any, Any]:
        mask = random.random(len(a)) < 0.5
        a[mask], b[mask] = b[mask], a[mask]
        return a, b

    def mutate(row: Any) -> tuple[Any]:
        row += SIGMA * random.standard_normal(len(row), dtype=np.float32)
        return (row,)

    def evaluate_all(_: Callable[..., Any], rows: Sequence[Any]) -> list[tuple[float]]:
        return [(value,) for value in evaluate(torch.from_numpy(np.stack(rows))).tolist()] if rows else []

    toolbox = base.Toolbox()
    toolbox.register("mate", mate)
    toolbox.register("mutate", mutate)
    toolbox.register("select", tools.selBest)
    toolbox.register("map", evaluate_all)
    toolbox.register("evaluate", lambda row: row)
    population = [row.view(creator.Row) for row in evaluate.initial.numpy()]
    for row in population:
        row.fitness = creator.Maximum()

    def step() -> None:
        nonlocal population
        shares = (CROSSED / POPULATION, MUTATED / POPULATION)
        population, _ = algorithms.eaMuCommaLambda(population, toolbox, PARENTS, POPULATION, *shares, 1, verbose=False)

    return step


if __name__ == "__main__":
    main()
