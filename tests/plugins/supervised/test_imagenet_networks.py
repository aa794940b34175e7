"""Networks for images of ImageNet's size, for which weights are published."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from evoplug import ConfigError, build
from evoplug.population.workers import one_thread
from evoplug_supervised.networks.se_resnext50 import SEResNeXt50
from evoplug_supervised.networks.torchvision_models import TorchvisionModel

SMALL = {"width": 16, "cardinality": 2, "blocks": (1, 2, 1, 1)}


@pytest.fixture(autouse=True)
def _on_one_thread():
    with one_thread():
        yield


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


# ------------------------------------------------------------------------------------------------ se-resnext50


def test_weights_are_those_of_the_public_model():
    """What pretrainedmodels' se_resnext50_32x4d has, 27.56 M, by hand."""

    def block(inputs, channels):
        inner, out = 2 * channels, 4 * channels
        convolutions = inputs * inner + 9 * inner * inner // 32 + inner * out
        excitation = 2 * out * (out // 16) + out // 16 + out
        return convolutions + 2 * (inner + inner + out) + excitation + (inputs * out + 2 * out) * (inputs != out)

    with torch.device("meta"):
        module = SEResNeXt50().build((3, 224, 224), 1000)
    stages = [(64, 64, 3), (256, 128, 4), (512, 256, 6), (1024, 512, 3)]
    for number, (inputs, channels, count) in enumerate(stages, start=1):
        expected = block(inputs, channels) + (count - 1) * block(4 * channels, channels)
        assert size(module.get_submodule(f"stage{number}")) == expected
    assert size(module.stem) == 49 * 3 * 64 + 2 * 64
    assert size(module) == 27_559_896


def test_its_layers_shrink_images_of_imagenet_as_the_paper_says():
    with torch.device("meta"):
        module, x = SEResNeXt50(**SMALL).build((3, 224, 224), 2), torch.zeros(2, 3, 224, 224)
        found = {}
        for name, layer in module.named_children():
            x = layer(x)
            found[name] = tuple(x.shape[1:])
    assert found == {
        "stem": (16, 56, 56),
        "stage1": (64, 56, 56),
        "stage2": (128, 28, 28),
        "stage3": (256, 14, 14),
        "stage4": (512, 7, 7),
        "pool": (512, 1, 1),
        "flatten": (512,),
        "output": (2,),
    }


def test_convolutions_of_a_stage_have_the_groups_of_the_cardinality():
    with torch.device("meta"):
        module = SEResNeXt50(**SMALL).build((1, 28, 28), 2)
    grouped = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d) and layer.groups > 1]
    assert {layer.groups for layer in grouped} == {2}
    assert [layer.in_channels for layer in grouped] == [2, 4, 4, 8, 16]  # a sixteenth of the stage's, times 2
    assert [len(module.get_submodule(f"stage{n}")) for n in (1, 2, 3, 4)] == [1, 2, 1, 1]


def test_a_block_scales_what_it_adds():
    """With an excitation of zeros each channel is halved: sigmoid(0)."""
    block = SEResNeXt50(**SMALL).build((1, 28, 28), 2).stage2[1].eval()
    for weight in block.bn3.scale.parameters():
        nn.init.zeros_(weight)
    x = torch.rand(2, 128, 4, 4)
    halved = block(x)
    block.bn3 = block.bn3.norm
    inner = block.bn3(block.conv3(block.relu(block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x))))))))
    assert torch.allclose(halved, torch.relu(x + inner / 2))


def test_every_weight_gets_a_gradient():
    module = SEResNeXt50(**SMALL).build((1, 28, 28), 2).train()
    cross_entropy(module(torch.randn(4, 1, 28, 28)), torch.tensor([0, 1, 1, 0])).backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in module.parameters())


