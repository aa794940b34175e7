"""One environment of Gymnasium, as a game. Importable without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import UnregisteredEnv
from gymnasium.wrappers import OrderEnforcing, TimeLimit

from evoplug.contracts import ConfigError
from evoplug_rl.game import GameError, told

Environment = gymnasium.Env[Any, Any]


class EnvironmentGame:
    """An environment, without its limit of steps, which is the player's affair.

    Args:
        name: or the specification, which is known to processes that have not registered it.
        options: of its constructor.
        array: an observation to an array.
    """

    def __init__(self, name: str | EnvSpec, options: Mapping[str, Any], array: Callable[[Any], np.ndarray]) -> None:
        self._environment, _ = bare(make(name, options))
        self._array = array
        self.frames = 0

    def begin(self, seed: int) -> None:
        try:
            found, _ = self._environment.reset(seed=seed)
        except Exception as error:
            raise GameError(f"reset raised {told(error)}") from error
        self.seen, self.frames = self._array(found), 0

    def step(self, action: Any) -> tuple[float, bool]:
        try:
            found, reward, terminated, truncated, _ = self._environment.step(action)
        except Exception as error:
            raise GameError(f"step raised {told(error)}") from error
        self.seen = self._array(found)
        self.frames += 1
        return float(reward), terminated or truncated

    def render(self) -> Any:
        """What is to be seen, as the environment renders it."""
        return self._environment.render()

    def close(self) -> None:
        self._environment.close()


def make(name: str | EnvSpec, options: Mapping[str, Any]) -> Environment:
    """A new environment.

    Raises:
        ConfigError: if there is none of this name, it cannot be made here, or not with these options.
    """
    said = name if isinstance(name, str) else name.id
    try:
        return gymnasium.make(name, disable_env_checker=True, **options)
    except UnregisteredEnv as error:
        raise ConfigError("environment", _unknown(said, error)) from error
    except Exception as error:  # whatever its constructor, or the module that it is in, raises
        raise ConfigError("environment", f"{said} cannot be made: {told(error)}") from error


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
