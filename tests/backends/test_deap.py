import random

import pytest
import torch
from deap import algorithms, base

from evoplug import Evaluation, Members, Task
from evoplug.backends.deap import GenerateUpdateLoop, Individual, gathered, individuals
from evoplug.contracts import Evaluator
from evoplug_basics.crossovers import TwoPoint
from evoplug_basics.deap_loops import MuCommaLambda, MuPlusLambda, Simple
from evoplug_basics.mutations import Gaussian
from evoplug_basics.selections import Best, Tournament
from fakes import Interval, Sphere, problem, reloaded, steps

LOOPS = {"simple": Simple, "mu-plus-lambda": MuPlusLambda, "mu-comma-lambda": MuCommaLambda}


def start(name, evaluator=None, **parameters):
    crossover, mutation = TwoPoint(), Gaussian(sigma=0.5)
    space = Interval()
    space.bind(Task())
    crossover.bind(space)
    mutation.bind(space)
    selection = Tournament() if name == "simple" else Best()
    strategy = LOOPS[name](**{"selection": selection, "crossover": crossover, "mutation": mutation, **parameters})
    return strategy.start(problem(evaluator))


@pytest.mark.parametrize("name", LOOPS)
def test_generation_one_is_the_evaluated_initial_population(name):
    loop = start(name)
    initial = loop.members.genomes.clone()
    steps(loop, 1)
    assert torch.equal(loop.members.genomes, initial)
    assert loop.problem.ledger["evaluations"] == len(initial)


@pytest.mark.parametrize("name", LOOPS)
def test_kill_and_resume_is_exact(name):
    def make():
        return start(name, Sphere(noise=0.1))

    whole = steps(make(), 10)
    rest = steps(reloaded(steps(make(), 4), make), 6)
    for field in ("genomes", "ids", "parents", "fitness"):
        assert torch.equal(getattr(whole.members, field), getattr(rest.members, field))


@pytest.mark.parametrize("name", LOOPS)
def test_the_global_random_state_is_given_back(name):
    random.seed(5)
    before = random.getstate()
    steps(start(name), 3)
    assert random.getstate() == before


@pytest.mark.parametrize("name", LOOPS)
def test_two_loops_in_one_process_do_not_disturb_each_other(name):
    alone = steps(start(name), 6)
    one, other = start(name), start(name, Sphere(noise=1.0))
    for _ in range(6):
        steps(one, 1)
        steps(other, 1)
    assert torch.equal(alone.members.genomes, one.members.genomes)


@pytest.mark.parametrize("name", LOOPS)
def test_the_search_gets_better_and_stays_in_range(name):
    loop = steps(start(name), 1)
    first = loop.best.fitness.item()
    steps(loop, 30)
    assert loop.best.fitness.item() > first / 2
    assert (loop.members.genomes.abs() <= 5).all()


def test_the_loop_is_deap_s_own():
    """From the same state of ``random``, the bare library crosses, mutates and copies the same individuals."""
    loop = steps(start("mu-comma-lambda", population=8, offspring=8), 1)
    state, old = loop._random, list(loop._individuals)  # DEAP replaces the contents of its list
    steps(loop, 1)

    expected = []
    toolbox = base.Toolbox()
    toolbox.register("clone", Individual.clone)
    toolbox.register("mate", lambda a, b: (expected.append([a.row, b.row]), (a, b))[1])
    toolbox.register("mutate", lambda a: (expected.append([a.row, -1]), (a,))[1])
    outside = random.getstate()
    random.setstate(state)
    algorithms.varOr(old, toolbox, 8, 0.4, 0.6)
    random.setstate(outside)
    assert sorted(expected) == sorted(loop.members.parents.tolist())


def test_parents_are_recorded():
    loop = steps(start("mu-comma-lambda"), 2)
    parents = loop.members.parents
    assert ((parents[:, 0] >= 0) & (parents[:, 0] < 20)).all()
    crossed = parents[:, 1] >= 0
    assert 0 < crossed.sum() < len(crossed)
    assert (parents[crossed, 0] != parents[crossed, 1]).all()


ALONE = {"crossover": None, "crossover_probability": 0.0}


