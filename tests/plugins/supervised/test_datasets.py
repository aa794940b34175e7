"""Data sets on small files in their real formats, written here."""

import gzip
import hashlib
import os
import pickle
import shutil
import struct
import tarfile
from pathlib import Path

import numpy
import pytest
import scipy.io
import torch
import torchvision
from PIL import Image

import evoplug
from evoplug import ConfigError, FilesError
from evoplug.running.exporting import export
from evoplug_supervised.datasets.cifar import CIFAR10, CIFAR100
from evoplug_supervised.datasets.digits import Digits
from evoplug_supervised.datasets.idx import MNIST, FashionMNIST
from evoplug_supervised.datasets.image_folder import ImageFolder
from evoplug_supervised.datasets.svhn import SVHN
from image_files import COUNTS, md5, pixels, put_cifar, put_cifar100, served, write_idx


@pytest.fixture
def mnist(tmp_path, monkeypatch):
    """The data folder of an MNIST with 12 + 5 images."""
    monkeypatch.setattr(MNIST, "counts", COUNTS)
    raw = tmp_path / "MNIST" / "raw"
    for half, n in (("train", 12), ("t10k", 5)):
        write_idx(raw / f"{half}-images-idx3-ubyte", pixels(n, 28, 28))
        write_idx(raw / f"{half}-labels-idx1-ubyte", numpy.arange(n) % 10)
    return tmp_path


# ------------------------------------------------------------------------------------------------------ splits


def test_validation_is_cut_from_the_training_half(mnist):
    dataset = MNIST(root=str(mnist), validation=4, normalisation="unit")
    (train, _), (validation, _), (test, labels) = (dataset.load(split) for split in ("train", "validation", "test"))
    assert dataset.info().sizes == {"train": 8, "validation": 4, "test": 5}
    assert (len(train), len(validation), len(test)) == (8, 4, 5)
    whole = torch.from_numpy(pixels(12, 28, 28)).float().view(12, -1).div(255)
    both = torch.cat([train, validation]).view(12, -1)
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, whole.tolist()))
    torch.testing.assert_close(test[:, 0], torch.from_numpy(pixels(5, 28, 28)).float() / 255)
    assert labels.tolist() == [0, 1, 2, 3, 4]


def test_images_keep_their_labels(mnist):
    x, y = MNIST(root=str(mnist), validation=4, normalisation="unit").load("train")
    whole = torch.from_numpy(pixels(12, 28, 28)).float().div(255)
    for image, label in zip(x, y, strict=True):
        row = (whole - image[0]).abs().sum((1, 2)).argmin()
        assert label == row % 10


def test_the_seed_alone_decides_the_split(mnist):
    def labels(**parameters):
        return MNIST(root=str(mnist), validation=4, **parameters).load("validation")[1].tolist()

    assert labels(split_seed=1) != labels(split_seed=2)
    assert labels(split_seed=1) == labels(split_seed=1, pool=2)


def test_no_seed_touches_the_test_half(mnist):
    test, other = (
        MNIST(root=str(mnist), validation=4, normalisation="unit", split_seed=s).load("test") for s in (1, 2)
    )
    assert all(map(torch.equal, test, other))


def test_the_network_of_a_run_that_splits_by_its_seed_has_the_mean_image_of_that_split(mnist, tmp_path):
    dataset = {"use": "mnist", "root": str(mnist), "validation": 4, "split_seed": "run"}
    evaluator = {"use": "train", "dataset": dataset, "network": {"use": "mlp", "hidden": [4]}, "batch": 4}
    shifts = []
    for seed in (1, 2):
        run = {"name": "split", "seed": seed, "stop": {"generations": 1}}
        config = {"run": run, "strategy": {"use": "gradient-descent"}, "evaluator": evaluator}
        folder = evoplug.run(config, out=tmp_path / str(seed)).folder
        exported = export(evoplug.Run(folder).best, tmp_path / f"{seed}.pt").path
        shifts.append(torch.load(exported, weights_only=True)["state_dict"]["0.shift"])
        own, _ = MNIST(root=str(mnist), validation=4, split_seed=seed).preprocessing()
        assert torch.equal(shifts[-1], own.shift)
    assert not torch.equal(*shifts)


