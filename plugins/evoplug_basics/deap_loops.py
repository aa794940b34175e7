"""DEAP's own loops by name (``deap.algorithms``), with any selection, crossover and mutation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from deap import algorithms

from evoplug import Problem
from evoplug.backends.deap import INDIVIDUAL, PopulationLoop
from evoplug.contracts import Crossover, Ge, Genotype, Holding, Le, Mutation, Selection, Strategy, use


class _Loop(Strategy):
    """What DEAP's loops have in common: lists of individuals."""

    def holds(self, genotype: Genotype | None) -> Holding:
        held = super().holds(genotype)
        return held._replace(more=held.members * INDIVIDUAL)


@dataclass(kw_only=True)
class Simple(_Loop):
    """DEAP's ``eaSimple``: select as many as there are, cross and mutate some of them, replace all.

    Without a crossover, ``crossover_probability`` must be 0: individuals are mutated or stay as they were selected.
    Those that stay keep what they were evaluated to.
    """

    population: Annotated[int, Ge(2), "number of individuals"] = 100
    crossover_probability: Annotated[float, Ge(0), Le(1), "that a pair is crossed"] = 0.5
    mutation_probability: Annotated[float, Ge(0), Le(1), "that an individual is mutated"] = 0.2
    selection: Selection = use("tournament", size=3)
    crossover: Crossover | None = use("two-point")
    mutation: Mutation = use("gaussian")

    def check(self) -> Iterator[tuple[str, str]]:
        yield from _without_crossover(self)

    @property
    def mixes_generations(self) -> bool:
        """Unless each of them is crossed or mutated; a crossover leaves the last of an odd number alone."""
        all_crossed = self.crossover_probability == 1 and self.population % 2 == 0
        return self.mutation_probability < 1 and not all_crossed

    def start(self, problem: Problem) -> PopulationLoop:
        def algorithm(population, toolbox, generations):  # type: ignore[no-untyped-def]
            cxpb, mutpb = self.crossover_probability, self.mutation_probability
            return algorithms.eaSimple(population, toolbox, cxpb, mutpb, generations, verbose=False)

        return PopulationLoop(problem, self.population, algorithm, self.selection, self.crossover, self.mutation)


@dataclass(kw_only=True)
class _MuLambda(_Loop):
    """What DEAP's loops with mu parents and lambda children have in common."""

    population: Annotated[int, Ge(1), "mu: individuals that are kept"] = 20
    offspring: Annotated[int, Ge(1), "lambda: children a generation"] = 100
    crossover_probability: Annotated[float, Ge(0), Le(1), "that a child is made by crossover"] = 0.4
    mutation_probability: Annotated[float, Ge(0), Le(1), "that a child is made by mutation"] = 0.6
    selection: Selection = use("best")
    crossover: Crossover | None = use("two-point")
    mutation: Mutation = use("gaussian")

    loop: ClassVar[str]
    """Its name in ``deap.algorithms``."""

    def check(self) -> Iterator[tuple[str, str]]:
        yield from _without_crossover(self)
        total = self.crossover_probability + self.mutation_probability
        if total > 1:
            yield "crossover_probability", f"plus mutation_probability must be at most 1, is {total:g}"
        if self.crossover_probability > 0 and self.population < 2:
            yield "crossover_probability", "must be 0 where the population is 1: there is nobody to cross with"

    def _started(self, problem: Problem, reevaluate: bool = False) -> PopulationLoop:
        def algorithm(population, toolbox, generations):  # type: ignore[no-untyped-def]
            sizes = self.population, self.offspring
            chances = self.crossover_probability, self.mutation_probability
            loop = getattr(algorithms, self.loop)
            return loop(population, toolbox, *sizes, *chances, generations, verbose=False)

        operators = self.selection, self.crossover, self.mutation
        return PopulationLoop(problem, self.population, algorithm, *operators, reevaluate)


@dataclass(kw_only=True)
class MuPlusLambda(_MuLambda):
    """DEAP's ``eaMuPlusLambda``: lambda children by crossover, mutation or copying; the next mu from both.

    Without a crossover, ``crossover_probability`` must be 0: children are mutants or copies of one parent.

    Where fitness is noisy, a parent that was lucky once stays for ever. With ``reevaluate`` parents are evaluated again
    in every generation, and fitness is the mean of all evaluations of a member; a generation then costs mu + lambda.
    Cases have no such mean: a selection by cases needs ``reevaluate = false``.
    """

    reevaluate: Annotated[bool, "evaluate parents again in every generation, and take the mean"] = False

    loop: ClassVar[str] = "eaMuPlusLambda"

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if self.reevaluate and self.selection.cases:
            yield "reevaluate", "takes means of fitness, of which a selection by cases sees nothing: must be false"

    def start(self, problem: Problem) -> PopulationLoop:
        return self._started(problem, self.reevaluate)


@dataclass(kw_only=True)
class MuCommaLambda(_MuLambda):
    """DEAP's ``eaMuCommaLambda``: lambda children by crossover, mutation or copying; the next mu from them alone.

    Without a crossover, ``crossover_probability`` must be 0: children are mutants or copies of one parent.
    """

    loop: ClassVar[str] = "eaMuCommaLambda"

    def check(self) -> Iterator[tuple[str, str]]:
        yield from super().check()
        if self.offspring < self.population:
            yield "offspring", f"must be at least the population, {self.population}, is {self.offspring}"

    @property
    def mixes_generations(self) -> bool:
        """Children that are copies keep what their parent was evaluated to."""
        return self.crossover_probability + self.mutation_probability < 1

    def start(self, problem: Problem) -> PopulationLoop:
        return self._started(problem)


def _without_crossover(strategy: Simple | _MuLambda) -> Iterator[tuple[str, str]]:
    """Nothing is crossed without a crossover."""
    if strategy.crossover is None and strategy.crossover_probability > 0:
        yield "crossover_probability", 'must be 0 where the crossover is "none"'
