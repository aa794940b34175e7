"""The core's only door to DEAP: its loops, stepped a generation at a time.

DEAP keeps lists of individuals, draws from Python's global ``random`` and hands its toolbox one individual or one
pair at a time. Here an individual is a row of a block of :class:`Members`; DEAP decides who is selected, crossed and
mutated, and evoplug's operators then make all the children of a generation at once, before they are evaluated at
once. The global state of ``random`` is borrowed for a step and put back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from deap import algorithms, base

from evoplug.backends.running_mean import RunningMean
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Crossover, Mutation, Problem
from evoplug.rng import Rng
from evoplug.types import Evaluation, Members

Algorithm = Callable[[list["Individual"], base.Toolbox, int], tuple[list["Individual"], Any]]
"""``(population, toolbox, generations) -> (population, logbook)``: one of ``deap.algorithms`` with its settings."""

Select = Callable[[torch.Tensor, int, Rng], torch.Tensor]
"""``(fitness, count, rng) -> (count,)`` rows, as every :class:`evoplug.contracts.Selection` has it: by cases where its
``cases`` says so."""

INDIVIDUAL = 240
"""Bytes of one in a list of DEAP's, beside its member."""


class Fitness(base.Fitness):
    """One value, maximised."""

    weights = (1.0,)


class Individual:
    """A member as DEAP sees it: something with a ``fitness``.

    Args:
        block: members of which it is one; shared, so a list of individuals costs no copies.
        row: which.
    """

    __slots__ = ("block", "cases", "fitness", "row", "state")

    def __init__(self, block: Members, row: int) -> None:
        self.block, self.row = block, row
        self.state = block.states[row] if block.states else None
        self.cases = None if block.cases is None else block.cases[row]
        self.fitness = Fitness()

    def clone(self) -> Individual:
        """Another handle on the same row, for ``toolbox.clone``."""
        copy = Individual(self.block, self.row)
        copy.state, copy.cases, copy.fitness.wvalues = self.state, self.cases, self.fitness.wvalues
        return copy