def test_train_takes_the_first_of_the_rest(mnist):
    few = MNIST(root=str(mnist), validation=4, train=3, normalisation="unit")
    rest = MNIST(root=str(mnist), validation=4, normalisation="unit")
    assert few.info().sizes["train"] == 3
    assert torch.equal(few.load("train")[0], rest.load("train")[0][:3])
    assert torch.equal(few.load("validation")[0], rest.load("validation")[0])


def test_equal_sets_share_their_tensors(mnist):
    first, second = (MNIST(root=str(mnist), validation=4) for _ in range(2))
    assert first.load("train")[0] is second.load("train")[0]
    assert MNIST(root=str(mnist), validation=3).load("train")[0] is not first.load("train")[0]


def test_files_that_have_changed_are_read_again(mnist):
    path = mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    first = MNIST(root=mnist, validation=4).load("test")[1].tolist()
    write_idx(path, numpy.arange(5, 0, -1))
    os.utime(path, ns=(1, 1))
    assert (first, MNIST(root=mnist, validation=4).load("test")[1].tolist()) == ([0, 1, 2, 3, 4], [5, 4, 3, 2, 1])


def test_a_file_that_may_not_be_read_is_named_and_not_called_damaged(mnist, monkeypatch):
    def refused(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(FilesError, match=r"train-images-idx3-ubyte: cannot be read: Permission denied$"):
        MNIST(root=mnist, validation=4).load("train")


def test_where_the_data_are_is_relative_to_the_file_that_says_so(mnist, tmp_path, monkeypatch):
    """In another folder, a resume looks at the same files."""
    dataset = '{ use = "mnist", root = "data", validation = 4 }'
    evaluator = f'use = "train"\ndataset = {dataset}\nnetwork = {{ use = "mlp", hidden = [4] }}'
    text = f'evoplug = 1\n[run]\nstop.generations = 1\n[strategy]\nuse = "gradient-descent"\n[evaluator]\n{evaluator}'
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(mnist / "MNIST", home / "data" / "MNIST")
    (home / "file.toml").write_text(text)
    monkeypatch.chdir(elsewhere)
    run = evoplug.run(home / "file.toml", out=tmp_path / "run")
    assert run.config["evaluator"]["dataset"]["root"] == str((home / "data").resolve())
    assert evoplug.resume(run.folder, {"run.stop.generations": 2}).status == "finished"


@pytest.mark.parametrize(
    ("parameters", "key"),
    [({"validation": 60_000}, "validation"), ({"train": 55_001}, "validation"), ({"pool": 29}, "pool")],
)
def test_impossible_splits_and_pools_are_mistakes(parameters, key):
    assert [found for found, _ in MNIST(**parameters).check()] == [key]
    assert not list(MNIST(train=55_000, pool=28).check())


# ------------------------------------------------------------------------------------------------ preprocessing


def test_mean_image_takes_off_each_pixels_training_mean(mnist):
    raw = MNIST(root=str(mnist), validation=4, normalisation="unit")
    ready = MNIST(root=str(mnist), validation=4, normalisation="mean-image")
    mean = raw.load("train")[0].mean(0)
    for split in ("train", "validation", "test"):
        torch.testing.assert_close(ready.load(split)[0], raw.load(split)[0] - mean)


def test_standard_gives_the_training_images_mean_zero_and_variance_one(mnist):
    x, _ = MNIST(root=str(mnist), validation=4, normalisation="standard").load("train")
    assert x.mean().item() == pytest.approx(0, abs=1e-5)
    assert x.var(correction=0).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_pooling_comes_after_normalisation(mnist, pooling):
    fine = MNIST(root=str(mnist), validation=4)
    coarse = MNIST(root=str(mnist), validation=4, pool=2, pooling=pooling)
    squares = fine.load("test")[0].unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
    assert coarse.info().shape == (1, 14, 14)
    expected = squares.amax(4) if pooling == "max" else squares.mean(4)
    torch.testing.assert_close(coarse.load("test")[0], expected)


# -------------------------------------------------------------------------------------------------- idx files


def test_a_missing_set_says_where_it_was_looked_for_and_how_to_get_it(tmp_path):
    dataset = FashionMNIST(root=str(tmp_path))
    assert dataset.info().sizes == {"train": 55_000, "validation": 5_000, "test": 10_000}
    with pytest.raises(FilesError) as caught:
        dataset.load("train")
    assert str(tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte") in str(caught.value)
    assert "evoplug data fashion-mnist --download" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
@pytest.mark.parametrize("length", [0, 3, 10, 100])
def test_a_truncated_file_is_named(mnist, name, length):
    path = mnist / "MNIST" / "raw" / name
    whole = path.read_bytes()
    path.write_bytes(whole[: min(length, len(whole) - 1)])
    with pytest.raises(FilesError, match=name) as caught:
        MNIST(root=str(mnist), validation=4).load("train")
    assert "\n" not in str(caught.value)


def test_too_few_images_and_labels_out_of_range_are_damage(mnist):
    raw = mnist / "MNIST" / "raw"
    write_idx(raw / "train-labels-idx1-ubyte", numpy.full(12, 10))
    with pytest.raises(FilesError, match=r"MNIST \(train\) is damaged: labels from 10 to 10, expected 0 to 9"):
        MNIST(root=str(mnist), validation=4).load("train")
    write_idx(raw / "train-labels-idx1-ubyte", numpy.arange(11) % 10)
    with pytest.raises(FilesError, match="12 images and 11 labels, expected 12 each"):
        MNIST(root=str(mnist), validation=4).load("train")


def test_numbers_of_another_type_are_damage(mnist):
    path = mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.write_bytes(struct.pack(">II5f", 0xD01, 5, *range(5)))
    with pytest.raises(FilesError, match=r"t10k-labels-idx1-ubyte is damaged: not a whole idx file .*begins with"):
        MNIST(root=str(mnist), validation=4).load("train")


def test_images_of_another_size_are_damage(mnist):
    write_idx(mnist / "MNIST" / "raw" / "t10k-images-idx3-ubyte", pixels(5, 20, 20))
    with pytest.raises(FilesError, match=r"t10k-images-idx3-ubyte is damaged: images of \(20, 20\)"):
        MNIST(root=str(mnist), validation=4).load("train")


@pytest.fixture
def mirror(mnist, tmp_path, monkeypatch):
    """The folder of a web server that torchvision takes for MNIST's own, with the files of ``mnist``."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    resources = []
    for path in sorted((mnist / "MNIST" / "raw").iterdir()):
        packed = gzip.compress(path.read_bytes(), mtime=0)
        (folder / f"{path.name}.gz").write_bytes(packed)
        resources.append((f"{path.name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    with served(folder) as address:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [f"{address}/"])
        yield folder


@pytest.mark.usefixtures("mirror")
def test_a_download_brings_the_same_images(mnist, tmp_path):
    fresh = MNIST(root=str(tmp_path / "fresh"), validation=4)
    fresh.download()
    assert torch.equal(fresh.load("train")[0], MNIST(root=str(mnist), validation=4).load("train")[0])
    assert [path.name for path in (tmp_path / "fresh").iterdir()] == ["MNIST"]


@pytest.mark.parametrize("packed", [b"", b"something else"])
def test_a_download_that_is_not_whole_leaves_nothing(mirror, tmp_path, packed):
    (mirror / "train-labels-idx1-ubyte.gz").write_bytes(packed)
    with pytest.raises(FilesError, match=r"^mnist: cannot be downloaded to .*train-labels") as caught:
        MNIST(root=str(tmp_path / "fresh"), validation=4).download()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "fresh").iterdir()) == []


# ----------------------------------------------------------------------------------------------- other formats


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    def batch(seed, n):
        return {"data": pixels(n, 3072, seed=seed), "labels": [row % 10 for row in range(n)]}

    train, test = {"data_batch_1": batch(1, 7), "data_batch_2": batch(2, 5)}, {"test_batch": batch(3, 5)}
    meta = {"batches.meta": {"label_names": list("abcdefghij")}}
    put_cifar(torchvision.datasets.CIFAR10, tmp_path, monkeypatch, train, test, meta)
    monkeypatch.setattr(CIFAR10, "counts", COUNTS)
    return tmp_path


def test_cifar10_reads_channels_rows_and_columns_in_their_order(cifar):
    x, y = CIFAR10(root=str(cifar), validation=4, normalisation="unit").load("test")
    assert y.tolist() == [0, 1, 2, 3, 4]
    torch.testing.assert_close(x, torch.from_numpy(pixels(5, 3, 32, 32, seed=3)).float() / 255)


def test_cifar10_is_standardised_by_channel(cifar):
    x, _ = CIFAR10(root=str(cifar), validation=4).load("train")
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.var((0, 2, 3), correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_a_cifar10_file_that_was_changed_is_never_opened(cifar):
    (cifar / CIFAR10.entry / "data_batch_2").write_bytes(pickle.dumps(print))
    with pytest.raises(FilesError, match=r"data_batch_2 is damaged: its MD5 checksum is wrong"):
        CIFAR10(root=str(cifar), validation=4).load("train")


@pytest.fixture
def cifar100(tmp_path, monkeypatch):
    put_cifar100(tmp_path, monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    ("parameters", "classes", "labels"),
    [
        ({}, 100, [0, 24, 49, 74, 99]),
        ({"labels": "fine"}, 100, [0, 24, 49, 74, 99]),
        ({"labels": "coarse"}, 20, [19, 14, 9, 4, 0]),
    ],
)
def test_cifar100_is_labelled_by_kinds_or_by_groups(cifar100, parameters, classes, labels):
    dataset = CIFAR100(root=cifar100, validation=4, normalisation="unit", **parameters)
    assert dataset.info() == ((3, 32, 32), classes, {"train": 8, "validation": 4, "test": 5})
    x, y = dataset.load("test")
    assert (y.dtype, y.tolist()) == (torch.int64, labels)
    torch.testing.assert_close(x, torch.from_numpy(pixels(5, 3, 32, 32, seed=2)).float() / 255)


def test_kinds_and_groups_of_cifar100_are_of_the_same_images(cifar100):
    fine, coarse = (CIFAR100(root=cifar100, validation=4, labels=labels) for labels in ("fine", "coarse"))
    for split in ("train", "validation"):
        assert torch.equal(fine.load(split)[0], coarse.load(split)[0])
        rows = fine.load(split)[1] // 9  # the labels of 12 images are 0, 9, ..., 99
        assert torch.equal(coarse.load(split)[1], (11 - rows) * 19 // 11)


@pytest.fixture
def superclasses(tmp_path, monkeypatch):
    """The data folder of a CIFAR-100 with two training images and one for testing of each kind; the superclass of kind
    k is 19 - k % 20."""
    put_cifar100(tmp_path, monkeypatch, {"train": 200, "test": 100}, lambda kinds: [19 - kind % 20 for kind in kinds])
    return tmp_path


def test_a_superclass_is_its_five_kinds_numbered_in_their_order(superclasses):
    dataset = CIFAR100(root=superclasses, superclass="fish", validation=2, normalisation="unit")
    assert dataset.info() == ((3, 32, 32), 5, {"train": 8, "validation": 2, "test": 5})
    x, y = dataset.load("test")
    kinds = [18, 38, 58, 78, 98]  # fish is the superclass of number 1
    torch.testing.assert_close(x, torch.from_numpy(pixels(100, 3, 32, 32, seed=2)[kinds]).float() / 255)
    assert y.tolist() == [0, 1, 2, 3, 4]
    labels = torch.cat([dataset.load("train")[1], dataset.load("validation")[1]])
    assert labels.bincount().tolist() == [2] * 5


def test_cifar100_falls_into_its_superclasses(superclasses):
    tasks = CIFAR100(root=superclasses, validation=40, train=100, normalisation="unit").tasks()
    assert list(tasks)[:2] == ["aquatic_mammals", "fish"]
    assert len(tasks) == 20
    assert {name: task.superclass for name, task in tasks.items()} == {name: name for name in tasks}
    assert {tuple(task.info().sizes.values()) for task in tasks.values()} == {(5, 2, 5)}
    images = torch.cat([task.load("test")[0] for task in tasks.values()])
    expected = torch.from_numpy(pixels(100, 3072, seed=2)).float() / 255
    assert sorted(image.sum().item() for image in images) == pytest.approx(sorted(expected.sum(1).tolist()))


def test_a_superclass_and_the_set_by_superclasses_are_one_task(superclasses):
    assert CIFAR100(superclass="fish", validation=0).tasks() == {}
    assert CIFAR100(labels="coarse").tasks() == {}
    assert CIFAR10().tasks() == {}


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"superclass": "fish", "labels": "coarse", "validation": 0}, "superclass"),
        ({"superclass": "fish", "validation": 2500}, "validation"),
    ],
)
def test_superclasses_that_cannot_be_are_mistakes(parameters, key):
    assert [found for found, _ in CIFAR100(**parameters).check()] == [key]
    assert not list(CIFAR100(superclass="fish", validation=2499).check())


@pytest.mark.parametrize("labels", ["fine", "coarse"])
@pytest.mark.parametrize("name", ["train", "test", "meta"])
def test_a_cifar100_file_that_was_changed_is_never_opened(cifar100, labels, name, capsys):
    (cifar100 / CIFAR100.entry / name).write_bytes(b"cbuiltins\nprint\n(S'opened'\ntR.")
    with pytest.raises(FilesError, match=rf"{name} is damaged: its MD5 checksum is wrong"):
        CIFAR100(root=cifar100, validation=4, labels=labels).load("train")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["train", "test", "meta"])
def test_a_cifar100_file_that_is_missing_is_named(cifar100, name):
    path = cifar100 / CIFAR100.entry / name
    path.unlink()
    with pytest.raises(FilesError) as caught:
        CIFAR100(root=cifar100, validation=4, labels="coarse").load("test")
    assert str(caught.value).startswith(f"cifar100: {path} is missing; get it with `evoplug data cifar100 --download`")


def test_cifar100_is_downloaded_from_its_own_archive(cifar100, tmp_path, monkeypatch):
    archive = tmp_path / torchvision.datasets.CIFAR100.filename
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(cifar100 / CIFAR100.entry, CIFAR100.entry)
    monkeypatch.setattr(torchvision.datasets.CIFAR100, "tgz_md5", md5(archive))
    fresh, old = (CIFAR100(root=root, validation=4, labels="coarse") for root in (tmp_path / "fresh", cifar100))
    with served(tmp_path) as address:
        monkeypatch.setattr(torchvision.datasets.CIFAR100, "url", f"{address}/{archive.name}")
        fresh.download()
    assert all(map(torch.equal, fresh.load("test"), old.load("test")))
    assert [path.name for path in (tmp_path / "fresh").iterdir()] == [CIFAR100.entry]


@pytest.fixture
def svhn(tmp_path, monkeypatch):
    folder = tmp_path / "SVHN"
    folder.mkdir()
    listed = {}
    for seed, (part, n) in enumerate({"train": 7, "extra": 5, "test": 5}.items()):
        path = folder / f"{part}_32x32.mat"
        labels = (numpy.arange(n) % 10 + 1).reshape(-1, 1).astype(numpy.uint8)  # 10 stands for 0
        scipy.io.savemat(path, {"X": pixels(n, 3, 32, 32, seed=seed).transpose(2, 3, 1, 0), "y": labels})
        listed[part] = ["", path.name, md5(path)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", listed)
    monkeypatch.setattr(SVHN, "counts", COUNTS)
    return tmp_path


def test_svhn_is_trained_on_both_its_training_parts(svhn):
    dataset = SVHN(root=str(svhn), validation=4, normalisation="unit")
    x, y = dataset.load("test")
    assert y.tolist() == [1, 2, 3, 4, 5]
    torch.testing.assert_close(x, torch.from_numpy(pixels(5, 3, 32, 32, seed=2)).float() / 255)
    labels = torch.cat([dataset.load("train")[1], dataset.load("validation")[1]])
    assert sorted(labels.tolist()) == sorted([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5])


def test_svhn_without_the_extra_part_does_not_need_its_file(svhn, monkeypatch):
    monkeypatch.setattr(SVHN, "counts", {"train": 7, "test": 5})
    (svhn / "SVHN" / "extra_32x32.mat").unlink()
    assert len(SVHN(root=str(svhn), validation=2, extra=False).load("train")[1]) == 5
    with pytest.raises(FilesError, match=r"extra_32x32.mat is missing"):
        SVHN(root=str(svhn), validation=2).load("train")


def test_a_damaged_svhn_file_is_named(svhn):
    path = svhn / "SVHN" / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FilesError, match=r"test_32x32.mat is damaged"):
        SVHN(root=str(svhn), validation=2).load("train")


@pytest.fixture
def photographs(tmp_path):
    """Colours to tell classes by: cats red, dogs green; 4 + 2 images a class, 6 x 4 pixels."""
    for half, n in (("train", 4), ("test", 2)):
        for name, colour in (("cat", (255, 0, 0)), ("dog", (0, 255, 0))):
            folder = tmp_path / "pets" / half / name
            folder.mkdir(parents=True)
            for number in range(n):
                Image.new("RGB", (6, 4), colour).save(folder / f"{number}.png")
    return tmp_path


def pets(root, **parameters):
    return ImageFolder(**{"root": str(root), "folder": "pets", "validation": 2, "normalisation": "unit", **parameters})


def test_an_image_folder_has_its_folders_as_classes(photographs):
    dataset = pets(photographs)
    assert dataset.info() == ((3, 4, 6), 2, {"train": 6, "validation": 2, "test": 4})
    x, y = dataset.load("test")
    assert y.tolist() == [0, 0, 1, 1]
    assert x[:, :, 0, 0].tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_images_are_resized_and_made_grey(photographs):
    dataset = pets(photographs, size=8, channels=1, pool=2, pooling="mean", train=3)
    assert dataset.info().shape == (1, 4, 4)
    assert dataset.load("train")[0].shape == (3, 1, 4, 4)


def test_what_is_wrong_with_an_image_folder_is_said(photographs):
    with pytest.raises(FilesError, match=r"validation .* must not exceed the 8 images"):
        pets(photographs, validation=8).info()
    odd = photographs / "pets" / "train" / "cat" / "9.png"
    Image.new("RGB", (5, 4)).save(odd)
    with pytest.raises(FilesError, match=r"9.png is 5 x 4 pixels"):
        pets(photographs).load("train")
    odd.write_bytes(b"no image")
    with pytest.raises(FilesError, match=r"9.png is damaged"):
        pets(photographs, split_seed=1).load("train")
    shutil.rmtree(photographs / "pets" / "test" / "cat")
    with pytest.raises(FilesError, match="different classes"):
        pets(photographs).info()
    with pytest.raises(FilesError, match="nowhere") as caught:
        pets(photographs, folder="nowhere").info()
    assert "\n" not in str(caught.value)


def test_an_image_folder_cannot_be_downloaded(photographs):
    with pytest.raises(ConfigError, match="your own images"):
        pets(photographs).download()


# ------------------------------------------------------------------------------------------------------ digits


def test_digits_are_split_in_equal_proportions():
    dataset = Digits(validation=200, test=100)
    assert dataset.info().sizes == {"train": 1497, "validation": 200, "test": 100}
    for split, size in dataset.info().sizes.items():
        x, y = dataset.load(split)
        assert x.shape == (size, 1, 8, 8)
        assert 0 <= x.min() < x.max() <= 1
        assert (y.bincount(minlength=10) / size - 0.1).abs().max() < 0.01


@pytest.mark.parametrize(("validation", "test", "seed"), [(297, 300, 0), (10, 11, 1), (600, 1187, 2)])
def test_digits_are_scikit_learns_and_split_as_it_splits_them(validation, test, seed):
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    pool, test_x, labels, test_y = train_test_split(x, y, test_size=test, stratify=y, random_state=0)
    train_x, validation_x, train_y, validation_y = train_test_split(
        pool, labels, test_size=validation, stratify=labels, random_state=seed
    )
    dataset = Digits(validation=validation, test=test, split_seed=seed)
    expected = {"train": (train_x, train_y), "validation": (validation_x, validation_y), "test": (test_x, test_y)}
    for split, (images, classes) in expected.items():
        ours = dataset.load(split)
        assert torch.equal(ours[0], torch.from_numpy(images).float().view(-1, 1, 8, 8) / 16)
        assert torch.equal(ours[1], torch.from_numpy(classes))


def test_digits_share_no_image_between_splits():
    loaded = [Digits().load(split)[0].flatten(1) for split in ("train", "validation", "test")]
    assert len(torch.cat(loaded).unique(dim=0)) == 1797


def test_digits_that_leave_nothing_to_train_on_are_a_mistake():
    assert [key for key, _ in Digits(validation=1000, test=797).check()] == ["validation"]
    assert not list(Digits().check())
