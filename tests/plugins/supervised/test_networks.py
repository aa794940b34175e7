import pytest
import torch
from torch import nn

from evoplug import ConfigError
from evoplug.population.forward import chain
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.networks.resnet import PaddedShortcut, ResNet
from evoplug_supervised.networks.resnet18 import ResNet18
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
        (ResNet18(width=2), (3, 8, 9)),
        (ResNet18(width=3, first_stride=2, strides=(2, 2, 2, 2)), (1, 1, 1)),
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
        (ResNet18(), 11.17),  # table 1 of He et al. 2016, with a smaller first convolution and ten classes
    ],
)
def test_numbers_of_weights_are_those_of_the_papers(network, millions):
    with torch.device("meta"):
        module = network.build((3, 32, 32), 10)
    assert size(module) / 1e6 == pytest.approx(millions, abs=0.05 if millions > 1 else 0.006)


def test_the_weights_of_resnet18_by_hand():
    def block(inputs, outputs):
        shortcut = inputs * outputs + 2 * outputs if inputs != outputs else 0
        return 9 * inputs * outputs + 2 * outputs + 9 * outputs**2 + 2 * outputs + shortcut

    blocks = [(64, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    with torch.device("meta"):
        module = ResNet18().build((3, 32, 32), 10)
    assert [size(module.get_submodule(f"block{n}")) for n in range(1, 9)] == [block(*each) for each in blocks]
    assert size(module) == 9 * 3 * 64 + 2 * 64 + sum(block(*each) for each in blocks) + 512 * 10 + 10 == 11_173_962


@pytest.mark.parametrize(
    ("first_stride", "strides", "shape", "sides"),
    [
        (1, (1, 2, 2, 2), (3, 32, 32), [32, 32, 32, 16, 16, 8, 8, 4, 4]),  # CIFAR-100
        (2, (2, 2, 2, 2), (1, 105, 105), [53, 27, 27, 14, 14, 7, 7, 4, 4]),  # Omniglot
    ],
)
def test_resnet18_shrinks_images_where_its_strides_say(first_stride, strides, shape, sides):
    module = ResNet18(width=1, first_stride=first_stride, strides=strides).build(shape, 5)
    x, found = torch.zeros(2, *shape), []
    for layer in module[:9]:
        x = layer(x)
        found.append(x.shape[2])
    assert found == sides


CONV32, CONV53 = 32 * 32 * 9 + 2 * 32, 53 * 53 * 9 + 2 * 53
"""Weights of a convolution without bias, and of its normalisation."""


@pytest.mark.parametrize(
    ("channels", "dense", "shape", "outputs", "weights"),
    [
        ([32] * 3, [128], (1, 28, 28), 26, 9 * 32 + 64 + 2 * CONV32 + 9 * 32 * 128 + 128 + 129 * 26),
        ([32] * 4, [128] * 3, (3, 32, 32), 5, 27 * 32 + 64 + 3 * CONV32 + 3 * 129 * 128 + 129 * 5),
        ([53] * 4, [], (1, 105, 105), 24, 9 * 53 + 106 + 3 * CONV53 + (53 * 36 + 1) * 24),
    ],
    ids=["dkl-mnist", "cifar100", "omniglot"],
)
def test_convnets_of_papers_on_several_tasks_by_hand(channels, dense, shape, outputs, weights):
    network = ConvNet(channels=tuple(channels), dense=tuple(dense), batch_norm=True)
    assert size(network.build(shape, outputs)) == weights


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (MLP(hidden=(5, 4)), "flatten dense1 dense2 output"),
        (MLP(hidden=()), "flatten output"),
        (ConvNet(channels=(2, 2), dense=(3, 3)), "conv1 conv2 flatten dense1 dense2 output"),
        (ConvNet(channels=(), dense=()), "flatten output"),
        (ResNet(depth=14), "stem block1 block2 block3 block4 block5 block6 pool flatten output"),
        (ResNet18(width=1), "stem block1 block2 block3 block4 block5 block6 block7 block8 pool flatten output"),
        (WideResNet(depth=10, width=1), "stem block1 block2 block3 norm pool flatten output"),
    ],
)
def test_layers_have_names_that_tell_what_they_are(network, names):
    module = network.build((1, 8, 8), 3)
    assert type(module) is nn.Sequential
    assert " ".join(name for name, _ in module.named_children()) == names


def test_weights_lie_layer_by_layer_in_the_order_of_the_forward_pass():
    """The order of genomes of weights."""
    module = ConvNet(channels=(2, 3), dense=(4,), batch_norm=True).build((1, 8, 8), 5)
    shapes = [tuple(weight.shape) for weight in module.parameters()]
    assert shapes == [(2, 1, 3, 3), (2,), (2,), (3, 2, 3, 3), (3,), (3,), (4, 12), (4,), (5, 4), (5,)]


def test_an_mlp_is_a_plain_chain_which_is_computed_for_many_at_once():
    assert len(chain(MLP(hidden=(5, 4), activation="elu").build((1, 8, 8), 3), (1, 8, 8))) == 5


def test_depth_counts_the_layers_with_weights():
    layers = [m for m in ResNet(depth=20).build((3, 32, 32), 10).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 20


def test_the_padded_shortcut_by_hand():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    expected = torch.tensor([[[[0.0, 2.0], [6.0, 8.0]], [[0.0, 0.0], [0.0, 0.0]]]])
    assert torch.equal(PaddedShortcut(1)(x), expected)


@pytest.mark.parametrize("network", [ConvNet(), ResNet(), ResNet18(), WideResNet()])
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
