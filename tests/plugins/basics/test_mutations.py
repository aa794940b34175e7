"""Mutations of real vectors: the thesis's equations, DEAP's formula, EPBT's and PBT's rules."""

from __future__ import annotations

import pytest
import torch
from deap import tools
from deap.tools import mutation as deap_mutation
from hypothesis import given
from hypothesis import strategies as st

from evoplug import ConfigError, Members, Rng, Task
from evoplug.contracts import Genotype
from evoplug_basics.crossovers import Uniform
from evoplug_basics.mutations import (
    DecayingGaussian,
    Gaussian,
    MultiplicativeGaussian,
    Perturb,
    Polynomial,
    SelfAdaptiveGaussian,
)
from evoplug_basics.real_vector import RealVector

ALL = [Gaussian, DecayingGaussian, SelfAdaptiveGaussian, MultiplicativeGaussian, Perturb, Polynomial]


class Unbounded(Genotype, genome="real-vector"):
    """Real vectors without bounds, as the weights of a network are."""

    length, dtype, lower, upper, scale = 3, "float64", None, None, "linear"

    def sample(self, n, rng):
        return torch.full((n, self.length), 7.0, dtype=torch.float64)


def space(length, low=-1.0, high=1.0, **parameters):
    genotype = RealVector(length=length, low=low, high=high, **parameters)
    genotype.bind(Task())
    return genotype


def bound(operator, genotype):
    operator.bind(genotype)
    return operator


def normals(*shape, seed=1, dtype=torch.float64):
    return torch.randn(shape, generator=Rng(seed).torch, dtype=dtype)


def members(genomes, **columns):
    n = len(genomes)
    return Members(genomes, torch.arange(n), torch.full((n, 2), -1), columns=columns)


def test_gaussian_adds_normal_noise_times_sigma():
    """Equation 4.3."""
    x = torch.full((4, 500), 5.0, dtype=torch.float64)
    torch.testing.assert_close(Gaussian(sigma=0.3)(x, Rng(1)), x + 0.3 * normals(4, 500))


def test_gaussian_by_default_takes_a_tenth_of_each_genes_range():
    mutation = bound(Gaussian(), space(2, low=[-10.0, -50.0], high=[10.0, 50.0]))
    step = mutation(torch.zeros(5000, 2, dtype=torch.float64), Rng(1))
    torch.testing.assert_close(step.std(0), torch.tensor([2.0, 10.0], dtype=torch.float64), rtol=0.1, atol=0)
    assert mutation.describe() == {"sigma": 6.0}


def test_gaussian_by_default_takes_a_hundredth_where_there_are_no_bounds():
    assert Gaussian().describe() == bound(Gaussian(), Unbounded()).describe() == {"sigma": 0.01}


def test_gaussian_on_a_logarithmic_scale_multiplies():
    mutation = bound(Gaussian(sigma=0.5), space(1, 1e-6, 1e6, scale="log"))
    x = torch.full((20, 1), 10.0, dtype=torch.float64)
    torch.testing.assert_close(mutation(x, Rng(1)), 10 * (0.5 * normals(20, 1)).exp())


@pytest.mark.parametrize(
    ("generation", "sigma"), [(1, 2.0), (11, 2.0 * 0.99), (21, 2.0 * 0.99**2), (6, 2.0 * 0.99**0.5)]
)
def test_decaying_gaussian(generation, sigma):
    """Equation 5.3 with i = generation - 1 and k = 10."""
    mutation = DecayingGaussian(sigma=2.0, k=10.0).at(generation)
    assert mutation.describe() == {"sigma": pytest.approx(sigma)}
    torch.testing.assert_close(mutation(torch.zeros(1, 9).double(), Rng(1)), sigma * normals(1, 9))


def test_decaying_gaussian_stays_inside_the_bounds_and_decays_the_default():
    mutation = bound(DecayingGaussian(k=1.0), space(1)).at(3)
    assert mutation.describe() == {"sigma": pytest.approx(0.2 * 0.99**2)}
    assert mutation(torch.ones(50, 1), Rng(1)).max() <= 1


def test_self_adaptive_gaussian_mutates_with_the_parents_sigma_then_sigma_itself():
    """Equation 5.4."""
    mutation = SelfAdaptiveGaussian(sigma=0.1, tau=0.5)
    parents = members(torch.zeros(2, 4000), **mutation.columns(2))
    assert parents.columns["sigma"].tolist() == [0.1, 0.1]
    parents.columns["sigma"][1] = 10.0
    out = members(torch.zeros(3, 4000), **mutation.columns(3))
    mutation.into(parents, torch.tensor([1, 0, 1]), Rng(1), out)
    torch.testing.assert_close(out.genomes.std(1), torch.tensor([10.0, 0.1, 10.0]), rtol=0.05, atol=0)
    factors = out.columns["sigma"] / torch.tensor([10.0, 0.1, 10.0], dtype=torch.float64)
    assert (factors > 0).all()
    assert len(factors.unique()) == 3
    assert parents.columns["sigma"].tolist() == [0.1, 10.0]


