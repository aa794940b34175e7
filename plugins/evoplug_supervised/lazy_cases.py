"""Fitness by case of trained networks, computed as it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from evoplug.population.workers import parallel
from evoplug_supervised.teams import Alone, Stack

Examples = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Numbers of cases to these examples and their labels."""
Scored = Callable[[Alone | Stack, torch.Tensor, torch.Tensor], torch.Tensor]
"""``(networks, examples, labels) -> (k, cases)``."""


class LazyCases:
    """``cases[:, numbers]`` is ``(n, len(numbers))``; ``shape`` is ``(n, cases)``.

    Args:
        networks: loaded, in the order of the members.
        cases: how many there are.
        examples: called once for all networks each time that cases are read.
        scored: of some networks.
    """

    def __init__(self, networks: Sequence[Alone | Stack], cases: int, examples: Examples, scored: Scored) -> None:
        self._networks, self._examples, self._scored = networks, examples, scored
        self.shape = (sum(team.k for team in networks), cases)

    def __getitem__(self, key: tuple[Any, Any]) -> torch.Tensor:
        _, numbers = key
        x, y = self._examples(torch.as_tensor(numbers))
        return torch.cat(parallel(lambda team: self._scored(self._networks[team], x, y), len(self._networks)))
