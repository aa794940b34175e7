import pytest
import torch
from torch import nn

from evoplug import ConfigError
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.networks.resnet import PaddedShortcut, ResNet
from evoplug_supervised.networks.wide_resnet import WideResNet


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (MLP(), (1, 8, 8)),
        (MLP(hidden=(5, 4), activation="tanh", bias=False), (7,)),
        (MLP(hidden=()), (3, 4)),
        (ConvNet(), (1, 8, 9)),
        (ConvNet(channels=(), dense=()), (3, 4, 4)),
        (ConvNet(batch_norm=True, kernel=5), (3, 16, 16)),
        (ResNet(depth=8), (1, 9, 7)),
        (WideResNet(depth=10, width=1), (3, 8, 8)),
    ],
)
def test_logits_for_every_example(network, shape):
    assert network.build(shape, 5)(torch.zeros(2, *shape)).shape == (2, 5)


def test_the_mlp_of_the_leea_paper():
    assert size(MLP(hidden=(256, 128, 64)).build((1, 14, 14), 10)) == 92_234
    assert size(MLP(hidden=(256, 128, 64), bias=False).build((1, 14, 14), 10)) == 91_776


@pytest.mark.parametrize(
    ("network", "millions"),
    [  # He et al. 2016, table 6; Zagoruyko and Komodakis 2016, tables 4 and 5
        (ResNet(depth=20), 0.27),
        (ResNet(depth=32), 0.46),
        (ResNet(depth=56), 0.85),
        (WideResNet(depth=16, width=8), 11.0),
        (WideResNet(depth=28, width=10), 36.5),
    ],
)
def test_numbers_of_weights_are_those_of_the_papers(network, millions):
    with torch.device("meta"):
        module = network.build((3, 32, 32), 10)
    assert size(module) / 1e6 == pytest.approx(millions, abs=0.05 if millions > 1 else 0.006)


def test_depth_counts_the_layers_with_weights():
    layers = [m for m in ResNet(depth=20).build((3, 32, 32), 10).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 20


def test_the_padded_shortcut_by_hand():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    expected = torch.tensor([[[[0.0, 2.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    assert torch.equal(PaddedShortcut(1)(x), expected)


@pytest.mark.parametrize("network", [ConvNet(), ResNet(), WideResNet()])
def test_inputs_that_are_no_images_are_refused(network):
    with pytest.raises(ConfigError, match=r"needs images .* the inputs have shape \(64,\)"):
        network.build((64,), 10)


def test_images_too_small_for_the_poolings_are_refused():
    with pytest.raises(ConfigError, match=r"^channels: 3 poolings are too many for images of 7 x 9$"):
        ConvNet(channels=(4, 4, 4)).build((1, 7, 9), 10)


@pytest.mark.parametrize(
    ("network", "key"), [(ResNet(depth=21), "depth"), (WideResNet(depth=17), "depth"), (ConvNet(kernel=2), "kernel")]
)
def test_sizes_that_do_not_exist_are_mistakes(network, key):
    assert [found for found, _ in network.check()] == [key]


@pytest.mark.parametrize("network", [ResNet(depth=32), WideResNet(depth=28), ConvNet(kernel=5)])
def test_sizes_that_exist_are_not(network):
    assert not list(network.check())
