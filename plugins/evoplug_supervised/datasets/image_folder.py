"""Data set ``image-folder``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy
import torch

from evoplug import FilesError
from evoplug.contracts import ConfigError, DatasetInfo, Ge, Seed, dataclass
from evoplug_supervised.datasets.class_folders import Listing, listing
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.datasets.pixels import decoded
from evoplug_supervised.folder import data_folder, unreadable


@dataclass(kw_only=True, frozen=True)
class ImageFolder(Images):
    """Any images, sorted into folders by class: FOLDER/train/CLASS/*.jpg and FOLDER/test/CLASS/*.jpg.

    Images end in .bmp, .gif, .jpg, .jpeg, .pgm, .png, .ppm, .tif, .tiff or .webp and may stand in folders of their own
    within a class; all else is passed over, and so are hidden files and folders (`.thumbs`, `__MACOSX`). A link to a
    folder is followed unless it leads back into FOLDER/train or FOLDER/test.

    Pixels become 8 bits a channel: grey values of 16 bits are divided by 257; those of 32 bits and floating ones, for
    which no range is defined, are refused. Images are turned upright by their EXIF orientation; what is transparent
    lies on white; of an animation the first picture is taken; palettes, CMYK and black and white become colour or grey
    by PIL's plain formulas, without colour profiles.
    """

    folder: Annotated[str, "the folder of train/ and test/, inside of the data folder"]
    root: Annotated[Path | None, "the data folder; by default EVOPLUG_DATA, else the user's cache"] = None
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
        """Counts the files and opens one.

        Raises:
            FilesError: if the folder or its images are missing, too few for the splits or too small.
        """
        for key, message in super().check():
            raise FilesError(f"image-folder: {data_folder(self.root) / self.folder}: {key} {message}")
        return super().info()

    def files(self) -> Sequence[Path]:
        return [data_folder(self.root) / self.folder / half for half in ("train", "test")]

    def contents(self) -> Sequence[Path]:
        return [path for half in self._listings.values() for path, _ in half.files]

    def read(self, folder: Path, half: Half) -> Source:
        _, height, width = self.shape
        paths, labels = zip(*self._listings[half].files, strict=True)
        return Source(_Pixels(paths, self.channels, (width, height), self.size is not None), torch.tensor(labels))

    def download(self) -> None:
        raise ConfigError("download", "image-folder holds your own images: there is nothing to download")

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        return {half: len(listing.files) for half, listing in self._listings.items()}

    @property
    def classes(self) -> int:  # type: ignore[override]
        return len(self._listings["train"].classes)

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override]
        if self.size is not None:
            return (self.channels, self.size, self.size)
        first, _ = self._listings["train"].files[0]
        try:
            width, height = _size(first, first.stat().st_mtime_ns)
        except OSError as error:
            raise unreadable(error, first) from error
        return (self.channels, height, width)

    @property
    def _listings(self) -> Mapping[str, Listing]:
        """Half -> its files, listed again where some have come or gone.

        Raises:
            FilesError: if a half cannot be listed, or the two hold different classes.
        """
        for folder in self.files():
            if folder not in self._known or not self._known[folder].is_current:
                self._known[folder] = listing(folder)
        train, test = (self._known[folder] for folder in self.files())
        if train.classes != test.classes:
            raise FilesError(f"image-folder: {self.files()[0]} and {self.files()[1]} hold different classes")
        return {"train": train, "test": test}

    @cached_property
    def _known(self) -> dict[Path, Listing]:
        """Folder -> what was last found in it."""
        return {}


class _Pixels:
    """Image files as one array whose rows are decoded when they are asked for."""

    def __init__(self, paths: Sequence[Path], channels: Literal[1, 3], size: tuple[int, int], resize: bool) -> None:
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
        image = decoded(path, self.channels)
        if self.resize:
            image = image.resize(self.size)
        if image.size != self.size:
            width, height = image.size
            raise FilesError(f"{path} is {width} x {height} pixels, others are not; `size` makes them one")
        return numpy.array(image)


@lru_cache(maxsize=64)
def _size(path: Path, changed: int) -> tuple[int, int]:
    """Width and height of an image that last changed at a time, in ns."""
    return decoded(path, 3).size
