"""Data set ``svhn``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import torch

from evoplug.contracts import Ge, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.folder import damaged, data_folder


@dataclass(kw_only=True, frozen=True)
class SVHN(Images):
    """Street View house numbers, cropped digits (Netzer et al. 2011): 3 x 32 x 32.

    The training half is "train" (73,257 images) and "extra" (531,131), together as floats 7 GB; the test half has
    26,032.
    """

    root: Annotated[Path | None, "folder that holds SVHN/*.mat; by default EVOPLUG_DATA, else the user's cache"] = None
    extra: Annotated[bool, "whether the images of extra_32x32.mat are used as well"] = True
    validation: Annotated[int, Ge(0), "images taken from the training set"] = 30_000
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

    title = "svhn"
    entry = "SVHN"
    shape = (3, 32, 32)
    classes = 10

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        return {"train": 73_257 + 531_131 * self.extra, "test": 26_032}

    def files(self) -> Sequence[Path]:
        return [data_folder(self.root) / self.entry / f"{part}_32x32.mat" for part in self._parts]

    def read(self, folder: Path, half: Half) -> Source:
        parts = [part for part in self._parts if (part == "test") == (half == "test")]
        pixels, labels = zip(*(self._read(folder / self.entry, part) for part in parts), strict=True)
        return Source(torch.cat(pixels), torch.cat(labels))

    def fetch(self, folder: Path) -> None:
        from torchvision.datasets import SVHN as Files

        for part in self._parts:
            Files(folder / self.entry, split=part, download=True)

    @property
    def _parts(self) -> list[str]:
        return ["train", "extra", "test"] if self.extra else ["train", "test"]

    @staticmethod
    def _read(folder: Path, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        from torchvision.datasets import SVHN as Files

        try:
            files = Files(folder, split=part)
        except RuntimeError as error:
            raise damaged(folder / f"{part}_32x32.mat", "its MD5 checksum is wrong") from error
        return torch.from_numpy(files.data), torch.from_numpy(files.labels)
