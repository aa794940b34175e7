"""Data set ``image-folder``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import numpy
import torch

from evoplug import FilesError, Rng
from evoplug.contracts import ConfigError, DatasetInfo, Ge, Seed, dataclass
from evoplug_supervised.datasets.class_folders import Listing, listing
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.datasets.pixels import decoded
from evoplug_supervised.datasets.subjects import (
    Owned,
    by_name,
    by_table,
    for_validation,
    mistakes,
    present,
    require_apart,
)
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

    With ``subjects`` no subject is in two splits: validation takes whole subjects of FOLDER/train, the first of an
    order that ``split_seed`` draws, as many as bring the number of images nearest to ``validation``; at least one, and
    never all. A CSV file has the columns ``file``, the path in FOLDER or a name that no other image has, and
    ``subject``. With a third one, ``split``, it says itself which images are for train, validation and test; those of
    FOLDER/test are all for test, and the number ``validation`` is not asked.
    """

    folder: Annotated[str, "the folder of train/ and test/, inside of the data folder"]
    root: Annotated[Path | None, "the data folder; by default EVOPLUG_DATA, else the user's cache"] = None
    crop: Annotated[
        Annotated[int, Ge(1)] | None, "side in pixels of the square that is cut out of the middle; by default all stays"
    ] = None
    size: Annotated[
        Annotated[int, Ge(1)] | None, "side in pixels to which images are then resized; by default all have one size"
    ] = None
    channels: Annotated[Literal[1, 3], "1: grey, 3: colour"] = 3
    validation: Annotated[int, Ge(0), "images taken from the training set; with `subjects` about so many"] = 5000
    train: Annotated[Annotated[int, Ge(1)] | None, "how many of the other training images to use; by default all"] = (
        None
    )
    split_seed: Annotated[Seed, 'seed of the permutation that splits the training set; `"run"`: the run\'s own'] = 0
    subjects: Annotated[
        str | None,
        "whose images they are: a regular expression whose one group is the subject in a file's name, or a .csv file "
        "by its path, from the data folder or absolute; by default nobody's",
    ] = None
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
        """Of what no file tells."""
        if self.subjects is not None and self._table is None:
            yield from (("subjects", mistake) for mistake in mistakes(self.subjects))

    def info(self) -> DatasetInfo:
        """Counts the files and opens one.

        Raises:
            FilesError: if the folder or its images are missing, too few for the splits or too small; or if whose they
                are cannot be told, or a subject is in two splits.
        """
        told = self.subjects is not None and any(image.split for image in self._owned["train"])
        for key, message in super().check():
            if not (told and key == "validation"):
                raise FilesError(f"image-folder: {data_folder(self.root) / self.folder}: {key} {message}")
        if self.crop is not None:
            _middle(self.crop, self._first, _size_of(self._first))
        return super().info()

    def sizes(self) -> Mapping[str, int]:
        if self.subjects is None:
            return super().sizes()
        train, validation = self._rows()
        return {"train": len(train), "validation": len(validation), "test": self.counts["test"]}

    def cut(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().cut(labels) if self.subjects is None else self._rows()

    def subjects_of(self, split: str) -> list[str] | None:
        """Whose the images of ``load(split)`` are, one by one; None without ``subjects``.

        Raises:
            FilesError: as :meth:`info`.
        """
        if self.subjects is None:
            return None
        owned = self._owned
        if split == "test":
            return [image.subject for image in owned["test"]]
        train, validation = self._rows()
        return [owned["train"][row].subject for row in (train if split == "train" else validation).tolist()]

    def files(self) -> Sequence[Path]:
        return [*self._halves.values(), *([self._table] if self._table else [])]

    def contents(self) -> Sequence[Path]:
        images = [path for half in self._listings.values() for path, _ in half.files]
        return [*images, *([present(self._table)] if self._table else [])]

    def read(self, folder: Path, half: Half) -> Source:
        paths, labels = zip(*self._listings[half].files, strict=True)
        return Source(_Pixels(paths, self.shape, self._decode, self._first), torch.tensor(labels))

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
        side = self.size or self.crop
        width, height = (side, side) if side else _size_of(self._first)
        return (self.channels, height, width)

    @property
    def _first(self) -> Path:
        """The image whose size all others have, where nothing makes them one."""
        return self._listings["train"].files[0][0]

    def _decode(self, path: Path) -> numpy.ndarray:
        """One image as it is used.

        Raises:
            FilesError: if it is damaged or smaller than ``crop``.
        """
        image = decoded(path, self.channels)
        if self.crop is not None:
            image = image.crop(_middle(self.crop, path, image.size))
        if self.size is not None:
            image = image.resize((self.size, self.size))
        return numpy.array(image)

    @property
    def _halves(self) -> Mapping[Half, Path]:
        home = data_folder(self.root) / self.folder
        return {"train": home / "train", "test": home / "test"}

    @property
    def _table(self) -> Path | None:
        """The file of subjects, if it is one."""
        given = self.subjects
        return data_folder(self.root) / given if given is not None and given.lower().endswith(".csv") else None

    @property
    def _owned(self) -> Mapping[Half, Sequence[Owned]]:
        """Half -> whose its images are.

        Raises:
            FilesError: if that cannot be told, or a subject is in two splits.
        """
        assert self.subjects is not None
        files = {half: [path for path, _ in listing.files] for half, listing in self._listings.items()}
        home = data_folder(self.root) / self.folder
        owned = by_table(files, self._table, home) if self._table else by_name(files, self.subjects)
        require_apart(owned)
        return {half: [image for image in owned if image.half == half] for half in files}

    def _rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`cut`, by subjects."""
        held = for_validation(self._owned["train"], self.validation, self.split_seed)
        order = torch.randperm(len(held), generator=Rng(self.split_seed).torch)
        return order[~held[order]][: self.train], order[held[order]]

    @property
    def _listings(self) -> Mapping[Half, Listing]:
        """Half -> its files, listed again where some have come or gone.

        Raises:
            FilesError: if a half cannot be listed, or the two hold different classes.
        """
        for folder in self._halves.values():
            if folder not in self._known or not self._known[folder].is_current:
                self._known[folder] = listing(folder)
        found = {half: self._known[folder] for half, folder in self._halves.items()}
        if found["train"].classes != found["test"].classes:
            train, test = self._halves.values()
            raise FilesError(f"image-folder: {train} and {test} hold different classes")
        return found

    @cached_property
    def _known(self) -> dict[Path, Listing]:
        """Folder -> what was last found in it."""
        return {}


class _Pixels:
    """Image files as one array whose rows are decoded when they are asked for.

    Args:
        paths: of the files.
        shape: (channels, height, width) of each.
        decode: makes ``(height, width)`` or ``(height, width, channels)`` uint8 of one.
        first: one that has this shape, to name beside another that has not.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        shape: tuple[int, int, int],
        decode: Callable[[Path], numpy.ndarray],
        first: Path,
    ) -> None:
        self.paths, self.shape, self.decode, self.first = paths, shape, decode, first

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        pixels = torch.empty(len(rows), height, width, channels, dtype=torch.uint8)
        for place, row in zip(pixels, rows.tolist(), strict=True):
            place[:] = torch.from_numpy(self._alike(self.paths[row])).view(place.shape)
        return pixels.permute(0, 3, 1, 2)

    def _alike(self, path: Path) -> numpy.ndarray:
        """One image, if it has the size that all have."""
        (_, height, width), image = self.shape, self.decode(path)
        if image.shape[:2] != (height, width):
            own = f"{image.shape[1]} x {image.shape[0]} pixels"
            raise FilesError(f"{path} is {own}, {self.first} {width} x {height}; `crop` or `size` makes them one")
        return image


def _middle(side: int, path: Path, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the middle square of an image, as torchvision's ``center_crop`` places it.

    Raises:
        FilesError: if the image is smaller.
    """
    if side > min(size):
        raise FilesError(f"{path} is {size[0]} x {size[1]} pixels, too small for a `crop` of {side}")
    left, top = (round((length - side) / 2) for length in size)
    return left, top, left + side, top + side


def _size_of(path: Path) -> tuple[int, int]:
    """Width and height of an image."""
    try:
        return _size(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise unreadable(error, path) from error


@lru_cache(maxsize=64)
def _size(path: Path, changed: int) -> tuple[int, int]:
    """Width and height of an image that last changed at a time, in ns."""
    return decoded(path, 3).size
