"""Data set ``digits``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

import torch

from evoplug.contracts import Dataset, DatasetInfo, Ge, Seed, dataclass
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
    from numpy.random import RandomState
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)

    def cut(pool: tuple, size: int, seed: int) -> tuple[tuple, tuple]:
        # A RandomState takes 32 bits at once; of more it takes them one after the other.
        state = RandomState(seed if seed < 2**32 else [seed % 2**32, seed // 2**32])
        x, x_cut, y, y_cut = train_test_split(*pool, test_size=size, stratify=pool[1], random_state=state)
        return (x, y), (x_cut, y_cut)

    rest, test = cut((pixels, labels), dataset.test, seed=0)
    train, validation = cut(rest, dataset.validation, dataset.split_seed)
    preprocessing, _ = dataset.preprocessing()
    return {
        split: (preprocessing(torch.from_numpy(x).float().view(-1, *_SHAPE)), torch.from_numpy(y).long())
        for split, (x, y) in {"train": train, "validation": validation, "test": test}.items()
    }
