"""Strategy ``elite-reevaluation``: a truncation GA whose elites are evaluated again, against noise of the fitness.

J. Prellberg, "Evolving Deep Neural Networks", thesis, chapter 6, Algorithm 3, with its symbols and line numbers; after
F. P. Such et al., "Deep Neuroevolution", 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from deap import algorithms

from evoplug import Members, Outcome, Problem, Rng
from evoplug.backends import choice
from evoplug.backends.deap import INDIVIDUAL, PopulationLoop, gathered
from evoplug.contracts import ConfigError, Evaluator, Ge, Genotype, Holding, Mutation, Strategy, use


@dataclass(kw_only=True)
class EliteReevaluation(Strategy):
    """(mu, lambda) EA with kappa elites that are evaluated again, so that none stays for a lucky evaluation.

    ::

        P <- lambda random solutions, evaluated                                  lines 1, 2
        P <- the mu best of P                                                    line 3
        while not done:
            E <- the kappa best of P                                             line 5
            evaluate those of E again that were evaluated less than so often     line 6
            Q <- lambda solutions from P, uniform with replacement, mutated      lines 7, 8
            evaluate Q                                                           line 9
            P <- the mu best of E and Q                                          line 10

    Fitness is the mean of all evaluations of a member; a mutant begins anew. By ``elite_rule`` "keep", as the released
    code has it, all of E are in the next P, and the best of Q fill it up; by "compete", as Algorithm 3 has it, E and Q
    compete for it. ``elites`` = 1 and ``evaluations`` = 1 are the GA of Such et al.; the defaults are the proposal of
    table 6.1, the released launcher has 100 parents and 40 elites. For any genotype that the mutation fits, and any
    noisy fitness.

    The reported solution has the best mean that was recorded of any member of any generation, as the thesis chooses it;
    beside it stand the "top elite", the best of the last generation, and the one "chosen anew": of that and the other
    elites and the reported one, the best on validation data, or where there are none by an evaluation that none of them
    was chosen by. Where ``measure`` has the metric ``fitness``, the fitness without its noise, ``overestimation`` says
    by how much the recorded mean is above it. An "ensemble of 3" is of those with the best recorded means of all
    generations; not every evaluator makes ensembles.
    """

    parents: Annotated[int, Ge(1), "mu: solutions that have offspring"] = 40
    offspring: Annotated[int, Ge(1), "lambda: mutants a generation, and random solutions in the first"] = 2000
    elites: Annotated[
        int, Ge(1), "kappa: solutions that stay or compete with the offspring, and are evaluated again"
    ] = 10
    evaluations: Annotated[int, Ge(1), "of an elite, at most; 1 evaluates nothing again"] = 20
    elite_rule: Annotated[
        Literal["keep", "compete"], "whether all elites stay, or the best of them and the offspring"
    ] = "keep"
    ensemble: Annotated[
        int, Ge(1), "solutions whose outputs are averaged, the best of all generations, as one more beside; 1: none"
    ] = 1
    mutation: Mutation = use("gaussian", sigma=0.005)

    examples = (
        {"parents": 8, "offspring": 20, "elites": 4, "evaluations": 10},
        {"parents": 8, "offspring": 20, "elites": 4, "evaluations": 2, "elite_rule": "compete"},
        {"parents": 8, "offspring": 20, "elites": 1, "evaluations": 1},
    )

    def check(self) -> Iterator[tuple[str, str]]:
        if self.offspring < self.parents:
            yield "offspring", f"must be at least parents = {self.parents:,}, is {self.offspring:,}"
        if self.elites > self.parents:
            yield "elites", f"must not exceed parents = {self.parents:,}, is {self.elites:,}"
        elif self.elites == self.parents and self.elite_rule == "keep":
            yield "elites", f"leaves no room for offspring among parents = {self.parents:,}"

    def holds(self, genotype: Genotype | None) -> Holding:
        """Parents, offspring, and each offspring's parent while they are mutated."""
        members = self.parents + 2 * self.offspring
        return Holding(members, self.offspring, members * INDIVIDUAL)

    def start(self, problem: Problem) -> Reevaluation:
        """Raises ConfigError if an ensemble is asked for, and the evaluator makes none."""
        if self.ensemble > 1 and type(problem.evaluator).ensemble is Evaluator.ensemble:
            raise ConfigError("ensemble", f"is {self.ensemble}, and the evaluator makes no ensembles: leave it out")
        return Reevaluation(self, problem)


