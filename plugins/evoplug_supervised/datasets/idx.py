"""Data sets ``mnist`` and ``fashion-mnist``: files in the idx format."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import torch

from evoplug.contracts import Ge, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.folder import damaged, data_folder

_FILES = {"train": "train", "test": "t10k"}


@dataclass(kw_only=True, frozen=True)
class MNIST(Images):
    """Handwritten digits (LeCun et al. 1998): 60,000 training and 10,000 test images of 28 x 28.

    By default each pixel's mean over the training images is taken off, as in the released code of LEEA; pooling
    comes after that.
    """

    root: Annotated[Path | None, "folder that holds MNIST/raw; by default EVOPLUG_DATA, else the user's cache"] = None
    validation: Annotated[int, Ge(0), "images taken from the training set"] = 5000
    train: Annotated[Annotated[int, Ge(1)] | None, "how many of the other training images to use; by default all"] = (
        None
    )
    split_seed: Annotated[Seed, 'seed of the permutation that splits the training set; `"run"`: the run\'s own'] = 0
    normalisation: Annotated[
        Literal["mean-image", "standard", "unit"],
        "minus each pixel's mean; mean 0 and variance 1 over the training images; or just in [0, 1]",
    ] = "mean-image"
    pool: Annotated[int, Ge(1), "side of the squares of pixels that become one"] = 1
    pooling: Annotated[Literal["max", "mean"], "what becomes of a square"] = "max"

    title = "mnist"
    entry = "MNIST"
    shape = (1, 28, 28)
    classes = 10
    counts = {"train": 60_000, "test": 10_000}

    def files(self) -> Sequence[Path]:
        folder = data_folder(self.root) / self.entry / "raw"
        return [folder / f"{half}-{kind}-ubyte" for half in _FILES.values() for kind in ("images-idx3", "labels-idx1")]

    def read(self, folder: Path, half: Half) -> Source:
        raw = folder / self.entry / "raw"
        images = _parse(raw / f"{_FILES[half]}-images-idx3-ubyte", dimensions=3)
        if images.shape[1:] != self.shape[1:]:
            raise damaged(raw / f"{_FILES[half]}-images-idx3-ubyte", f"images of {tuple(images.shape[1:])}")
        labels = _parse(raw / f"{_FILES[half]}-labels-idx1-ubyte", dimensions=1)
        return Source(images.unsqueeze(1), labels.long())

    def fetch(self, folder: Path) -> None:
        from torchvision import datasets

        getattr(datasets, self.entry)(folder, download=True)


@dataclass(kw_only=True, frozen=True)
class FashionMNIST(MNIST):
    """Articles of clothing (Xiao et al. 2017), in numbers, sizes and parameters like MNIST."""

    title = "fashion-mnist"
    entry = "FashionMNIST"


def _parse(path: Path, dimensions: int) -> torch.Tensor:
    """An array of bytes in the idx format: two zeros, 8 for bytes, the number of dimensions, each as a big-endian
    integer of 32 bits, and the content.

    torchvision can read it, too, but takes as long to import as torch.
    """
    try:
        content = bytearray(path.read_bytes())
        if content[:4] != bytes([0, 0, 8, dimensions]):
            raise ValueError(f"begins with {bytes(content[:4])!r}")
        shape = struct.unpack_from(f">{dimensions}I", content, offset=4)
        return torch.frombuffer(content, dtype=torch.uint8, offset=4 + 4 * dimensions).view(shape)
    except (ValueError, struct.error, RuntimeError) as error:
        raise damaged(path, f"not a whole idx file ({type(error).__name__} {error})") from error
