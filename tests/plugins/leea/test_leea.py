"""Algorithm 2 of the thesis, its equations with hand-worked numbers."""

import pytest
import torch

from evoplug import Evaluation, Rng, Task
from evoplug.contracts import Evaluator
from evoplug_basics.assignment import Assignment
from evoplug_basics.categorical_reset import CategoricalReset
from evoplug_basics.crossovers import Arithmetic, Uniform
from evoplug_basics.mutations import DecayingGaussian, Gaussian, SelfAdaptiveGaussian
from evoplug_basics.selections import Truncation
from evoplug_leea.leea import LEEA, best
from fakes import Interval, Sphere, problem, reloaded, steps


class Scripted(Evaluator):
    """Fitness read from a table, a row a generation."""

    def __init__(self, *rows):
        self.rows = [torch.tensor(row, dtype=torch.float64) for row in rows]

    def evaluate(self, members, rng):
        return Evaluation(self.rows.pop(0).clone())


def evolution(evaluator=None, crossover=None, mutation=None, space=None, **parameters):
    space = space or Interval()
    space.bind(Task())
    crossover, mutation = crossover or Uniform(), mutation or Gaussian(sigma=0.01)
    crossover.bind(space)
    mutation.bind(space)
    settings = {"population": 20, "elites": 0.1, "crossover_share": 0.5, "mutation_share": 0.4, **parameters}
    strategy = LEEA(selection=Truncation(proportion=0.5), crossover=crossover, mutation=mutation, **settings)
    assert not list(strategy.check())
    return strategy.start(problem(evaluator, space, strategy=strategy))


def test_equation_5_2_smooths_with_the_parents_fitness():
    """alpha = 0.25: u = 0.75 u_inh + 0.25 u_xy; u_inh is the elite's own, the parent's, the mean of two parents."""
    first, second = [4.0, 2.0, -1.0, -1.0], [8.0, 8.0, 8.0, 8.0]
    loop = evolution(
        Scripted(first, second), population=4, elites=0.25, crossover_share=0.5, mutation_share=0.25,
        fitness_inheritance=0.25,
    )  # fmt: skip
    steps(loop, 1)
    assert loop.members.fitness.tolist() == first  # nothing to inherit
    steps(loop, 1)
    parents = dict(zip([0, 1, 2, 3], first, strict=True))
    expected = [0.75 * 4.0 + 0.25 * 8]
    for a, b in loop.members.parents[1:3].tolist():
        expected.append(0.75 * (parents[a] + parents[b]) / 2 + 0.25 * 8)
    expected.append(0.75 * parents[loop.members.parents[3, 0].item()] + 0.25 * 8)
    assert loop.members.fitness.tolist() == expected


def test_alpha_one_inherits_nothing():
    rows = torch.randn(3, 20, generator=Rng(1).torch).tolist()
    loop = evolution(Scripted(*rows), fitness_inheritance=1.0)
    for row in rows:
        steps(loop, 1)
        assert torch.allclose(loop.members.fitness, torch.tensor(row).double())


def test_line_7_elites_move_on_unchanged_and_are_scored_again():
    loop = steps(evolution(Sphere(noise=0.5)), 1)
    before = loop.members
    rows = before.fitness.argsort(descending=True)[:2]
    genomes, ids, fitness = before.genomes[rows].clone(), before.ids[rows].clone(), before.fitness[rows].clone()
    steps(loop, 1)
    assert torch.equal(loop.members.genomes[:2], genomes)
    assert torch.equal(loop.members.ids[:2], ids)
    assert not torch.equal(loop.members.fitness[:2], fitness)


def test_lines_6_to_9_parents_come_from_the_best_rho_lambda():
    loop = steps(evolution(), 1)
    truncated = set(loop.members.ids[loop.members.fitness.argsort(descending=True)[:10]].tolist())
    steps(loop, 1)
    C, M = loop.members.parents[2:12], loop.members.parents[12:]
    assert set(C.flatten().tolist()) <= truncated
    assert set(M[:, 0].tolist()) <= truncated
    assert (M[:, 1] == -1).all()


def test_line_8_crossover_children_are_not_mutated():
    """Equation 4.1: every gene of a child is one of its parents'."""
    loop = steps(evolution(), 1)
    genomes = dict(zip(loop.members.ids.tolist(), loop.members.genomes.clone(), strict=True))
    steps(loop, 1)
    for child, (a, b) in zip(loop.members.genomes[2:12], loop.members.parents[2:12].tolist(), strict=True):
        assert ((child == genomes[a]) | (child == genomes[b])).all()


def test_equation_4_2_arithmetic_crossover_is_the_mean():
    loop = steps(evolution(crossover=Arithmetic()), 1)
    genomes = dict(zip(loop.members.ids.tolist(), loop.members.genomes.clone(), strict=True))
    steps(loop, 1)
    for child, (a, b) in zip(loop.members.genomes[2:12], loop.members.parents[2:12].tolist(), strict=True):
        assert torch.allclose(child, (genomes[a] + genomes[b]) / 2)


