"""Small files in the real format of CIFAR: pickles as Python 2 wrote them."""

import hashlib
import pickle
import struct

import numpy
import torchvision

from evoplug_supervised.datasets.cifar import CIFAR100

COUNTS = {"train": 12, "test": 5}


def pixels(n, *shape, seed=0):
    return numpy.random.Generator(numpy.random.SFC64(seed)).integers(0, 256, (n, *shape), dtype=numpy.uint8)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


class Python2(pickle._Pickler):
    """Writes text and bytes alike as strings of Python 2, which have no encoding."""

    dispatch = pickle._Pickler.dispatch.copy()

    def save_string(self, value):
        content = value if isinstance(value, bytes) else value.encode("latin1")
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string


def put_cifar(files, folder, monkeypatch, train, test, meta):
    """Write a set into the data folder ``folder``, and have torchvision's class ``files`` know its checksums.

    ``train``, ``test``, ``meta``: the content of each file, by its name.
    """
    (folder / files.base_folder).mkdir()

    def write(name, content):
        path = folder / files.base_folder / name
        with path.open("wb") as file:
            Python2(file, protocol=2).dump(content)
        return [name, md5(path)]

    monkeypatch.setattr(files, "train_list", [write(*item) for item in train.items()])
    monkeypatch.setattr(files, "test_list", [write(*item) for item in test.items()])
    ((name, checksum),) = (write(*item) for item in meta.items())
    monkeypatch.setattr(files, "meta", {**files.meta, "filename": name, "md5": checksum})


def put_cifar100(folder, monkeypatch):
    """``COUNTS`` images, of the seeds 1 (train) and 2 (test); labels are spread over all classes, groups backwards."""

    def batch(n, seed):
        fine = [row * 99 // (n - 1) for row in range(n)]
        coarse = [(n - 1 - row) * 19 // (n - 1) for row in range(n)]
        return {"data": pixels(n, 3072, seed=seed), "fine_labels": fine, "coarse_labels": coarse}

    names = {"fine_label_names": [f"kind {n}" for n in range(100)]}
    train, test = {"train": batch(COUNTS["train"], 1)}, {"test": batch(COUNTS["test"], 2)}
    put_cifar(torchvision.datasets.CIFAR100, folder, monkeypatch, train, test, {"meta": names})
    monkeypatch.setattr(CIFAR100, "counts", COUNTS)
