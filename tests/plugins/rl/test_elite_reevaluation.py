"""Algorithm 3 of the thesis, against a plain loop of its lines."""

import random
from dataclasses import dataclass

import pytest
import torch

import evoplug
from evoplug import Evaluation, Task, build
from evoplug.contracts import Evaluator
from evoplug.running.problem import RunProblem
from evoplug_basics.mutations import Gaussian
from evoplug_rl.elite_reevaluation import EliteReevaluation
from fakes import Interval, problem, reloaded, steps


@dataclass(kw_only=True)
class Noisy(Evaluator):
    """Minus the squared length, under noise that is larger than what members differ by."""

    noise: float = 30.0
    headline = "score"
    costs = ("episodes",)

    def evaluate(self, members, rng):
        fitness = -(members.genomes**2).sum(1)
        noise = torch.randn(len(fitness), generator=rng.torch, dtype=fitness.dtype)
        return Evaluation(fitness + self.noise * noise, cost={"episodes": len(fitness)})

    def measure(self, members, split, rng):
        return {"fitness": -(members.genomes**2).sum(1)} if split == "test" else {}


def started(evaluator=None, seed=1, space=None, **parameters):
    mutation = Gaussian(sigma=0.5)
    line = Interval()
    line.bind(Task())
    mutation.bind(line)
    sizes = {"parents": 4, "offspring": 9, "elites": 2, "evaluations": 3}
    strategy = EliteReevaluation(**{**sizes, "mutation": mutation, **parameters})
    assert not list(strategy.check())
    if space is None:
        return strategy.start(problem(evaluator or Noisy(), seed=seed, strategy=strategy))
    return strategy.start(RunProblem(space, evaluator, seed, torch.device("cpu"), strategy))


class Plain:
    """The lines of Algorithm 3, on lists, with the random numbers that the loop has: those of its parents' draw from
    DEAP's state, those of mutations and evaluations from the problem's streams."""

    def __init__(self, loop):
        settings = loop.settings
        self.mu, self.offspring, self.kappa = settings.parents, settings.offspring, settings.elites
        self.most, self.rule, self.mutation = settings.evaluations, settings.elite_rule, settings.mutation
        self.problem = loop.problem
        self.random = random.Random()
        self.random.setstate(loop._random)
        self.calls = 0
        self.reevaluated = 0
        theta = loop.members.genomes
        self.P = [{"theta": row, "scores": []} for row in theta]  # line 1
        self.evaluate(self.P)  # line 2
        self.P = self.best(self.P, self.mu)  # line 3

    def evaluate(self, members):
        if not members:
            return
        theta = torch.stack([member["theta"] for member in members])
        noise = self.problem._evaluation_rng.child(self.calls)
        self.calls += 1
        values = -(theta**2).sum(1) + 30.0 * torch.randn(len(members), generator=noise.torch, dtype=theta.dtype)
        for member, value in zip(members, values.tolist(), strict=True):
            member["scores"].append(value)

    @staticmethod
    def mean(member):
        return sum(member["scores"]) / len(member["scores"])

    def best(self, members, count):
        return sorted(members, key=self.mean, reverse=True)[:count]

    def generation(self, number):
        E = self.P[: self.kappa]  # line 5
        again = [member for member in E if len(member["scores"]) < self.most]
        self.evaluate(again)  # line 6
        self.reevaluated = len(again)
        chosen = []
        for _ in range(self.offspring):  # line 7, as DEAP's varOr draws
            self.random.random()
            chosen.append(self.random.choice(self.P))
        theta = torch.stack([member["theta"] for member in chosen])
        rng = self.problem.rng.child("step", number).child("mutation")
        Q = [{"theta": row, "scores": []} for row in self.mutation(theta, rng.child(0))]  # line 8
        self.evaluate(Q)  # line 9
        if self.rule == "keep":
            self.P = self.best(E + self.best(Q, self.mu - len(E)), self.mu)
        else:
            self.P = self.best(E + Q, self.mu)  # line 10


@pytest.mark.parametrize("sizes", [{}, {"elites": 1, "evaluations": 1}, {"elites": 3, "evaluations": 20}])
@pytest.mark.parametrize("rule", ["keep", "compete"])
def test_it_is_algorithm_3_line_by_line(rule, sizes):
    loop = started(elite_rule=rule, **sizes)
    plain = Plain(loop)
    for number in range(1, 13):
        if number > 1:
            plain.generation(number)
        steps(loop, 1)
        assert torch.equal(loop.members.genomes, torch.stack([member["theta"] for member in plain.P]))
        means = [plain.mean(member) for member in plain.P]
        torch.testing.assert_close(loop.members.fitness, torch.tensor(means).double())
        elites = plain.P[: plain.kappa]
        status = loop.status
        assert status["elite_evaluations"] == [len(member["scores"]) for member in elites]
        assert status["elite_fitness"] == pytest.approx(means[: plain.kappa])
        assert (status["top_evaluations"], status["elites"]) == (len(elites[0]["scores"]), plain.kappa)
        assert status["top_fitness"] == pytest.approx(means[0])
        assert status["reevaluations"] == plain.reevaluated
        assert status["sigma"] == 0.5


