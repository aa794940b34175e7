"""Algorithm 6 line by line, fixed assignments, and the search distribution as a strategy of its own."""

import pytest
import torch

from evoplug import ConfigError, Evaluation, Task
from evoplug.contracts import Evaluator
from evoplug.running.problem import RunProblem
from evoplug_basics.assignment import Assignment
from evoplug_sharing.categorical_nes import CategoricalNaturalEvolution
from evoplug_sharing.fixed import assignment
from evoplug_sharing.learned_weight_sharing import LearnedWeightSharing
from fakes import CPU, reloaded, steps

NAMES = ("a.conv", "a.dense", "b.conv", "b.dense")
HIDDEN = torch.tensor([2, 0, 1, 1])


class Matching(Evaluator):
    """How many positions are as in HIDDEN; keeps what it was called with."""

    provides = ("update",)
    costs = ("steps",)

    def __init__(self, exact=True) -> None:
        self.deterministic = exact
        self.calls = []
        self.weight = 0

    def task(self) -> Task:
        return Task(names=NAMES)

    def _fitness(self, members):
        return (members.genomes == HIDDEN).sum(1).float()

    def evaluate(self, members, rng) -> Evaluation:
        self.calls.append(("evaluate", members))
        return Evaluation(self._fitness(members))

    def update(self, members, rng) -> Evaluation:
        self.calls.append(("update", members))
        self.weight += 1
        return Evaluation(self._fitness(members), cost={"steps": 1})

    def describe(self, members):
        return {"weights": members.genomes.sum(1)}

    def state_dict(self):
        return {"weight": self.weight}

    def load_state_dict(self, state):
        self.weight = state["weight"]


def space(choices=3, names=NAMES, length=None) -> Assignment:
    genotype = Assignment(choices=choices, length=length)
    genotype.bind(Task(names=names))
    return genotype


def started(strategy, evaluator=None, seed=1):
    genotype = space()
    if isinstance(strategy, LearnedWeightSharing):
        strategy.bind(genotype)
    return strategy.start(RunProblem(genotype, evaluator or Matching(), seed, CPU, strategy))


# ------------------------------------------------------------------------------- learned weight sharing


def test_an_iteration_is_algorithm_6():
    """A step of the distribution on lambda_pi assignments, then one of the weights on lambda_theta new ones."""
    evaluator = Matching()
    strategy = LearnedWeightSharing(population=5, weight_samples=7, learning_rate=0.2)
    loop = started(strategy, evaluator)
    pi = torch.full((4, 3), 1 / 3, dtype=torch.float64)
    for _ in range(3):
        evaluator.calls.clear()
        steps(loop, 1)
        (first, sampled), (second, trained) = evaluator.calls
        assert (first, len(sampled), second, len(trained)) == ("evaluate", 5, "update", 7)
        fitness = evaluator._fitness(sampled)
        ranks = torch.tensor([1 + (fitness < f).sum() + ((fitness == f).sum() - 1) / 2 for f in fitness])  # line 9
        utilities = 2 * (ranks - 1) / (5 - 1) - 1
        one_hot = torch.nn.functional.one_hot(sampled.genomes, 3)
        gradient = (utilities[:, None, None] * (one_hot - pi)).mean(0)  # line 10
        pi = (pi + 0.2 * gradient).clamp_min(0.001)  # line 11
        pi = pi / pi.sum(1, keepdim=True)
        torch.testing.assert_close(trained.columns["pi"], pi.expand(7, 4, 3))
        torch.testing.assert_close(loop.best.genomes[0], pi.argmax(1))


def test_records():
    evaluator = Matching()
    loop = started(LearnedWeightSharing(distribution_every=2), evaluator)
    steps(loop, 1)
    loop.step()  # the second, whose line is not written yet
    status = loop.status
    assert status.keys() == {"entropy", "assignment", "weights", "distribution"}
    assert status["assignment"] == loop.best.genomes[0].tolist()
    assert status["weights"] == sum(status["assignment"])
    assert 0 < status["entropy"] < 1.0987
    assert [pytest.approx(1)] * 4 == [sum(row) for row in status["distribution"]]
    loop.problem.ledger.add(generations=1)
    assert "distribution" not in loop.status


def test_it_finds_what_is_best_for_each_position():
    loop = steps(started(LearnedWeightSharing(learning_rate=0.1)), 200)
    assert loop.best.genomes[0].tolist() == HIDDEN.tolist()
    assert loop.status["entropy"] < 0.1


def test_random_utilities_decide_without_a_signal():
    """The control: entropy falls too, and what is found is chance."""
    found = []
    for seed in range(6):
        loop = steps(started(LearnedWeightSharing(learning_rate=0.5, utilities="random"), seed=seed), 300)
        assert loop.status["entropy"] < 0.6
        found.append(loop.best.genomes[0].tolist())
    assert len({tuple(genome) for genome in found}) > 2


