"""Which tasks there are, and their training examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn

from evoplug.contracts import ConfigError, Dataset
from evoplug_supervised import subset

Wrong = tuple[str | tuple[str | int, ...], str]
"""The key of a parameter, and what is wrong with it."""


def listed(tasks: Mapping[str, Dataset], tasks_of: Dataset | None) -> dict[str, Dataset]:
    """Name -> data set, all of both.

    Raises:
        ConfigError: if two tasks have one name, a name is none for a module (it has a dot), ``tasks_of`` falls into
            none, or there are fewer than two.
    """
    fallen = {} if tasks_of is None else tasks_of.tasks()
    if tasks_of is not None and not fallen:
        raise ConfigError("tasks_of", "is one task: name it in `tasks`")
    if both := sorted(set(tasks) & set(fallen)):
        raise ConfigError(("tasks", both[0]), "is the name of a task of `tasks_of` too")
    for name in tasks:
        try:
            nn.ModuleDict({name: nn.Identity()})  # as the solution's networks are kept
        except KeyError as error:
            raise ConfigError(("tasks", name), f"cannot be a task's name: {error.args[0]}") from error
    if len(tasks) + len(fallen) < 2:
        raise ConfigError("tasks", f"must be two or more, or `tasks_of` given, got {len(tasks) or 'none'}")
    return {**tasks, **fallen}


def too_few(available: Mapping[str, int], classes: Mapping[str, int], train: int | None, batch: int) -> Iterator[Wrong]:
    """(key, message) of what the tasks have too few training examples for.

    Args:
        available: task -> training examples that its data set has.
        classes: task -> how many.
        train: examples of each task that are asked for; None: all.
        batch: of each task in one batch.
    """
    for task, examples in available.items():
        if not examples:
            yield ("tasks", task), "has no training examples"
    least, most = min(available, key=available.__getitem__), max(classes, key=classes.__getitem__)
    if train is not None and train > available[least] > 0:
        yield "train", f"asks for {train:,} examples of each task, and `{least}` has {available[least]:,} to train on"
    elif train is not None and train < classes[most]:
        yield "train", f"must be at least one of each class, and `{most}` has {classes[most]}, got {train}"
    elif batch > (train or available[least]) > 0:
        yield (
            "batch",
            f"must not exceed the {train or available[least]:,} training examples of `{least}`, got {batch:,}",
        )


def cut(task: str, x: torch.Tensor, y: torch.Tensor, size: int | None, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """``size`` of a task's training examples, in which every class keeps its share; all where it is None.

    Raises:
        ConfigError: if a rare class would have none, with the key "train".
    """
    if size is None or size == len(y):
        return x, y
    try:
        rows = subset(y, size, seed)
    except ConfigError as error:
        raise ConfigError("train", f"{error.mistakes[0].message} (task `{task}`)") from error
    return x[rows], y[rows]
