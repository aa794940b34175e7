"""What strategies see of the world: the problem, and the one policy on failed and non-finite fitness."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import torch

from evoplug import catalogue, promises
from evoplug.blame import said
from evoplug.contracts import Evaluator, Genotype, Strategy
from evoplug.errors import EvaluationError, EvoplugError
from evoplug.ledger import Ledger
from evoplug.population.untouched import sample, untouched
from evoplug.rng import Rng
from evoplug.types import Evaluation, Genomes, Members, Outcome, concatenate, count, genome

INVALID = -torch.inf
"""The fitness of a member whose evaluation gave no finite number: ranks last everywhere."""


class Problem:
    """The search space, the evaluator and the ledger of one run, as a strategy sees them."""

    genotype: Genotype | None
    """Bound; None where the configuration has none."""
    evaluator: Evaluator
    """Bound and started."""
    device: torch.device
    """Where tensors live."""
    rng: Rng
    """The strategy's own stream; ``rng.child("step", generation)`` needs no checkpoint."""
    ledger: Ledger
    """What has been spent."""

    def __init__(self, genotype: Genotype | None, evaluator: Evaluator, seed: int, device: torch.device) -> None:
        root = Rng(seed, device)
        self.genotype = genotype
        self.evaluator = evaluator
        self.device = device
        self.rng = root.child("strategy")
        self.ledger = Ledger()
        self.seconds: dict[str, float] = defaultdict(float)
        """Wall-clock seconds of this step by part; the run loop reads and clears it."""
        self.invalid = 0
        """Non-finite fitness values of this step."""
        self.columns: dict[str, Any] = {}
        """What the evaluator gave for the records in this step."""
        self._evaluation_rng = root.child("evaluation")
        self._measure_rng = root.child("measure")
        self._sample_rng = root.child("sample")
        self._calls = 0
        self._next_id = 0

    @property
    def generation(self) -> int:
        """The generation in the making, 1 for the initial population."""
        return int(self.ledger["generations"]) + 1

    def members(self, genomes: Genomes, parents: torch.Tensor | None = None) -> Members:
        """New members around genomes, with fresh ids; ``parents`` as in :class:`Members`, none by default."""
        n = count(genomes)
        return Members(genomes, self.ids(n), torch.full((n, 2), -1, device=self.device) if parents is None else parents)

    def ids(self, n: int) -> torch.Tensor:
        """``(n,)`` ids that no member of this run has had."""
        self._next_id += n
        return torch.arange(self._next_id - n, self._next_id, device=self.device)

    def sample(self, n: int) -> Members:
        """n new members with random genomes; without a genotype, genomes without genes."""
        if self.genotype is None:
            return self.members([{} for _ in range(n)])
        genomes = self.genotype.sample(n, self._sample_rng.child(self._next_id))
        promises.require(self.genotype, promises.genomes(genomes, n))
        return self.members(genomes)

    def children(self, parents: Members, mates: Members | None = None) -> Members:
        """New members for operators to write into: copies of the parents' genomes and columns, without fitness.

        Args:
            parents: the one parent of each child, or the first of two.
            mates: the second parents, row by row.
        """
        columns = {name: column.clone() for name, column in parents.columns.items()}
        second = torch.full_like(parents.ids, -1) if mates is None else mates.ids
        ids = torch.stack([parents.ids, second], dim=1)
        return Members(concatenate([parents.genomes]), self.ids(len(parents)), ids, None, columns)

    def inherit(self, parents: Members, children: Members) -> None:
        """Give each child what its changed genome lets it keep of the state of its parent, row by row."""
        if parents.states is None:
            return
        rng = self.rng.child("inherit")
        children.states = [
            self.genotype.inherit(
                state, genome(parents.genomes, row), genome(children.genomes, row), rng.child(int(children.ids[row]))
            )
            if self.genotype is not None and state is not None
            else state
            for row, state in enumerate(parents.states)
        ]

    def evaluate(self, members: Members) -> Evaluation:
        """Evaluate members and write their fitness and the states that they learned into them; count the cost.

        Fitness that is not finite becomes -inf and is counted.

        Returns:
            What the evaluator said, with ``cases`` where it provides them.

        Raises:
            EvaluationError: if the evaluator raised.
            PluginError: if what it returned breaks its contract, or it changed genomes.
        """
        if not len(members):
            members.fitness = torch.empty(0, device=self.device)
            return Evaluation(members.fitness)
        if broken := promises.members(members, self.genotype):
            raise ValueError(broken)  # the strategy's fault, at whose door it is laid
        rng = self._evaluation_rng.child(self._calls)
        self._calls += 1
        with self.timed("evaluation"), self._blamed("evaluate"), self._untouched(members):
            evaluation = self.evaluator.evaluate(members, rng)
        promises.require(self.evaluator, promises.evaluation(evaluation, len(members), self.evaluator, "evaluate"))
        self.ledger.add(evaluations=len(members), **evaluation.cost)
        self.columns.update(evaluation.columns)
        members.fitness, invalid = finite(evaluation.fitness)
        self.invalid += invalid
        if evaluation.states is not None:
            members.states = evaluation.states
        return replace(evaluation, fitness=members.fitness, cases=self._counted(evaluation.cases))

    def measure(self, members: Members, split: str = "validation") -> dict[str, torch.Tensor]:
        """metric -> ``(n,)`` on the CPU, on a whole split; draws from a stream of its own, so measuring changes no
        result; costs nothing in the ledger."""
        with self.timed("measure"), self._blamed("measure"), self._untouched(members):
            metrics = self.evaluator.measure(members, split, self._measure_rng.child(split))
        promises.require(self.evaluator, promises.metrics(metrics, len(members)))
        return {name: value.detach().cpu() for name, value in metrics.items()}

    def report(self, best: Members) -> Outcome:
        """The outcome of a run that reports this one member: its validation and test metrics."""
        return Outcome(best, self.metrics(best))

    def metrics(self, member: Members) -> dict[str, dict[str, float]]:
        """split -> metric -> value of one member, on the splits that the evaluator has."""
        measured = {split: self.measure(member, split) for split in ("validation", "test")}
        return {split: {name: v.item() for name, v in values.items()} for split, values in measured.items() if values}

    def update(self, members: Members) -> Evaluation:
        """One gradient step on what the evaluator owns, under these members, which stay as they are; counts its cost.

        Raises:
            EvaluationError, PluginError: as :meth:`evaluate`.
        """
        rng = self._evaluation_rng.child(self._calls)
        self._calls += 1
        with self.timed("evaluation"), self._blamed("update"), self._untouched(members):
            evaluation = self.evaluator.update(members, rng)
        promises.require(self.evaluator, promises.evaluation(evaluation, len(members), self.evaluator, "update"))
        self.ledger.add(**evaluation.cost)
        self.columns.update(evaluation.columns)
        return replace(evaluation, fitness=finite(evaluation.fitness)[0])

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count the block's wall-clock seconds under ``part``."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - begin

    def state_dict(self) -> dict[str, Any]:
        return {
            "ledger": self.ledger.state_dict(),
            "calls": self._calls,
            "next_id": self._next_id,
            "evaluator": self.evaluator.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.ledger.load_state_dict(state["ledger"])
        self._calls, self._next_id = state["calls"], state["next_id"]
        self.evaluator.load_state_dict(state["evaluator"])

    # ------------------------------------------------------------------------------------------- the policy

    @contextmanager
    def _blamed(self, method: str) -> Iterator[None]:
        """An exception inside is the evaluator's; evoplug's own errors (missing data, a signal) pass."""
        try:
            yield
        except EvoplugError:
            raise
        except Exception as error:
            name, made = catalogue.named(type(self.evaluator)), int(self.ledger["generations"])
            # Members are measured when their generation is complete.
            generation = made if method == "measure" else made + 1
            raise EvaluationError(f"generation {generation}: {name}: {method} {said(error)}") from error

    def _untouched(self, members: Members) -> AbstractContextManager[None]:
        """The evaluator may look at genomes, and no more."""
        what = "the genomes of its members: work on a copy"
        return untouched(self.evaluator, lambda: sample(members.genomes), what)

    def _counted(self, cases: Any) -> Any:
        """Cases that are there are counted at once, others as they are read."""
        if isinstance(cases, torch.Tensor):
            self.ledger.add(cases=cases.numel())
            return finite(cases)[0]
        return None if cases is None else _Cases(cases, self)


class _Cases:
    """Fitness by case, evaluated and counted as it is read: ``cases[:, numbers]`` is ``(n, len(numbers))``."""

    def __init__(self, cases: Any, problem: Problem) -> None:
        self._cases, self._problem = cases, problem
        self.shape = cases.shape

    def __getitem__(self, key: Any) -> torch.Tensor:
        with self._problem.timed("evaluation"), self._problem._blamed("evaluate"):
            values = self._cases[key]
        self._problem.ledger.add(cases=values.numel())
        return finite(values)[0]


def finite(fitness: torch.Tensor) -> tuple[torch.Tensor, int]:
    """The same with :data:`INVALID` where a value is not finite, and how many are not."""
    valid = torch.isfinite(fitness)
    invalid = fitness.numel() - int(valid.sum())
    return (fitness.where(valid, INVALID) if invalid else fitness), invalid


def start(evaluator: Evaluator, seed: int, device: torch.device) -> None:
    """Start an evaluator for a run with this seed."""
    evaluator.start(device, Rng(seed, device).child("start"))


def require(strategy: Strategy, evaluator: Evaluator) -> list[str]:
    """What the strategy needs and the evaluator does not provide."""
    return [need for need in strategy.needs if need not in evaluator.provides]
