"""Fitness by case of trained networks, computed as it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from evoplug.population.workers import parallel
from evoplug_supervised.teams import Alone, Stack

Scored = Callable[[Alone | Stack, torch.Tensor], torch.Tensor]
"""``(networks, numbers of cases) -> (k, len(numbers))``."""


class LazyCases:
    """``cases[:, numbers]`` is ``(n, len(numbers))``; ``shape`` is ``(n, cases)``.

    Args:
        networks: loaded, in the order of the members.
        cases: how many there are.
        scored: of some networks on some cases.
    """

    def __init__(self, networks: Sequence[Alone | Stack], cases: int, scored: Scored) -> None:
        self._networks, self._scored = networks, scored
        self.shape = (sum(team.k for team in networks), cases)

    def __getitem__(self, key: tuple[Any, Any]) -> torch.Tensor:
        _, numbers = key
        numbers = torch.as_tensor(numbers)

        def work(team: int) -> torch.Tensor:
            return self._scored(self._networks[team], numbers)

        return torch.cat(parallel(work, len(self._networks)))
