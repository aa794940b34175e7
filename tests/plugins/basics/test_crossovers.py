"""Crossovers of vectors: the thesis's equations and DEAP's formulas."""

from __future__ import annotations

import pytest
import torch
from deap import tools
from deap.tools import crossover as deap_crossover
from hypothesis import given
from hypothesis import strategies as st

from evoplug import Rng, Task
from evoplug.population import kernels
from evoplug_basics.assignment import Assignment
from evoplug_basics.crossovers import Arithmetic, OnePoint, SimulatedBinary, TwoPoint, Uniform
from evoplug_basics.real_vector import RealVector

ALL = [Uniform(), Arithmetic(), OnePoint(), TwoPoint(), SimulatedBinary()]
COPYING = [Uniform(), OnePoint(), TwoPoint()]
"""Every gene of a child is one of its parents'."""


def space(length, low=-1.0, high=1.0, **parameters):
    genotype = RealVector(length=length, low=low, high=high, **parameters)
    genotype.bind(Task())
    return genotype


def bound(operator, genotype):
    operator.bind(genotype)
    return operator


def cuts(child):
    """Where rows of zeros and ones change."""
    return [(row.diff() != 0).nonzero().flatten().add(1).tolist() for row in child]


def test_uniform_takes_each_gene_from_either_parent_with_probability_half():
    """Equation 4.1."""
    a, b = torch.arange(20_000.0).reshape(2, -1), -torch.ones(2, 10_000)
    child = Uniform()(a, b, Rng(1))
    from_a = child == a
    assert (from_a | (child == b)).all()
    assert (from_a.double().mean(1) - 0.5).abs().max() < 0.02
    both = (from_a[0] & from_a[1]).double().mean()
    assert abs(both - 0.25) < 0.02


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_uniform_copies_genes_bit_for_bit_even_if_they_are_not_finite(dtype):
    a, b = torch.full((1, 64), torch.nan, dtype=dtype), torch.full((1, 64), -0.0, dtype=dtype)
    child = Uniform()(a, b, Rng(1))
    assert 0 < child.isnan().sum() < 64
    assert child[~child.isnan()].signbit().all()


def test_coins_are_fair_independent_and_one_for_each_gene():
    bits = kernels.coins(torch.Size((101, 203)), Rng(1), torch.device("cpu"))
    assert bits.dtype == torch.bool
    assert bits.shape == (101, 203)
    values = bits.double()
    assert abs(values.mean() - 0.5) < 0.02
    for shifted in (values[1:], values[:, 1:]):
        agree = (shifted == values[: shifted.shape[0], : shifted.shape[1]]).double().mean()
        assert abs(agree - 0.5) < 0.02


def test_arithmetic_is_the_mean():
    """Equation 4.2."""
    child = Arithmetic()(torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0, 4.0]]), Rng(1))
    assert child.tolist() == [[2, 1]]


def test_arithmetic_on_a_logarithmic_scale_is_the_geometric_mean():
    operator = bound(Arithmetic(), space(1, 1e-4, 1.0, scale="log"))
    child = operator(torch.tensor([[1e-4]]), torch.tensor([[1e-2]]), Rng(1))
    torch.testing.assert_close(child, torch.tensor([[1e-3]]))


def test_one_point_cuts_every_place_between_two_genes_alike():
    child = OnePoint()(torch.zeros(6000, 4), torch.ones(6000, 4), Rng(1))
    assert (child[:, 0] == 0).all()
    assert (child[:, -1] == 1).all()
    assert all(len(cut) == 1 for cut in cuts(child))
    place = torch.tensor([cut[0] for cut in cuts(child)])
    assert (torch.bincount(place)[1:] / 6000 - 1 / 3).abs().max() < 0.03


def test_two_point_has_deaps_segments_alike():
    """Two different cuts out of 1..d, so each of the d(d-1)/2 segments is as likely, as in ``cxTwoPoint``."""
    child = TwoPoint()(torch.zeros(6000, 4), torch.ones(6000, 4), Rng(1))
    segments, counts = child.unique(dim=0, return_counts=True)
    assert segments.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 1, 1], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 1]]
    assert (counts / 6000 - 1 / 6).abs().max() < 0.02


