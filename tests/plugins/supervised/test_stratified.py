"""Rows chosen so that every class keeps its share."""

import pytest
import torch

from evoplug import ConfigError
from evoplug_supervised import subset

LABELS = torch.arange(100) % 4
"""25 of each of four classes."""


@pytest.mark.parametrize(("size", "each"), [(4, 1), (40, 10), (96, 24), (100, 25)])
def test_every_class_keeps_its_share(size, each):
    rows = subset(LABELS, size, seed=1)
    assert rows.dtype == torch.int64
    assert len(rows.unique()) == size
    assert LABELS[rows].bincount().tolist() == [each] * 4


def test_uneven_classes_keep_theirs():
    labels = torch.tensor([0] * 60 + [1] * 30 + [5] * 10)
    assert labels[subset(labels, 20, seed=0)].bincount().tolist() == [12, 6, 0, 0, 0, 2]


def test_what_does_not_divide_is_shared_out_to_the_whole_example():
    counts = LABELS[subset(LABELS, 10, seed=3)].bincount().tolist()
    assert sorted(counts) == [2, 2, 3, 3]


def test_the_seed_alone_decides():
    first, again, other = (subset(LABELS, 20, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.tolist() != sorted(first.tolist())  # they are shuffled


@pytest.mark.parametrize("size", [-1, 0, 3, 101])
def test_a_size_that_cannot_be_is_a_mistake(size):
    with pytest.raises(ConfigError, match=rf"^must be from 4, the number of classes, to 100, got {size}$"):
        subset(LABELS, size, seed=0)


def test_a_class_too_rare_for_so_few_is_a_mistake():
    labels = torch.tensor([0] * 99 + [1])
    with pytest.raises(ConfigError, match=r"^of 10 examples, class 1 would have none: it is too rare for so few$"):
        subset(labels, 10, seed=0)
