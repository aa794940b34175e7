"""Small environments of which everything is known, registered as `Known/NAME-v0`."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Walk(gymnasium.Env):
    """Five steps; the observation is where the walk begins, a random number, and how many steps it took. The reward is
    one for each step to the right (action 1), and once, where it begins."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 7}
    open = 0
    """Made and not closed."""

    def __init__(self, render_mode=None, length=5, fault=None):
        type(self).open += 1
        self.render_mode, self.length, self.fault = render_mode, length, fault
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        if self.fault == "reset":
            raise RuntimeError("no ground\nto stand on")
        self.begin, self.steps = self.np_random.uniform(), 0
        return self._seen(), {}

    def step(self, action):
        self.steps += 1
        if self.fault == "step" and self.steps == 3:
            raise RuntimeError("a hole")
        reward = float(action) + (self.begin if self.steps == 1 else 0.0)
        if self.fault == "reward":
            reward = np.nan
        return self._seen(), reward, self.steps == self.length, False, {}

    def render(self):
        if self.fault == "render":
            raise gymnasium.error.DependencyNotInstalled("no pencil")
        return np.full((4, 6, 3), self.steps, np.uint8)

    def close(self):
        type(self).open -= 1

    def _seen(self):
        return np.array([np.nan if self.fault == "observation" else self.begin, self.steps], np.float32)


class Spaces(gymnasium.Env):
    """One step, in any spaces."""

    observation_space = spaces.Box(0, 255, (6, 5, 3), np.uint8)
    action_space = spaces.Box(np.array([-1, 0], np.float32), np.array([3, 1], np.float32))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.full((6, 5, 3), 255, np.uint8), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return np.zeros((6, 5, 3), np.uint8), float(action.sum()), True, False, {}


for name, cls in {"Walk": Walk, "Spaces": Spaces}.items():
    gymnasium.register(f"Known/{name}-v0", cls)
