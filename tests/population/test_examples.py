"""Whatever is wrong with a data set of one's own is said at its door, in one line."""

from __future__ import annotations

import pytest
import torch

from evoplug import PluginError
from evoplug.contracts import Dataset, DatasetInfo

SIZES = {"train": 4, "validation": 2}
LABELS = {"train": torch.tensor([0, 1, 1, 0]), "validation": torch.tensor([1, 0])}


class Rings(Dataset):
    """Right, but for what ``spoil`` makes of x and y in one of the splits."""

    def __init__(self, spoil=lambda x, y: (x, y), split="train", info=None):
        self.spoil, self.split = spoil, split
        self.given = DatasetInfo((2,), 2, SIZES) if info is None else info

    def info(self):
        return self.given

    def load(self, split):
        x, y = torch.arange(2.0 * len(LABELS[split])).view(-1, 2), LABELS[split]
        return self.spoil(x, y) if split == self.split else (x, y)


def nan(x, y):
    return torch.where(x == 5, torch.nan, x), y


EXAMPLES = "train examples must be float32 (4, 2)"
CLASSES = "train labels must be class numbers, int64 (4,)"
FAULTS = {
    "doubles": (lambda x, y: (x.double(), y), f"{EXAMPLES}, got float64 (4, 2)"),
    "bytes": (lambda x, y: (x.byte(), y), f"{EXAMPLES}, got uint8 (4, 2)"),
    "another shape": (lambda x, y: (x[:, :1], y), f"{EXAMPLES}, got float32 (4, 1)"),
    "one number": (lambda x, y: (x.sum(), y), f"{EXAMPLES}, got float32 ()"),
    "too few": (lambda x, y: (x[1:], y[1:]), f"{EXAMPLES}, got float32 (3, 2)"),
    "numpy": (lambda x, y: (x.numpy(), y), f"{EXAMPLES}, in a torch tensor, got numpy.ndarray"),
    "lists": (lambda x, y: (x.tolist(), y), f"{EXAMPLES}, in a torch tensor, got list"),
    "sparse": (lambda x, y: (x.to_sparse(), y), f"{EXAMPLES}, dense and on the CPU, got sparse_coo on cpu"),
    "elsewhere": (lambda x, y: (x.to("meta"), y), f"{EXAMPLES}, dense and on the CPU, got strided on meta"),
    "gradients": (
        lambda x, y: (x.requires_grad_(), y),
        f"{EXAMPLES}, without gradients, got one that requires them",
    ),
    "NaN": (nan, "train examples must be finite, number 2 (from 0) holds NaN or an infinity"),
    "infinite": (lambda x, y: (x / 0, y), "train examples must be finite, number 0 (from 0) holds NaN or an infinity"),
    "float labels": (lambda x, y: (x, y.float()), f"{CLASSES}, got float32 (4,)"),
    "bool labels": (lambda x, y: (x, y.bool()), f"{CLASSES}, got bool (4,)"),
    "one-hot": (lambda x, y: (x, torch.eye(2)[y]), f"{CLASSES}, got float32 (4, 2)"),
    "a column": (lambda x, y: (x, y[:, None]), f"{CLASSES}, got int64 (4, 1)"),
    "one short": (lambda x, y: (x, y[:-1]), f"{CLASSES}, got int64 (3,)"),
    "labels of numpy": (lambda x, y: (x, y.numpy()), f"{CLASSES}, in a torch tensor, got numpy.ndarray"),
    "from 1": (lambda x, y: (x, y + 1), "train labels must be from 0 to 1 (2 classes), got 1 to 2"),
    "below 0": (lambda x, y: (x, y - 1), "train labels must be from 0 to 1 (2 classes), got -1 to 0"),
    "nothing": (lambda x, y: None, "load('train') must return two tensors, examples and labels, got None"),
    "three": (lambda x, y: (x, y, y), "load('train') must return two tensors, examples and labels, got 3 values"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_breaks_a_promise_is_named_with_what_is_right(fault):
    spoil, message = FAULTS[fault]
    with pytest.raises(PluginError) as caught:
        Rings(spoil).load_all()
    assert str(caught.value) == f"Rings: {message}"


def test_every_split_is_looked_at():
    with pytest.raises(PluginError, match=r"^Rings: validation labels must be from 0 to 1 \(2 classes\), got 1 to 2$"):
        Rings(lambda x, y: (x, y + 1), "validation").load_all()


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (((2,), 2, SIZES), "info() must return a DatasetInfo, got tuple without shape"),
        (DatasetInfo(2, 2, SIZES), "info(): shape must be whole numbers from 1 on"),
        (DatasetInfo((2, 0), 2, SIZES), "info(): shape must be whole numbers from 1 on"),
        (DatasetInfo((2,), 2.0, SIZES), "info(): classes must be a whole number from 1 on, got 2.0"),
        (DatasetInfo((2,), 2, None), "info(): sizes must be a mapping split -> number of examples, got None"),
        (DatasetInfo((2,), 2, {"train": -1}), "info(): sizes must be a mapping split -> number of examples"),
        (DatasetInfo((2,), 2, {"valid": 4}), "info(): sizes names the split 'valid'; splits are train, validation"),
    ],
)
def test_so_is_what_it_says_of_itself(info, message):
    with pytest.raises(PluginError) as caught:
        Rings(info=info).load_all()
    assert str(caught.value).startswith(f"Rings: {message}")


def test_splits_without_examples_are_not_there():
    assert set(Rings(info=DatasetInfo((2,), 2, {"train": 4, "validation": 0})).load_all()) == {"train"}
    assert set(Rings().load_all()) == {"train", "validation"}


def test_where_only_loading_tells_a_split_may_turn_out_empty():
    class Counting(Rings):
        def load(self, split):
            return super().load("train") if split == "train" else (torch.empty(0, 2), torch.empty(0).long())

    assert set(Counting(info=DatasetInfo([2], 2, {})).load_all()) == {"train"}
