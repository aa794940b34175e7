"""TaylorGLO: equation 1 of the EPBT paper on softmax outputs, and its genotype."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from evoplug import Rng
from evoplug_epbt.taylor_loss import TaylorLoss, length, terms
from evoplug_epbt.taylorglo import TaylorGLO

THREE_CLASSES = torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64).log()
"""Logits whose softmax is (0.2, 0.5, 0.3)."""


def loss_of(*theta):
    return TaylorLoss(torch.tensor(theta, dtype=torch.float64))


def equation_1(theta, x, y):
    """The paper's formula as printed, for one example."""
    t, n = theta, len(x)
    return -sum(
        t[2] * (y[i] - t[1])
        + t[3] * (y[i] - t[1]) ** 2 / 2
        + t[4] * (y[i] - t[1]) ** 3 / 6
        + t[5] * (x[i] - t[0]) * (y[i] - t[1])
        + t[6] * (x[i] - t[0]) * (y[i] - t[1]) ** 2 / 2
        + t[7] * (x[i] - t[0]) ** 2 * (y[i] - t[1]) / 2
        for i in range(n)
    ) / n  # fmt: skip


@pytest.mark.parametrize(
    ("theta", "expected"),
    [
        # y = (0.2, 0.5, 0.3), the label is class 1, n = 3, by hand:
        ((0, 0, 1, 0, 0, 0, 0, 0), -1.0 / 3),  # sum of y is 1
        ((0, 0, 0, 1, 0, 0, 0, 0), -(0.04 + 0.25 + 0.09) / 2 / 3),
        ((0, 0, 0, 0, 1, 0, 0, 0), -(0.008 + 0.125 + 0.027) / 6 / 3),
        ((0, 0, 0, 0, 0, 1, 0, 0), -0.5 / 3),  # x = 1 for the true class alone
        ((0, 0, 0, 0, 0, 0, 1, 0), -0.25 / 2 / 3),
        ((0, 0, 0, 0, 0, 0, 0, 1), -0.5 / 2 / 3),
        ((0, 0.2, 1, 0, 0, 0, 0, 0), -(0.0 + 0.3 + 0.1) / 3),  # theta1 centres the prediction
        ((1, 0, 0, 0, 0, 1, 0, 0), (0.2 + 0.3) / 3),  # theta0 centres the label: X = -1, 0, -1
        ((2, 0, 0, 0, 0, 0, 0, 1), -(4 * 0.2 + 1 * 0.5 + 4 * 0.3) / 2 / 3),
    ],
)
def test_each_term_by_hand(theta, expected):
    loss = loss_of(*theta)(THREE_CLASSES, torch.tensor([1]))
    torch.testing.assert_close(loss, torch.tensor([expected], dtype=torch.float64))


thetas = st.lists(st.floats(-10, 10), min_size=8, max_size=8)


@given(thetas, st.integers(0, 2**31), st.integers(2, 12))
def test_it_is_equation_1(theta, seed, classes):
    rng = Rng(seed)
    logits = torch.randn(4, classes, generator=rng.torch, dtype=torch.float64)
    labels = torch.randint(classes, (4,), generator=rng.torch)
    expected = [
        equation_1(theta, x, y)
        for x, y in zip(one_hot(labels, classes).tolist(), logits.softmax(1).tolist(), strict=True)
    ]
    torch.testing.assert_close(
        loss_of(*theta)(logits, labels), torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-9
    )


def test_a_theta_that_is_the_brier_score():
    """theta = (0,0,0,-2,0,2,0,0): the mean of (y - x)^2 over classes, less 1/n, with the same gradient."""
    logits = torch.randn(64, 10, generator=Rng(1).torch, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(10, (64,), generator=Rng(2).torch)
    brier = (logits.softmax(1) - one_hot(labels, 10)).square().mean(1)
    loss = loss_of(0, 0, 0, -2, 0, 2, 0, 0)(logits, labels)
    torch.testing.assert_close(loss, brier - 0.1, rtol=0, atol=1e-12)
    ours, theirs = (torch.autograd.grad(value.mean(), logits)[0] for value in (loss, brier))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def test_gradient_agrees_with_finite_differences():
    logits = torch.randn(3, 5, generator=Rng(3).torch, dtype=torch.float64, requires_grad=True)
    theta = torch.randn(8, generator=Rng(4).torch, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda z: TaylorLoss(theta)(z, torch.tensor([0, 4, 2])), logits)


def test_batch_and_precision_follow_the_logits():
    loss = loss_of(*range(8))(torch.zeros(7, 10), torch.arange(7))
    assert loss.shape == (7,)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize(("order", "expected"), [(1, 3), (2, 5), (3, 8), (4, 12)])
def test_number_of_parameters_follows_from_the_order(order, expected):
    assert length(order) == expected == 2 + len(list(terms(order)))
    assert TaylorGLO(order=order).sample(2, Rng(1)).shape == (2, expected)


def test_terms_stand_in_the_order_of_equation_1():
    assert list(terms(3)) == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (2, 1)]


# ---------------------------------------------------------------------------------------------- genotype


def test_genotype_draws_uniformly_between_its_bounds():
    genomes = TaylorGLO().sample(2000, Rng(1))
    assert genomes.shape == (2000, 8)
    assert genomes.dtype == torch.float64
    assert -10 <= genomes.min() < -9.9
    assert 9.9 < genomes.max() <= 10
    assert genomes.mean().abs() < 0.3


def test_genotype_can_start_around_zero():
    space = TaylorGLO(initial_low=-1, initial_high=1)
    assert space.sample(500, Rng(1)).abs().max() <= 1
    assert space.upper.tolist() == [10.0] * 8


def test_genotype_repairs_to_its_range():
    genomes = torch.full((1, 8), 11.0, dtype=torch.float64)
    assert TaylorGLO().repair(genomes).tolist() == [[10.0] * 8]
    assert genomes[0, 0] == 11


def test_many_losses_at_once_are_each_what_it_is_alone():
    rng = Rng(1)
    thetas = torch.randn(4, 8, generator=rng.torch, dtype=torch.float64)
    logits = torch.randn(4, 5, 3, generator=rng.torch, dtype=torch.float64)
    labels = torch.randint(3, (4, 5), generator=rng.torch)
    alone = [loss_of(*theta.tolist())(*each) for theta, *each in zip(thetas, logits, labels, strict=True)]
    torch.testing.assert_close(TaylorLoss(thetas)(logits, labels), torch.stack(alone))


def test_genotype_describes_thetas_and_gives_their_loss():
    space = TaylorGLO()
    theta = torch.tensor([0, 0, 0, 0, 0, 1, 0, 0], dtype=torch.float64)
    assert space.describe(theta) == [0, 0, 0, 0, 0, 1, 0, 0]
    assert space.loss(theta)(THREE_CLASSES, torch.tensor([1])).item() == pytest.approx(-0.5 / 3)


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"low": 1.0, "high": -1.0}, "low"),
        ({"low": 1.0, "high": 1.0}, "low"),
        ({"initial_low": -11.0}, "initial_low"),
        ({"initial_high": 11.0}, "initial_high"),
        ({"initial_low": 2.0, "initial_high": 1.0}, "initial_high"),
    ],
)
def test_bad_ranges(parameters, key):
    assert [name for name, _ in TaylorGLO(**parameters).check()] == [key]