def test_names_of_pretrainedmodels_are_known():
    known = SEResNeXt50().renamed
    assert known("layer0.conv1.weight") == "stem.0.weight"
    assert known("layer0.bn1.running_mean") == "stem.1.running_mean"
    assert known("layer1.0.downsample.1.weight") == "stage1.0.downsample.1.weight"
    assert known("layer3.11.bn3.bias") == "stage3.11.bn3.norm.bias"
    assert known("layer4.2.se_module.fc2.bias") == "stage4.2.bn3.scale.fc2.bias"
    assert known("last_linear.weight") == "output.weight"
    with torch.device("meta"):
        names = SEResNeXt50(**SMALL).build((3, 32, 32), 2).state_dict()
    assert {known(name) for name in names} == {*names}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"width": 24}, r"width: .*a multiple of 16"),
        ({"cardinality": 0}, r"cardinality: .*at least 1"),
        ({"blocks": (3, 4, 6)}, r"blocks: .*4"),
    ],
)
def test_sizes_that_leave_no_whole_group_are_refused(parameters, message):
    with pytest.raises(ConfigError, match=message):
        build("networks", "se-resnext50", **parameters)


def test_inputs_that_are_no_images_of_three_pixels_are_refused():
    SEResNeXt50(**SMALL).build((1, 3, 3), 2)
    with pytest.raises(ConfigError, match=r"^needs images of at least 3 x 3 pixels, and these have 3 x 2$"):
        SEResNeXt50(**SMALL).build((1, 3, 2), 2)


# ------------------------------------------------------------------------------------------------- torchvision


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("resnet18", (3, 32, 32)),
        ("squeezenet1_1", (1, 32, 32)),
        ("mobilenet_v3_small", (4, 40, 33)),
        ("googlenet", (3, 32, 32)),
        ("regnet_x_400mf", (1, 32, 32)),
        ("vit_b_32", (1, 224, 224)),
    ],
)
def test_a_model_of_torchvision_takes_images_of_any_channels(name, shape):
    with torch.device("meta"):
        module = TorchvisionModel(name=name).build(shape, 5).train()
        assert module(torch.zeros(2, *shape)).shape == (2, 5)


def test_all_but_the_last_layer_is_as_torchvision_has_it():
    from torchvision.models import resnet50

    with torch.device("meta"):
        ours, theirs = TorchvisionModel(name="resnet50").build((3, 64, 64), 2), resnet50()
    shapes = {name: w.shape for name, w in theirs.state_dict().items()}
    assert {name: w.shape for name, w in ours.state_dict().items() if w.shape != shapes[name]} == {
        "fc.weight": (2, 2048),
        "fc.bias": (2,),
    }
    assert ours.state_dict().keys() == shapes.keys()


def test_the_first_convolution_keeps_its_form_for_other_channels():
    module = TorchvisionModel(name="resnet18").build((2, 32, 32), 5)
    assert module.conv1.weight.shape == (64, 2, 7, 7)
    assert (module.conv1.stride, module.conv1.padding, module.conv1.bias) == ((2, 2), (3, 3), None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet5", r"torchvision has no image classifier `resnet5`; did you mean resnet50 or "),
        ("ResNet-50", r"did you mean .*resnet50"),
        ("fcn_resnet50", r"no image classifier `fcn_resnet50`; did you mean .*resnet50"),
        ("zzz", r"no image classifier `zzz`; it has alexnet, "),
    ],
)
def test_a_name_that_torchvision_does_not_know_is_a_mistake_with_the_nearest(name, message):
    with pytest.raises(ConfigError, match=message) as error:
        build("networks", "torchvision", name=name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "side"), [("vit_b_32", 32), ("alexnet", 32)])
def test_images_that_a_model_cannot_take_are_refused(name, side):
    with pytest.raises(ConfigError, match=rf"^{name} cannot take images of {side} x {side} pixels: ") as error:
        TorchvisionModel(name=name).build((3, side, side), 5)
    assert "\n" not in str(error.value)


def test_inputs_that_are_no_images_are_refused():
    with pytest.raises(ConfigError, match=r"needs images .* the inputs have shape \(64,\)"):
        TorchvisionModel(name="resnet18").build((64,), 10)
