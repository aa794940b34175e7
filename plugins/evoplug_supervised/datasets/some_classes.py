"""Data set ``some-classes``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
from torch import nn

from evoplug import ConfigError, Rng
from evoplug.contracts import Dataset, DatasetInfo, Ge, MinLen, Seed, dataclass, use
from evoplug_supervised.rotation import turned

Counts = Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(2)]


@dataclass(kw_only=True, frozen=True)
class SomeClasses(Dataset):
    """A few classes of another data set, each in a number of its own: small, lopsided problems made of known ones.

    The classes are numbered anew in their order. Of each split the first examples of each class are taken, in the order
    in which the other data set has them, which its own seed decides.
    """

    dataset: Annotated[Dataset, "of which the classes are"] = use("digits")
    classes: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(2), "as that data set numbers them"] = (0, 1)
    train: Annotated[Counts, "examples of each class to train on"] = (100, 50)
    validation: Annotated[Counts, "examples of each class to choose by"] = (20, 10)
    test: Annotated[Counts, "examples of each class to report on"] = (20, 10)
    turned: Annotated[bool, "turn each image by an angle of its own, so that it has no right side up"] = False
    turn_seed: Annotated[Seed, 'of the angles; `"run"`: the run\'s own'] = 0

    examples = ({}, {"turned": True})

    def check(self) -> Iterable[tuple[str, str]]:
        info = self.dataset.info()
        if len(set(self.classes)) < len(self.classes) or max(self.classes) >= info.classes:
            yield "classes", f"must be different ones below {info.classes}, got {', '.join(map(str, self.classes))}"
        for split, counts in self._counts.items():
            if len(counts) != len(self.classes):
                yield split, f"must be a number for each of {len(self.classes)} classes, got {len(counts)}"
        if not all(self.train):
            yield "train", "must leave no class without an example"
        if self.turned and len(info.shape) != 3:
            yield "turned", f"is for images, and an example has shape {tuple(info.shape)}"

    def info(self) -> DatasetInfo:
        sizes = {split: sum(counts) for split, counts in self._counts.items()}
        return DatasetInfo(self.dataset.info().shape, len(self.classes), sizes)

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = self.dataset.load(split)
        rows = torch.cat([self._rows(y, split, *each) for each in zip(self.classes, self._counts[split], strict=True)])
        new = torch.arange(len(self.classes)).repeat_interleave(torch.tensor(self._counts[split]))
        return (self._turned(x[rows], split) if self.turned else x[rows]), new

    def preprocessing(self) -> tuple[nn.Module, torch.Tensor]:
        """Of the other data set; it turns nothing."""
        return self.dataset.preprocessing()

    def files(self) -> Sequence[Path]:
        return self.dataset.files()

    def download(self) -> None:
        self.dataset.download()

    @property
    def _counts(self) -> Mapping[str, tuple[int, ...]]:
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def _rows(self, y: torch.Tensor, split: str, label: int, count: int) -> torch.Tensor:
        (rows,) = (y == label).nonzero(as_tuple=True)
        if len(rows) < count:
            raise ConfigError(split, f"must be at most {len(rows):,} of class {label}: it has no more; got {count:,}")
        return rows[:count]

    def _turned(self, images: torch.Tensor, split: str) -> torch.Tensor:
        rng = Rng(self.turn_seed).child(split)
        return turned(images, 360 * torch.rand(len(images), generator=rng.torch))
