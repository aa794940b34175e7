"""By what the gradient of each set of weights is divided, as in the code released with learned weight sharing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from evoplug_sharing.positions import Kind


def divide(sets: Mapping[str, Sequence[nn.Module]], divisors: Mapping[str, torch.Tensor]) -> None:
    """Divide the gradients that are there, in place.

    Args:
        sets: position -> its sets.
        divisors: position -> ``(sets,)``.
    """
    for name, modules in sets.items():
        for module, divisor in zip(modules, divisors[name].tolist(), strict=True):
            if grads := [weight.grad for weight in module.parameters() if weight.grad is not None]:
                torch._foreach_div_(grads, divisor)


def by_use(kinds: Mapping[str, Kind], samples: int, uses: torch.Tensor) -> dict[str, torch.Tensor]:
    """Position -> ``(sets,)``: the number of assignments times that of the tasks that are expected to use each set.

    For a private set that is one task, for a common one all.

    Args:
        kinds: of the positions.
        samples: assignments, lambda_theta.
        uses: ``(tasks, learned positions, K)``: the probability that a task uses a set.
    """
    tasks = len(uses)
    learned = iter(samples * uses.sum(0))
    fixed = {"private": torch.full((tasks,), samples), "common": torch.tensor([samples * tasks])}
    return {name: next(learned) if kind == "learned" else fixed[kind] for name, kind in kinds.items()}