@pytest.mark.parametrize("name", LOOPS)
def test_without_a_crossover_children_are_mutants_and_copies(name):
    """To the bit those of a crossover that is never drawn."""
    loop = steps(start(name, **ALONE, mutation_probability=0.5), 4)
    never = steps(start(name, crossover_probability=0.0, mutation_probability=0.5), 4)
    assert torch.equal(loop.members.genomes, never.members.genomes)
    assert (loop.members.parents[:, 1] == -1).all()
    assert (loop.members.parents[:, 0] >= 0).any()


@pytest.mark.parametrize("name", LOOPS)
def test_nothing_is_crossed_without_a_crossover(name):
    message = 'must be 0 where the crossover is "none"'
    assert list(LOOPS[name](crossover=None).check()) == [("crossover_probability", message)]
    assert list(LOOPS[name](**ALONE).check()) == []


@pytest.mark.parametrize("name", LOOPS)
def test_an_invalid_member_is_never_the_best(name):
    class Half(Sphere):
        def evaluate(self, members, rng):
            evaluation = super().evaluate(members, rng)
            evaluation.fitness[::2] = torch.nan
            return evaluation

    loop = start(name, Half())
    for _ in range(5):
        steps(loop, 1)
        assert torch.isfinite(loop.best.fitness).all()
        if name != "simple" and loop.problem.generation > 2:
            assert torch.isfinite(loop.members.fitness).all()


class TestGenerateUpdate:
    def make(self):
        p = problem(Sphere(noise=0.1))

        def generate(population, rng):
            if population is None:
                return p.sample(5)
            children = p.members(population.genomes + torch.randn(5, 10, generator=rng.torch, dtype=torch.float64))
            children.states = [{"age": s["age"] + 1} for s in population.states] if population.states else None
            return children

        def update(population, children):
            children.states = children.states or [{"age": 0} for _ in range(5)]
            everyone = children if population is None else Members.cat([population, children])
            return everyone[everyone.fitness.argsort(descending=True)[:5]]

        return GenerateUpdateLoop(p, generate, update)

    def test_states_follow_and_the_best_survive(self):
        loop = steps(self.make(), 6)
        assert max(state["age"] for state in loop.members.states) > 1
        assert loop.members.fitness.tolist() == sorted(loop.members.fitness.tolist(), reverse=True)

    def test_resume_is_exact(self):
        whole = steps(self.make(), 7)
        rest = steps(reloaded(steps(self.make(), 3), self.make), 4)
        assert torch.equal(whole.members.genomes, rest.members.genomes)
        assert whole.members.states == rest.members.states


def test_individuals_share_their_block_and_are_gathered_again():
    p = problem()
    members = p.sample(3)
    members.fitness = p.evaluate(members).fitness
    one, two, _ = individuals(members)
    assert one.block is two.block is members
    again = gathered([two, one])
    assert again.ids.tolist() == [1, 0]
    assert torch.equal(again.genomes, members.genomes[[1, 0]])
    assert torch.equal(again.fitness, members.fitness[[1, 0]])


class Lucky(Evaluator):
    """The first member is lucky once; all are worth 0."""

    def __init__(self):
        self.calls = 0

    def evaluate(self, members, rng):
        self.calls += 1
        fitness = torch.zeros(len(members))
        fitness[0] = 10.0 if self.calls == 1 else 0.0
        return Evaluation(fitness)


def test_luck_wears_off_where_parents_are_evaluated_again():
    ends = {}
    for again in (False, True):
        loop = steps(start("mu-plus-lambda", Lucky(), population=3, offspring=3, reevaluate=again), 5)
        ends[again] = loop.members.fitness.max().item()
    assert ends == {False: 10.0, True: 2.0}  # 10 / 5 evaluations


def test_a_generation_costs_its_parents_too():
    loop = start("mu-plus-lambda", population=4, offspring=6, reevaluate=True)
    steps(loop, 3)
    children = loop.problem.ledger["evaluations"] - 3 * 4
    assert 0 < children <= 2 * 6  # copies of a parent are not evaluated


def test_kill_and_resume_is_exact_where_parents_are_evaluated_again():
    def make():
        return start("mu-plus-lambda", Sphere(noise=5.0), population=4, offspring=6, reevaluate=True)

    whole = steps(make(), 9)
    rest = steps(reloaded(steps(make(), 4), make), 5)
    assert torch.equal(whole.members.ids, rest.members.ids)
    assert torch.equal(whole.members.fitness, rest.members.fitness)
