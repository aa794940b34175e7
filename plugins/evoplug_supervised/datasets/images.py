"""What sets of images share: splits by a seed, then preprocessing, done once in a process."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from evoplug import FilesError, Rng
from evoplug.contracts import Dataset, DatasetInfo
from evoplug_supervised.folder import data_folder, fetch, missing, unreadable
from evoplug_supervised.preprocessing import Preprocessing

Half = Literal["train", "test"]


class Source(NamedTuple):
    """The training or the test half of a set, as its files hold it."""

    pixels: Any
    """``pixels[rows]``, rows ``(k,)`` int64, is ``(k, channels, height, width)`` uint8."""
    labels: torch.Tensor
    """``(n,)`` int64."""


class Images(Dataset):
    """Base of sets of images. The test split is the set's own test half; validation is cut from its training half.

    Sets with equal parameters share their tensors, which nobody may change, as long as their files stay the same.
    """

    # What a set declares as its parameters:
    root: Path | None
    validation: int
    train: int | None
    split_seed: int
    normalisation: Literal["mean-image", "standard", "unit"]
    pool: int
    pooling: Literal["max", "mean"]

    # What a set is:
    title: str
    """Its name in a configuration."""
    entry: str
    """Its folder in the data folder."""
    shape: tuple[int, int, int]
    """(channels, height, width) in the files."""
    classes: int
    counts: Mapping[str, int]
    """Half -> number of images."""

    def files(self) -> Sequence[Path]:
        """The files that are read, there or not."""
        raise NotImplementedError

    def contents(self) -> Sequence[Path]:
        """The files whose change is a change of the set."""
        return self.files()

    def read(self, folder: Path, half: Half) -> Source:
        """One half from the data folder.

        Raises:
            FilesError: if a file is damaged.
        """
        raise NotImplementedError

    def fetch(self, folder: Path) -> None:
        """Download ``entry`` into this empty folder."""
        raise NotImplementedError

    def check(self) -> Iterable[tuple[str, str]]:
        images = self.counts["train"]
        if self.validation + (self.train or 1) > images:
            yield "validation", f"with the training images it must not exceed the {images:,} images of the set"
        if self.pool > min(self.shape[1:]):
            yield "pool", f"must not exceed the images' {min(self.shape[1:])} pixels"

    def info(self) -> DatasetInfo:
        channels, height, width = self.shape
        return DatasetInfo((channels, height // self.pool, width // self.pool), self.classes, self.sizes())

    def sizes(self) -> Mapping[str, int]:
        """Split -> number of images."""
        rest = self.counts["train"] - self.validation
        train = rest if self.train is None else min(self.train, rest)
        return {"train": train, "validation": self.validation, "test": self.counts["test"]}

    def cut(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows of the training half, whose labels these are: those to train on, and those to validate by."""
        order = torch.randperm(len(labels), generator=Rng(self.split_seed).torch)
        return order[self.validation :][: self.train], order[: self.validation]

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        return self._prepared().splits[split]

    def preprocessing(self) -> tuple[Preprocessing, torch.Tensor]:
        prepared = self._prepared()
        return copy.deepcopy(prepared.preprocessing), torch.zeros(2, *self.shape, dtype=torch.uint8)

    def download(self) -> None:
        def get(folder: Path) -> None:
            self.fetch(folder)
            for half in ("train", "test"):
                self.checked(folder, half)

        fetch(self.title, data_folder(self.root), self.entry, get)

    def checked(self, folder: Path, half: Literal["train", "test"]) -> Source:
        """What ``read`` gives, if its numbers are right.

        Raises:
            FilesError: if there are too few images or labels, or labels out of range.
        """
        return whole(self.read(folder, half), self.counts[half], self.classes, f"{folder / self.entry} ({half})")

    def _prepared(self) -> _Prepared:
        folder = data_folder(self.root)
        try:
            return _prepared(self, folder, self._stamp())
        except OSError as error:
            raise unreadable(error, folder / self.entry) from error

    def _stamp(self) -> str:
        """What is another one once a file has another size or time; that of its status too, which no copy keeps.

        Raises:
            FilesError: if one of ``files`` is missing.
        """
        stamp = hashlib.blake2b()
        for path in self.contents():
            try:
                found = path.stat()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise missing(self.title, path) if path in self.files() else error from None
            stamp.update(os.fsencode(path) + f"\0{found.st_size}\0{found.st_mtime_ns}\0{found.st_ctime_ns}\0".encode())
        return stamp.hexdigest()


def whole(source: Source, images: int, classes: int, where: str) -> Source:
    """The source, if it has so many images and labels below ``classes``.

    Raises:
        FilesError: if not; it names ``where``.
    """
    labels = source.labels
    if not len(source.pixels) == len(labels) == images:
        found = f"{len(source.pixels)} images and {len(labels)} labels"
        raise FilesError(f"{where} is damaged: {found}, expected {images:,} each")
    if images and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        found = f"labels from {int(labels.min())} to {int(labels.max())}"
        raise FilesError(f"{where} is damaged: {found}, expected 0 to {classes - 1}")
    return source


class _Prepared(NamedTuple):
    preprocessing: Preprocessing
    splits: Mapping[str, tuple[torch.Tensor, torch.Tensor]]
    """split -> images and labels, ready for use."""


@lru_cache(maxsize=4)
def _prepared(dataset: Images, folder: Path, stamp: str) -> _Prepared:
    """From the files as they are now, to which ``stamp`` belongs."""
    train, test = dataset.checked(folder, "train"), dataset.checked(folder, "test")
    rest, validation = dataset.cut(train.labels)
    chosen = {"train": (train, rest), "validation": (train, validation), "test": (test, torch.arange(len(test.labels)))}
    raw = {split: source.pixels[rows] for split, (source, rows) in chosen.items()}
    preprocessing = Preprocessing(dataset.shape, pool=dataset.pool, pooling=dataset.pooling)
    preprocessing.fit(raw["train"], dataset.normalisation)
    splits = {split: (preprocessing(raw[split]), source.labels[rows]) for split, (source, rows) in chosen.items()}
    return _Prepared(preprocessing, splits)
