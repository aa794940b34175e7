"""The kin of MNIST, on small idx files."""

import gzip
import zipfile

import numpy
import pytest
import torch
import torchvision

from evoplug import FilesError
from evoplug_supervised.datasets.idx import KMNIST, MNIST, EMNISTDigits, EMNISTLetters
from image_files import COUNTS, md5, pixels, served, write_idx


def put(folder, prefix, labels, seed):
    """Two files of as many images as labels."""
    write_idx(folder / f"{prefix}-images-idx3-ubyte", pixels(len(labels), 28, 28, seed=seed))
    write_idx(folder / f"{prefix}-labels-idx1-ubyte", numpy.array(labels))


# ------------------------------------------------------------------------------------------------------- kmnist


@pytest.fixture
def kmnist(tmp_path, monkeypatch):
    """The data folder of a KMNIST of 12 training images and 40 to test on, four of each class."""
    monkeypatch.setattr(MNIST, "counts", {"train": 12, "test": 40})
    put(tmp_path / "KMNIST" / "raw", "train", [row % 10 for row in range(12)], seed=1)
    put(tmp_path / "KMNIST" / "raw", "t10k", [row % 10 for row in range(40)], seed=2)
    return tmp_path


def test_kmnist_is_read_like_mnist(kmnist):
    dataset = KMNIST(root=kmnist, validation=4, normalisation="unit")
    assert dataset.info() == ((1, 28, 28), 10, {"train": 8, "validation": 4, "test": 40})
    x, y = dataset.load("test")
    torch.testing.assert_close(x[:, 0], torch.from_numpy(pixels(40, 28, 28, seed=2)).float() / 255)
    assert y.tolist() == [row % 10 for row in range(40)]


def only_tested(root, **parameters):
    return KMNIST(**{"root": root, "test_file_only": True, "train": 10, "validation": 10, "normalisation": "unit"}
                  | parameters)  # fmt: skip


def test_the_test_file_alone_gives_all_three_splits_by_class(kmnist):
    for path in (kmnist / "KMNIST" / "raw").glob("train-*"):
        path.unlink()
    dataset = only_tested(kmnist)
    assert dataset.info().sizes == {"train": 10, "validation": 10, "test": 20}
    assert [path.name for path in dataset.files()] == ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
    loaded = dataset.load_all()
    assert {split: y.bincount().tolist() for split, (_, y) in loaded.items()} == {
        "train": [1] * 10, "validation": [1] * 10, "test": [2] * 10,
    }  # fmt: skip
    images = torch.cat([x for x, _ in loaded.values()]).flatten(1)
    labels = torch.cat([y for _, y in loaded.values()])
    whole = torch.from_numpy(pixels(40, 784, seed=2)).float() / 255
    rows = (images.unsqueeze(1) == whole).all(2).nonzero()[:, 1]  # each is one of the file's, and none is twice
    assert sorted(rows.tolist()) == list(range(40))
    assert torch.equal(rows % 10, labels)


def test_the_seed_decides_which_images_of_the_test_file_are_for_testing(kmnist):
    first, again, other = (only_tested(kmnist, split_seed=seed).load("test")[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_test_file_alone_without_validation(kmnist):
    loaded = only_tested(kmnist, train=30, validation=0).load_all()
    assert {split: len(y) for split, (_, y) in loaded.items()} == {"train": 30, "test": 10}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"train": None}, "must say how many images to train on"),
        ({"train": 9_991, "validation": 9}, "and validation must leave one of the 10,000 images to test"),
    ],
)
def test_a_test_file_that_leaves_nothing_to_test_on_is_a_mistake(parameters, message):
    [(key, found)] = KMNIST(test_file_only=True, **parameters).check()
    assert (key, found[: len(message)]) == ("train", message)


def test_what_a_test_file_has_room_for_is_none():
    assert not list(KMNIST(test_file_only=True, train=9_990, validation=9).check())
    assert not list(KMNIST(train=55_000).check())
    assert [key for key, _ in KMNIST(train=55_001).check()] == ["validation"]


def test_a_test_file_that_is_too_short_is_damaged(kmnist):
    put(kmnist / "KMNIST" / "raw", "t10k", [0] * 39, seed=2)
    with pytest.raises(FilesError, match=r"t10k-images-idx3-ubyte is damaged: 39 images and 39 labels, expected 40"):
        only_tested(kmnist).load("train")


# ------------------------------------------------------------------------------------------------------- emnist


@pytest.fixture
def emnist(tmp_path, monkeypatch):
    """The data folder of an EMNIST of 12 + 5 letters and digits."""
    for part, dataset, first in (("letters", EMNISTLetters, 1), ("digits", EMNISTDigits, 0)):
        monkeypatch.setattr(dataset, "counts", COUNTS)
        for seed, (half, n) in enumerate(COUNTS.items()):
            labels = [first + row % dataset.classes for row in range(n)]
            put(tmp_path / "EMNIST" / "raw", f"emnist-{part}-{half}", labels, seed)
    return tmp_path


@pytest.mark.parametrize(("kind", "classes"), [(EMNISTLetters, 26), (EMNISTDigits, 10)])
def test_emnist_is_turned_upright_and_labelled_from_zero_on(emnist, kind, classes):
    dataset = kind(root=emnist, validation=4, normalisation="unit")
    assert dataset.info() == ((1, 28, 28), classes, {"train": 8, "validation": 4, "test": 5})
    x, y = dataset.load("test")
    assert y.tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(x[:, 0].mT, torch.from_numpy(pixels(5, 28, 28, seed=1)).float() / 255)


def test_the_letters_have_26_classes(emnist):
    write_idx(emnist / "EMNIST" / "raw" / "emnist-letters-test-labels-idx1-ubyte", numpy.array([1, 26, 13, 2, 27]))
    with pytest.raises(FilesError, match=r"EMNIST \(test\) is damaged: labels from 0 to 26, expected 0 to 25"):
        EMNISTLetters(root=emnist, validation=4).load("test")


def test_a_missing_part_of_emnist_is_named(emnist):
    path = emnist / "EMNIST" / "raw" / "emnist-letters-test-images-idx3-ubyte"
    path.unlink()
    with pytest.raises(FilesError) as caught:
        EMNISTLetters(root=emnist, validation=4).load("train")
    start = f"emnist-letters: {path} is missing; get it with `evoplug data emnist-letters --download`"
    assert str(caught.value).startswith(start)
    assert len(EMNISTDigits(root=emnist, validation=4).load("train")[1]) == 8


def test_emnist_is_downloaded_with_all_its_parts(emnist, tmp_path, monkeypatch):
    packed = tmp_path / "gzip.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (emnist / "EMNIST" / "raw").iterdir():
            archive.writestr(f"gzip/{path.name}.gz", gzip.compress(path.read_bytes()))
    monkeypatch.setattr(torchvision.datasets.EMNIST, "md5", md5(packed))
    with served(tmp_path) as address:
        monkeypatch.setattr(torchvision.datasets.EMNIST, "url", f"{address}/gzip.zip")
        EMNISTLetters(root=tmp_path / "fresh", validation=4).download()
    for kind in (EMNISTLetters, EMNISTDigits):
        fresh, old = (kind(root=root, validation=4).load("train") for root in (tmp_path / "fresh", emnist))
        assert all(map(torch.equal, fresh, old))
