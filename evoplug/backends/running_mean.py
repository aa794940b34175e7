"""Fitness under noise: the mean of all that a member was ever given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evoplug.types import Members


class RunningMean:
    """The mean fitness of members over all their evaluations, told apart by their ids.

    A member that was ever invalid (-inf) stays so: its mean is no number that others could be held against.
    """

    def __init__(self) -> None:
        self._ids = torch.empty(0, dtype=torch.int64)
        self._counts = torch.empty(0, dtype=torch.float64)
        self._means = torch.empty(0, dtype=torch.float64)

    def add(self, members: Members) -> torch.Tensor:
        """Take an evaluation into account; the means ``(n,)``, in float64 on the CPU."""
        assert members.fitness is not None
        ids, rows = torch.unique(torch.cat([self._ids, members.ids.cpu()]), return_inverse=True)
        fitness = members.fitness.detach().cpu().double()
        counts = torch.cat([self._counts, torch.ones_like(fitness)])
        sums = torch.cat([self._means * self._counts, fitness])
        self._ids = ids
        self._counts = torch.zeros(len(ids), dtype=torch.float64).index_add(0, rows, counts)
        self._means = torch.zeros(len(ids), dtype=torch.float64).index_add(0, rows, sums) / self._counts
        return self._means[rows[-len(fitness) :]]

    def counts(self, members: Members) -> torch.Tensor:
        """``(n,)`` int64 on the CPU: how often each one was evaluated."""
        same = members.ids.cpu()[:, None] == self._ids
        return (same * self._counts.long()).sum(1)

    def keep(self, members: Members) -> None:
        """Forget all but these."""
        there = torch.isin(self._ids, members.ids.cpu())
        self._ids, self._counts, self._means = self._ids[there], self._counts[there], self._means[there]

    def state_dict(self) -> dict[str, Any]:
        return {"ids": self._ids, "counts": self._counts, "means": self._means}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._ids, self._counts, self._means = state["ids"], state["counts"], state["means"]
