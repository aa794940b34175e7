"""Data sets ``mnist`` and its kin: files in the idx format."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch

from evoplug.contracts import Ge, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source, whole
from evoplug_supervised.datasets.stratified import stratified
from evoplug_supervised.folder import damaged, data_folder


@dataclass(kw_only=True, frozen=True)
class MNIST(Images):
    """Handwritten digits (LeCun et al. 1998): 60,000 training and 10,000 test images of 28 x 28.

    By default each pixel's mean over the training images is taken off, as in the released code of LEEA; pooling
    comes after that.
    """

    root: Annotated[Path | None, "the data folder; by default EVOPLUG_DATA, else the user's cache"] = None
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
    prefixes: ClassVar[Mapping[Half, str]] = {"train": "train", "test": "t10k"}
    """How the names of a half's two files begin."""

    def files(self) -> Sequence[Path]:
        return [path for half in self.prefixes for path in self.pair(data_folder(self.root), half)]

    def pair(self, folder: Path, half: Half) -> tuple[Path, Path]:
        """A half's images and labels in the data folder."""
        raw, prefix = folder / self.entry / "raw", self.prefixes[half]
        return raw / f"{prefix}-images-idx3-ubyte", raw / f"{prefix}-labels-idx1-ubyte"

    def read(self, folder: Path, half: Half) -> Source:
        of_images, of_labels = self.pair(folder, half)
        images = _parse(of_images, dimensions=3)
        if images.shape[1:] != self.shape[1:]:
            raise damaged(of_images, f"images of {tuple(images.shape[1:])}")
        return Source(images.unsqueeze(1), _parse(of_labels, dimensions=1).long())

    def fetch(self, folder: Path) -> None:
        from torchvision import datasets

        getattr(datasets, self.entry)(folder, download=True)


@dataclass(kw_only=True, frozen=True)
class FashionMNIST(MNIST):
    """Articles of clothing (Xiao et al. 2017), in numbers, sizes and parameters like MNIST."""

    title = "fashion-mnist"
    entry = "FashionMNIST"


@dataclass(kw_only=True, frozen=True)
class KMNIST(MNIST):
    """Cursive Japanese characters of ten kinds (Clanuwat et al. 2018), in numbers, sizes and parameters like MNIST.

    With `test_file_only` the files of the test images are enough: of these 10,000, `train` and `validation` are taken
    to learn from and the others to test, each with the ten classes in equal shares.
    """

    test_file_only: Annotated[bool, "take all images from the test file, where that is all there is"] = False

    title = "kmnist"
    entry = "KMNIST"

    def check(self) -> Iterable[tuple[str, str]]:
        if self.test_file_only and self.train is None:
            yield "train", "must say how many images to train on: with test_file_only, the others are for testing"
        elif self.test_file_only and self._learned > MNIST.counts["test"] - 1:
            yield "train", f"and validation must leave one of the {MNIST.counts['test']:,} images to test"
        else:
            yield from super().check()

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        if not self.test_file_only:
            return MNIST.counts
        return {"train": self._learned, "test": MNIST.counts["test"] - self._learned}

    def files(self) -> Sequence[Path]:
        return self.pair(data_folder(self.root), "test") if self.test_file_only else super().files()

    def read(self, folder: Path, half: Half) -> Source:
        if not self.test_file_only:
            return super().read(folder, half)
        images, labels = whole(
            super().read(folder, "test"), MNIST.counts["test"], self.classes, str(self.pair(folder, "test")[0])
        )
        test, learned = stratified(labels.numpy(), self._learned, self.split_seed)
        rows = torch.from_numpy(learned if half == "train" else test)
        return Source(images[rows], labels[rows])

    def cut(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.test_file_only:
            return super().cut(labels)
        train, validation = stratified(labels.numpy(), self.validation, self.split_seed)
        return torch.from_numpy(train), torch.from_numpy(validation)

    @property
    def _learned(self) -> int:
        """Images of the test file that are not for testing."""
        return (self.train or 0) + self.validation


class _EMNIST(MNIST):
    """A part of EMNIST (Cohen et al. 2017), whose files hold images with rows and columns exchanged."""

    entry = "EMNIST"
    part: str

    def read(self, folder: Path, half: Half) -> Source:
        source = super().read(folder, half)
        return source._replace(pixels=source.pixels.mT)

    def fetch(self, folder: Path) -> None:
        from torchvision.datasets import EMNIST

        EMNIST(folder, split=self.part, download=True)


@dataclass(kw_only=True, frozen=True)
class EMNISTDigits(_EMNIST):
    """Handwritten digits of EMNIST (Cohen et al. 2017): 240,000 training and 40,000 test images, else like MNIST.

    The download brings all parts of EMNIST.
    """

    title = "emnist-digits"
    part = "digits"
    counts = {"train": 240_000, "test": 40_000}
    prefixes = {"train": "emnist-digits-train", "test": "emnist-digits-test"}


@dataclass(kw_only=True, frozen=True)
class EMNISTLetters(_EMNIST):
    """Handwritten letters, large and small as one class (Cohen et al. 2017): 124,800 training and 20,800 test images.

    The labels are 0 for A to 25 for Z; else it is like MNIST. The download brings all parts of EMNIST.
    """

    title = "emnist-letters"
    part = "letters"
    classes = 26
    counts = {"train": 124_800, "test": 20_800}
    prefixes = {"train": "emnist-letters-train", "test": "emnist-letters-test"}

    def read(self, folder: Path, half: Half) -> Source:
        source = super().read(folder, half)
        return source._replace(labels=source.labels - 1)  # in the files they count from 1


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
