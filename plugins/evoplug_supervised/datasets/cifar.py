"""Data set ``cifar10``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import torch

from evoplug.contracts import Ge, Seed, dataclass
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
        from torchvision.datasets import CIFAR10 as Files

        try:
            files = Files(folder, train=half == "train")
        except RuntimeError as error:
            raise self._damaged(folder) from error
        return Source(torch.from_numpy(files.data).permute(0, 3, 1, 2), torch.tensor(files.targets))

    def fetch(self, folder: Path) -> None:
        from torchvision.datasets import CIFAR10 as Files

        Files(folder, download=True)

    def _damaged(self, folder: Path) -> Exception:
        from torchvision.datasets.utils import check_integrity

        wrong = (path for path, checksum in self._checksums(folder).items() if not check_integrity(path, checksum))
        return damaged(next(wrong, folder / self.entry), "its MD5 checksum is wrong")

    def _checksums(self, folder: Path) -> dict[Path, str]:
        from torchvision.datasets import CIFAR10 as Files

        known = [*Files.train_list, *Files.test_list, (Files.meta["filename"], Files.meta["md5"])]
        return {folder / self.entry / name: checksum for name, checksum in known}
