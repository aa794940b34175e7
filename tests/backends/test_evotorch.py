from dataclasses import replace

import pytest
import torch

from evoplug import Rng
from evoplug.backends.evotorch import RowsLoop
from evoplug.backends.tracked import TrackedLoop
from evoplug_basics.searchers import CEM, CMAES, PGPE, SNES, XNES
from fakes import Interval, Sphere, problem, reloaded, steps

SEARCHERS = {"snes": SNES, "xnes": XNES, "pgpe": PGPE, "cem": CEM, "cma-es": CMAES}


def rows_loop(p=None, n=6):
    """Children are their parents moved by one, in reversed order; the first row is carried over."""
    p = p or problem()

    def breed(parents, children, rng):
        children.genomes[:] = parents.genomes.flip(0) + 1
        children.genomes[0], children.ids[0] = parents.genomes[0], parents.ids[0]
        children.columns["age"][:] = parents.columns["age"] + 1

    return RowsLoop(p, n, breed, columns={"age": torch.zeros(n)})


def test_generation_one_is_the_evaluated_initial_population():
    loop = rows_loop()
    initial = loop.members.genomes.clone()
    steps(loop, 1)
    assert torch.equal(loop.members.genomes, initial)
    assert torch.equal(loop.members.fitness, -(initial**2).sum(1))
    assert loop.problem.ledger["evaluations"] == 6


def test_children_replace_their_parents_and_every_row_is_evaluated_once():
    loop = steps(rows_loop(), 1)
    parents = loop.members
    before = parents.genomes.clone()
    steps(loop, 1)
    assert torch.equal(loop.members.genomes[1:], (before.flip(0) + 1)[1:])
    assert torch.equal(loop.members.genomes[0], before[0])
    assert torch.equal(loop.members.fitness, -(loop.members.genomes**2).sum(1))
    assert loop.members.columns["age"].tolist() == [1] * 6
    assert loop.members.ids.tolist() == [0, 7, 8, 9, 10, 11]
    assert loop.problem.ledger["evaluations"] == 12


def test_two_buffers_are_kept_and_nothing_grows():
    loop = steps(rows_loop(), 3)
    addresses = set()
    for _ in range(6):
        steps(loop, 1)
        addresses.add(loop.members.genomes.data_ptr())
    assert len(addresses) == 2


def test_rows_resume_exactly():
    whole = steps(rows_loop(), 9)
    half = steps(rows_loop(), 4)
    rest = steps(reloaded(half, rows_loop), 5)
    assert torch.equal(whole.members.genomes, rest.members.genomes)
    assert torch.equal(whole.members.ids, rest.members.ids)
    assert torch.equal(whole.best.fitness, rest.best.fitness)


@pytest.mark.parametrize("name", SEARCHERS)
def test_searchers_resume_exactly(name):
    def start():
        return SEARCHERS[name]().start(problem(Sphere(noise=0.1)))

    whole = steps(start(), 12)
    rest = steps(reloaded(steps(start(), 5), start), 7)
    assert torch.equal(whole.members.genomes, rest.members.genomes)
    assert torch.equal(whole.members.fitness, rest.members.fitness)
    assert whole.status == rest.status


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # the bare library's own
@pytest.mark.parametrize("name", ["snes", "xnes", "cma-es"])
def test_a_searcher_gives_what_the_bare_library_gives(name):
    """The same start and the same generator: the same populations, bit for bit."""
    import evotorch
    from evotorch import algorithms

    p = problem()
    seed = p.rng.child("evotorch").seed % 2**32
    loop = SEARCHERS[name]().start(p)
    bare = evotorch.Problem(
        "max", lambda x: -(x.clamp(-5, 5) ** 2).sum(1), solution_length=10, initial_bounds=(-5, 5),
        dtype="float64", vectorized=True, seed=seed,
    )  # fmt: skip
    center = (loop._searcher.m if name == "cma-es" else loop._searcher.status["center"]).clone()
    kind = {"snes": "SNES", "xnes": "XNES", "cma-es": "CMAES"}[name]
    searcher = getattr(algorithms, kind)(bare, stdev_init=2.0, center_init=center.tolist())
    bare.generator.set_state(loop._bridge.generator.get_state())
    for _ in range(8):
        steps(loop, 1)
        searcher.step()
        assert torch.equal(loop._searcher.population.values, searcher.population.values)


