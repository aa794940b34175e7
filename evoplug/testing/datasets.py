"""What a data set promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from evoplug.contracts import Dataset, DatasetInfo
from evoplug.errors import FilesError
from evoplug.population import examples
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree


class DatasetSuite(Suite):
    """Tests that read examples are skipped where the files are not here."""

    group = "datasets"

    @pytest.fixture
    def dataset(self, example: Mapping[str, Any]) -> Dataset:
        """The data set, whose files are here."""
        dataset: Dataset = self.build(example)
        if missing := [path for path in dataset.files() if not path.exists()]:
            pytest.skip(f"{missing[0]} is not here")
        return dataset

    def test_it_says_what_it_is(self, dataset: Dataset) -> None:
        info = dataset.info()
        assert isinstance(info, DatasetInfo)
        assert (broken := examples.wrong_info(info)) is None, broken
        assert dataset.info() == info

    @pytest.mark.parametrize("split", examples.SPLITS)
    def test_examples_are_what_it_says(self, dataset: Dataset, split: str) -> None:
        info = dataset.info()
        if not info.sizes.get(split, not info.sizes):
            pytest.skip(f"it has no {split} examples")
        assert (broken := examples.wrong(info, split, dataset.load(split))) is None, broken

    def test_preprocessing_makes_examples_of_what_the_files_hold(self, dataset: Dataset) -> None:
        module, raw = dataset.preprocessing()
        with torch.no_grad():
            made = module(raw)
        assert made.shape == (2, *dataset.info().shape)
        assert made.dtype == torch.float32

    def test_examples_are_always_the_same(self, example: Mapping[str, Any], dataset: Dataset) -> None:
        split = next(iter(dataset.info().sizes), "train")
        loaded = []
        for seed in (1, 2):
            with seeded(seed):
                loaded.append(self.build(example).load(split))
        agree("the same stream gives two results", *loaded)

    def test_its_tasks_are_data_sets(self, dataset: Dataset) -> None:
        tasks = dataset.tasks()
        assert list(tasks) == list(dataset.tasks())
        for name, task in tasks.items():
            assert name
            assert "." not in name, f"a task is named {name!r}: names have no dot"
            assert isinstance(task, Dataset), f"{name} is no data set, but {task!r}"
            assert set(task.files()) <= set(dataset.files()), f"{name} reads files that the whole set does not name"
            task.load_all()

    def test_missing_files_are_an_error_of_files(
        self, example: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a data folder with nothing in it."""
        monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))
        dataset: Dataset = self.build(example)
        if all(path.exists() for path in dataset.files()):
            pytest.skip("it needs no files from the data folder")
        with pytest.raises(FilesError) as caught:
            dataset.load("train")
        assert "\n" not in str(caught.value)
