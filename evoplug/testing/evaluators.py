"""What an evaluator promises."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from typing import Any, get_args

import numpy
import pytest
import torch

from evoplug.config import parameters
from evoplug.config.building import build
from evoplug.config.joint import seen_by, translated
from evoplug.contracts import ConfigError, Evaluator, Genotype, Model
from evoplug.errors import FilesError
from evoplug.population.workers import workers
from evoplug.rng import Rng
from evoplug.running import promises
from evoplug.running.problem import RunProblem, start
from evoplug.running.records import plain
from evoplug.testing.elsewhere import elsewhere
from evoplug.testing.problems import CPU, SPACES, installed
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree, same, stored
from evoplug.types import Members, Task

N = 4
"""Members in a population: few, since some evaluators train each."""

Run = Callable[..., RunProblem]


class EvaluatorSuite(Suite):
    """Genomes come from the evaluator's ``companions``, or else from the suite or the installed genotypes, by the kinds
    that it works on.

    Override the fixture ``genotype`` to test on others. Data sets whose files are not here are skipped.
    """

    group = "evaluators"

    @pytest.fixture
    def genotype(self, example: Mapping[str, Any]) -> Genotype | None:
        """The search space, which the tests bind; None for an evaluator that needs none."""
        evaluator: Evaluator = self.build(example)
        own, refusals = self.companion("genotype"), list[str]()
        for genotype in [own] if own else _spaces(evaluator):
            try:
                _bound(self.used(), example, genotype)
                return genotype
            except ConfigError as error:
                refusals.append(f"{type(genotype).__name__ if genotype else 'none'}: {error}")
            except FilesError as error:
                pytest.skip(str(error))
        pytest.fail(f"no genotype fits it ({'; '.join(dict.fromkeys(refusals))}): name one in its `companions`")

    @pytest.fixture
    def run(self, example: Mapping[str, Any], genotype: Genotype | None) -> Iterator[Run]:
        """Starts a run of its own, with a seed; skips where data are missing."""
        with ExitStack() as stack:
            yield lambda seed=1: stack.enter_context(_problem(self.used(), example, genotype, seed))

    @pytest.fixture
    def problem(self, run: Run) -> RunProblem:
        """The evaluator at work, as a strategy sees it."""
        return run()

    @pytest.fixture
    def members(self, problem: RunProblem) -> Members:
        """A population that has not been evaluated."""
        return problem.sample(N)

    def test_the_task_is_known_without_data(self, example: Mapping[str, Any]) -> None:
        evaluator: Evaluator = self.build(example)
        task = evaluator.task()
        assert isinstance(task, Task)
        assert evaluator.task() == task

    def test_it_is_bound_to_nothing_or_refuses_in_words(self, example: Mapping[str, Any]) -> None:
        """Configurations without a genotype exist."""
        evaluator: Evaluator = self.build(example)
        with suppress(ConfigError):
            evaluator.bind(None)

    def test_what_it_says_keeps_the_contract(self, problem: RunProblem, members: Members) -> None:
        """Shapes, dtypes, states and costs, as :class:`evoplug.running.problem.RunProblem` checks them in every run."""
        evaluation = problem.evaluate(members)
        assert evaluation.fitness.device == CPU
        if "cases" not in problem.evaluator.provides:
            assert evaluation.cases is None, "it gives cases, and does not provide them"
        assert ("states" in problem.evaluator.provides) == (evaluation.states is not None)
        assert all(isinstance(cost, float | int) and cost >= 0 for cost in evaluation.cost.values()), evaluation.cost
        json.dumps(plain(dict(evaluation.columns)))

    def test_cases_are_there_where_they_are_read(
        self, example: Mapping[str, Any], genotype: Genotype | None, problem: RunProblem, members: Members
    ) -> None:
        """And change nothing else. They may be read in any order; where they are fixed, they are as many every time."""
        if "cases" not in problem.evaluator.provides:
            pytest.skip("it provides no cases")
        if not problem.evaluator.reads_cases:
            pytest.skip("it has none with these parameters")
        close = partial(torch.testing.assert_close, equal_nan=True)
        evaluation = problem.evaluate(copy.copy(members))
        cases = _read(evaluation.cases)
        assert cases.shape == tuple(evaluation.cases.shape)
        assert cases.is_floating_point()
        assert cases.device == CPU
        backwards = torch.arange(cases.shape[1]).flip(0)
        close(evaluation.cases[:, backwards], cases.flip(1), msg="cases read in another order are others")
        with _problem(self.used(), example, genotype, reads_cases=False) as other:
            fitness = other.evaluate(other.sample(N)).fitness
            close(evaluation.fitness, fitness, msg="where nothing reads cases the fitness is another one")
        if problem.evaluator.fixed_cases:
            assert problem.evaluate(copy.copy(members)).cases.shape == cases.shape, "its fixed cases became others"

    def test_members_are_left_as_they_are(self, problem: RunProblem, members: Members) -> None:
        new = copy.deepcopy(members)
        learned = _learned(problem, members)
        before = copy.deepcopy(learned)
        problem.evaluate(copy.copy(learned))
        problem.measure(learned, "validation")
        if "update" in problem.evaluator.provides:
            problem.update(learned)
        agree("`evaluate` changed the members", members, new)
        agree("`evaluate`, `measure` or `update` changed the members", learned, before)

    def test_the_same_streams_give_the_same_fitness(self, run: Run) -> None:
        runs = []
        for seed in (1, 2):
            with seeded(seed):
                runs.append(list(_rounds(run(), None, 2)))
        agree("the same stream gives two results", *runs)

    def test_any_number_of_workers_gives_the_same_fitness(self, run: Run) -> None:
        runs = []
        for number in (1, 3):
            with workers(number):
                runs.append(list(_rounds(run(), None, 2)))
        agree("the number of workers changes what it says", *runs)

    def test_weights_of_its_own_depend_on_the_seed(self, run: Run) -> None:
        """And on nothing else; they are drawn from ``start``'s stream."""
        if "update" not in run().evaluator.provides:
            pytest.skip("it owns no weights")
        first, again, other = (stored(run(seed).evaluator.state_dict(), "its state") for seed in (1, 1, 2))
        agree("the same seed gives other weights", first, again)
        assert not same(first, other), "every seed gives the same weights: draw them from `rng` in `start`"

    def test_it_goes_on_from_a_checkpoint_in_another_process(
        self, example: Mapping[str, Any], genotype: Genotype | None, run: Run
    ) -> None:
        """As if nothing had happened: fitness, states and costs of the next generations are the same to the bit."""
        first, *rest = _rounds(run(), None, 3)
        # The checkpoint is taken by a second run: one that was never interrupted is not to see it.
        other = run()
        (again,) = _rounds(other, None, 1)
        agree("two runs with the same streams differ", again, first)
        checkpoint = stored({"problem": other.state_dict(), "members": again["members"]}, "the evaluator's state")
        resumed = elsewhere(_resumed, self.used(), example, genotype, checkpoint, 2)
        agree("after a checkpoint it goes on in another way", resumed, rest)

    def test_metrics_have_a_value_a_member(self, problem: RunProblem, members: Members) -> None:
        members, measured = _learned(problem, members), dict[str, torch.Tensor]()
        for split in ("validation", "test"):
            measured |= problem.measure(members, split)
            for name, values in problem.measure(members, split).items():
                assert values.shape == (N,), f"{split}.{name}"
        headline = problem.evaluator.headline
        assert not headline or headline in measured, f"its headline `{headline}` is not among its metrics"

    def test_every_headline_that_it_offers_is_measured(
        self, example: Mapping[str, Any], genotype: Genotype | None
    ) -> None:
        """Where it is a parameter."""
        parameter = parameters.load(self.group, self.used()).parameters.get("headline")
        if parameter is None:
            pytest.skip("its headline is no parameter")
        for headline in get_args(parameter.shape.core):
            with _problem(self.used(), {**example, "headline": headline}, genotype) as problem:
                metrics = problem.metrics(_learned(problem, problem.sample(1)))
                measured = {name for values in metrics.values() for name in values}
                assert headline in measured, f'with headline = "{headline}" it is not among its metrics'

    def test_several_members_may_be_measured_as_one(self, problem: RunProblem, members: Members) -> None:
        """One alone as by ``measure``, as far as numbers are exact."""
        members = _learned(problem, members)
        before = copy.deepcopy(members)
        together = problem.ensemble(members)
        if not together:
            pytest.skip("it makes no ensembles")
        agree("the same stream gives two results", problem.ensemble(members), together)
        agree("`ensemble` changed the members", members, before)
        alone, measured = problem.ensemble(members[:1]), problem.metrics(members[:1])
        assert alone.keys() == measured.keys()
        for split, values in alone.items():
            assert values == pytest.approx({name: measured[split][name] for name in values}, rel=1e-3, nan_ok=True)

    def test_what_it_says_of_members_needs_no_data(
        self, example: Mapping[str, Any], genotype: Genotype | None, problem: RunProblem, members: Members
    ) -> None:
        """It is bound and not started, and says the same as in a run: a number a member."""
        before = copy.deepcopy(members)
        said = problem.describe(members)
        evaluator, space = _bound(self.used(), example, genotype)
        agree("`describe` says something else before `start`", _described(evaluator, space, members), said)
        agree("`describe` changed the members", members, before)
        learned = _learned(problem, members)
        agree("`describe` says something else of evaluated members", problem.describe(learned), said)

    def test_measuring_changes_no_result(self, run: Run) -> None:
        problem, other = run(), run()
        measured = _learned(problem, problem.sample(N))
        problem.measure(measured, "validation")
        agree("`measure` changed its state", problem.state_dict(), stored(_after_one(other), "state"))
        fitness = (each.evaluate(copy.deepcopy(measured)).fitness for each in (problem, other))
        agree("`measure` changed what it says afterwards", *fitness)

    def test_a_last_training_gives_a_state_of_its_own(self, problem: RunProblem, members: Members) -> None:
        """The same at every call, and nothing else is changed by it."""
        members = _learned(problem, members)
        before, spent = copy.deepcopy(members), problem.state_dict()
        one, other = (problem.finalise(members[:1]) for _ in range(2))
        if one is None or other is None:
            pytest.skip("it has no last training")
        agree(
            "the same stream gives two last trainings", stored(one.states, "a state"), stored(other.states, "a state")
        )
        agree("`finalise` changed the member", members, before)
        agree("`finalise` changed its state, or the ledger", problem.state_dict(), spent)

    def test_a_member_may_have_a_model(self, problem: RunProblem, members: Members) -> None:
        """For use elsewhere: on the CPU, in evaluation mode, of its own memory."""
        members = _learned(problem, members)
        models, others = (_models(problem.evaluator, members[:1]) for _ in range(2))
        assert not any(model.module.training for model in models.values())
        outputs = _outputs(models)
        with torch.no_grad():
            for parameter in (parameter for model in others.values() for parameter in model.module.parameters()):
                parameter.zero_()
        agree("two models share their weights", _outputs(models), outputs)
        for given in outputs.values():
            for output in given if isinstance(given, tuple) else [given]:
                assert output.shape[0] == 2
                assert output.device == CPU

    def test_a_model_comes_back_from_what_a_run_leaves(
        self, example: Mapping[str, Any], genotype: Genotype | None, problem: RunProblem, members: Members
    ) -> None:
        """The member and the evaluator's state: no data are loaded for it."""
        members = _learned(problem, members)
        if "update" in problem.evaluator.provides:
            problem.update(members)
        models = _models(problem.evaluator, members[:1])
        left = {"member": members[:1].state_dict(), "evaluator": problem.evaluator.state_dict()}
        left = stored(left, "a member and the evaluator's state")
        evaluator, _ = _bound(self.used(), example, genotype)
        if left["evaluator"]:
            evaluator.load_state_dict(left["evaluator"])
        again = _models(evaluator, Members.from_state_dict(left["member"], CPU))
        agree("the model that came back is another one", _outputs(again), _outputs(models))

    def test_a_member_may_have_a_film(self, problem: RunProblem, members: Members) -> None:
        """Of frames of one size; the same stream gives the same one, and no result is changed by it."""
        members = _learned(problem, members)
        before, spent = copy.deepcopy(members), problem.state_dict()
        film, again = (_filmed(problem.evaluator, members[:1]) for _ in range(2))
        agree("the same stream gives two films", film, again)
        agree("`film` changed the member", members, before)
        agree("`film` changed its state, or the ledger", problem.state_dict(), spent)

    def test_a_film_comes_back_from_what_a_run_leaves(
        self, example: Mapping[str, Any], genotype: Genotype | None, problem: RunProblem, members: Members
    ) -> None:
        """The member and the evaluator's state: it is not started for it."""
        members = _learned(problem, members)
        film = _filmed(problem.evaluator, members[:1])
        left = {"member": members[:1].state_dict(), "evaluator": problem.evaluator.state_dict()}
        left = stored(left, "a member and the evaluator's state")
        evaluator, _ = _bound(self.used(), example, genotype)
        if left["evaluator"]:
            evaluator.load_state_dict(left["evaluator"])
        again = _filmed(evaluator, Members.from_state_dict(left["member"], CPU))
        agree("the film that came back is another one", again, film)

    def test_a_deterministic_fitness_belongs_to_the_genome(self, problem: RunProblem, members: Members) -> None:
        """Whatever the stream, and whoever else is evaluated."""
        if not problem.evaluator.deterministic:
            pytest.skip("its fitness is noisy")
        alone = torch.cat([problem.evaluate(members[row : row + 1]).fitness for row in range(N)])
        together = problem.evaluate(members).fitness
        torch.testing.assert_close(alone, together)


