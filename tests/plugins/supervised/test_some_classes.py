"""A few classes of another data set."""

import pytest
import torch

from evoplug import ConfigError, build


def some(**parameters):
    return build("datasets", "some-classes", **parameters)


def test_classes_are_numbered_anew_each_with_its_own_count():
    data, whole = some(classes=[7, 2], train=[30, 10]), build("datasets", "digits")
    (x, y), (xs, ys) = data.load("train"), whole.load("train")
    assert data.info().sizes == {"train": 40, "validation": 30, "test": 30}
    assert y.tolist() == [0] * 30 + [1] * 10
    assert torch.equal(x[:30], xs[ys == 7][:30])
    assert torch.equal(x[30:], xs[ys == 2][:10])


def test_turned_images_are_the_same_each_time_and_others_by_another_seed():
    plain, one, other = some(), some(turned=True), some(turned=True, turn_seed=1)
    x = one.load("test")[0]
    assert torch.equal(x, some(turned=True).load("test")[0])
    assert not torch.equal(x, other.load("test")[0])
    assert not torch.equal(x, plain.load("test")[0])
    assert x.shape == plain.load("test")[0].shape


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"classes": [0, 10]}, "classes: must be different ones below 10, got 0, 10"),
        ({"classes": [3, 3]}, "classes: must be different ones below 10, got 3, 3"),
        ({"test": [1, 2, 3]}, "test: must be a number for each of 2 classes, got 3"),
        ({"train": [5, 0]}, "train: must leave no class without an example"),
    ],
)
def test_mistakes(parameters, message):
    with pytest.raises(ConfigError) as caught:
        some(**parameters)
    assert message in str(caught.value)


def test_more_than_there_are_is_refused_with_how_many_there_are():
    with pytest.raises(ConfigError, match=r"train: must be at most 1\d\d of class 1: it has no more; got 1,000"):
        some(train=[100, 1000]).load("train")
