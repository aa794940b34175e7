"""The core's only door to DEAP: its loops, stepped a generation at a time.

DEAP keeps lists of individuals, draws from Python's global ``random`` and hands its toolbox one individual or one
pair at a time. Here its individuals are single rows of :class:`Members`; a whole list is evaluated at once; the
global state of ``random`` is borrowed for a step and put back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from deap import algorithms, base

from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Crossover, Mutation, Selection
from evoplug.evaluation import Problem
from evoplug.rng import Rng
from evoplug.types import Members

Algorithm = Callable[[list["Individual"], base.Toolbox, int], tuple[list["Individual"], Any]]
"""``(population, toolbox, generations) -> (population, logbook)``: one of ``deap.algorithms`` with its settings."""


class Fitness(base.Fitness):
    """One value, maximised. ``values`` is what DEAP stores, not recomputed at each access."""

    weights = (1.0,)


class Individual:
    """One member as DEAP sees it: something with a ``fitness``."""

    def __init__(self, member: Members) -> None:
        self.member = member
        self.fitness = Fitness()
        if member.fitness is not None:
            self.fitness.values = (member.fitness[0].item(),)

    def evaluated(self, fitness: torch.Tensor, state: Any) -> None:
        """Take the result of an evaluation: ``(1,)`` fitness and a new state, or None for the old one."""
        self.member.fitness = fitness
        if state is not None:
            self.member.states = [state]


class PopulationLoop(TrackedLoop):
    """One of DEAP's loops over a population, e.g. ``eaMuPlusLambda``, with evoplug's operators in its toolbox.

    Args:
        problem: what to solve.
        population: number of individuals.
        algorithm: the loop; called with 0 generations for the initial population, then with 1 a step.
        selection, crossover, mutation: what the toolbox's ``select``, ``mate`` and ``mutate`` call.
    """

    def __init__(
        self,
        problem: Problem,
        population: int,
        algorithm: Algorithm,
        selection: Selection,
        crossover: Crossover,
        mutation: Mutation,
    ) -> None:
        super().__init__(problem)
        self._operators = selection, crossover, mutation
        self._algorithm = algorithm
        self._random = problem.rng.child("deap").python.getstate()
        self.members = problem.sample(population)
        self.members.columns.update(mutation.columns(population))
        self._individuals = individuals(self.members)

    def step(self) -> None:
        """The initial population first, then one of DEAP's generations."""
        generation = self.problem.generation
        with borrowed(self):
            self._individuals, _ = self._algorithm(self._individuals, self._toolbox(generation), min(generation - 1, 1))
        self.members = gathered(self._individuals)
        self.track()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "members": self.members.state_dict(), "random": self._random}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.members = Members.from_state_dict(state["members"])
        self._individuals = individuals(self.members)
        self._random = state["random"]
        super().load_state_dict(state)

    def _toolbox(self, generation: int) -> base.Toolbox:
        problem, rng = self.problem, self.problem.rng.child("step", generation)
        selection, crossover, mutation = self._operators
        crossover, mutation = crossover.at(generation), mutation.at(generation)

        def mate(a: Individual, b: Individual) -> tuple[Individual, Individual]:
            parents = Members.cat([a.member, b.member])
            first, second = torch.tensor([0, 1]), torch.tensor([1, 0])
            children = problem.children(parents, torch.stack([parents.ids[first], parents.ids[second]], dim=1))
            crossover.into(parents, first, second, rng.child("mate", int(children.ids[0])), children)
            problem.inherit(parents, children)
            return Individual(children[:1]), Individual(children[1:])

        def mutate(individual: Individual) -> tuple[Individual]:
            parent = individual.member
            just_crossed = parent.fitness is None  # then its parents are the two that were crossed
            lineage = parent.parents if just_crossed else torch.stack([parent.ids, _none(parent.ids)], dim=1)
            child = problem.children(parent, lineage)
            mutation.into(parent, torch.tensor([0]), rng.child("mutate", int(child.ids[0])), child)
            problem.inherit(parent, child)
            return (Individual(child),)

        toolbox = base.Toolbox()
        toolbox.register("clone", lambda individual: Individual(individual.member))
        toolbox.register("mate", mate)
        toolbox.register("mutate", mutate)
        toolbox.register("select", lambda population, k: _selected(selection, population, k, rng))
        toolbox.register("evaluate", lambda individual: individual)
        toolbox.register("map", lambda _, population: evaluated(problem, population))
        return toolbox


class GenerateUpdateLoop(TrackedLoop):
    """DEAP's ask-and-tell loop, ``eaGenerateUpdate``.

    Args:
        problem: what to solve.
        generate: ``(population or None, rng) -> Members`` to evaluate; None asks for the initial ones.
        update: ``(population or None, evaluated children) -> Members``, the next population.
    """

    def __init__(
        self,
        problem: Problem,
        generate: Callable[[Members | None, Rng], Members],
        update: Callable[[Members | None, Members], Members],
    ) -> None:
        super().__init__(problem)
        self._generate, self._update = generate, update
        self._population: Members | None = None
        self._random = problem.rng.child("deap").python.getstate()

    def step(self) -> None:
        """Generate, evaluate, update."""
        rng = self.problem.rng.child("step", self.problem.generation)
        toolbox = base.Toolbox()
        toolbox.register("generate", lambda: individuals(self._generate(self._population, rng)))
        toolbox.register("evaluate", lambda individual: individual)
        toolbox.register("map", lambda _, population: evaluated(self.problem, population))
        toolbox.register("update", self._tell)
        with borrowed(self):
            algorithms.eaGenerateUpdate(toolbox, ngen=1, verbose=False)
        self.track()

    def _tell(self, children: Sequence[Individual]) -> None:
        self._population = self._update(self._population, gathered(children))

    @property
    def members(self) -> Members:  # type: ignore[override]
        assert self._population is not None
        return self._population

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "population": self.members.state_dict(), "random": self._random}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._population = Members.from_state_dict(state["population"])
        self._random = state["random"]
        super().load_state_dict(state)


# ------------------------------------------------------------------------------------- members and individuals


def individuals(members: Members) -> list[Individual]:
    """One individual a row; rows are views."""
    return [Individual(members[row : row + 1]) for row in range(len(members))]


def gathered(population: Sequence[Individual]) -> Members:
    """The members of a list of individuals, in a new container."""
    return Members.cat([individual.member for individual in population])


def evaluated(problem: Problem, population: Sequence[Individual]) -> list[tuple[float, ...]]:
    """Evaluate a whole list at once; DEAP writes the values back, the states are written here."""
    if not population:
        return []
    evaluation = problem.evaluate(gathered(population))
    states = evaluation.states or [None] * len(population)
    for row, individual in enumerate(population):
        individual.evaluated(evaluation.fitness[row : row + 1], states[row])
    return [(value,) for value in evaluation.fitness.tolist()]


def _selected(selection: Selection, population: Sequence[Individual], k: int, rng: Rng) -> list[Individual]:
    fitness = torch.tensor([individual.fitness.values[0] for individual in population], dtype=torch.float64)
    return [population[row] for row in selection(fitness, k, rng).tolist()]


def _none(ids: torch.Tensor) -> torch.Tensor:
    return torch.full_like(ids, -1)


@contextmanager
def borrowed(loop: Any) -> Iterator[None]:
    """Lend Python's global ``random`` the loop's own state for one step, and put the old state back."""
    outside = random.getstate()
    random.setstate(loop._random)
    try:
        yield
        loop._random = random.getstate()
    finally:
        random.setstate(outside)