def _spaces(evaluator: Evaluator) -> Iterator[Genotype | None]:
    """Spaces that the evaluator may work on."""
    if not evaluator.kinds or "real-vector" in evaluator.kinds:
        yield SPACES["bounded"]
    yield from installed(evaluator.kinds, evaluator.task())
    yield None


def _bound(
    name: str, example: Mapping[str, Any], genotype: Genotype | None, reads_cases: bool = True
) -> tuple[Evaluator, Genotype | None]:
    """An evaluator that was not started, on a copy of the genotype; one whose cases are read, if it has any."""
    evaluator, space = build("evaluators", name, **example), copy.deepcopy(genotype)
    assert isinstance(evaluator, Evaluator)
    evaluator.reads_cases = reads_cases and "cases" in evaluator.provides
    try:
        return _bind(evaluator, space), space
    except ConfigError:
        if not evaluator.reads_cases:
            raise
        return _bound(name, example, genotype, reads_cases=False)


def _bind(evaluator: Evaluator, genotype: Genotype | None) -> Evaluator:
    if genotype is not None:
        genotype.bind(evaluator.task())
    evaluator.bind(seen_by(evaluator, genotype))
    return evaluator


@contextmanager
def _problem(
    name: str, example: Mapping[str, Any], genotype: Genotype | None, seed: int = 1, reads_cases: bool = True
) -> Iterator[RunProblem]:
    """A run of its own, on copies; skips where data are missing."""
    try:
        evaluator, genotype = _bound(name, example, genotype, reads_cases)
        with closing(evaluator):
            start(evaluator, seed, CPU)
            yield RunProblem(genotype, evaluator, seed, CPU)
    except FilesError as error:
        pytest.skip(str(error))


