"""Assignments that are not learned."""

from __future__ import annotations

from typing import Any, Literal

import torch

from evoplug.contracts import ConfigError


def assignment(sharing: Literal["full", "none"] | tuple[int, ...], genotype: Any) -> torch.Tensor:
    """``(N,)`` int64: the first choice everywhere; another one for each task; or as given.

    Args:
        sharing: which.
        genotype: bound; the names of its positions, ``"TASK.LAYER"``, say which task each belongs to.

    Raises:
        ConfigError: if there are fewer choices than tasks, or what is given does not fit; with the key "sharing".
    """
    if sharing == "full":
        return torch.zeros(genotype.length, dtype=torch.int64)
    if sharing == "none":
        return _apart(genotype)
    if len(sharing) != genotype.length:
        wrong = f"has {len(sharing)} entries, and there are {genotype.length} positions{_named(genotype)}"
        raise ConfigError("sharing", wrong)
    for place, choice in enumerate(sharing):
        if not 0 <= choice < genotype.choices:
            raise ConfigError(("sharing", place), f"must be from 0 to {genotype.choices - 1}, got {choice}")
    return torch.tensor(sharing)


def _apart(genotype: Any) -> torch.Tensor:
    """At every position a task's own number."""
    if not genotype.names:
        raise ConfigError("sharing", '"none" needs positions with names: which of them may be shared is not known')
    tasks = [name.partition(".")[0] for name in genotype.names]
    numbers = {task: number for number, task in enumerate(dict.fromkeys(tasks))}
    if len(numbers) > genotype.choices:
        raise ConfigError(
            "sharing", f'"none" needs a choice for each of the {len(numbers)} tasks, and there are {genotype.choices}'
        )
    return torch.tensor([numbers[task] for task in tasks])


def _named(genotype: Any) -> str:
    """The positions by name, the first few."""
    names = genotype.names
    return f": {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}" if names else ""