class PopulationLoop(TrackedLoop):
    """One of DEAP's loops over a population, e.g. ``eaMuPlusLambda``, with evoplug's operators in its toolbox.

    Args:
        problem: what to solve.
        population: number of individuals.
        algorithm: the loop; called with 0 generations for the initial population, then with 1 a step.
        selection, crossover, mutation: what the toolbox's ``select``, ``mate`` and ``mutate`` call. Without a crossover
            there is no ``mate``, and the algorithm must not ask for it.
        reevaluate: evaluate those of :meth:`outdated` again in every generation; fitness is the mean of all evaluations
            of a member.
    """

    def __init__(
        self,
        problem: Problem,
        population: int,
        algorithm: Algorithm,
        selection: Select,
        crossover: Crossover | None,
        mutation: Mutation,
        reevaluate: bool = False,
    ) -> None:
        super().__init__(problem)
        self._mean = RunningMean() if reevaluate else None
        self._selection, self._crossover, self._mutation = selection, crossover, mutation
        self._algorithm = algorithm
        self._random = problem.rng.child("deap").python.getstate()
        self.members = problem.sample(population)
        self._individuals = individuals(self.members)

    def step(self) -> None:
        """The initial population first, then one of DEAP's generations."""
        generation = self.problem.generation
        rng = self.problem.rng.child("step", generation)
        crossover = self._crossover and self._crossover.at(generation)
        variation = _Variation(self.problem, crossover, self._mutation.at(generation), rng)

        def evaluate(_: Any, population: Sequence[Individual]) -> list[tuple[float, ...]]:
            variation.carry_out()
            return evaluated(self.problem, population, self._mean)

        toolbox = base.Toolbox()
        toolbox.register("clone", Individual.clone)
        if crossover is not None:
            toolbox.register("mate", variation.mate)
        toolbox.register("mutate", variation.mutate)
        toolbox.register("select", lambda population, k: _selected(self._selection, population, k, rng))
        toolbox.register("evaluate", lambda individual: individual)
        toolbox.register("map", evaluate)
        if self._mean is not None and self.members.fitness is not None:
            for row in self.outdated():
                del self._individuals[row].fitness.values  # DEAP's loops begin with those that have none
        with borrowed(self):
            self._individuals, _ = self._algorithm(self._individuals, toolbox, min(generation - 1, 1))
        self.members = gathered(self._individuals)
        self._individuals = individuals(self.members)  # of the blocks that they were in, nothing else is needed
        if self._mean is not None:
            self._mean.keep(self.members)
        self.track()

    def outdated(self) -> Iterable[int]:
        """Rows of the members that ``reevaluate`` evaluates again, before all else; by default all."""
        return range(len(self.members))

    def state_dict(self) -> dict[str, Any]:
        mean = {} if self._mean is None else {"mean": self._mean.state_dict()}
        return {**super().state_dict(), "members": self.members.state_dict(), "random": self._random, **mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if self._mean is not None:
            self._mean.load_state_dict(state["mean"])
        self.members = Members.from_state_dict(state["members"], self.problem.device)
        self._individuals = individuals(self.members)
        self._random = state["random"]
        super().load_state_dict(state)


class _Variation:
    """Takes DEAP's orders to mate and mutate one by one, and carries them out in two blocks.

    DEAP's loops clone whom they vary and mate before they mutate; as in DEAP, children replace their clones in place.
    """

    def __init__(self, problem: Problem, crossover: Crossover | None, mutation: Mutation, rng: Rng) -> None:
        self._problem, self._rng = problem, rng
        self._crossover, self._mutation = crossover, mutation
        self._pairs: list[Individual] = []
        self._mutants: list[Individual] = []

    def mate(self, a: Individual, b: Individual) -> tuple[Individual, Individual]:
        """Order two children of a and b."""
        self._pairs += [a, b]
        return a, b

    def mutate(self, individual: Individual) -> tuple[Individual]:
        """Order a mutant of the individual."""
        self._mutants.append(individual)
        return (individual,)

    def carry_out(self) -> None:
        """Make all the children that were ordered."""
        if self._crossover is not None and self._pairs:
            parents = gathered(self._pairs)
            first = torch.arange(len(parents), device=parents.ids.device)
            second = first ^ 1  # the other of each pair
            children = self._problem.children(parents, parents[second])
            self._crossover.into(parents, first, second, self._rng.child("crossover"), children)
            self._replace(self._pairs, parents, children)
        if self._mutants:
            parents = gathered(self._mutants)
            crossed = set(map(id, self._pairs))  # their parents are the two that were crossed
            keep = torch.tensor([id(mutant) in crossed for mutant in self._mutants], device=parents.ids.device)
            children = self._problem.children(parents)
            children.parents[keep] = parents.parents[keep]
            rows = torch.arange(len(parents), device=parents.ids.device)
            self._mutation.into(parents, rows, self._rng.child("mutation"), children)
            self._replace(self._mutants, parents, children)

    def _replace(self, varied: Sequence[Individual], parents: Members, children: Members) -> None:
        self._problem.inherit(parents, children)
        for row, individual in enumerate(varied):
            individual.block, individual.row = children, row
            individual.state = children.states[row] if children.states else None


class GenerateUpdateLoop(TrackedLoop):
    """DEAP's ask-and-tell loop, ``eaGenerateUpdate``.

    Args:
        problem: what to solve.
        generate: ``(population or None, rng) -> Members`` to evaluate; None asks for the initial ones.
        update: ``(population or None, evaluated members) -> Members``, the next population.
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
        self.by_case: Any = None
        """Of the members that ``update`` is given, where the strategy needs "cases": their fitness by case, as
        ``Evaluation.cases`` has it; there only."""

    def step(self) -> None:
        """Generate, evaluate, update."""
        rng = self.problem.rng.child("step", self.problem.generation)
        toolbox = base.Toolbox()
        toolbox.register("generate", lambda: individuals(self._generate(self._population, rng)))
        toolbox.register("evaluate", lambda individual: individual)
        toolbox.register("map", lambda _, population: evaluated(self.problem, population, told=self._read))
        toolbox.register("update", self._tell)
        with borrowed(self):
            algorithms.eaGenerateUpdate(toolbox, ngen=1, verbose=False)
        self.by_case = None  # it may hold what it is computed from
        self.track()

    def _read(self, evaluation: Evaluation) -> None:
        self.by_case = evaluation.cases

    def _tell(self, children: Sequence[Individual]) -> None:
        self._population = self._update(self._population, gathered(children))

    @property
    def members(self) -> Members:  # type: ignore[override]
        assert self._population is not None, "no generation has been evaluated"
        return self._population

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "population": self.members.state_dict(), "random": self._random}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._population = Members.from_state_dict(state["population"], self.problem.device)
        self._random = state["random"]
        super().load_state_dict(state)


# ------------------------------------------------------------------------------------- members and individuals


def individuals(members: Members) -> list[Individual]:
    """One individual a row."""
    made = [Individual(members, row) for row in range(len(members))]
    if members.fitness is not None:
        for individual, fitness in zip(made, members.fitness.tolist(), strict=True):
            individual.fitness.values = (fitness,)
    return made


def gathered(population: Sequence[Individual]) -> Members:
    """The members of a list of individuals, in a new container; with fitness and cases where all have them."""
    blocks = list({id(individual.block): individual.block for individual in population}.values())
    starts, start = {}, 0
    for block in blocks:
        starts[id(block)] = start
        start += len(block)
    rows = torch.tensor([starts[id(individual.block)] + individual.row for individual in population])
    bare = [replace(block, fitness=None, states=None, cases=None) for block in blocks]
    members = Members.cat(bare)[rows.to(blocks[0].ids.device)]
    _judge(members, population)
    if any(individual.state is not None for individual in population):
        members.states = [individual.state for individual in population]
    return members


def _judge(members: Members, population: Sequence[Individual]) -> None:
    """Write what individuals were evaluated to into their members, where all were."""
    if not all(individual.fitness.valid for individual in population):
        return
    values = [individual.fitness.values[0] for individual in population]
    members.fitness = torch.tensor(values, dtype=torch.float64, device=members.ids.device)
    if population and all(individual.cases is not None for individual in population):
        members.cases = torch.stack([individual.cases for individual in population])  # type: ignore[misc]


def evaluated(
    problem: Problem,
    population: Sequence[Individual],
    mean: RunningMean | None = None,
    told: Callable[[Evaluation], None] = lambda evaluation: None,
) -> list[tuple[float, ...]]:
    """Evaluate a whole list at once; DEAP writes the values back, states and cases are written here.

    Args:
        mean: gives what is written in place of each fitness.
        told: takes what the evaluator said.
    """
    if not population:
        return []
    members = gathered(population)
    evaluation = problem.evaluate(members)
    told(evaluation)
    fitness = evaluation.fitness
    if mean is not None:
        fitness = mean.add(members)
    if members.states is not None:
        for individual, state in zip(population, members.states, strict=True):
            individual.state = state
    if members.cases is not None:
        for individual, cases in zip(population, members.cases, strict=True):
            individual.cases = cases
    return [(value,) for value in fitness.tolist()]


def _selected(selection: Select, population: Sequence[Individual], k: int, rng: Rng) -> list[Individual]:
    n = len(population)
    members = Members([None] * n, torch.arange(n), torch.full((n, 2), -1))  # a selection sees no genomes
    _judge(members, population)
    return [population[row] for row in members.selected(selection, k, rng).tolist()]


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