class Reevaluation(PopulationLoop):
    """Algorithm 3 at work in DEAP's ``eaMuPlusLambda``, whose individuals have genomes of any kind; P is sorted."""

    def __init__(self, settings: EliteReevaluation, problem: Problem) -> None:
        self.settings = settings
        super().__init__(
            problem, settings.offspring, self.algorithm, self.survivors, None, settings.mutation, reevaluate=True
        )
        self._when: dict[int, int] = {}
        """id -> generation of the last evaluation, of all in P."""
        self._gone: Members | None = None
        """The best of those that are no longer in P, in their order, as many as an ensemble takes."""
        self._gone_when: dict[int, int] = {}
        """id -> generation of the last evaluation, of all of them."""
        self._reevaluations = 0

    # ------------------------------------------------------------------------------------------------ Algorithm 3

    def algorithm(self, population, toolbox, generations):  # type: ignore[no-untyped-def]
        """Lines 2 and 3, then a pass of lines 6 to 10: ``eaMuPlusLambda`` first evaluates whom :meth:`outdated` names,
        and has :meth:`survivors` select."""
        mu, offspring = self.settings.parents, self.settings.offspring
        population, log = algorithms.eaMuPlusLambda(
            population, toolbox, mu, offspring, cxpb=0.0, mutpb=1.0, ngen=generations, verbose=False
        )
        return (population if generations else toolbox.select(population, mu)), log

    def outdated(self) -> list[int]:
        """Lines 5 and 6: elites that were not evaluated often enough."""
        assert self._mean is not None
        counts = self._mean.counts(self.members[: self.settings.elites])
        return [row for row, count in enumerate(counts.tolist()) if count < self.settings.evaluations]

    def survivors(self, fitness: torch.Tensor, mu: int, rng: Rng) -> torch.Tensor:
        """Line 10, and line 3, where all are offspring: the best first, of equals the elite. Who is invalid does not
        survive, unless all are."""
        parents = len(fitness) - self.settings.offspring
        valid = fitness.isfinite()
        rows = torch.arange(len(fitness))
        E, Q = rows[: min(parents, self.settings.elites)], rows[parents:]
        if not valid.any():
            return Q[:mu]
        E, Q = E[valid[E]], _best_first(fitness, Q[valid[Q]])
        if self.settings.elite_rule == "keep":
            Q = Q[: mu - len(E)]
        return _best_first(fitness, torch.cat([E, Q]))[:mu]

    def step(self) -> None:
        now, before = self.problem.generation, list(self._individuals)
        again = [] if self.members.fitness is None else self.members.ids[self.outdated()].tolist()
        super().step()
        when = {**self._when, **dict.fromkeys(again, now)}
        self._let_go(gathered(before), when)
        self._when = {number: when.get(number, now) for number in self.members.ids.tolist()}
        self._reevaluations = len(again)

    # ----------------------------------------------------------------------------------------------- what is told

    def _let_go(self, before: Members, when: Mapping[int, int]) -> None:
        """Remember the best of those that are no longer in P. Of offspring that never were, none is better than those
        that are."""
        if before.fitness is None:
            return
        gone = ~torch.isin(before.ids, self.members.ids) & before.fitness.isfinite()
        left = before[gone.nonzero().flatten()]
        if not len(left):
            return
        every = left if self._gone is None else Members.cat([self._gone, left])
        self._gone = Members.cat([_best(every, self.settings.ensemble)])
        known = {**dict.fromkeys(left.ids.tolist(), self.problem.generation), **when, **self._gone_when}
        self._gone_when = {number: known[number] for number in self._gone.ids.tolist()}

    def record(self) -> tuple[Members, int]:
        """The member with the best mean of all generations, as last evaluated, and the generation of that; of equals
        the one that is in P."""
        top = self.members[:1]
        assert top.fitness is not None
        if self._gone is not None and self._gone.fitness[0] > top.fitness[0]:  # type: ignore[index]
            return self._gone[:1], self._gone_when[int(self._gone.ids[0])]
        return Members.cat([top]), self._when[int(top.ids[0])]

    @property
    def status(self) -> Mapping[str, Any]:
        """Of the elites, kappa of them, the recorded fitness and how often each was evaluated; of the top elite too, as
        numbers; ``record`` is the best mean of all generations."""
        assert self._mean is not None
        E = self.members[: self.settings.elites]
        assert E.fitness is not None
        counts = self._mean.counts(E).tolist()
        return {
            **self.settings.mutation.at(self.problem.generation).describe(),
            "elites": len(E),
            "elite_fitness": E.fitness.tolist(),
            "elite_evaluations": counts,
            "top_fitness": E.fitness[0].item(),
            "top_evaluations": counts[0],
            "reevaluations": self._reevaluations,
            "record": self.record()[0].fitness.item(),  # type: ignore[union-attr]
        }

    def finish(self) -> Outcome:
        """The best record; beside it the top elite, and the one that is chosen anew."""
        record, generation = self.record()
        E = self.members[: self.settings.elites]
        candidates = E if torch.isin(record.ids, E.ids) else Members.cat([E, record])
        anew = candidates[[choice.best(self.problem, candidates)]]
        measured: dict[int, dict[str, dict[str, float]]] = {}
        for member in (record, self.best, anew):
            number = int(member.ids[0])
            measured[number] = measured.get(number) or self._metrics(member)
        beside = {
            name: {**measured[int(member.ids[0])], "best": {"fitness": member.fitness[0].item()}}  # type: ignore[index]
            for name, member in (("top elite", self.best), ("chosen anew", anew))
        }
        return Outcome(record, measured[int(record.ids[0])], {**beside, **self._ensemble()}, generation)

    def _ensemble(self) -> dict[str, dict[str, dict[str, float]]]:
        """What the evaluator measures of the best of all generations as one, by a name; nothing of one alone."""
        k = self.settings.ensemble
        every = self.members if self._gone is None else Members.cat([self.members, self._gone])
        return {f"ensemble of {k}": self.problem.ensemble(_best(every, k))} if k > 1 else {}

    def _metrics(self, member: Members) -> dict[str, dict[str, float]]:
        assert member.fitness is not None
        metrics = self.problem.metrics(member)
        for values in metrics.values():
            if "fitness" in values:
                values["overestimation"] = member.fitness[0].item() - values["fitness"]
        return metrics

    # ----------------------------------------------------------------------------------------------- checkpoints

    def state_dict(self) -> dict[str, Any]:
        gone = None if self._gone is None else self._gone.state_dict()
        return {**super().state_dict(), "gone": gone, "gone_when": self._gone_when, "when": self._when}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        gone = state["gone"]
        self._gone = None if gone is None else Members.from_state_dict(gone, self.problem.device)
        self._gone_when, self._when = dict(state["gone_when"]), dict(state["when"])


def _best(members: Members, count: int) -> Members:
    """So many with the best fitness, in its order; equals in the order that they have."""
    assert members.fitness is not None
    return members[_best_first(members.fitness, torch.arange(len(members)))[:count]]


def _best_first(fitness: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The rows by descending fitness; equals in the order that they have."""
    return rows[fitness[rows].argsort(descending=True, stable=True)]
