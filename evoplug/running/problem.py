"""The problem of a run at work: it hands out members and ids, evaluates, keeps the ledger and blames whoever failed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import torch

from evoplug.catalogue.blame import said
from evoplug.config import cases
from evoplug.config.joint import seen_by, translated
from evoplug.contracts import Evaluator, Genotype, Mutation, Problem, Strategy
from evoplug.errors import PASSING, EvaluationError, named, require
from evoplug.population.untouched import sample, untouched
from evoplug.rng import Rng
from evoplug.running import promises
from evoplug.running.invalid_fitness import finite
from evoplug.types import SPLITS, Evaluation, Genomes, Ledger, Members, Outcome, concatenate, count, genome

BLOCK = 1024
"""Cases that are read at once where all are."""


class RunProblem(Problem):
    """The problem of one run; the methods that strategies call are told of in :class:`evoplug.contracts.Problem`.

    Args:
        genotype: bound.
        evaluator: bound and started.
        seed: of the run.
        device: where tensors live.
        strategy: who sees the genotype in its way, and whose mutations keep columns beside each genome.
        limit: ``limit(error)`` is a block that raises the error where it takes too long; every call of the evaluator
            is in one.
    """

    def __init__(
        self,
        genotype: Genotype | None,
        evaluator: Evaluator,
        seed: int,
        device: torch.device,
        strategy: Strategy | None = None,
        limit: Callable[[EvaluationError], AbstractContextManager[None]] | None = None,
    ) -> None:
        root = Rng(seed, device)
        self.genotype = genotype if strategy is None else seen_by(strategy, genotype)
        self._itself, self._judged = genotype, seen_by(evaluator, genotype)
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
        slots = vars(strategy).values() if strategy is not None else ()
        self._mutations = [operator for operator in slots if isinstance(operator, Mutation)]
        self._keeps_cases = strategy is not None and cases.kept(strategy)
        self._evaluation_rng = root.child("evaluation")
        self._measure_rng = root.child("measure")
        self._sample_rng = root.child("sample")
        self._finish_rng = root.child("finish")
        self._limit = limit
        self._calls = 0
        self._next_id = 0

    @property
    def generation(self) -> int:
        return int(self.ledger["generations"]) + 1

    def members(self, genomes: Genomes, parents: torch.Tensor | None = None) -> Members:
        n = count(genomes)
        ids = torch.full((n, 2), -1, device=self.device) if parents is None else parents
        return Members(genomes, self.ids(n), ids, columns=self.kept(n))

    def ids(self, n: int) -> torch.Tensor:
        self._next_id += n
        return torch.arange(self._next_id - n, self._next_id, device=self.device)

    def kept(self, n: int) -> dict[str, torch.Tensor]:
        return {
            name: column.to(self.device) for mutation in self._mutations for name, column in mutation.columns(n).items()
        }

    def sample(self, n: int) -> Members:
        if self.genotype is None:
            return self.members([{} for _ in range(n)])
        genomes = self.genotype.sample(n, self._sample_rng.child(self._next_id))
        require(self._itself, promises.genomes(genomes, n))
        return self.members(genomes)

    def children(self, parents: Members, mates: Members | None = None) -> Members:
        columns = {name: column.clone() for name, column in parents.columns.items()}
        second = torch.full_like(parents.ids, -1) if mates is None else mates.ids
        ids = torch.stack([parents.ids, second], dim=1)
        return Members(concatenate([parents.genomes]), self.ids(len(parents)), ids, None, columns)

    def inherit(self, parents: Members, children: Members) -> None:
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
        if not len(members):
            members.fitness = torch.empty(0, device=self.device)
            return Evaluation(members.fitness)
        if broken := promises.members(members, self.genotype):
            raise ValueError(broken)  # the strategy's fault, at whose door it is laid
        rng = self._evaluation_rng.child(self._calls)
        self._calls += 1
        shown = self._shown(members)
        with self.timed("evaluation"), self._at_work("evaluate", shown):
            evaluation = self.evaluator.evaluate(shown, rng)
        require(self.evaluator, promises.evaluation(evaluation, len(members), self.evaluator, "evaluate"))
        self.ledger.add(evaluations=len(members), **evaluation.cost)
        self.columns.update(evaluation.columns)
        members.fitness, invalid = finite(evaluation.fitness)
        self.invalid += invalid
        if evaluation.states is not None:
            members.states = evaluation.states
        by_case = self._counted(evaluation.cases)
        members.cases = _whole(by_case) if self._keeps_cases else None
        return replace(evaluation, fitness=members.fitness, cases=by_case if members.cases is None else members.cases)

    def measure(self, members: Members, split: str = "validation") -> dict[str, torch.Tensor]:
        return self._measured("measure", members, split, len(members))

    def _measured(self, method: str, members: Members, split: str, n: int) -> dict[str, torch.Tensor]:
        """metric -> ``(n,)``, by one of the evaluator's methods."""
        shown = self._shown(members)
        with self.timed("measure"), self._at_work(method, shown):
            metrics = getattr(self.evaluator, method)(shown, split, self._measure_rng.child(split))
        require(self.evaluator, promises.metrics(metrics, n, method))
        return {name: value.detach().cpu() for name, value in metrics.items()}

    def describe(self, members: Members) -> dict[str, torch.Tensor]:
        shown = self._shown(members)
        with self.timed("measure"), self._at_work("describe", shown):
            values = self.evaluator.describe(shown)
        require(self.evaluator, promises.values(values, len(members)))
        return {name: value.detach().cpu() for name, value in values.items()}

    def validation(self, members: Members) -> torch.Tensor | None:
        if not self.evaluator.headline:
            return None
        headline = self.measure(members, "validation").get(self.evaluator.headline)
        return None if headline is None or not headline.isfinite().any() else finite(headline.double())[0]

    def finalise(self, member: Members) -> Members | None:
        """One member after the evaluator's last training, if it does any; the ledger stays as it is."""
        shown, rng = self._shown(member), self._finish_rng.child(int(member.ids[0]))
        begin = time.perf_counter()
        with self._at_work("finalise", shown):
            state = self.evaluator.finalise(shown, rng)
        if state is None:
            return None
        self.seconds["finishing"] += time.perf_counter() - begin
        return replace(member, states=[state])

    def report(self, best: Members) -> Outcome:
        return Outcome(best, self.metrics(best))

    def metrics(self, member: Members) -> dict[str, dict[str, float]]:
        return self._on_splits("measure", member)

    def ensemble(self, members: Members) -> dict[str, dict[str, float]]:
        return self._on_splits("ensemble", members)

    def _on_splits(self, method: str, members: Members) -> dict[str, dict[str, float]]:
        """split -> metric -> value of one solution."""
        measured = {split: self._measured(method, members, split, 1) for split in SPLITS}
        return {split: {name: v.item() for name, v in values.items()} for split, values in measured.items() if values}

    def update(self, members: Members) -> Evaluation:
        rng = self._evaluation_rng.child(self._calls)
        self._calls += 1
        shown = self._shown(members)
        with self.timed("evaluation"), self._at_work("update", shown):
            evaluation = self.evaluator.update(shown, rng)
        require(self.evaluator, promises.evaluation(evaluation, len(members), self.evaluator, "update"))
        self.ledger.add(**evaluation.cost)
        self.columns.update(evaluation.columns)
        return replace(evaluation, fitness=finite(evaluation.fitness)[0])

    def reported(self, members: Members) -> Members:
        """The strategy's members with genomes as the genotype itself has them: by part, if it has parts."""
        return translated(members, self.genotype, self._itself)

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
    def _at_work(self, method: str, members: Members) -> Iterator[None]:
        """The evaluator is called with members."""
        with self.blamed(method), self._limited(method, members), self._untouched(members):
            yield

    @contextmanager
    def blamed(self, method: str) -> Iterator[None]:
        """An exception inside, and ``sys.exit``, is the evaluator's; evoplug's own (missing data, a signal) pass."""
        try:
            yield
        except PASSING:
            raise
        except BaseException as error:
            raise EvaluationError(f"{self._place(method)} {said(error)}") from error

    def _limited(self, method: str, members: Members) -> AbstractContextManager[None]:
        if self._limit is None:
            return nullcontext()
        first, last = int(members.ids.min()), int(members.ids.max())
        which = f"member {first}" if len(members) == 1 else f"{len(members)} members, ids {first} to {last},"
        return self._limit(EvaluationError(f"{self._place(method)} of {which} took longer than run.timeout allows"))

    def _place(self, method: str) -> str:
        made = int(self.ledger["generations"])
        # Members are measured when their generation is complete.
        generation = made if method in ("measure", "ensemble", "describe", "finalise") else made + 1
        return f"generation {generation}: {named(type(self.evaluator))}: {method}"

    def _shown(self, members: Members) -> Members:
        """The strategy's members as the evaluator sees them."""
        return translated(members, self.genotype, self._judged)

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

    def __init__(self, cases: Any, problem: RunProblem) -> None:
        self._cases, self._problem = cases, problem
        self.shape = cases.shape

    def __getitem__(self, key: Any) -> torch.Tensor:
        with self._problem.timed("evaluation"), self._problem.blamed("evaluate"):
            values = self._cases[key]
        self._problem.ledger.add(cases=values.numel())
        return finite(values)[0]


def _whole(by_case: Any) -> torch.Tensor:
    """All cases, those that are computed as they are read a block at a time."""
    if isinstance(by_case, torch.Tensor):
        return by_case.detach()
    blocks = torch.arange(by_case.shape[1]).split(BLOCK)
    return torch.cat([by_case[:, block] for block in blocks], 1)


def start(evaluator: Evaluator, seed: int, device: torch.device) -> None:
    """Start an evaluator for a run with this seed."""
    evaluator.start(device, Rng(seed, device).child("start"))
