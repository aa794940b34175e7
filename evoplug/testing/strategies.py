"""What a strategy promises."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from evoplug.catalogue import loading
from evoplug.config import cases
from evoplug.config.building import build
from evoplug.config.joint import JointVector, seen_by
from evoplug.contracts import ConfigError, Crossover, Evaluator, Genotype, Loop, Mutation, Selection, Strategy
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem, start
from evoplug.running.records import plain
from evoplug.testing.elsewhere import elsewhere
from evoplug.testing.problems import CPU, SPACES, ByCase, Judge, Together, installed, require_inside
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree, stored
from evoplug.types import Members, Outcome, genome

GENERATIONS = 4

Setting = tuple[str, Mapping[str, Any], Genotype | None, Evaluator]
"""Name and parameters of a strategy, and what it works with."""


class StrategySuite(Suite):
    """The strategy searches for short vectors, under noise, with an evaluator that provides all it needs and finds
    some members invalid; or what its ``companions`` name.

    Override the fixtures ``genotype`` and ``evaluator`` where it is made for other problems.
    """

    group = "strategies"

    @pytest.fixture
    def evaluator(self) -> Evaluator:
        """Provides what the strategy needs; not bound."""
        own: Evaluator | None = self.companion("evaluator")
        return own or Judge(provides=loading.load(self.group, self.used()).needs)  # type: ignore[attr-defined]

    @pytest.fixture
    def genotype(self, evaluator: Evaluator) -> Genotype | None:
        """A space that it works on, not bound."""
        cls = loading.load(self.group, self.used())
        if cls.genotype == "none":  # type: ignore[attr-defined]
            return None
        if own := self.companion("genotype"):
            return own
        if not cls.kinds or "real-vector" in cls.kinds:
            return SPACES["bounded"]
        found = next(installed(cls.kinds, evaluator.task()), None)
        assert found, f"no genotype of kind {' or '.join(cls.kinds)} is installed: name one in its `companions`"
        return found

    @pytest.fixture
    def parts(self, example: Mapping[str, Any], genotype: Genotype | None, evaluator: Evaluator) -> Setting:
        """All that a run of it is made from."""
        return self.used(), example, genotype, evaluator

    def test_a_generation_is_whole(self, parts: Setting) -> None:
        """Members with fitness, ids and parents, inside the space; a line of records; the solution to report."""
        loop = _started(*parts)
        for row in _generations(loop, GENERATIONS):
            members, n = loop.members, len(loop.members)
            assert members.fitness is not None
            assert members.fitness.shape == members.ids.shape == (n,)
            assert members.parents.shape == (n, 2)
            assert members.ids.dtype == members.parents.dtype == torch.int64
            _require_ids(members)
            if loop.problem.genotype is not None:
                require_inside(loop.problem.genotype, members.genomes)
            json.dumps(plain(dict(row["status"])))
            assert loop.problem.ledger["evaluations"] > 0

    def test_an_invalid_member_is_never_best_nor_carried_over(self, parts: Setting) -> None:
        """Its fitness is -inf; it has to be evaluated again to stay in the population."""
        loop = _started(*parts)
        old: set[int] = set()
        for _ in _generations(loop, GENERATIONS):
            members, best = loop.members, loop.best
            assert len(best) == 1
            assert best.fitness is None or torch.isfinite(best.fitness).all(), "an invalid member is the best"
            assert members.fitness is not None
            assert not members.fitness.isnan().any()
            assert not (members.fitness == torch.inf).any()
            evaluated = getattr(loop.problem.evaluator, "evaluated", None)
            if evaluated is not None:
                stale = (set(members.ids[~members.fitness.isfinite()].tolist()) & old) - set(evaluated)
                assert not stale, f"members {sorted(stale)} were carried over although they are invalid"
                evaluated.clear()
            old = set(members.ids.tolist())

    def test_members_keep_what_they_learned(self, parts: Setting) -> None:
        """With an evaluator whose members learn, although the strategy may not need it."""
        name, example, genotype, evaluator = parts
        if not isinstance(evaluator, Judge):
            pytest.skip("the evaluator is its own")
        learning = replace(evaluator, provides=tuple({*evaluator.provides, "states"}))
        loop = _started(name, example, genotype, learning)
        for _ in _generations(loop, GENERATIONS):
            for members in (loop.members, loop.best):
                assert members.states is not None, "members lost their states"
                assert all(state is not None for state in members.states), "a member lost its state"
        loop.finish()

    def test_a_selection_by_cases_selects(self, parts: Setting) -> None:
        """In the place of each selection, or the strategy refuses it in words; and every step can be gone on from."""
        name, example, genotype, evaluator = parts
        if not isinstance(evaluator, Judge):
            pytest.skip("the evaluator is its own")
        try:
            by_cases = {**example, **_by_cases(name, example)}
        except ConfigError as error:
            pytest.skip(str(error))
        if by_cases == example:
            pytest.skip("it has no selection")
        judge = replace(evaluator, provides=tuple({*evaluator.provides, "cases"}))
        loop = _started(name, by_cases, genotype, judge)
        list(_generations(loop, 1))
        state = _state(loop)
        rest = list(_generations(loop, GENERATIONS - 1))
        assert "cases" in loop.problem.ledger.row(), "nothing has read cases"
        agree("resumed it goes on in another way", _resumed(name, by_cases, genotype, judge, state, len(rest)), rest)

    def test_the_end_is_an_outcome(self, parts: Setting) -> None:
        loop = _started(*parts)
        list(_generations(loop, GENERATIONS))
        outcome = loop.finish()
        assert isinstance(outcome, Outcome)
        assert len(outcome.best) == 1
        metrics = [value for split in outcome.metrics.values() for value in split.values()]
        assert all(isinstance(value, float | int) for value in metrics)
        stored(outcome.best.state_dict() | {"genomes": None}, "the solution")

    def test_the_same_seed_gives_the_same_run(self, parts: Setting) -> None:
        runs = []
        for seed in (1, 2):
            with seeded(seed):
                runs.append(list(_generations(_started(*parts), GENERATIONS)))
        agree("the same stream gives two results", *runs)

    def test_any_number_of_workers_gives_the_same_run(self, parts: Setting) -> None:
        runs = []
        for number in (1, 3):
            with workers(number):
                runs.append(list(_generations(_started(*parts), GENERATIONS)))
        agree("the number of workers changes the run", *runs)

    def test_every_step_can_be_gone_on_from(self, parts: Setting) -> None:
        """From the state after each step, a new loop goes on as if nothing had happened."""
        loop = _started(*parts)
        rows, states = [], []
        for row in _generations(loop, GENERATIONS):
            rows.append(row)
            states.append(_state(loop))
        for done, state in enumerate(states, start=1):
            resumed = _resumed(*parts, state, GENERATIONS - done)
            agree(f"resumed after step {done} it goes on in another way", resumed, rows[done:])

    def test_a_composite_of_real_vectors_is_searched_as_one(self, parts: Setting) -> None:
        """By a strategy that works on real vectors: it sees one tensor, the evaluator the genomes by part."""
        name, example, _, evaluator = parts
        composite, cls = Together(), loading.load(self.group, self.used())
        if not isinstance(seen_by(cls, composite), JointVector):
            pytest.skip("it takes composites as they are, or none")
        if not isinstance(evaluator, Judge) or self.companion("genotype"):
            pytest.skip("the genotype or the evaluator is its own")
        setting = (name, example, composite, evaluator)
        loop = _started(*setting)
        list(_generations(loop, 2))
        assert isinstance(loop.problem.genotype, JointVector)
        require_inside(loop.problem.genotype, loop.members.genomes)
        state = _state(loop)
        expected = list(_generations(loop, 2))
        agree("in another process it goes on in another way", elsewhere(_resumed, *setting, state, 2), expected)

    def test_another_process_can_go_on(self, parts: Setting) -> None:
        loop = _started(*parts)
        list(_generations(loop, 2))
        state = _state(loop)
        expected = list(_generations(loop, 2))
        agree("in another process it goes on in another way", elsewhere(_resumed, *parts, state, 2), expected)


def _by_cases(name: str, example: Mapping[str, Any]) -> Mapping[str, Selection]:
    """Slot -> a selection by cases, for each selection of a strategy.

    Raises:
        ConfigError: if the strategy refuses these.
    """
    slots = {slot: ByCase() for slot, operator in vars(_made(name, example)).items() if isinstance(operator, Selection)}
    _made(name, {**example, **slots})
    return slots


def _made(name: str, example: Mapping[str, Any]) -> Strategy:
    strategy = build("strategies", name, **example)
    assert isinstance(strategy, Strategy)
    return strategy


def _require_ids(members: Members) -> None:
    """Whoever has the id of another has its genome too: it is a copy that was carried over."""
    rows = {number: row for row, number in enumerate(members.ids.tolist())}
    for row, number in enumerate(members.ids.tolist()):
        genomes = (plain(genome(members.genomes, each)) for each in (row, rows[number]))
        agree(f"two members have the id {number}", *genomes)


def _started(name: str, example: Mapping[str, Any], genotype: Genotype | None, evaluator: Evaluator) -> Loop:
    """A run that has not made a step, with parts of its own."""
    genotype, evaluator = copy.deepcopy((genotype, evaluator))
    strategy = _made(name, example)
    if genotype is not None:
        genotype.bind(evaluator.task())
        searched = seen_by(strategy, genotype)
        assert searched is not None
        for operator in vars(strategy).values():
            if isinstance(operator, Crossover | Mutation):
                operator.bind(searched)
    strategy.bind(seen_by(strategy, genotype))
    evaluator.reads_cases = cases.read(strategy)
    evaluator.bind(seen_by(evaluator, genotype))
    start(evaluator, 1, CPU)
    return strategy.start(RunProblem(genotype, evaluator, 1, CPU, strategy))


def _generations(loop: Loop, count: int) -> Iterator[dict[str, Any]]:
    """Step as a run does; what is there after each step."""
    for _ in range(count):
        loop.step()
        loop.problem.ledger.add(generations=1)
        yield copy.deepcopy(
            {
                "members": loop.members.state_dict(),
                "best": loop.best.state_dict(),
                "status": plain(dict(loop.status)),
                "ledger": loop.problem.ledger.row(),
            }
        )


def _state(loop: Loop) -> Any:
    """A checkpoint."""
    problem: Any = loop.problem
    return stored({"problem": problem.state_dict(), "loop": loop.state_dict()}, "the loop's state")


def _resumed(
    name: str,
    example: Mapping[str, Any],
    genotype: Genotype | None,
    evaluator: Evaluator,
    state: Mapping[str, Any],
    count: int,
) -> list[dict[str, Any]]:
    loop = _started(name, example, genotype, evaluator)
    state = copy.deepcopy(state)
    problem: Any = loop.problem
    problem.load_state_dict(state["problem"])
    loop.load_state_dict(state["loop"])
    assert getattr(loop, "members", None) is not None, "load_state_dict must bring back `members` too"
    return list(_generations(loop, count))