@pytest.mark.parametrize("operator", [OnePoint(), TwoPoint()], ids=repr)
def test_a_single_gene_cannot_be_cut(operator):
    a = torch.zeros(3, 1)
    child = operator(a, torch.ones(3, 1), Rng(1))
    assert torch.equal(child, a)
    assert child is not a


def replay(monkeypatch, numbers):
    numbers = iter(numbers)
    monkeypatch.setattr(deap_crossover.random, "random", lambda: next(numbers))


def test_simulated_binary_is_deaps_without_bounds(monkeypatch):
    a, b = torch.randn(2, 3, 5, generator=Rng(2).torch, dtype=torch.float64)
    child = SimulatedBinary(eta=2.0)(a, b, Rng(1))
    u = torch.rand(3, 5, generator=Rng(1).torch, dtype=torch.float64)
    replay(monkeypatch, u.flatten().tolist())
    expected = [tools.cxSimulatedBinary(x, y, 2.0)[0] for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    torch.testing.assert_close(child, torch.tensor(expected, dtype=torch.float64))


def test_simulated_binary_is_deaps_inside_bounds(monkeypatch):
    genotype = space(6, low=-1.0, high=[1.0, 2.0, 3.0, 1.0, 1.0, 1.0])
    a, b = genotype.sample(40, Rng(2)), genotype.sample(40, Rng(3))
    b[:, 4] = a[:, 4]
    child = bound(SimulatedBinary(eta=2.0), genotype)(a, b, Rng(1))

    draws = torch.rand(3, 40, 6, generator=Rng(1).torch, dtype=torch.float64)
    low, high = genotype.lower.tolist(), genotype.upper.tolist()
    expected = []
    for row, (x, y) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        numbers = []  # DEAP draws the second and third number of a gene only where it is crossed
        for gene in range(6):
            crossed, u, side = draws[:, row, gene].tolist()
            numbers += [crossed] if crossed > 0.5 or x[gene] == y[gene] else [crossed, u, side]
        replay(monkeypatch, numbers)
        expected.append(tools.cxSimulatedBinaryBounded(x, y, 2.0, low, high)[0])
    torch.testing.assert_close(child, torch.tensor(expected, dtype=torch.float64))


def test_a_high_eta_keeps_the_child_near_its_parents():
    a, b = torch.zeros(1, 500, dtype=torch.float64), torch.ones(1, 500, dtype=torch.float64)

    def distance(eta):
        child = SimulatedBinary(eta=eta)(a, b, Rng(1))
        return torch.minimum(child.abs(), (child - 1).abs()).mean()

    assert distance(50.0) < distance(5.0) < distance(0.5)


@given(st.sampled_from(ALL), st.integers(1, 5), st.sampled_from(["linear", "log"]), st.integers(0, 50))
def test_children_are_inside_the_bounds_and_parents_untouched(operator, length, scale, seed):
    genotype = space(length, 0.5, 2.0, scale=scale)
    a, b = genotype.sample(4, Rng(seed)), genotype.sample(4, Rng(seed + 1))
    before = a.clone(), b.clone()
    child = bound(type(operator)(), genotype)(a, b, Rng(seed))
    assert child.shape == a.shape
    assert child.dtype == a.dtype
    assert torch.equal(genotype.repair(child), child)
    assert torch.equal(a, before[0])
    assert torch.equal(b, before[1])


@given(st.sampled_from(COPYING), st.integers(1, 5), st.integers(1, 4), st.integers(0, 50))
def test_choices_come_from_either_parent(operator, length, choices, seed):
    genotype = Assignment(length=length, choices=choices)
    genotype.bind(Task())
    a, b = genotype.sample(4, Rng(seed)), genotype.sample(4, Rng(seed + 1))
    child = bound(type(operator)(), genotype)(a, b, Rng(seed))
    assert child.dtype == torch.int64
    assert ((child == a) | (child == b)).all()


@pytest.mark.parametrize("operator", COPYING, ids=repr)
def test_numbers_and_choices_are_cut_alike(operator):
    a, b = torch.arange(24).view(2, 3, 4)
    assert torch.equal(operator(a, b, Rng(1)), operator(a.double(), b.double(), Rng(1)).long())


@given(st.sampled_from(ALL), st.integers(1, 5))
def test_two_equal_parents_have_their_like(operator, length):
    a = torch.randn(3, length, generator=Rng(1).torch, dtype=torch.float64)
    torch.testing.assert_close(operator(a, a, Rng(2)), a)
