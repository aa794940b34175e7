"""Data sets ``cifar10`` and ``cifar100``."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import torch

from evoplug.contracts import Dataset, Ge, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.folder import damaged, data_folder


@dataclass(kw_only=True, frozen=True)
class CIFAR10(Images):
    """Photographs of ten kinds of things (Krizhevsky 2009): 50,000 training and 10,000 test images of 3 x 32 x 32.

    The files are Python pickles; they are opened only if their checksums are right.
    """

    root: Annotated[Path | None, "folder of cifar-10-batches-py; by default EVOPLUG_DATA, else the user's cache"] = None
    validation: Annotated[int, Ge(0), "images taken from the training set"] = 5000
    train: Annotated[Annotated[int, Ge(1)] | None, "how many of the other training images to use; by default all"] = (
        None
    )
    split_seed: Annotated[Seed, 'seed of the permutation that splits the training set; `"run"`: the run\'s own'] = 0
    normalisation: Annotated[
        Literal["mean-image", "standard", "unit"],
        "minus each pixel's mean; each channel to mean 0 and variance 1; or just in [0, 1]",
    ] = "standard"
    pool: Annotated[int, Ge(1), "side of the squares of pixels that become one"] = 1
    pooling: Annotated[Literal["max", "mean"], "what becomes of a square"] = "mean"

    title = "cifar10"
    entry = "cifar-10-batches-py"
    shape = (3, 32, 32)
    classes = 10
    counts = {"train": 50_000, "test": 10_000}

    def files(self) -> Sequence[Path]:
        return list(self._checksums(data_folder(self.root)))

    def read(self, folder: Path, half: Half) -> Source:
        try:
            files = self._torchvision(folder, train=half == "train")
        except RuntimeError as error:
            raise self._damaged(folder) from error
        return Source(torch.from_numpy(files.data).permute(0, 3, 1, 2), torch.tensor(files.targets))

    def fetch(self, folder: Path) -> None:
        self._torchvision(folder, download=True)

    @property
    def _torchvision(self) -> Any:
        """The class that reads and downloads the files, and knows their checksums; imported once it is needed."""
        from torchvision.datasets import CIFAR10

        return CIFAR10

    def _damaged(self, folder: Path) -> Exception:
        from torchvision.datasets.utils import check_integrity

        wrong = (path for path, checksum in self._checksums(folder).items() if not check_integrity(path, checksum))
        return damaged(next(wrong, folder / self.entry), "its MD5 checksum is wrong")

    def _checksums(self, folder: Path) -> dict[Path, str]:
        files = self._torchvision
        known = [*files.train_list, *files.test_list, (files.meta["filename"], files.meta["md5"])]
        return {folder / self.entry / name: checksum for name, checksum in known}


Superclass = Literal[
    "aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables", "household_electrical_devices",
    "household_furniture", "insects", "large_carnivores", "large_man-made_outdoor_things",
    "large_natural_outdoor_scenes", "large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates",
    "people", "reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2",
]  # fmt: skip
"""The coarse labels of CIFAR-100, from 0 on, as its files name them."""
_SUPERCLASSES = get_args(Superclass)


@dataclass(kw_only=True, frozen=True)
class CIFAR100(CIFAR10):
    """Photographs of 100 kinds of things (Krizhevsky 2009): 50,000 training and 10,000 test images of 3 x 32 x 32.

    Five kinds make a superclass, such as trees or insects. As tasks it is its 20 superclasses, each with a twentieth of
    `validation` and of `train`, rounded down. The files are Python pickles; they are opened only if their checksums are
    right.
    """

    root: Annotated[Path | None, "folder of cifar-100-python; by default EVOPLUG_DATA, else the user's cache"] = None
    labels: Annotated[Literal["fine", "coarse"], "by the 100 kinds of things; or by their 20 superclasses"] = "fine"
    superclass: Annotated[Superclass | None, "only the five kinds of this one, labelled 0 to 4"] = None

    title = "cifar100"
    entry = "cifar-100-python"

    def check(self) -> Iterable[tuple[str, str]]:
        if self.superclass and self.labels == "coarse":
            yield "superclass", 'is one class by labels = "coarse"; leave out one of the two'
        yield from super().check()

    @property
    def classes(self) -> int:  # type: ignore[override]
        return 5 if self.superclass else 100 if self.labels == "fine" else len(_SUPERCLASSES)

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        share = len(_SUPERCLASSES) if self.superclass else 1
        return {half: images // share for half, images in CIFAR10.counts.items()}

    def tasks(self) -> Mapping[str, Dataset]:
        if self.superclass or self.labels == "coarse":
            return {}
        train = None if self.train is None else max(1, self.train // len(_SUPERCLASSES))
        each = replace(self, validation=self.validation // len(_SUPERCLASSES), train=train)
        return {name: replace(each, superclass=name) for name in _SUPERCLASSES}

    def read(self, folder: Path, half: Half) -> Source:
        if self.superclass is not None:
            changed = tuple(path.stat().st_ctime_ns for path in self._checksums(folder))
            source, coarse = _with_superclasses(folder, half, changed)
            (rows,) = torch.where(coarse == _SUPERCLASSES.index(self.superclass))
            _, labels = source.labels[rows].unique(return_inverse=True)
            return Source(source.pixels[rows], labels)
        source = super().read(folder, half)  # first, as it checks the checksums
        return source if self.labels == "fine" else source._replace(labels=self.coarse(folder, half))

    @property
    def _torchvision(self) -> Any:
        from torchvision.datasets import CIFAR100

        return CIFAR100

    def coarse(self, folder: Path, half: Half) -> torch.Tensor:
        """Labels ``(n,)`` int64 from a file whose checksum is right; torchvision passes them over."""
        content = (folder / self.entry / half).read_bytes()
        return torch.tensor(pickle.loads(content, encoding="latin1")["coarse_labels"])


@lru_cache(maxsize=2)
def _with_superclasses(folder: Path, half: Half, changed: tuple[int, ...]) -> tuple[Source, torch.Tensor]:
    """A half by its kinds, and its superclasses, of files that last changed at these times, in ns.

    Both halves are kept: all 20 tasks are cut from the same, and to read them takes a second each.
    """
    whole = CIFAR100()
    return whole.read(folder, half), whole.coarse(folder, half)
