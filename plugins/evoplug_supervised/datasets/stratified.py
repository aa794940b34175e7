"""Splits in which every class keeps its share."""

from __future__ import annotations

import numpy
import torch
from numpy.random import RandomState

from evoplug import ConfigError

Rows = numpy.ndarray
"""``(n,)`` int64."""


def stratified(labels: numpy.ndarray, size: int, seed: int) -> tuple[Rows, Rows]:
    """All rows in two shuffled parts, of which the second has ``size``.

    The rows of scikit-learn's ``train_test_split(stratify=labels, test_size=size, random_state=seed)``, which takes
    over half as long to import as torch.
    """
    classes = [numpy.flatnonzero(labels == each) for each in numpy.unique(labels)]
    counts = numpy.array([len(rows) for rows in classes])
    # A RandomState takes 32 bits at once; of more it takes them one after the other.
    random = RandomState(seed if seed < 2**32 else [seed % 2**32, seed // 2**32])
    first = _shares(counts, len(labels) - size, random)
    second = _shares(counts - first, size, random)
    parts: tuple[list[Rows], list[Rows]] = [], []
    for rows, one, other in zip(classes, first, second, strict=True):
        shuffled = random.permutation(rows)
        parts[0].append(shuffled[:one])
        parts[1].append(shuffled[one:][:other])
    return random.permutation(numpy.concatenate(parts[0])), random.permutation(numpy.concatenate(parts[1]))


def subset(labels: torch.Tensor, size: int, seed: int) -> torch.Tensor:
    """``(size,)`` int64: shuffled rows in which every class keeps its share, and has at least one.

    Args:
        labels: ``(n,)`` int64.
        size: from the number of classes to n.
        seed: alone decides, with the labels.

    Raises:
        ConfigError: if the size is another one, or leaves a rare class without a row; its key is the caller's to add.
    """
    classes = len(labels.unique())
    if not classes <= size <= len(labels):
        raise ConfigError((), f"must be from {classes}, the number of classes, to {len(labels):,}, got {size:,}")
    _, rows = stratified(labels.numpy(), size, seed)
    chosen = torch.from_numpy(rows)
    if missing := set(labels.tolist()) - set(labels[chosen].tolist()):
        raise ConfigError((), f"of {size:,} examples, class {min(missing)} would have none: it is too rare for so few")
    return chosen


def _shares(counts: numpy.ndarray, draws: int, random: RandomState) -> numpy.ndarray:
    """``(classes,)`` of ``draws`` in the proportions of ``counts``; the greatest fractions are rounded up, and chance
    decides between equal ones."""
    exact = counts / max(counts.sum(), 1) * draws
    shares = numpy.floor(exact).astype(int)
    fractions = exact - shares
    for fraction in numpy.unique(fractions)[::-1]:
        missing = draws - shares.sum()
        if missing == 0:
            break
        equal = numpy.flatnonzero(fractions == fraction)
        shares[random.choice(equal, min(len(equal), missing), replace=False)] += 1
    return shares
