"""Environments of Gymnasium, one a slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.error import UnregisteredEnv
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from evoplug import Rng
from evoplug.contracts import ConfigError
from evoplug_rl.arena import Arena, SlotError
from evoplug_rl.spaces import Observations

Environment = gymnasium.Env[Any, Any]


def make(name: str, options: Mapping[str, Any]) -> Environment:
    """A new environment.

    Raises:
        ConfigError: if there is none of this name, it cannot be made here, or not with these options.
    """
    try:
        return gymnasium.make(name, disable_env_checker=True, **options)
    except UnregisteredEnv as error:
        raise ConfigError("environment", _unknown(name, error)) from error
    except Exception as error:  # whatever its constructor, or the module that it is in, raises
        raise ConfigError("environment", f"{name} cannot be made: {told(error)}") from error


def told(error: Exception) -> str:
    """What was raised, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _unknown(name: str, error: Exception) -> str:
    near = get_close_matches(name, gymnasium.registry, n=3)
    if near:
        return f"there is no environment `{name}`; near it are {', '.join(f'`{each}`' for each in near)}"
    return f"{' '.join(str(error).split())} One of a package is named as `ale_py:ALE/Pong-v5`."


def bare(environment: Environment) -> tuple[Environment, int | None]:
    """The environment without the wrappers that all are made with, which take a tenth of the time of a small one.

    Returns:
        It, and after how many steps an episode is cut off, which is then the caller's affair.
    """
    limit = None if environment.spec is None else environment.spec.max_episode_steps
    counted = (OrderEnforcing,) if limit is None else (OrderEnforcing, TimeLimit)
    while isinstance(environment, gymnasium.Wrapper) and type(environment) in counted:
        environment = environment.env
    return environment, limit


class Environments(Arena):
    """Plain environments in this process, each made when its slot is first used, and used until the end.

    Gymnasium's own vectors of them start all episodes from one stream, and step those that are over, too. Stepped one
    by one they are as fast: what takes the time is the environment itself.

    Args:
        make: a new environment.
        observations: of such environments.
    """

    def __init__(self, make: Callable[[], Environment], observations: Observations) -> None:
        self._make, self._observations = make, observations
        self._slots: dict[int, Environment] = {}

    def begin(self, slots: Sequence[int], episodes: Sequence[Rng]) -> torch.Tensor:
        seen, slot = self._empty(slots), -1
        try:
            for row, (slot, rng) in enumerate(zip(slots, episodes, strict=True)):
                if slot not in self._slots:
                    self._slots[slot] = self._make()
                found, _ = self._slots[slot].reset(seed=rng.seed)
                seen[row] = self._observations.array(found)
        except Exception as error:
            raise SlotError(slot, f"reset raised {told(error)}") from error
        return torch.from_numpy(seen)

    def step(self, slots: Sequence[int], actions: np.ndarray) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        seen, rewards, over = self._empty(slots), np.empty(len(slots)), np.empty(len(slots), bool)
        array, slot = self._observations.array, -1
        try:
            for row, (slot, action) in enumerate(zip(slots, actions, strict=True)):
                found, rewards[row], terminated, truncated, _ = self._slots[slot].step(action)
                seen[row], over[row] = array(found), terminated or truncated
        except Exception as error:
            raise SlotError(slot, f"step raised {told(error)}") from error
        return torch.from_numpy(seen), rewards, over

    def render(self, slot: int) -> Any:
        """What is to be seen in a slot, as its environment renders it."""
        return self._slots[slot].render()

    def close(self) -> None:
        with ExitStack() as stack:  # all of them, whatever one raises
            for environment in self._slots.values():
                stack.callback(environment.close)
            self._slots = {}

    def _empty(self, slots: Sequence[int]) -> np.ndarray:
        return np.empty((len(slots), *self._observations.shape), np.float32)
