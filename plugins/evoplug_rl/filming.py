"""What an episode looks like."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import torch

from evoplug import Rng
from evoplug.population.forward import each
from evoplug_rl.environments import Environments
from evoplug_rl.playing import Policy


def frames(
    policy: Policy, weights: torch.Tensor, rng: Rng, environments: Environments, cap: int | None
) -> Generator[np.ndarray]:
    """The frames of one episode, drawn as they are taken; the environments are closed with it.

    Args:
        weights: ``(1, d)``.
        rng, cap: as :func:`evoplug_rl.playing.play` has them, which plays the same episode.
        environments: which draw themselves.
    """
    with closing(environments):
        seen, over, steps = environments.begin([0], [rng]), False, 0
        yield environments.render(0)
        while not over and steps != cap:
            outputs = each(policy.template, weights, policy.sense(seen).unsqueeze(0))[0]
            if outputs.isnan().any():
                return
            seen, _, (over,) = environments.step([0], policy.act(outputs))
            yield environments.render(0)
            steps += 1
