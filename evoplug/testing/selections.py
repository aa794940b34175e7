"""What a selection promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from evoplug.config.building import build
from evoplug.contracts import Selection
from evoplug.rng import Rng
from evoplug.testing.elsewhere import elsewhere
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree, same

N, CASES = 9, 5


class SelectionSuite(Suite):
    """Fitness is a vector, or a matrix for case-wise selections."""

    group = "selections"

    @pytest.fixture
    def selection(self, example: Mapping[str, Any]) -> Selection:
        """The selection."""
        selection: Selection = self.build(example)
        return selection

    @pytest.fixture
    def fitness(self, selection: Selection) -> torch.Tensor:
        """Of all members, valid and different."""
        return _fitness(selection)

    @pytest.mark.parametrize("count", [0, 1, N])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_rows_are_as_many_as_asked_for(
        self, selection: Selection, fitness: torch.Tensor, count: int, dtype: torch.dtype
    ) -> None:
        rows = selection(fitness.to(dtype), count, Rng(1))
        assert rows.shape == (count,)
        assert rows.dtype == torch.int64
        assert ((rows >= 0) & (rows < N)).all()

    def test_fitness_is_left_as_it_is(self, selection: Selection, fitness: torch.Tensor) -> None:
        before = fitness.clone()
        selection(fitness, N, Rng(1))
        agree("fitness was changed", fitness, before)

    def test_the_same_stream_selects_the_same_rows(self, selection: Selection, fitness: torch.Tensor) -> None:
        selected = []
        for seed in (1, 2):
            with seeded(seed):
                selected.append(selection(fitness, N, Rng(7)))
        agree("the same stream gives two results", *selected)

    def test_another_process_selects_the_same_rows(self, example: Mapping[str, Any]) -> None:
        here = _selected(self.used(), example)
        agree("another process selects other rows", elsewhere(_selected, self.used(), example), here)

    def test_equal_members_can_be_selected_from(self, selection: Selection, fitness: torch.Tensor) -> None:
        assert len(selection(torch.zeros_like(fitness), N, Rng(1))) == N

    def test_invalid_members_can_be_selected_from_where_all_are(
        self, selection: Selection, fitness: torch.Tensor
    ) -> None:
        assert len(selection(torch.full_like(fitness, -torch.inf), N, Rng(1))) == N

    def test_a_member_alone_is_selected(self, selection: Selection, fitness: torch.Tensor) -> None:
        for alone in (fitness[:1], torch.full_like(fitness[:1], -torch.inf)):
            assert selection(alone, 1, Rng(1)).tolist() == [0]

    def test_an_invalid_member_is_never_chosen_for_its_fitness(
        self, selection: Selection, fitness: torch.Tensor
    ) -> None:
        """While there are valid ones. A selection that never looks at fitness may draw anyone."""
        fitness[::3] = -torch.inf
        looks, invalid = False, False
        for seed in range(100):
            rows = selection(fitness, N // 2, Rng(seed))
            looks |= not same(rows, selection(fitness.flip(0), N // 2, Rng(seed)))
            invalid |= bool((rows % 3 == 0).any())
        assert not (looks and invalid), "a member whose fitness is -inf was selected"

    def test_cases_are_read_as_they_are_needed(self, selection: Selection, fitness: torch.Tensor) -> None:
        """A matrix that is computed as it is read, and that can do no more than that, selects the same rows."""
        if not selection.cases:
            pytest.skip("it reads one fitness a member")
        rows = selection(fitness, N, Rng(7))
        agree(
            "of a matrix that is computed as it is read it selects others", selection(_Lazy(fitness), N, Rng(7)), rows
        )


class _Lazy:
    """``shape`` and ``[:, cases]``, the last with the numbers of cases in a tensor, an array or a list."""

    def __init__(self, fitness: torch.Tensor) -> None:
        self.shape, self._fitness = tuple(fitness.shape), fitness

    def __getitem__(self, key: Any) -> torch.Tensor:
        rows, cases = key
        assert rows == slice(None), "read all members at once: fitness[:, cases]"
        return self._fitness[:, torch.as_tensor(cases)]


def _fitness(selection: Selection) -> torch.Tensor:
    shape = (N, CASES) if selection.cases else (N,)
    return torch.rand(shape, generator=Rng(3).torch, dtype=torch.float64) - 0.5


def _selected(name: str, example: Mapping[str, Any]) -> torch.Tensor:
    selection = build("selections", name, **example)
    assert isinstance(selection, Selection)
    return selection(_fitness(selection), N, Rng(7))
