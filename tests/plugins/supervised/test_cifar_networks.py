"""The networks of Ding and Spector (2022), table 1, in their forms for 32 x 32 pixels."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torchvision.ops import StochasticDepth

from evoplug import ConfigError, build
from evoplug.population.workers import one_thread
from evoplug_supervised.networks.mobilenet_v2 import InvertedResidual
from evoplug_supervised.networks.pre_activation import PreActivationBlock

WEIGHTS = {
    "vgg16": 14_728_266,
    "resnet18": 11_173_962,
    "resnet50": 23_520_842,
    "densenet121": 6_956_298,
    "mobilenet-v2": 2_296_922,
    "senet18": 11_260_354,
    "efficientnet-b0": 3_599_686 - 1_088,
}
"""Of ten classes: what summaries of the modules of kuangliu/pytorch-cifar, which the paper used, print. That
EfficientNet-B0 holds an expansion of its first block, 32 * 32 weights and 2 * 32 of its normalisation, and never calls
it."""

LEAST = {
    "vgg16": 1,
    "resnet18": 1,
    "resnet50": 1,
    "densenet121": 2,
    "mobilenet-v2": 4,
    "senet18": 1,
    "efficientnet-b0": 4,
}
"""The least width of each."""

DENSE = [f"{kind}{number}" for number in (1, 2, 3) for kind in ("block", "transition")]

every = pytest.mark.parametrize("name", WEIGHTS)


@pytest.fixture(autouse=True)
def _on_one_thread():
    """As in a run: many small operations wait long for a second thread where the machine is busy."""
    with one_thread():
        yield


def made(name, shape=(3, 32, 32), outputs=10, **parameters):
    return build("networks", name, **parameters).build(shape, outputs)


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@every
def test_weights_are_those_of_the_forms_that_the_paper_used(name):
    with torch.device("meta"):
        assert size(made(name)) == WEIGHTS[name]
        more = made(name, outputs=100)
        assert size(more) - WEIGHTS[name] == 90 * (more.output.in_features + 1)  # CIFAR-100


@every
def test_every_weight_gets_a_gradient_at_full_width(name):
    torch.manual_seed(0)
    module = made(name).train()
    logits = module(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 10)
    cross_entropy(logits, torch.tensor([3, 7])).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in module.parameters())


@pytest.mark.parametrize(
    ("name", "sides"),
    [
        ("vgg16", [32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1]),
        ("resnet18", [32] * 3 + [16] * 2 + [8] * 2 + [4] * 2),
        ("resnet50", [32] * 4 + [16] * 4 + [8] * 6 + [4] * 3),
        ("densenet121", [32, 32, 16, 16, 8, 8, 4, 4, 4]),
        ("mobilenet-v2", [32] * 4 + [16] * 3 + [8] * 7 + [4] * 5),
        ("senet18", [32] * 3 + [16] * 2 + [8] * 2 + [4] * 2),
        ("efficientnet-b0", [32] * 2 + [16] * 2 + [8] * 2 + [4] * 6 + [2] * 5),
    ],
)
def test_images_shrink_where_the_strides_of_those_forms_say(name, sides):
    """Of the outputs of each layer before the pooling; numbers of weights do not tell."""
    module = made(name, width=LEAST[name]).eval()
    x, found = torch.zeros(1, 3, 32, 32), []
    for layer_name, layer in module.named_children():
        if layer_name == "pool":
            break
        x = layer(x)
        assert x.shape[2] == x.shape[3]
        found.append(x.shape[2])
    assert found == sides


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("vgg16", [*(f"conv{n}" for n in range(1, 14)), "pool", "flatten", "output"]),
        ("resnet18", ["stem", *(f"block{n}" for n in range(1, 9)), "pool", "flatten", "output"]),
        ("resnet50", ["stem", *(f"block{n}" for n in range(1, 17)), "pool", "flatten", "output"]),
        ("densenet121", ["stem", *DENSE, "block4", "norm", "pool", "flatten", "output"]),
        ("mobilenet-v2", ["stem", *(f"block{n}" for n in range(1, 18)), "head", "pool", "flatten", "output"]),
        ("senet18", ["stem", *(f"block{n}" for n in range(1, 9)), "pool", "flatten", "output"]),
        ("efficientnet-b0", ["stem", *(f"block{n}" for n in range(1, 17)), "pool", "flatten", "dropout", "output"]),
    ],
)
def test_layers_have_names_that_tell_what_they_are(name, names):
    module = made(name, width=LEAST[name])
    assert type(module) is nn.Sequential
    assert [layer for layer, _ in module.named_children()] == names


@every
@pytest.mark.parametrize("shape", [(1, 32, 33), (4, 50, 40)])
def test_the_least_width_takes_images_of_any_channels_and_sides(name, shape):
    module = made(name, shape, 5, width=LEAST[name]).eval()
    assert module(torch.zeros(2, *shape)).shape == (2, 5)


@every
def test_all_channels_follow_the_width(name):
    """Half the width halves the weights of layers on single channels, and quarters those that join two layers."""
    with torch.device("meta"):
        module, half = made(name), made(name, width=build("networks", name).width // 2)
    for (key, whole), part in zip(module.named_parameters(), half.parameters(), strict=True):
        assert whole.numel() / part.numel() in (2, 4) or key == "output.bias", key


@pytest.mark.parametrize(
    ("name", "width", "allowed"),
    [
        ("vgg16", 0, "at least 1"),
        ("resnet50", -1, "at least 1"),
        ("densenet121", 3, "a multiple of 2"),
        ("mobilenet-v2", 6, "a multiple of 4"),
        ("efficientnet-b0", 2, "at least 4|a multiple of 4"),
        ("senet18", 0.5, "an integer"),
    ],
)
def test_widths_that_leave_no_whole_channel_are_refused(name, width, allowed):
    with pytest.raises(ConfigError, match=rf"width: .*{allowed}") as error:
        build("networks", name, width=width)
    assert "\n" not in str(error.value)


@every
def test_inputs_that_are_no_images_are_refused(name):
    with pytest.raises(ConfigError, match=r"needs images .* the inputs have shape \(64,\)"):
        made(name, (64,))


@pytest.mark.parametrize(("name", "least"), [("vgg16", 32), ("densenet121", 8)])
def test_images_of_which_poolings_leave_nothing_are_refused(name, least):
    made(name, (1, least, least), width=2)
    with pytest.raises(ConfigError, match=f"^needs images of at least {least} x {least} pixels, and these have"):
        made(name, (1, least, least - 1), width=2)


# ------------------------------------------------------------------------------------------------ blocks


def silent(norm):
    """A normalisation that lets nothing through."""
    nn.init.zeros_(norm.weight)


def test_an_inverted_residual_adds_its_input_where_the_sides_stay():
    x = torch.randn(2, 4, 6, 6)
    same = InvertedResidual(4, 8, 4, stride=1)
    silent(same.layers[2][1])
    assert torch.equal(same(x), x)
    wider = InvertedResidual(4, 8, 6, stride=1)
    silent(wider.layers[2][1])
    assert torch.equal(wider(x), wider.shortcut(x))
    halving = InvertedResidual(4, 8, 4, stride=2)
    silent(halving.layers[2][1])
    assert torch.equal(halving(x), torch.zeros(2, 4, 3, 3))


def test_what_a_block_before_activation_adds_can_be_scaled():
    x = torch.randn(2, 3, 4, 4)
    torch.manual_seed(0)
    plain = PreActivationBlock(3, 3, 1)
    scaled = PreActivationBlock(3, 3, 1, scale=nn.Threshold(torch.inf, 2.0))  # all of it becomes 2
    assert torch.equal(scaled(x), x + 2)
    scaled.scale = nn.Identity()
    scaled.load_state_dict(plain.state_dict())
    assert torch.equal(scaled(x), plain(x))


def test_squeeze_and_excitation_halves_every_channel_while_its_weights_are_zero():
    """sigmoid(0)."""
    block = made("senet18", width=2).block1.eval()
    for weight in block.scale.parameters():
        nn.init.zeros_(weight)
    x = torch.rand(1, 2, 4, 4)
    half = block(x) - x
    block.scale = None
    assert torch.allclose(half, (block(x) - x) / 2)


def test_mobilenet_has_plain_rectifiers():
    kinds = [type(layer) for layer in made("mobilenet-v2", width=4).modules()]
    assert kinds.count(nn.ReLU) == 2 + 2 * 17
    assert nn.ReLU6 not in kinds


def test_efficientnet_drops_inputs_of_the_dense_layer_alone_and_in_training_alone():
    x = torch.randn(4, 3, 16, 16)
    module = made("efficientnet-b0", width=4)
    module[:-2](x)  # something for the normalisations
    module.eval()
    assert torch.equal(module(x), module(x))
    module.dropout.train()
    assert not torch.equal(module(x), module(x))
    assert {layer.p for layer in module.modules() if isinstance(layer, nn.Dropout)} == {0.2}
    assert {layer.p for layer in module.modules() if isinstance(layer, StochasticDepth)} == {0.0}


def test_blocks_of_an_efficientnet_are_left_out_the_more_often_the_later_they_come():
    module = made("efficientnet-b0", width=4, dropout=0, stochastic_depth=0.2)
    found = [layer.p for layer in module.modules() if isinstance(layer, StochasticDepth)]
    assert found == pytest.approx([0.2 * block / 16 for block in range(1, 17)])
