"""Networks cut into positions, and whose weights stand there."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from evoplug import ConfigError
from evoplug_sharing.positions import cut, joined, kinds

NAMES = ["conv1", "conv2", "dense1", "output"]


def network() -> nn.Sequential:
    layers = [("one", nn.Linear(3, 4)), ("relu", nn.ReLU()), ("two", nn.Linear(4, 5)), ("soft", nn.Softmax(-1))]
    return nn.Sequential(OrderedDict(layers))


def test_a_position_is_a_layer_with_weights_and_what_stands_before_it():
    parts = cut(network())
    assert {name: [key for key, _ in part.named_children()] for name, part in parts.items()} == {
        "one": ["one"],
        "two": ["relu", "two", "soft"],
    }


def test_joined_is_the_inverse_of_cut():
    whole = network()
    again = joined(list(cut(whole).values()))
    x = torch.randn(2, 3)
    torch.testing.assert_close(again(x), whole(x))
    assert again.state_dict().keys() == whole.state_dict().keys()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(3, 4), "cannot be cut: it is a Linear"),
        (nn.Sequential(nn.Linear(3, 4), nn.ReLU()), "has no layer beside its output"),
        (nn.Sequential(nn.ReLU()), "has no layer beside its output"),
    ],
)
def test_what_cannot_be_cut_is_refused(module, message):
    with pytest.raises(ConfigError, match=message):
        cut(module)


@pytest.mark.parametrize(
    ("learned", "private", "expected"),
    [
        (("*",), (), ["learned", "learned", "learned", "private"]),
        (("dense*",), (), ["common", "common", "learned", "private"]),
        (("conv2", "dense1"), ("conv1",), ["private", "learned", "learned", "private"]),
    ],
)
def test_kinds_by_pattern(learned, private, expected):
    assert list(kinds(NAMES, learned, private).values()) == expected


@pytest.mark.parametrize(
    ("learned", "private", "key", "message"),
    [
        (("conv*", "block*"), (), ("learned", 1), "`block.` is none of the positions; choices: conv1, conv2, dense1"),
        (("*",), ("output",), ("private", 0), "`output` is none of the positions"),
        (("conv1",), ("conv*",), ("learned",), "leaves no position to learn"),
    ],
)
def test_patterns_that_mean_nothing(learned, private, key, message):
    with pytest.raises(ConfigError, match=message) as caught:
        kinds(NAMES, learned, private)
    assert caught.value.mistakes[0].key == key