@dataclass(kw_only=True)
class Scripted(Evaluator):
    """Fitness by id, a value for each evaluation in turn; 0 where none is said."""

    script: dict

    def __post_init__(self):
        self.script = {number: list(values) for number, values in self.script.items()}

    def evaluate(self, members, rng):
        said = [self.script.get(number) for number in members.ids.tolist()]
        return Evaluation(torch.tensor([values.pop(0) if values else 0.0 for values in said]))


def test_running_means_by_hand():
    """Members 0 and 1 are the elites of the first generation; 0 was lucky."""
    loop = steps(started(Scripted(script={0: [9.0, 3.0, 0.0, 7.0], 1: [8.0, 8.0, 2.0, 7.0]})), 1)
    assert loop.members.ids.tolist()[:2] == [0, 1]
    seen = []
    for _ in range(4):
        steps(loop, 1)
        seen.append((loop.members.ids[:2].tolist(), loop.status["elite_fitness"], loop.status["elite_evaluations"]))
    assert seen == [
        ([1, 0], [8.0, 6.0], [2, 2]),
        ([1, 0], [6.0, 4.0], [3, 3]),
        ([1, 0], [6.0, 4.0], [3, 3]),  # often enough: never again
        ([1, 0], [6.0, 4.0], [3, 3]),
    ]


@pytest.mark.parametrize("rule", ["keep", "compete"])
def test_one_elite_and_one_evaluation_are_a_truncation_ga_with_an_elite(rule):
    """Nothing is evaluated again; the best stays with the fitness that it had."""
    loop = started(elites=1, evaluations=1, elite_rule=rule)
    best = -torch.inf
    for _ in range(10):
        steps(loop, 1)
        top = loop.members.fitness.max().item()
        assert top >= best
        best = top
        assert loop.status["reevaluations"] == 0
        assert loop.status["elite_evaluations"] == [1]
    assert loop.problem.ledger["evaluations"] == 10 * 9


def test_the_ledger_counts_reevaluations():
    loop, expected = started(evaluations=20), 0
    for _ in range(8):
        steps(loop, 1)
        expected += 9 + loop.status["reevaluations"]
    assert loop.problem.ledger["evaluations"] == loop.problem.ledger["episodes"] == expected
    assert expected == 8 * 9 + 7 * 2


def test_elites_stay_or_compete():
    """Member 0, lucky at first, is the worst of all once it was evaluated again."""
    kept = {}
    for rule in ("keep", "compete"):
        script = {0: [9.0, -900.0, -900.0], **{number: [1.0] for number in range(1, 9)}}
        loop = steps(started(Scripted(script=script), elite_rule=rule), 2)
        kept[rule] = 0 in loop.members.ids.tolist()
        assert loop.members.ids[-1] == 0 or not kept[rule]  # sorted
        steps(loop, 1)
        assert 0 not in loop.members.ids.tolist()  # it is no elite any more
    assert kept == {"keep": True, "compete": False}


def test_the_record_is_the_best_mean_of_all_as_last_evaluated():
    """Member 3 leaves with the mean 5; member 0 was worth 9 once, and 2 in the end."""
    script = {0: [9.0, -5.0], 3: [8.0, 2.0, 5.0]}
    loop = steps(started(Scripted(script=script), elite_rule="compete"), 1)
    assert loop.status["record"] == 9.0
    steps(loop, 1)
    assert loop.status["record"] == 5.0  # of 3, in P; 0 has 2
    loop.problem.evaluator.script.update({number: [50.0] for number in range(18, 22)})
    steps(loop, 1)  # four of the offspring push out all others
    assert 3 not in loop.members.ids.tolist()
    assert loop.status["record"] == 50.0
    loop.problem.evaluator.script.update({number: [-500.0, -500.0] for number in range(18, 22)})
    steps(loop, 2)
    assert loop.status["record"] == 50.0  # of one that was no elite, and left as it was
    outcome = loop.finish()
    assert outcome.best.fitness.item() == 50.0
    assert outcome.generation == 3


