import pytest
import torch

from evoplug import ConfigError, build
from evoplug_rl.dqn import DQN


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("actions", "weights"),
    [
        (18, 8_224 + 32_832 + 36_928 + (3_136 * 512 + 512) + (512 * 18 + 18)),
        (4, 1_693_362 - 14 * 513),
    ],
)
def test_the_weights_of_the_papers_network_by_hand(actions, weights):
    module = DQN().build((4, 84, 84), actions)
    assert size(module) == weights
    assert module(torch.zeros(2, 4, 84, 84)).shape == (2, actions)


def test_a_small_one_by_hand():
    small = DQN(channels=(8, 16), kernels=(8, 4), strides=(4, 2), dense=(32,))
    assert size(small.build((4, 42, 42), 7)) == 2_056 + 2_064 + (16 * 9 * 32 + 32) + (32 * 7 + 7) == 8_991


def test_it_needs_no_hidden_dense_layer():
    assert DQN(dense=()).build((1, 36, 40), 3)(torch.zeros(2, 1, 36, 40)).shape == (2, 3)


def test_images_are_needed():
    with pytest.raises(ConfigError, match=r"needs images .* shape \(4,\)"):
        DQN().build((4,), 2)


def test_images_that_are_too_small_name_the_layer():
    with pytest.raises(ConfigError, match=r"kernels: conv3, 3 x 3, gets only 2 x 9 pixels"):
        DQN().build((4, 28, 84), 2)


@pytest.mark.parametrize("key", ["kernels", "strides"])
def test_a_kernel_and_a_stride_for_each_convolution(key):
    with pytest.raises(ConfigError, match=f"{key}: must be one for each of the 3 convolutions"):
        build("networks", "dqn", **{key: [4, 2]})
