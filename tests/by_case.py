"""Selections by case put to the test: what they draw, how it compares, and what they read."""

from __future__ import annotations

import torch
from scipy.stats import chi2_contingency

from evoplug import Rng


class Lazy:
    """Keeps note of the cases that are read; allows nothing but what the contract names."""

    def __init__(self, fitness):
        self._fitness, self.shape, self.reads = fitness, fitness.shape, []

    def __getitem__(self, key):
        rows, cases = key
        assert rows == slice(None)
        self.reads.append(cases.tolist())
        return self._fitness[:, cases]


def drawn(selection, fitness, draws, seed=1):
    """``(n,)``, how often each member is selected."""
    rows = selection(fitness, draws, Rng(seed))
    assert rows.dtype == torch.int64
    return torch.bincount(rows, minlength=fitness.shape[0])


def of_one_distribution(*counts):
    """Chi-square test: whether these may be drawn alike, which one of a hundred that are is denied."""
    table = torch.stack(counts)
    return chi2_contingency(table[:, table.sum(0) > 0]).pvalue > 0.01
