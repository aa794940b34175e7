"""Small files in the real formats of data sets, and a web server that has them."""

import hashlib
import io
import pickle
import struct
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from zipfile import ZipFile

import numpy
import torchvision
from PIL import Image

from evoplug_supervised.datasets.cifar import CIFAR10
from evoplug_supervised.datasets.omniglot_files import DRAWINGS, SETS, SIDE

COUNTS = {"train": 12, "test": 5}


def pixels(n, *shape, seed=0):
    return numpy.random.Generator(numpy.random.SFC64(seed)).integers(0, 256, (n, *shape), dtype=numpy.uint8)


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.astype("u1").tobytes())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder):
    """The address of a web server that has the files of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        Thread(target=partial(server.serve_forever, poll_interval=0.01)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


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


def backwards(kinds):
    """Superclasses that are spread over images from the last to the first."""
    return [(len(kinds) - 1 - row) * 19 // (len(kinds) - 1) for row in range(len(kinds))]


def put_cifar100(folder, monkeypatch, counts=COUNTS, superclasses=backwards):
    """``counts`` images, of the seeds 1 (train) and 2 (test); the kinds are spread over all 100 where there are fewer
    images, else each as often in turn. ``superclasses`` gives the coarse labels of kinds."""

    def batch(n, seed):
        kinds = [row * 99 // (n - 1) if n < 100 else row % 100 for row in range(n)]
        return {"data": pixels(n, 3072, seed=seed), "fine_labels": kinds, "coarse_labels": superclasses(kinds)}

    names = {"fine_label_names": [f"kind {n}" for n in range(100)]}
    train, test = {"train": batch(counts["train"], 1)}, {"test": batch(counts["test"], 2)}
    put_cifar(torchvision.datasets.CIFAR100, folder, monkeypatch, train, test, {"meta": names})
    monkeypatch.setattr(CIFAR10, "counts", counts)


def put_folder(folder, side, count=8):
    """Write FOLDER/train/CLASS/*.png and FOLDER/test/CLASS/*.png, of two classes, ``count`` images of noise each."""
    for half, seed in (("train", 1), ("test", 2)):
        for name, part in (("dim", 2), ("light", 1)):
            (folder / half / name).mkdir(parents=True)
            for number, image in enumerate(pixels(count, side, side, 3, seed=seed + 2 * part)):
                Image.fromarray(image // part).save(folder / half / name / f"{number:03}.png")


def put_omniglot(folder, monkeypatch, **sets):
    """Write SET.zip for each SET = {alphabet: number of characters}, and have the data set expect these.

    Drawing d of character c, counted from 0, has one black pixel, in row c and column d.
    """
    folder.mkdir(parents=True)
    for name, alphabets in sets.items():
        monkeypatch.setitem(SETS, name, alphabets)
        with ZipFile(folder / f"{name}.zip", "w") as archive:
            for alphabet, characters in alphabets.items():
                for character in range(characters):
                    for number in range(DRAWINGS):
                        place = f"{name}/{alphabet}/character{character + 1:02}/{character:04}_{number + 1:02}.png"
                        archive.writestr(place, drawing(character, number))


def drawing(row, column, side=SIDE):
    """A black and white PNG file with one black pixel."""
    image, file = Image.new("1", (side, side), 1), io.BytesIO()
    image.putpixel((column, row), 0)
    image.save(file, "PNG")
    return file.getvalue()