def test_equation_4_3_mutants_differ_from_their_parent_by_sigma():
    loop = steps(evolution(mutation=Gaussian(sigma=0.001), population=400), 1)
    genomes = dict(zip(loop.members.ids.tolist(), loop.members.genomes.clone(), strict=True))
    steps(loop, 1)
    M = slice(round(0.6 * 400), 400)
    parents = torch.stack([genomes[i] for i in loop.members.parents[M, 0].tolist()])
    noise = (loop.members.genomes[M] - parents) / 0.001
    inside = loop.members.genomes[M].abs() < 4.99
    assert abs(noise[inside].mean()) < 0.1
    assert abs(noise[inside].std() - 1) < 0.1


def test_equation_5_3_sigma_decays():
    loop = steps(evolution(mutation=DecayingGaussian(sigma=0.1, k=2)), 5)
    assert loop.problem.generation == 6
    assert loop.settings.mutation.at(5).describe()["sigma"] == pytest.approx(0.1 * 0.99 ** (4 / 2))


def test_equation_5_4_sigma_is_a_gene_of_its_own():
    """Elites keep it, crossover takes the mean, mutation multiplies it by exp(tau eps)."""
    loop = steps(evolution(mutation=SelfAdaptiveGaussian(sigma=0.1, tau=0.5)), 2)
    sigma = dict(zip(loop.members.ids.tolist(), loop.members.columns["sigma"].tolist(), strict=True))
    assert len(set(sigma.values())) > 5
    assert loop.members.genomes.shape == (20, 10)  # evaluators never see it
    steps(loop, 1)
    now, parents = loop.members.columns["sigma"].tolist(), loop.members.parents.tolist()
    assert now[:2] == [sigma[i] for i in loop.members.ids[:2].tolist()]
    assert now[2:12] == pytest.approx([(sigma[a] + sigma[b]) / 2 for a, b in parents[2:12]])
    assert all(s > 0 and s != sigma[a] for s, (a, _) in zip(now[12:], parents[12:], strict=True))
    assert set(loop.status) == {"sigma", "sigma_std"}


MUTATIONS = [Gaussian(sigma=0.05), SelfAdaptiveGaussian(sigma=0.05), DecayingGaussian(sigma=0.1)]


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_resume_is_exact(mutation):
    def make():
        return evolution(Sphere(noise=0.2), mutation=mutation, fitness_inheritance=0.4)

    whole = steps(make(), 8)
    rest = steps(reloaded(steps(make(), 3), make), 5)
    assert torch.equal(whole.members.genomes, rest.members.genomes)
    assert torch.equal(whole.members.fitness, rest.members.fitness)
    assert whole.status == rest.status


def test_an_invalid_member_is_never_an_elite_and_leaves_no_trace():
    for row in range(6):
        rows = torch.arange(6).double().repeat(3, 1)
        rows[:, row] = torch.nan
        loop = evolution(
            Scripted(*rows.tolist()), population=6, elites=0.34, crossover_share=0.33, mutation_share=0.33,
            fitness_inheritance=0.5,
        )  # fmt: skip
        for _ in range(3):
            steps(loop, 1)
            invalid = loop.members.ids[~torch.isfinite(loop.members.fitness)].tolist()
            assert len(invalid) == 1
            assert torch.isfinite(loop.best.fitness).all()
            assert not torch.isinf(loop.members.columns["u_inh"]).any()


@pytest.mark.parametrize("last", [5.0, torch.nan])
def test_the_mean_of_the_weights_is_that_of_the_valid_members(last):
    class Measured(Scripted):
        headline = "accuracy"

        def measure(self, members, split, rng):
            return {"accuracy": members.genomes[:, 0].clone()}

    evaluator = Measured([1.0, 2.0, 3.0, 4.0, last])
    loop = steps(evolution(evaluator, population=5, elites=0.2, crossover_share=0.4, mutation_share=0.4), 1)
    valid = loop.members.genomes[torch.isfinite(loop.members.fitness), 0]
    assert len(valid) == (5 if last == 5 else 4)
    reported = loop.finish().beside["mean of the weights"]["test"]["accuracy"]
    assert reported == pytest.approx(valid.mean().item())


def test_choices_have_no_mean_to_report():
    space, mutation = Assignment(length=4, choices=3), CategoricalReset()
    loop = steps(evolution(Scripted(*[range(20)] * 3), mutation=mutation, space=space), 3)
    assert loop.members.genomes.dtype == torch.int64
    assert loop.finish().beside.keys() == {"best on the last batch"}


def test_elites_where_fewer_are_valid_than_asked_for():
    inf = torch.inf
    assert best(torch.tensor([1.0, -inf, 3.0, -inf]), 3).tolist() == [2, 0, 2]
    assert best(torch.tensor([1.0, 5.0, 3.0]), 2).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"elites": 0.2, "crossover_share": 0.5, "mutation_share": 0.5}, "elites"),
        ({"elites": 1.0, "crossover_share": 0.0, "mutation_share": 0.0}, "elites"),
    ],
)
def test_shares_must_sum_to_one_and_leave_room_for_children(parameters, key):
    strategy = LEEA(selection=None, crossover=None, mutation=None, **parameters)
    assert [k for k, _ in strategy.check()] == [key]
