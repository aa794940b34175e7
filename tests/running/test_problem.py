import re
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import torch

from evoplug import Evaluation, EvaluationError, Parts, PluginError
from evoplug.contracts import Evaluator, Genotype, Selection, Strategy
from evoplug.running.problem import start
from fakes import Interval, Sphere, problem


class Answers(Evaluator):
    """Returns what it was made with."""

    def __init__(self, answer, provides=(), costs=()):
        self.answer, self.provides, self.costs = answer, provides, costs

    def evaluate(self, members, rng):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def evaluate(answer, n=3, **declared):
    p = problem(Answers(answer, **declared))
    return p, p.evaluate(p.sample(n))


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_non_finite_fitness_becomes_the_worst_and_is_counted(bad):
    p, evaluation = evaluate(Evaluation(torch.tensor([1.0, bad, 2.0])))
    assert evaluation.fitness.tolist() == [1, -torch.inf, 2]
    assert p.invalid == 1
    assert p.ledger["evaluations"] == 3


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (torch.zeros(3), "must return an Evaluation, not torch.Tensor"),
        (Evaluation(torch.zeros(2)), r"must have shape \(3,\), got \(2,\)"),
        (Evaluation(torch.zeros(3, 1)), r"must have shape \(3,\), got \(3, 1\)"),
        (Evaluation(torch.zeros(3, dtype=torch.int64)), "must be a floating tensor"),
        (Evaluation(torch.zeros(3), states=[None]), "expected 3 states, got 1"),
        (Evaluation(torch.zeros(3), cost={"epochs": 1}), r"costs \['epochs'\] are not in its `costs`"),
    ],
)
def test_a_broken_contract_names_the_plugin(answer, message):
    with pytest.raises(PluginError, match=f"Answers: .*{message}"):
        evaluate(answer)


def test_an_exception_is_an_evaluation_error_of_one_line():
    with pytest.raises(EvaluationError) as caught:
        evaluate(ValueError("first line\nsecond line"))
    said = "generation 1: Answers: evaluate raised ValueError: first line (test_problem.py:LINE; see error.log)"
    assert re.sub(r":\d+;", ":LINE;", str(caught.value)) == said


def test_cost_goes_to_the_ledger():
    p, _ = evaluate(Evaluation(torch.zeros(3), cost={"epochs": 24}), costs=("epochs",))
    assert p.ledger["epochs"] == 24


def test_members_get_their_fitness_and_what_they_learned():
    p = problem(Answers(Evaluation(torch.tensor([1.0, torch.nan, 2.0]), states=["a", "b", "c"])))
    members = p.sample(3)
    evaluation = p.evaluate(members)
    assert members.fitness is evaluation.fitness
    assert members.fitness.tolist() == [1, -torch.inf, 2]
    assert members.states == ["a", "b", "c"]
    p.evaluator.answer = Evaluation(torch.zeros(3))
    p.evaluate(members)
    assert members.states == ["a", "b", "c"]  # who says nothing of states leaves them


class Lazy:
    """Three members and a thousand cases, of which the second member fails all."""

    shape = (3, 1000)

    def __init__(self):
        self.read = []

    def __getitem__(self, key):
        _, cases = key
        self.read.extend(cases.tolist())
        return torch.tensor([1.0, torch.nan, 0.0])[:, None].expand(3, len(cases)).clone()


def test_cases_are_read_when_asked_for_and_counted():
    lazy = Lazy()
    p, evaluation = evaluate(Evaluation(torch.zeros(3), cases=lazy), provides=("cases",))
    assert lazy.read == []
    values = evaluation.cases[:, torch.tensor([5, 7])]
    assert lazy.read == [5, 7]
    assert values[1].tolist() == [-torch.inf, -torch.inf]
    assert (p.ledger["cases"], p.invalid) == (6, 0)


def test_cases_that_are_there_stay_a_tensor_and_are_counted_once():
    cases = torch.ones(3, 10)
    cases[1, 4] = torch.nan
    p, evaluation = evaluate(Evaluation(torch.zeros(3), cases=cases), provides=("cases",))
    assert evaluation.cases[1].tolist() == [1, 1, 1, 1, -torch.inf, 1, 1, 1, 1, 1]
    assert (p.ledger["cases"], p.invalid) == (30, 0)


