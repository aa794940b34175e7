"""What an episode looks like."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import torch

from evoplug import Rng
from evoplug.population.forward import each
from evoplug_rl.environment import EnvironmentGame
from evoplug_rl.game import Shapes
from evoplug_rl.local_arena import LocalArena
from evoplug_rl.playing import Policy


def frames(
    policy: Policy, weights: torch.Tensor, rng: Rng, game: EnvironmentGame, shapes: Shapes, cap: int | None
) -> Generator[np.ndarray]:
    """The frames of one episode, drawn as they are taken; the game is closed with it.

    Args:
        weights: ``(1, d)``.
        rng, cap: as :func:`evoplug_rl.playing.play` has them, which plays the same episode.
        game: which draws itself.
        shapes: of its observations and actions.
    """
    slots, arena = np.zeros(1, np.int64), LocalArena(lambda: game, shapes)
    with closing(game):
        seen, over, steps = arena.begin(slots, [rng]), False, 0
        yield game.render()
        while not over and steps != cap:
            outputs = each(policy.template, weights, policy.sense(seen).unsqueeze(0))[0]
            if outputs.isnan().any():
                return
            arena.step_async(slots, policy.act(outputs))
            seen, _, (over,) = arena.step_wait()
            yield game.render()
            steps += 1
