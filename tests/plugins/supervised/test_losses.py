import math

import pytest
import torch
from torch.nn.functional import cross_entropy as reference

from evoplug import Rng
from evoplug_supervised.losses import LOSSES, cross_entropy, per_example, squared_error


def test_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)], [0.0, 0.0]])
    expected = torch.tensor([math.log(4.0), math.log(2.0)])
    torch.testing.assert_close(cross_entropy(logits, torch.tensor([0, 1])), expected)


def test_cross_entropy_is_torchs():
    logits, labels = torch.randn(7, 4, generator=Rng(1).torch), torch.tensor([0, 1, 2, 3, 0, 1, 2])
    torch.testing.assert_close(cross_entropy(logits, labels), reference(logits, labels, reduction="none"))


def test_squared_error_by_hand():
    logits = torch.tensor([[0.0, math.log(3.0)]])  # softmax 1/4, 3/4
    torch.testing.assert_close(squared_error(logits, torch.tensor([0])), torch.tensor([9 / 16]))
    torch.testing.assert_close(squared_error(logits, torch.tensor([1])), torch.tensor([1 / 16]))


@pytest.mark.parametrize("name", LOSSES)
def test_networks_are_scored_each_for_itself(name):
    loss = per_example(name)
    logits, labels = torch.randn(3, 5, 4, generator=Rng(1).torch), torch.tensor([0, 1, 2, 3, 0])
    losses = loss(logits, labels)
    assert losses.shape == (3, 5)
    torch.testing.assert_close(losses, torch.stack([loss(each, labels) for each in logits]))


@pytest.mark.parametrize("name", LOSSES)
def test_a_right_answer_costs_less_and_never_less_than_nothing(name):
    right, wrong = per_example(name)(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([0, 0]))
    assert 0 <= right < wrong


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name):
    logits = torch.randn(4, 3, generator=Rng(2).torch, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: per_example(name)(values, torch.tensor([0, 1, 2, 0])), logits)


def test_a_function_is_taken_as_it_is():
    assert per_example(squared_error) is squared_error