def _rounds(problem: RunProblem, members: Members | None, rounds: int) -> Iterator[dict[str, Any]]:
    """What is said of the same members again and again, as plain data."""
    members = members or problem.sample(N)
    for _ in range(rounds):
        members = copy.copy(members)
        evaluation = problem.evaluate(members)
        cases = None if evaluation.cases is None else _read(evaluation.cases)
        if "update" in problem.evaluator.provides:
            problem.update(members)
        yield {"cases": cases, "members": members.state_dict(), "ledger": problem.ledger.row()}


def _resumed(
    name: str, example: Mapping[str, Any], genotype: Genotype | None, checkpoint: Mapping[str, Any], rounds: int
) -> list[dict[str, Any]]:
    with _problem(name, example, genotype) as problem:
        problem.load_state_dict(checkpoint["problem"])
        return list(_rounds(problem, Members.from_state_dict(checkpoint["members"], CPU), rounds))


def _learned(problem: RunProblem, members: Members) -> Members:
    """The members after one evaluation."""
    members = copy.copy(members)
    problem.evaluate(members)
    return members


def _described(evaluator: Evaluator, genotype: Genotype | None, members: Members) -> Mapping[str, torch.Tensor]:
    """What an evaluator that was not started says."""
    return evaluator.describe(translated(members, genotype, seen_by(evaluator, genotype)))