@pytest.mark.parametrize("name", [*SEARCHERS, "rows"])
def test_a_generation_without_a_valid_member_does_not_break_the_search(name):
    class Broken(Sphere):
        def evaluate(self, members, rng):
            evaluation = super().evaluate(members, rng)
            evaluation.fitness[:] = torch.nan
            return evaluation

    p = problem(Broken())
    loop = steps(rows_loop(p) if name == "rows" else SEARCHERS[name]().start(p), 3)
    assert not torch.isfinite(loop.members.fitness).any()


class Ageing(Sphere):
    """Members learn how often their line was evaluated."""

    provides = ("states",)

    def evaluate(self, members, rng):
        old = members.states or [None] * len(members)
        return replace(super().evaluate(members, rng), states=[(state or 0) + 1 for state in old])


def test_states_follow_their_rows():
    """Of one that is carried over its own, of a child its first parent's; a row without a parent has none."""
    p = problem(Ageing())

    def breed(parents, children, rng):
        children.genomes[:] = parents.genomes
        children.ids[0] = parents.ids[0]
        children.parents[:] = torch.stack([parents.ids[[1, 0, 0, 1]], torch.full((4,), -1)], 1)
        children.parents[3, 0] = -1

    loop = RowsLoop(p, 4, breed)
    steps(loop, 1)
    loop.members.states = [10, 20, 30, 40]
    steps(loop, 1)
    assert loop.members.states == [11, 11, 11, 1]


def test_states_of_rows_resume_exactly():
    def make():
        return rows_loop(problem(Ageing()))

    whole, half = steps(make(), 5), steps(make(), 2)
    rest = steps(reloaded(half, make), 3)
    assert rest.members.states == whole.members.states == [5, 1, 1, 1, 1, 1]
    assert rest.best.states == whole.best.states


@pytest.mark.parametrize("name", SEARCHERS)
def test_nan_never_becomes_a_parameter_or_the_best(name):
    loop = SEARCHERS[name]().start(problem(Sphere(broken_rows=(0, 1))))
    for _ in range(8):
        steps(loop, 1)
        assert torch.isfinite(loop.members.genomes).all()
        assert torch.isfinite(loop.best.fitness).all()


def test_log_genes_are_searched_by_their_logarithms_and_stay_in_range():
    class Rates(Interval):
        def bind(self, task):
            super().bind(task)
            self.lower, self.upper = self.lower * 0 + 1e-4, self.upper * 0 + 1.0
            self.scale = "log"

        def sample(self, n, rng):
            return torch.exp(torch.rand(n, self.length, generator=rng.torch, dtype=torch.float64) * -9.2)

        def repair(self, genomes):
            return genomes.clamp(self.lower, self.upper)

    class Target(Sphere):
        def evaluate(self, members, rng):
            members = members[:]
            members.genomes = members.genomes.log() - torch.tensor(0.01).log()
            return super().evaluate(members, rng)

    loop = steps(CMAES().start(problem(Target(), Rates())), 80)
    assert ((loop.members.genomes >= 1e-4) & (loop.members.genomes <= 1)).all()
    assert torch.allclose(loop.best.genomes, torch.full((1, 10), 0.01).double(), rtol=0.1)


def test_a_stream_of_its_own_for_every_generation():
    seeds = []

    def breed(parents, children, rng: Rng):
        seeds.append(rng.seed)
        children.genomes[:] = parents.genomes

    steps(RowsLoop(problem(), 4, breed), 4)
    assert len(set(seeds)) == 3


def test_a_step_without_an_evaluation_is_told_in_words():
    class Idle(TrackedLoop):
        def step(self):
            self.members = self.problem.sample(3)
            self.track()

    with pytest.raises(ValueError, match=r"step left `members` without fitness: call problem.evaluate\(members\)"):
        Idle(problem()).step()


class Uneven(Interval):
    """Real vectors whose ranges differ by a factor of 1,000."""

    def bind(self, task):
        super().bind(task)
        self.lower[0], self.upper[0] = -0.005, 0.005

    def sample(self, n, rng):
        genomes = super().sample(n, rng)
        genomes[:, 0] /= 1000
        return genomes


def test_one_step_size_serves_ranges_of_every_width():
    """Few first samples of cma-es leave a range, however narrow beside the others."""
    loop = steps(CMAES(population=200).start(problem(genotype=Uneven())), 1)
    space = loop.problem.genotype
    outside = ((loop.members.genomes == space.lower) | (loop.members.genomes == space.upper)).double().mean(0)
    assert outside[0] < 0.7, "with one step size for both it would be nearly all"
