"""Data set ``omniglot``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal

import torch

from evoplug import Rng
from evoplug.contracts import ConfigError, Dataset, Ge, MinLen, Seed, dataclass
from evoplug_supervised.datasets.images import Half, Images, Source
from evoplug_supervised.datasets.omniglot_files import DRAWINGS, SETS, SIDE, drawings
from evoplug_supervised.folder import data_folder


@dataclass(kw_only=True, frozen=True)
class Omniglot(Images):
    """Handwritten characters of 50 alphabets (Lake et al. 2015): 1,623 classes, 20 drawings of each, 1 x 105 x 105.

    All characters of all alphabets are classified, or those of one; as tasks it is its alphabets. They come in two
    sets of 30 and of 20 alphabets; of the first, two small sets hold five each. An alphabet that is in two sets counts
    once. The published zip files are read where they lie, without unpacking. All drawings take 1.4 GB as floats.

    Which drawings of a character are for testing depends on nothing but the seed, the alphabet and the character.
    """

    root: Annotated[Path | None, "the data folder; by default EVOPLUG_DATA, else the user's cache"] = None
    folder: Annotated[str, "the folder of the zip files, inside of the data folder"] = "omniglot-py"
    sets: Annotated[
        tuple[
            Literal["images_background", "images_evaluation", "images_background_small1", "images_background_small2"],
            ...,
        ],
        MinLen(1),
        "the zip files",
    ] = ("images_background", "images_evaluation")
    alphabet: Annotated[str | None, "only this one, e.g. Greek"] = None
    test: Annotated[int, Ge(1), "drawings of each character to test on"] = 4
    validation: Annotated[int, Ge(0), "other drawings of each character to choose by"] = 0
    train: Annotated[Annotated[int, Ge(1)] | None, "how many others of each character to train on; by default all"] = (
        None
    )
    split_seed: Annotated[Seed, "seed of the split of each character's drawings; `\"run\"`: the run's own"] = 0
    normalisation: Annotated[
        Literal["mean-image", "standard", "unit"],
        "minus each pixel's mean; mean 0 and variance 1 over the training images; or just in [0, 1]",
    ] = "unit"
    pool: Annotated[int, Ge(1), "side of the squares of pixels that become one"] = 1
    pooling: Annotated[Literal["max", "mean"], "what becomes of a square"] = "mean"

    title = "omniglot"
    shape = (1, SIDE, SIDE)

    def check(self) -> Iterable[tuple[str, str]]:
        if self.test + self.validation + (self.train or 1) > DRAWINGS:
            rest = "at least one to train on" if self.train is None else "train"
            yield "test", f"with validation and {rest} must not exceed the {DRAWINGS} drawings of a character"
        if self.alphabet is not None and self.alphabet not in (known := self._homes()):
            near = get_close_matches(self.alphabet, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"choices: {', '.join(known)}"
            yield "alphabet", f"`{self.alphabet}` is in none of {', '.join(self.sets)}; {hint}"
        if self.pool > SIDE:
            yield "pool", f"must not exceed the images' {SIDE} pixels"

    @property
    def entry(self) -> str:  # type: ignore[override]
        return self.folder

    @property
    def classes(self) -> int:  # type: ignore[override]
        return sum(SETS[home][alphabet] for alphabet, home in self._chosen().items())

    @property
    def counts(self) -> Mapping[str, int]:  # type: ignore[override]
        return {"train": (DRAWINGS - self.test) * self.classes, "test": self.test * self.classes}

    def sizes(self) -> Mapping[str, int]:
        rest = DRAWINGS - self.test - self.validation
        each = {"train": self.train or rest, "validation": self.validation, "test": self.test}
        return {split: drawings * self.classes for split, drawings in each.items()}

    def tasks(self) -> Mapping[str, Dataset]:
        return {} if self.alphabet else {name: replace(self, alphabet=name) for name in self._chosen()}

    def files(self) -> Sequence[Path]:
        return [self._zip(data_folder(self.root), home) for home in dict.fromkeys(self._chosen().values())]

    def read(self, folder: Path, half: Half) -> Source:
        """The drawings of a character follow each other, in an order by chance of which the first are for testing."""

        def rows(alphabet: str, character: str) -> list[int]:
            stream = Rng(self.split_seed).child(alphabet, character)
            order: list[int] = torch.randperm(DRAWINGS, generator=stream.torch).tolist()
            return order[: self.test] if half == "test" else order[self.test :]

        files = groupby(self._chosen(), key=self._homes().__getitem__)
        pixels = torch.cat([drawings(self._zip(folder, home), list(alphabets), rows) for home, alphabets in files])
        labels = torch.arange(len(pixels)).repeat_interleave(pixels.shape[1])
        return Source(pixels.flatten(0, 1).unsqueeze(1), labels)

    def cut(self, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.arange(len(labels)).view(self.classes, -1)
        train, validation = rows[:, self.validation :][:, : self.train].flatten(), rows[:, : self.validation].flatten()
        return train[torch.randperm(len(train), generator=Rng(self.split_seed).torch)], validation

    def fetch(self, folder: Path) -> None:
        from torchvision.datasets import Omniglot as Files
        from torchvision.datasets.utils import download_url

        if unknown := [name for name in self.sets if name not in Files.zips_md5]:
            raise ConfigError("sets", f"`{unknown[0]}` cannot be downloaded; choices: {', '.join(Files.zips_md5)}")
        for name in self.sets:
            path = self._zip(folder, name)
            address = f"{Files.download_url_prefix}/{path.name}"
            download_url(address, str(path.parent), path.name, Files.zips_md5[name])

    def _zip(self, folder: Path, home: str) -> Path:
        return folder / self.folder / f"{home}.zip"

    def _homes(self) -> dict[str, str]:
        """Alphabet -> the first of the sets that holds it; set by set."""
        homes = dict[str, str]()
        for home in self.sets:
            for alphabet in SETS[home]:
                homes.setdefault(alphabet, home)
        return homes

    def _chosen(self) -> dict[str, str]:
        """The same of the alphabets that are classified, in the order of their labels."""
        homes = self._homes()
        return {self.alphabet: homes[self.alphabet]} if self.alphabet else homes