def test_the_end_tells_of_the_record_the_top_elite_and_the_one_chosen_anew():
    loop = steps(started(), 10)
    spent = loop.problem.ledger["evaluations"]
    outcome = loop.finish()
    assert set(outcome.beside) == {"top elite", "chosen anew"}
    assert outcome.best.fitness.item() == loop.status["record"]
    assert outcome.beside["top elite"]["best"] == {"fitness": loop.status["top_fitness"]}
    for fitness, metrics in (
        (outcome.best.fitness.item(), outcome.metrics["test"]),
        (loop.status["top_fitness"], outcome.beside["top elite"]["test"]),
    ):
        assert metrics["overestimation"] == fitness - metrics["fitness"]
    assert loop.problem.ledger["evaluations"] - spent in (2, 3)  # the elites, and the record where it is none of them


def test_more_evaluations_make_the_top_elite_s_record_less_of_an_overestimate():
    excess = {}
    for evaluations in (1, 10):
        found = []
        for seed in range(8):
            outcome = steps(started(seed=seed, evaluations=evaluations), 12).finish()
            found.append(outcome.beside["top elite"]["test"]["overestimation"])
        excess[evaluations] = sum(found) / len(found)
    assert 0 < excess[10] < excess[1] / 1.5


@pytest.mark.parametrize("rule", ["keep", "compete"])
def test_a_resumed_run_is_the_same(rule):
    def make():
        return started(elite_rule=rule)

    whole = steps(make(), 9)
    for done in (1, 4, 8):
        rest = steps(reloaded(steps(make(), done), make), 9 - done)
        for name in ("genomes", "ids", "fitness", "parents"):
            assert torch.equal(getattr(whole.members, name), getattr(rest.members, name))
        assert whole.status == rest.status
        assert whole.record()[1] == rest.record()[1]
        assert torch.equal(whole.record()[0].ids, rest.record()[0].ids)


def test_a_chain_of_seeds_is_searched_and_any_number_of_workers_gives_the_same_run(tmp_path):
    runs = []
    for workers in (1, 3):
        config = {
            "run": {"name": "chains", "seed": 1, "workers": workers, "stop": {"generations": 4}},
            "strategy": {"use": "elite-reevaluation", "parents": 4, "offspring": 12, "elites": 2, "evaluations": 3},
            "genotype": {"use": "seed-chain", "network": {"use": "mlp", "hidden": [8]}},
            "evaluator": {"use": "classification", "batch": 32},
            "operators": {"mutation": {"use": "gaussian-seed", "sigma": 0.05}},
        }
        runs.append(evoplug.run(config, out=tmp_path / str(workers)))
    one, other = ([{**row, "seconds": 0, "time": 0} for row in run.metrics] for run in runs)
    assert one == other
    assert runs[0].best.genome == runs[1].best.genome
    assert runs[0].best.module(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert set(runs[0].result["beside"]) == {"top elite", "chosen anew"}


@pytest.mark.parametrize("rule", ["keep", "compete"])
def test_a_record_that_has_left_keeps_its_own_genome(rule):
    """A list's as well as a row's."""
    genotype = build("genotypes", "block-stack")
    genotype.bind(Task(input_shape=(1, 8, 8), outputs=2))
    mutation = build("mutations", "block-edit")
    mutation.bind(genotype)
    known = {}

    class Lottery(Evaluator):
        def evaluate(self, members, rng):
            known.update(zip(members.ids.tolist(), members.genomes, strict=True))
            return Evaluation(torch.rand(len(members), generator=rng.torch))

    loop, gone = started(Lottery(), mutation=mutation, elite_rule=rule, space=genotype), 0
    for _ in range(15):
        steps(loop, 1)
        record, _ = loop.record()
        number = int(record.ids)
        gone += number not in loop.members.ids.tolist()
        assert record.genome(0) == known[number]
    assert gone


def test_who_is_invalid_does_not_survive():
    class Half(Noisy):
        def evaluate(self, members, rng):
            evaluation = super().evaluate(members, rng)
            evaluation.fitness[members.ids % 2 == 0] = torch.nan
            return evaluation

    loop = started(Half())
    for _ in range(5):
        steps(loop, 1)
        assert loop.members.fitness.isfinite().all()
        assert (loop.members.ids % 2 == 1).all()


@pytest.mark.parametrize(
    ("parameters", "mistake"),
    [
        ({"parents": 12, "offspring": 9}, ("offspring", "must be at least parents = 12, is 9")),
        ({"parents": 4, "elites": 5}, ("elites", "must not exceed parents = 4, is 5")),
        ({"parents": 4, "elites": 4}, ("elites", "leaves no room for offspring among parents = 4")),
        ({"parents": 4, "elites": 4, "elite_rule": "compete"}, None),
    ],
)
def test_sizes_that_do_not_fit_are_mistakes(parameters, mistake):
    assert list(EliteReevaluation(mutation=Gaussian(), **parameters).check()) == [mistake] * (mistake is not None)
