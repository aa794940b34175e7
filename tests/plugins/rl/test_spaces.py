"""Which observations networks take, and how outputs become actions."""

import numpy as np
import pytest
import torch
from gymnasium import spaces

from evoplug import ConfigError
from evoplug_rl.actions import actions
from evoplug_rl.observations import observations
from evoplug_rl.senses import Senses

BYTES = {"low": 0, "high": 255, "dtype": np.uint8}


@pytest.mark.parametrize(
    ("space", "shape", "inputs"),
    [
        (spaces.Box(-1, 1, (4,)), (4,), (4,)),
        (spaces.Box(-1, 1, ()), (1,), (1,)),
        (spaces.Box(-1, 1, (2, 3)), (2, 3), (2, 3)),
        (spaces.Box(shape=(7,), **BYTES), (7,), (7,)),
        (spaces.Box(shape=(8, 6), **BYTES), (8, 6), (1, 8, 6)),
        (spaces.Box(shape=(8, 6, 3), **BYTES), (8, 6, 3), (3, 8, 6)),
        (spaces.Box(shape=(4, 8, 8), **BYTES), (4, 8, 8), (4, 8, 8)),
        (spaces.Discrete(5), (5,), (5,)),
        (spaces.MultiBinary(3), (3,), (3,)),
        (spaces.Dict({"a": spaces.Discrete(2), "b": spaces.Box(-1, 1, (3,))}), (5,), (5,)),
    ],
)
def test_vectors_images_and_what_can_be_flattened(space, shape, inputs):
    space.seed(1)
    found = observations(space)
    assert (found.shape, Senses(found.shape, found.image).inputs) == (shape, inputs)
    assert np.broadcast_to(found.array(space.sample()), shape).shape == shape
    assert Senses(found.shape, found.image)(torch.zeros(2, *shape)).shape == (2, *inputs)


def test_one_of_n_is_a_vector_with_one_one():
    assert observations(spaces.Discrete(3, start=1)).array(2).tolist() == [0, 1, 0]


@pytest.mark.parametrize("space", [spaces.Text(5), spaces.Sequence(spaces.Discrete(2))])
def test_other_observations_are_refused(space):
    with pytest.raises(ConfigError, match="no network fits its observation space"):
        observations(space)


def test_images_have_their_channels_first_and_values_up_to_one():
    image = torch.zeros(1, 3, 5, 2, dtype=torch.uint8)
    image[0, 1, 4, 0] = 255
    seen = Senses((3, 5, 2), image=True)(image)
    assert seen.shape == (1, 2, 3, 5)
    assert seen[0, 0, 1, 4] == 1
    assert seen.sum() == 1


def test_normalised_observations_by_hand():
    senses = Senses((2,), normalised=True)
    senses.mean.copy_(torch.tensor([1.0, 0.0]))
    senses.deviation.copy_(torch.tensor([2.0, 0.001]))
    assert senses(torch.tensor([[4.0, -5.0]])).tolist() == [[1.5, -10.0]]


def test_the_largest_output_is_the_action():
    chosen = actions(spaces.Discrete(3, start=10))
    assert chosen.outputs == 3
    assert chosen.act(torch.tensor([[0.0, 2.0, 1.0], [5.0, 0.0, 0.0]])).tolist() == [11, 10]


def test_the_largest_of_each_part_is_its_action():
    space = spaces.MultiDiscrete([[2, 3]])
    chosen = actions(space)
    found = chosen.act(torch.tensor([[1.0, 0.0, 0.0, 0.0, 2.0], [0.0, 1.0, 3.0, 0.0, 2.0]]))
    assert chosen.outputs == 5
    assert found.tolist() == [[[0, 2]], [[1, 0]]]
    assert space.contains(found[0])


def test_numbers_are_squashed_to_the_bounds():
    space = spaces.Box(np.array([-2, 0.1], np.float32), np.array([4, 0.3], np.float32))
    chosen = actions(space)
    found = chosen.act(torch.tensor([[0.0, 0.0], [100.0, -100.0], [torch.inf, -torch.inf], [0.5, 1.0]]))
    assert chosen.outputs == 2
    assert found.dtype == np.float32
    assert all(space.contains(action) for action in found)
    np.testing.assert_allclose(found[:2], [[1, 0.2], [4, 0.1]], rtol=1e-6)
    np.testing.assert_allclose(found[3], [1 + 3 * np.tanh(0.5), 0.2 + 0.1 * np.tanh(1)], rtol=1e-6)


@pytest.mark.parametrize(
    ("space", "why"),
    [
        (spaces.Box(-np.inf, 1, (2,)), "some are missing"),
        (spaces.Box(0, 5, (2,), np.int64), "nor a Box of floats"),
        (spaces.MultiBinary(3), "nor a Box of floats"),
        (spaces.Dict({"a": spaces.Discrete(2)}), "nor a Box of floats"),
    ],
)
def test_other_actions_are_refused(space, why):
    with pytest.raises(ConfigError, match="no policy fits its action space") as caught:
        actions(space)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
