"""Data set ``image-folder``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import numpy
import torch
from PIL import Image

from evoplug import FilesError
from evoplug.contracts import ConfigError, DatasetInfo, Ge, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.folder import damaged, data_folder


@dataclass(kw_only=True, frozen=True)
class ImageFolder(Images):
    """Any images, sorted into folders by class: FOLDER/train/CLASS/*.jpg and FOLDER/test/CLASS/*.jpg."""

    folder: Annotated[str, "the folder of train/ and test/, from the data folder on"]
    root: Annotated[str | None, "the data folder; by default EVOPLUG_DATA, else the user's cache"] = None
    size: Annotated[
        Annotated[int, Ge(1)] | None, "side in pixels to which images are resized; by default all have one size"
    ] = None
    channels: Annotated[Literal[1, 3], "1: grey, 3: colour"] = 3
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

    examples = ({"folder": "cifar10-jpg"},)
    title = "image-folder"

    @property
    def entry(self) -> str:  # type: ignore[override]
        return self.folder

    def check(self) -> Iterable[tuple[str, str]]:
        return ()  # the numbers are in the files

    def info(self) -> DatasetInfo:
        """Counts the files and opens one, without reading its pixels.

        Raises:
            FilesError: if the folder or its images are missing, too few for the splits or too small.
        """
        for key, message in super().check():
            raise FilesError(f"image-folder: {data_folder(self.root) / self.folder}: {key} {message}")
        return super().info()

    def files(self) -> Sequence[Path]:
        return [data_folder(self.root) / self.folder / half for half in ("train", "test")]

    def read(self, folder: Path, half: Half) -> Source:
        files = self._files[half]
        channels, height, width = self.shape
        labels = torch.tensor([label for _, label in files])
        return Source(_Pixels([Path(path) for path, _ in files], channels, (width, height), bool(self.size)), labels)

    def download(self) -> None:
        raise ConfigError("download", "image-folder holds your own images: there is nothing to download")

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        return {half: len(files) for half, files in self._files.items()}

    @property
    def classes(self) -> int:  # type: ignore[override]
        return len({label for _, label in self._files["train"]})

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        if self.size is not None:
            return (self.channels, self.size, self.size)
        with _opened(Path(self._files["train"][0][0])) as image:
            return (self.channels, image.height, image.width)

    @cached_property
    def _files(self) -> Mapping[str, list[tuple[str, int]]]:
        """Half -> paths and labels, listed once."""
        from torchvision.datasets import ImageFolder as Files

        try:
            halves = {path.name: Files(path) for path in self.files()}
        except FileNotFoundError as error:
            raise FilesError(f"image-folder: {' '.join(str(error).split())}") from error
        if halves["train"].classes != halves["test"].classes:
            raise FilesError(f"image-folder: {self.files()[0]} and {self.files()[1]} hold different classes")
        return {half: files.samples for half, files in halves.items()}


class _Pixels:
    """Image files as one array whose rows are decoded when they are asked for."""

    def __init__(self, paths: list[Path], channels: int, size: tuple[int, int], resize: bool) -> None:
        self.paths, self.channels, self.size, self.resize = paths, channels, size, resize

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor:
        width, height = self.size
        pixels = torch.empty(len(rows), height, width, self.channels, dtype=torch.uint8)
        for place, row in zip(pixels, rows.tolist(), strict=True):
            place[:] = torch.from_numpy(self._decode(self.paths[row])).view(place.shape)
        return pixels.permute(0, 3, 1, 2)

    def _decode(self, path: Path) -> numpy.ndarray:
        with _opened(path) as image:
            pixels = image.convert("RGB" if self.channels == 3 else "L")
        if self.resize:
            pixels = pixels.resize(self.size)
        if pixels.size != self.size:
            width, height = pixels.size
            raise FilesError(f"{path} is {width} x {height} pixels, others are not; `size` makes them one")
        return numpy.array(pixels)


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except OSError as error:
        raise damaged(path, str(error)) from error
