"""Strategy ``niching-one-plus-one``: the (1 + 1) EA with niching of Lamarckian architecture search.

J. Prellberg, "Evolving Deep Neural Networks", thesis, section 7.3.1, Algorithm 4, with its symbols; the niching is
adapted from O. Kramer. No code was released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch

from evoplug import Members, Problem, Rng
from evoplug.backends.deap import GenerateUpdateLoop
from evoplug.contracts import Ge, Genotype, Holding, Le, Mutation, Strategy, use

TRIES = 1000
"""Mutants in a row that were all evaluated before: so many, and each further one gets one more mutation."""
MOST = 20
"""Mutations in a row: where even they lead to nothing new, there is nothing new."""


@dataclass(kw_only=True)
class NichingOnePlusOne(Strategy):
    """One parent, one child; now and then a worse child founds a niche of its own for a while.

    ::

        parent <- a random solution, evaluated
        each generation:
            child <- the parent, mutated, inheriting what it can; evaluated
            if child <= parent, with probability omega:
                niche: the same for k generations from the child on, without niches inside
                child <- the best of the niche
            if child > parent: parent <- child

    A child is never one that was evaluated before, in a niche or outside: solutions are known by their description.
    Where mutants are known again and again, more mutations are applied. Fitness is kept as it was measured. One child,
    in a niche too, is one generation, so that budgets and checkpoints are exact; the reported solution is the best so
    far, in the middle of a niche too. The thesis counts epochs (``[run] stop``), those of niches and of the first
    solution among them.
    """

    omega: Annotated[float, Ge(0), Le(1), "chance that a child which is not better founds a niche"] = 0.1
    k: Annotated[int, Ge(1), "generations of a niche"] = 5
    mutation: Mutation = use("block-edit")

    companions = {"genotype": {"use": "block-stack"}}

    def holds(self, genotype: Genotype | None) -> Holding:
        """The parent, the best of the niche, the child."""
        return Holding(3, 1)

    def start(self, problem: Problem) -> EvoNAS:
        return EvoNAS(self, problem)


class EvoNAS(GenerateUpdateLoop):
    """Algorithm 4, its recursion unrolled into a state; DEAP's loop evaluates between :meth:`generate` and
    :meth:`update`. The population is the parent and, in a niche, the niche's best."""

    def __init__(self, settings: NichingOnePlusOne, problem: Problem) -> None:
        super().__init__(problem, self.generate, self.update)
        self.omega, self.k, self.mutation = settings.omega, settings.k, settings.mutation
        self.left = 0
        """Generations of the niche that are still to come; 0 outside of one."""
        self.history: set[str] = set()
        """Descriptions of all that was evaluated."""
        self._child: Members | None = None
        self._exhausted = False

    # --------------------------------------------------------------------------------------------- a generation

    def step(self) -> None:
        """Make a child, if there is a new one, and evaluate it."""
        self._child = self._made()
        if self._child is None:
            self._exhausted = True
        else:
            super().step()

    @property
    def over(self) -> str | None:
        return "every solution within reach has been evaluated" if self._exhausted else None

    def generate(self, population: Members | None, rng: Rng) -> Members:
        """The child is made already."""
        assert self._child is not None
        self.history.add(self._known_as(self._child))
        return self._child

    def _made(self) -> Members | None:
        """Line 5: a mutant of the parent, or of the niche's best, that was never evaluated; None if there is none."""
        if self._population is None:
            return self.problem.sample(1)
        parent = self._population[-1:]
        child = self._unseen(parent, self._rng("mutation"))
        if child is not None:
            self.problem.inherit(parent, child)
        return child

    def update(self, population: Members | None, child: Members) -> Members:
        """Lines 7 to 12."""
        self._child = child
        if population is None:
            return child
        parent, current = population[:1], population[-1:]
        if self.left:
            self.left -= 1
            current = child if _better(child, current) else current
            if self.left:
                return Members.cat([parent, current])
            return current if _better(current, parent) else parent
        if _better(child, parent):
            return child
        if _is_valid(child) and self._rng("niche").numpy.random() < self.omega:
            self.left = self.k
            return Members.cat([parent, child])
        return parent

    def _unseen(self, parent: Members, rng: Rng) -> Members | None:
        child = self.problem.children(parent)
        mutation, row = self.mutation.at(self.problem.generation), torch.zeros(1, dtype=torch.int64)
        for tries in range(MOST * TRIES):
            base = parent
            for number in range(1 + tries // TRIES):
                mutation.into(base, row, rng.child(tries).child(number), child)
                base = child[[0]]
            if self._known_as(child) not in self.history:
                return child
        return None

    def _known_as(self, member: Members) -> str:
        assert self.problem.genotype is not None
        return json.dumps(self.problem.genotype.describe(member.genome(0)))

    def _rng(self, what: str) -> Rng:
        return self.problem.rng.child("step", self.problem.generation).child(what)

    # ------------------------------------------------------------------------------------------------ what is told

    def track(self) -> None:
        """The best so far is in the population; it got its fitness when it first was the best."""
        assert self.members.fitness is not None
        best = self.members[[int(self.members.fitness.argmax())]]
        if self._best is None or not torch.equal(best.ids, self._best.ids):
            self._best, self._best_generation = best, self.problem.generation

    @property
    def status(self) -> Mapping[str, Any]:
        """The child of this generation: its ``id``, that of its ``parent``, its ``child_fitness`` and ``genome``; and
        ``niche``, how many generations of one are still to come."""
        child = self._child
        if child is None or child.fitness is None:
            return {}
        return {
            "id": int(child.ids[0]),
            "parent": int(child.parents[0, 0]),
            "child_fitness": child.fitness[0].item(),
            "genome": child.genome(0),
            "niche": self.left,
        }

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "left": self.left, "history": sorted(self.history)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        self.left, self.history = state["left"], set(state["history"])


def _is_valid(member: Members) -> bool:
    """What diverged has nothing to found a niche on."""
    assert member.fitness is not None
    return bool(torch.isfinite(member.fitness))


def _better(one: Members, other: Members) -> bool:
    """Strictly."""
    assert one.fitness is not None
    assert other.fitness is not None
    return bool(one.fitness > other.fitness)
