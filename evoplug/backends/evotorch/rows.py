"""A population of tensor rows, bred by one function and turned by EvoTorch's GeneticAlgorithm."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from evotorch import SolutionBatch
from evotorch.algorithms import GeneticAlgorithm
from evotorch.operators import CopyingOperator

from evoplug.backends.evotorch.bridge import Bridge, plain
from evoplug.backends.tracked import TrackedLoop
from evoplug.contracts import Problem
from evoplug.rng import Rng
from evoplug.types import Members

Breed = Callable[[Members, Members, Rng], None]
"""``breed(parents, children, rng)`` writes every row of the children: genomes, columns, and parents; their ids are
new, and a row that is carried over takes its old id."""

Score = Callable[[Members], torch.Tensor]
"""Evaluates members and returns the ``(n,)`` fitness that selection sees."""


class RowsLoop(TrackedLoop):
    """Generational evolution of ``(population, d)`` rows: the children replace their parents, and every row is
    evaluated in every generation.

    Two populations are kept and swapped, and ``breed`` writes the children in place: nothing is copied.

    Args:
        problem: what to solve, with a genotype of a tensor kind.
        population: number of rows.
        breed: makes the next population.
        score: fitness of a whole population; ``problem.evaluate(members).fitness`` by default.
        columns: name -> ``(n, ...)`` initial values of what the strategy keeps beside each row.
    """

    def __init__(
        self,
        problem: Problem,
        population: int,
        breed: Breed,
        score: Score | None = None,
        columns: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        super().__init__(problem)
        self._breed, self._score = breed, score or (lambda members: problem.evaluate(members).fitness)
        self._bridge = Bridge(problem, self._initial, self._evaluate)
        self._searcher = GeneticAlgorithm(
            self._bridge, operators=[_Breeding(self._bridge, self)], popsize=population, elitist=False,
            re_evaluate=False,
        )  # fmt: skip
        ids = problem.ids(population)
        own = {name: column.to(problem.device) for name, column in (columns or {}).items()}
        columns = {**own, **problem.kept(population)}
        self.members = _around(self._searcher.population, ids, columns)
        self._batches = [self._searcher.population, SolutionBatch(self._bridge, population, empty=True)]
        self._populations = [self.members, _around(self._batches[1], ids, columns)]
        self._current = 0

    def step(self) -> None:
        """The initial population first, then one generation of EvoTorch's loop."""
        if self._searcher.step_count == 0 and self.problem.generation == 1:
            self._bridge.evaluate(self._searcher.population)
            self._searcher._first_iter = False
        else:
            self._searcher.step()
        self.track()

    def _initial(self, n: int) -> torch.Tensor:
        assert self.problem.genotype is not None
        genomes: Any = self.problem.genotype.sample(n, self.problem.rng.child("sample"))
        return genomes

    def _next(self) -> SolutionBatch:
        """Breed into the population that is not in use, and make it the current one."""
        parents = self._populations[self._current]
        self._current = 1 - self._current
        children = self._populations[self._current]
        children.ids = self.problem.ids(len(children))
        children.fitness = children.cases = None
        self._breed(parents, children, self.problem.rng.child("step", self.problem.generation))
        self._inherit(parents, children)
        self.members = children
        return self._batches[self._current]

    def _inherit(self, parents: Members, children: Members) -> None:
        """States follow: to a row that is carried over its own, to a child that of its first parent, if it has one."""
        children.states = None
        if parents.states is None:
            return
        rows = {number: row for row, number in enumerate(parents.ids.tolist())}
        family = zip(children.ids.tolist(), children.parents[:, 0].tolist(), strict=True)
        sources = [rows.get(own, rows.get(parent)) for own, parent in family]
        heirs = parents[[source or 0 for source in sources]]
        heirs.states = [None if source is None else parents.states[source] for source in sources]
        self.problem.inherit(heirs, children)

    def _evaluate(self, values: torch.Tensor) -> torch.Tensor:
        self.members.fitness = self._score(self.members)
        return self.members.fitness

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "members": self.members.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        saved = Members.from_state_dict(state["members"], self.problem.device)
        members = self.members
        values: Any = members.genomes
        values[:] = saved.genomes
        for name, column in members.columns.items():
            column[:] = saved.columns[name]
        assert saved.fitness is not None
        members.ids, members.parents = saved.ids, saved.parents
        members.fitness, members.states, members.cases = saved.fitness, saved.states, saved.cases
        self._searcher.population.set_evals(members.fitness.to(self._bridge.eval_dtype))
        self._searcher._first_iter = False
        super().load_state_dict(state)


class _Breeding(CopyingOperator):
    """EvoTorch's handle on ``RowsLoop._next``."""

    def __init__(self, bridge: Bridge, loop: RowsLoop) -> None:
        super().__init__(bridge)
        self._loop = loop

    def _do(self, batch: SolutionBatch) -> SolutionBatch:
        return self._loop._next()


def _around(batch: SolutionBatch, ids: torch.Tensor, columns: Mapping[str, torch.Tensor]) -> Members:
    """Members whose genomes are the batch's values, sharing memory, with columns of their own."""
    genomes = plain(batch.access_values(keep_evals=True))
    parents = torch.full((len(ids), 2), -1, device=ids.device)
    return Members(genomes, ids.clone(), parents, None, {name: column.clone() for name, column in columns.items()})
