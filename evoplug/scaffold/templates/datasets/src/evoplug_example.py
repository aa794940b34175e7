"""Data set ``example``."""

from typing import Annotated

import torch
from evoplug.contracts import Dataset, DatasetInfo, Ge, dataclass


@dataclass(kw_only=True)
class Example(Dataset):
    """Points in a square, in two classes: inside a circle of half its area, and outside of it."""

    train: Annotated[int, Ge(1), "points to train on"] = 1000
    validation: Annotated[int, Ge(1), "points to choose by"] = 200
    test: Annotated[int, Ge(1), "points to report on"] = 200

    def info(self) -> DatasetInfo:
        """Known without making a point."""
        return DatasetInfo((2,), 2, {"train": self.train, "validation": self.validation, "test": self.test})

    def load(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        """x ``(n, 2)`` float32 in [-1, 1] and y ``(n,)`` int64; always the same ones."""
        sizes = self.info().sizes
        generator = torch.Generator().manual_seed(list(sizes).index(split))
        x = 2 * torch.rand(sizes[split], 2, generator=generator) - 1
        return x, (x.square().sum(1) < 2 / torch.pi).long()
