"""The distribution over assignments against its Fisher matrix, and utilities against equation 8.19."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from evoplug_sharing.categorical import Categorical, ranked

PI = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], dtype=torch.float64)
ALL = torch.tensor(list(itertools.product(range(3), repeat=2)))
"""Every assignment of two positions with three choices."""


def probabilities(pi: torch.Tensor) -> torch.Tensor:
    """Of every assignment."""
    return pi[0, ALL[:, 0]] * pi[1, ALL[:, 1]]


def whole(free: torch.Tensor) -> torch.Tensor:
    """All K probabilities of each position from the first K - 1, the thesis's parameters."""
    return torch.cat([free, 1 - free.sum(1, keepdim=True)], 1)


def plain_gradient(function) -> torch.Tensor:
    """Of a function of the free parameters, at PI."""
    free = PI[:, :-1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(whole(free)), free)
    return gradient.flatten()


def natural_gradient(function) -> torch.Tensor:
    """The inverse Fisher matrix times the plain gradient, ``(N, K - 1)``."""
    scores = torch.stack([plain_gradient(lambda pi, i=i: probabilities(pi)[i].log()) for i in range(len(ALL))])
    fisher = (probabilities(PI)[:, None, None] * scores[:, :, None] * scores[:, None, :]).sum(0)
    return torch.linalg.solve(fisher, plain_gradient(function)).view(2, 2)


def estimate(samples: torch.Tensor, utilities: torch.Tensor) -> torch.Tensor:
    distribution = Categorical({"pi": PI})
    gradients = distribution.compute_gradients(samples, utilities, objective_sense="max", ranking_method="raw")
    return gradients["pi"]


@pytest.mark.parametrize("number", range(len(ALL)))
def test_log_derivative_is_the_inverse_fisher_matrix_times_the_plain_gradient(number):
    """Equation 8.44."""
    expected = natural_gradient(lambda pi: probabilities(pi)[number].log())
    torch.testing.assert_close(estimate(ALL[[number]], torch.ones(1))[:, :-1], expected)


def test_expectation_of_the_estimate_is_the_natural_gradient_of_expected_utility():
    """Equation 8.18 over all assignments, each with its probability."""
    utility = torch.arange(9, dtype=torch.float64).square() - 7
    weighted = len(ALL) * probabilities(PI) * utility
    expected = natural_gradient(lambda pi: (probabilities(pi) * utility).sum())
    torch.testing.assert_close(estimate(ALL, weighted)[:, :-1], expected)


def test_expectation_over_all_pairs_with_utilities_by_rank():
    loss = torch.tensor([3.0, 1.0, 2.0, 2.0, 5.0, 4.0, 1.0, 0.0, 9.0])
    mean = torch.zeros_like(PI)
    for one, other in itertools.product(range(9), repeat=2):
        chance = probabilities(PI)[one] * probabilities(PI)[other]
        mean += chance * estimate(ALL[[one, other]], ranked(-loss[[one, other]]))
    wins = torch.sign(loss[None, :] - loss[:, None]).double() @ probabilities(PI)
    expected = natural_gradient(lambda pi: (probabilities(pi) * wins).sum())
    torch.testing.assert_close(mean[:, :-1], expected)


def test_gradients_of_a_position_sum_to_zero():
    """So that all K probabilities, and not K - 1, can be kept."""
    gradient = estimate(ALL[[0, 4, 4, 8]], torch.tensor([1.0, -1.0, 0.3, 0.5]))
    torch.testing.assert_close(gradient.sum(1), torch.zeros(2, dtype=torch.float64))


def test_step_without_a_clamp():
    moved = Categorical({"pi": PI, "floor": 0.001}).update_parameters(
        {"pi": torch.tensor([[0.2, -0.1, -0.1], [0.0, 0.0, 0.0]])}, learning_rates={"pi": 0.5}
    )
    torch.testing.assert_close(moved.pi, torch.tensor([[0.6, 0.25, 0.15], [0.1, 0.2, 0.7]]).double())


def test_step_is_clamped_then_renormalised():
    """By hand: 1.2, 0.1, -0.3 become 1.2, 0.1, 0.001, and then sum to one; the last ends below the clamp."""
    moved = Categorical({"pi": PI, "floor": 0.001}).update_parameters(
        {"pi": torch.tensor([[0.7, -0.2, -0.5], [0.0, 0.0, 0.0]])}, learning_rates={"pi": 1.0}
    )
    torch.testing.assert_close(moved.pi[0], torch.tensor([1.2, 0.1, 0.001]).double() / 1.301)
    assert moved.pi[0, 2] < 0.001


def test_step_leaves_the_distribution_as_it_was():
    distribution = Categorical({"pi": PI.clone()})
    distribution.update_parameters({"pi": torch.ones(2, 3)}, learning_rates={"pi": 0.1})
    torch.testing.assert_close(distribution.pi, PI)


def test_samples_come_with_their_probabilities():
    samples = torch.empty(20_000, 2, dtype=torch.int64)
    Categorical({"pi": PI}).sample(out=samples, generator=torch.Generator().manual_seed(1))
    counts = torch.bincount(samples[:, 0] * 3 + samples[:, 1], minlength=9)
    assert chisquare(counts, (len(samples) * probabilities(PI))).pvalue > 0.001


def test_mode_and_entropy():
    distribution = Categorical({"pi": torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0, 0.0]]).double()})
    assert distribution.mode.tolist() == [0, 1]
    torch.testing.assert_close(distribution.entropy, torch.tensor([math.log(4), 0.0]).double())


def test_a_length_that_is_not_that_of_pi_is_refused():
    with pytest.raises(ValueError, match="pi has 2 rows, and a solution has 3 positions"):
        Categorical({"pi": PI}, solution_length=3)


# ---------------------------------------------------------------------------------------------- utilities


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ([0.3, 0.1, 0.2], [-1, 1, 0]),
        ([4.0, 3.0, 2.0, 1.0, 0.0], [-1, -0.5, 0, 0.5, 1]),
        ([1.0, 1.0], [0, 0]),
        ([2.0, 1.0, 1.0], [-1, 0.5, 0.5]),
        ([7.0], [0]),
        ([math.inf, 1.0, math.inf], [-0.5, 1, -0.5]),
        ([math.inf, math.inf], [0, 0]),
    ],
)
def test_utilities_by_rank(loss, expected):
    """Equation 8.19; equal losses share their ranks, one sample says nothing, invalid ones are worst together."""
    assert ranked(-torch.tensor(loss)).tolist() == expected


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20))
def test_utilities_depend_on_the_order_of_losses_alone(losses):
    fitness = -torch.tensor(losses, dtype=torch.float64)
    expected = ranked(fitness)
    for monotone in (lambda f: 3 * f - 5, lambda f: f**3, torch.atan):
        torch.testing.assert_close(ranked(monotone(fitness)), expected)
    assert expected.sum().item() == pytest.approx(0)
