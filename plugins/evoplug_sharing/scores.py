"""Right and wrong answers over several tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch


def metrics(
    right: torch.Tensor, loss: torch.Tensor, sizes: Sequence[int], names: Sequence[str]
) -> dict[str, torch.Tensor]:
    """Metric -> ``(n,)`` float64: over all examples of all tasks (micro), ``error.macro``, and each task's error.

    Where a task's loss is NaN, so are its error and whatever it is in.

    Args:
        right: ``(n, tasks)``: right answers.
        loss: ``(n, tasks)``: sums of the examples' losses.
        sizes: examples of each task.
        names: of the tasks.
    """
    n = torch.tensor(sizes, dtype=torch.float64, device=right.device)
    right = right.double().where(~loss.isnan(), torch.nan)
    errors = 1 - right / n
    accuracy = right.sum(1) / n.sum()
    own: Mapping[str, torch.Tensor] = {f"error.{name}": error for name, error in zip(names, errors.T, strict=True)}
    return {
        "accuracy": accuracy, "error": 1 - accuracy, "loss": loss.sum(1) / n.sum(), "error.macro": errors.mean(1), **own
    }  # fmt: skip