def test_self_adaptive_sigma_is_log_normal_with_spread_tau():
    mutation = SelfAdaptiveGaussian(sigma=1.0, tau=0.3)
    parents, out = members(torch.zeros(1, 1), **mutation.columns(1)), members(torch.zeros(4000, 1))
    out.columns = mutation.columns(4000)
    mutation.into(parents, torch.zeros(4000, dtype=torch.int64), Rng(1), out)
    logarithm = out.columns["sigma"].log()
    assert abs(logarithm.mean()) < 0.02
    assert abs(logarithm.std() - 0.3) < 0.02


def test_a_crossover_gives_the_mean_sigma():
    parents = members(torch.zeros(2, 3), sigma=torch.tensor([0.1, 0.3], dtype=torch.float64))
    out = members(torch.zeros(1, 3), sigma=torch.zeros(1, dtype=torch.float64))
    Uniform().into(parents, torch.tensor([0]), torch.tensor([1]), Rng(1), out)
    assert out.columns["sigma"].item() == pytest.approx(0.2)


def test_multiplicative_gaussian_scales_each_gene():
    mutation = MultiplicativeGaussian(sigma=0.1, reset=0.0)
    torch.testing.assert_close(mutation(torch.full((2, 3), -4.0).double(), Rng(1)), -4 * (1 + 0.1 * normals(2, 3)))


def test_perturb_multiplies_by_one_of_the_factors_alike():
    child = Perturb(factors=(1.5, 0.5, 2.0), reset=0.0)(torch.full((100, 60), 2.0), Rng(1))
    values, counts = child.unique(return_counts=True)
    assert values.tolist() == [1, 3, 4]
    assert (counts / child.numel() - 1 / 3).abs().max() < 0.03


@pytest.mark.parametrize("mutation", [MultiplicativeGaussian(reset=0.25), Perturb(reset=0.25)], ids=repr)
def test_genes_are_drawn_anew_with_probability_reset(mutation):
    child = bound(mutation, Unbounded())(torch.zeros(4000, 3, dtype=torch.float64), Rng(1))
    assert set(child.unique().tolist()) == {0.0, 7.0}
    assert ((child == 7).double().mean(0) - 0.25).abs().max() < 0.03


@pytest.mark.parametrize("mutation", [MultiplicativeGaussian(), Perturb()], ids=repr)
def test_drawing_anew_needs_a_genotype(mutation):
    with pytest.raises(ConfigError, match=r"^reset: needs a genotype to draw from"):
        mutation(torch.ones(1, 1), Rng(1))


def test_polynomial_is_deaps(monkeypatch):
    genotype = space(5, low=-1.0, high=[1.0, 2.0, 3.0, 1.0, 1.0])
    x = genotype.sample(30, Rng(2))
    child = bound(Polynomial(eta=3.0, probability=0.6), genotype)(x, Rng(1))
    draws = torch.rand(2, 30, 5, generator=Rng(1).torch, dtype=torch.float64)
    numbers = iter([n for m, u in zip(*draws.flatten(1).tolist(), strict=True) for n in ((m, u) if m <= 0.6 else (m,))])
    monkeypatch.setattr(deap_mutation.random, "random", lambda: next(numbers))
    bounds = genotype.lower.tolist(), genotype.upper.tolist()
    expected = [tools.mutPolynomialBounded(row, 3.0, *bounds, 0.6)[0] for row in x.tolist()]
    torch.testing.assert_close(child, torch.tensor(expected, dtype=torch.float64))


def test_polynomial_by_default_changes_one_gene_of_each_row_on_average():
    x = space(8).sample(2000, Rng(2))
    changed = bound(Polynomial(), space(8))(x, Rng(1)) != x
    assert abs(changed.sum(1).double().mean() - 1) < 0.1


def test_polynomial_needs_bounds():
    with pytest.raises(ConfigError, match=r"^polynomial mutation needs a genotype with bounds$"):
        Polynomial().bind(Unbounded())


@given(st.sampled_from(ALL), st.integers(1, 5), st.sampled_from(["linear", "log"]), st.integers(0, 50))
def test_mutants_are_inside_the_bounds_and_parents_untouched(operator, length, scale, seed):
    genotype = space(length, 0.5, 2.0, scale=scale)
    x = genotype.sample(6, Rng(seed))
    before = x.clone()
    mutation = bound(operator(), genotype).at(5)
    child = mutation(x, Rng(seed))
    assert child.shape == x.shape
    assert child.dtype == x.dtype
    assert torch.equal(genotype.repair(child), child)
    assert torch.equal(x, before)
    assert torch.equal(mutation(x, Rng(seed)), child)