@pytest.mark.parametrize("cases", [None, torch.zeros(3), torch.zeros(2, 5), torch.zeros(3, 0)])
def test_promised_cases_must_be_there(cases):
    evaluator = Answers(Evaluation(torch.zeros(3), cases=cases), provides=("cases",))
    evaluator.reads_cases = True
    p = problem(evaluator)
    with pytest.raises(PluginError, match=r"Answers: cases must have shape \(3, cases\), got"):
        p.evaluate(p.sample(3))


def test_cases_that_nothing_reads_may_be_left_out():
    p, evaluation = evaluate(Evaluation(torch.zeros(3)), provides=("cases",))
    assert evaluation.cases is None
    assert "cases" not in p.ledger.row()


def test_whole_numbers_are_no_cases():
    with pytest.raises(PluginError, match=r"Answers: cases must be a floating tensor, got torch.int64"):
        evaluate(Evaluation(torch.zeros(3), cases=torch.zeros(3, 2, dtype=torch.int64)), provides=("cases",))


@dataclass(kw_only=True)
class ByCase(Selection):
    """The best on the first case."""

    cases: ClassVar[bool] = True

    def __call__(self, fitness, count, rng):
        return fitness[:, 0].argmax().expand(count)


@dataclass(kw_only=True)
class Searching(Strategy):
    """Has a selection by cases."""

    selection: Selection = field(default_factory=ByCase)


@dataclass(kw_only=True)
class Reading(Searching):
    """Reads cases itself."""

    needs = ("cases",)


@pytest.mark.parametrize("cases", [Lazy(), Lazy()[:, torch.arange(1000)]], ids=["lazy", "there"])
def test_members_keep_their_cases_for_a_selection_by_cases(cases):
    evaluator = Answers(Evaluation(torch.tensor([0.0, 1.0, 2.0]), cases=cases), provides=("cases",))
    p = problem(evaluator, strategy=Searching())
    members = p.sample(3)
    evaluation = p.evaluate(members)
    assert members.cases is evaluation.cases
    assert members.cases.shape == (3, 1000)
    assert members.cases[:, 999].tolist() == [1, -torch.inf, 0]
    assert p.ledger["cases"] == 3000
    assert members.selected(ByCase(), 2, p.rng).tolist() == [0, 0]
    assert members.selected(lambda fitness, count, rng: fitness.argmax().expand(count), 2, p.rng).tolist() == [2, 2]
    assert p.children(members).cases is None


def test_members_keep_none_where_the_strategy_reads_them_itself():
    lazy = Lazy()
    p = problem(Answers(Evaluation(torch.zeros(3), cases=lazy), provides=("cases",)), strategy=Reading())
    members = p.sample(3)
    evaluation = p.evaluate(members)
    assert members.cases is None
    assert lazy.read == []
    assert evaluation.cases.shape == (3, 1000)


class Updating(Answers):
    """Says so of an update."""

    def update(self, members, rng):
        return self.answer


def test_an_update_tells_what_it_saw_and_leaves_the_members_as_they_are():
    answer = Evaluation(torch.tensor([1.0, torch.nan]), cost={"steps": 1}, columns={"loss": 0.5})
    p = problem(Updating(answer, costs=("steps",)))
    members = p.sample(2)
    assert p.update(members).fitness.tolist() == [1, -torch.inf]
    assert members.fitness is None
    assert (p.ledger["steps"], p.ledger["evaluations"], p.columns) == (1, 0, {"loss": 0.5})
    p.evaluator.answer = {"steps": 1}
    with pytest.raises(PluginError, match="Updating: update must return an Evaluation, not dict"):
        p.update(members)


def test_an_evaluator_starts_with_a_stream_that_depends_on_the_seed():
    class Owner(Sphere):
        def start(self, device, rng):
            self.drawn = rng.numpy.random()

    drawn = []
    for seed in (1, 1, 2):
        owner = Owner()
        start(owner, seed, torch.device("cpu"))
        drawn.append(owner.drawn)
    assert drawn[0] == drawn[1] != drawn[2]