def test_random_utilities_are_those_of_ranks_in_another_order():
    evaluator = Matching()
    strategy = LearnedWeightSharing(population=3, learning_rate=0.2, utilities="random", floor=0.0)
    steps(started(strategy, evaluator), 1)
    ((_, sampled), (_, trained)) = evaluator.calls
    one_hot = torch.nn.functional.one_hot(sampled.genomes, 3).double() - 1 / 3
    moved = trained.columns["pi"][0] - 1 / 3
    orders = [torch.tensor(u) for u in ([-1, 0, 1], [-1, 1, 0], [0, -1, 1], [0, 1, -1], [1, -1, 0], [1, 0, -1])]
    steps_ = [0.2 * (order[:, None, None] * one_hot).mean(0) for order in orders]
    assert any(torch.allclose(moved, step) for step in steps_)


@pytest.mark.parametrize("sharing", ["learned", "none", (0, 1, 2, 0)])
def test_resumed_it_goes_on_as_if_it_had_not_stopped(sharing):
    def make():
        return started(LearnedWeightSharing(sharing=sharing, learning_rate=0.2))

    loop = steps(make(), 4)
    copy = reloaded(loop, make)
    assert copy.best.genomes.tolist() == loop.best.genomes.tolist()
    steps(loop, 3)
    steps(copy, 3)
    assert copy.status == loop.status
    assert copy.members.genomes.tolist() == loop.members.genomes.tolist()
    assert copy.members.ids.tolist() == loop.members.ids.tolist()


@pytest.mark.parametrize(
    ("sharing", "expected"), [("full", [0, 0, 0, 0]), ("none", [0, 0, 1, 1]), ((2, 0, 1, 1), [2, 0, 1, 1])]
)
def test_fixed_assignments(sharing, expected):
    evaluator = Matching()
    loop = steps(started(LearnedWeightSharing(sharing=sharing), evaluator), 3)
    assert [(name, members.genomes.tolist()) for name, members in evaluator.calls] == [("update", [expected])] * 3
    assert loop.status == {"entropy": 0.0, "assignment": expected, "weights": sum(expected)}
    assert loop.members.fitness.tolist() == [float((torch.tensor(expected) == HIDDEN).sum())]
    assert loop.problem.ledger["evaluations"] == 0


@pytest.mark.parametrize(
    ("sharing", "genotype", "key", "message"),
    [
        ((0, 1), space(), ("sharing",), "has 2 entries, and there are 4 positions: a.conv, a.dense, b.conv, b.dense"),
        ((0, 1, 3, 0), space(), ("sharing", 2), "must be from 0 to 2, got 3"),
        ("none", space(choices=1), ("sharing",), '"none" needs a choice for each of the 2 tasks, and there are 1'),
        ("none", space(names=(), length=4), ("sharing",), '"none" needs positions with names'),
    ],
)
def test_assignments_that_do_not_fit(sharing, genotype, key, message):
    with pytest.raises(ConfigError, match=message) as caught:
        assignment(sharing, genotype)
    assert caught.value.mistakes[0].key == key


# ------------------------------------------------------------------------------------------ categorical-nes


@pytest.mark.parametrize("exact", [True, False])
def test_search_finds_the_hidden_genome(exact):
    loop = steps(started(CategoricalNaturalEvolution(population=20), Matching(exact)), 100)
    outcome = loop.finish()
    assert outcome.best.genomes[0].tolist() == HIDDEN.tolist()
    assert list(outcome.beside) in (["most probable"], ["best sample"])


def test_search_resumes_exactly():
    def make():
        return started(CategoricalNaturalEvolution(population=6))

    loop = steps(make(), 4)
    copy = reloaded(loop, make)
    steps(loop, 4)
    steps(copy, 4)
    assert copy.members.genomes.tolist() == loop.members.genomes.tolist()
    assert copy.status == loop.status


def test_search_is_over_when_all_is_decided():
    loop = started(CategoricalNaturalEvolution(population=50, learning_rate=5.0, floor=0.0))
    assert loop.over is None
    steps(loop, 30)
    assert loop.over == "the search distribution has collapsed: every position is decided"


def test_a_generation_without_a_valid_member_teaches_nothing():
    class Broken(Matching):
        def _fitness(self, members):
            return torch.full((len(members),), torch.nan)

    loop = steps(started(CategoricalNaturalEvolution(), Broken()), 1)
    torch.testing.assert_close(loop._search.distribution.pi, torch.full((4, 3), 1 / 3, dtype=torch.float64))