def _models(evaluator: Evaluator, member: Members) -> Mapping[str, Model]:
    """The networks of a member by name; one alone has none."""
    found = evaluator.model(member)
    if found is None:
        pytest.skip("its members have no network")
    if broken := promises.model(found):
        pytest.fail(broken)
    return {"": found} if isinstance(found, Model) else found


def _filmed(evaluator: Evaluator, member: Members) -> dict[str, Any]:
    """The film of a member, the whole of it."""
    try:
        film = evaluator.film(member, Rng(1))
    except ConfigError as error:
        pytest.skip(str(error))
    if film is None:
        pytest.skip("its members have no film")
    if broken := promises.film(film):
        pytest.fail(broken)
    frames = list(film.frames)
    assert frames, "a film has a frame at least"
    for frame in frames:
        if broken := promises.frame(frame, frames[0].shape):
            pytest.fail(broken)
    return {
        "rate": film.rate,
        "score": film.score,
        "title": film.title,
        "frames": torch.from_numpy(numpy.stack(frames)),
    }


@torch.no_grad()
def _outputs(models: Mapping[str, Model]) -> dict[str, Any]:
    """What they give for their examples."""
    return {name: model.module(model.example) for name, model in models.items()}


def _after_one(problem: RunProblem) -> dict[str, Any]:
    """The state of a problem after the same evaluation, without measuring."""
    problem.evaluate(problem.sample(N))
    return problem.state_dict()


def _read(cases: Any) -> torch.Tensor:
    """All cases, where they are computed as they are read."""
    if isinstance(cases, torch.Tensor):
        return cases
    values: torch.Tensor = cases[:, torch.arange(cases.shape[1])]
    return values