def test_each_evaluation_draws_from_a_stream_of_its_own():
    p = problem(Sphere(noise=1.0))
    members = p.sample(2)
    assert not torch.equal(p.evaluate(members).fitness, p.evaluate(members).fitness)
    q = problem(Sphere(noise=1.0))
    q.evaluate(members)
    assert torch.equal(q.evaluate(members).fitness, problem_after_one_call(members))


def problem_after_one_call(members):
    p = problem(Sphere(noise=1.0))
    p.load_state_dict({**p.state_dict(), "calls": 1})
    return p.evaluate(members).fitness


@pytest.mark.parametrize("method", ["evaluate", "measure", "describe", "update"])
@pytest.mark.parametrize(
    ("genomes", "change"),
    [
        (torch.zeros(3, 2), lambda members: members.genomes[1].add_(1)),
        (torch.zeros(3, 2), lambda members: setattr(members, "genomes", members.genomes.clamp(1, 2))),
        ([[1, {"a": [2]}]] * 3, lambda members: members.genomes[0][1]["a"].append(3)),
        (Parts({"x": torch.zeros(3, 1), "y": ["a"] * 3}), lambda members: members.genomes["x"].zero_()),
    ],
    ids=["tensor", "another tensor", "plain values", "parts"],
)
def test_an_evaluator_that_changes_genomes_is_named(method, genomes, change):
    class Changes(Evaluator):
        def evaluate(self, members, rng):
            change(members)
            return Evaluation(torch.zeros(3))

        def measure(self, members, split, rng):
            change(members)
            return {}

        def describe(self, members):
            change(members)
            return {}

        def update(self, members, rng):
            change(members)
            return Evaluation(torch.zeros(3))

    p = problem(Changes(), Genotype())
    with pytest.raises(PluginError, match=r"Changes: changes the genomes of its members: work on a copy$"):
        getattr(p, method)(p.members(genomes))


def test_what_an_evaluator_says_of_members_is_checked_and_costs_nothing():
    class Says(Evaluator):
        said = {"weights": torch.tensor([3, 1, 2])}

        def describe(self, members):
            if self.said is None:
                raise ValueError("no")
            return self.said

    p = problem(Says())
    members = p.sample(3)
    assert p.describe(members)["weights"].tolist() == [3, 1, 2]
    assert p.ledger.row() == {"generations": 0, "evaluations": 0, "seconds": 0}
    assert problem().describe(members) == {}
    with pytest.raises(PluginError, match=r"Says: value `weights` must be a tensor \(2,\), got \(3,\)$"):
        p.describe(members[:2])
    p.evaluator.said = None
    with pytest.raises(EvaluationError, match=r"^generation 0: .*Says: describe raised ValueError: no"):
        p.describe(members)


def test_ids_are_never_used_twice():
    p = problem(genotype=Interval())
    assert torch.cat([p.sample(2).ids, p.ids(1), p.sample(1).ids]).tolist() == [0, 1, 2, 3]


def test_children_are_copies_of_their_first_parents_under_ids_of_their_own():
    p = problem()
    members = p.sample(3)
    members.columns["sigma"], members.fitness = torch.tensor([0.1, 0.2, 0.3]), torch.zeros(3)
    alone, crossed = p.children(members), p.children(members[[0, 1]], members[[2, 2]])
    assert alone.parents.tolist() == [[0, -1], [1, -1], [2, -1]]
    assert crossed.parents.tolist() == [[0, 2], [1, 2]]
    assert torch.cat([alone.ids, crossed.ids]).tolist() == [3, 4, 5, 6, 7]
    assert alone.fitness is None
    assert torch.equal(alone.genomes, members.genomes)
    alone.genomes += 1
    alone.columns["sigma"] += 1
    assert not torch.equal(alone.genomes, members.genomes)
    assert members.columns["sigma"].tolist() == pytest.approx([0.1, 0.2, 0.3])
