"""Data set ``digits``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy
import torch

from evoplug.contracts import Dataset, DatasetInfo, Ge, Seed, dataclass
from evoplug_supervised.datasets.stratified import stratified
from evoplug_supervised.preprocessing import Preprocessing

_IMAGES, _CLASSES, _SHAPE = 1797, 10, (1, 8, 8)


@dataclass(kw_only=True, frozen=True)
class Digits(Dataset):
    """Handwritten digits of scikit-learn (Alpaydin and Kaynak 1998): 1,797 images of 8 x 8, in [0, 1]; no files.

    Every split has the ten digits in the same proportions. Which images are for testing depends only on how many.
    """

    validation: Annotated[int, Ge(_CLASSES), "images to choose by"] = 297
    test: Annotated[int, Ge(_CLASSES), "images to report on"] = 300
    split_seed: Annotated[Seed, 'seed of the split of the other images; `"run"`: the run\'s own'] = 0

    def check(self) -> Iterable[tuple[str, str]]:
        if self.validation + self.test > _IMAGES - _CLASSES:
            yield "validation", f"and test together must leave {_CLASSES} of the {_IMAGES:,} images to train on"

    def info(self) -> DatasetInfo:
        train = _IMAGES - self.validation - self.test
        return DatasetInfo(_SHAPE, _CLASSES, {"train": train, "validation": self.validation, "test": self.test})

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        return _splits(self)[split]

    def preprocessing(self) -> tuple[Preprocessing, torch.Tensor]:
        return Preprocessing(_SHAPE, maximum=16), torch.zeros(2, *_SHAPE)


@lru_cache(maxsize=4)
def _splits(dataset: Digits) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    pixels, labels = _images()
    pool, test = stratified(labels, dataset.test, seed=0)
    train, validation = (pool[rows] for rows in stratified(labels[pool], dataset.validation, dataset.split_seed))
    preprocessing, _ = dataset.preprocessing()
    x, y = torch.from_numpy(pixels).float().view(-1, *_SHAPE), torch.from_numpy(labels).long()
    parts = {"train": train, "validation": validation, "test": test}
    return {split: (preprocessing(x[rows]), y[rows]) for split, rows in parts.items()}


def _images() -> tuple[numpy.ndarray, numpy.ndarray]:
    """``(1797, 64)`` pixels and ``(1797,)`` labels: ``sklearn.datasets.load_digits(return_X_y=True)``.

    The file is read where it lies: to import scikit-learn takes over half as long as to import torch.
    """
    package = Path(find_spec("sklearn").origin).parent  # type: ignore[union-attr, arg-type]
    rows = numpy.loadtxt(package / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(int)
