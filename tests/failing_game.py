"""``evoplug_rl.game_process`` with a game that fails in the episode of the seed 13, in its third step."""

import os
import signal
import time

from evoplug_rl import game_process


class Failing:
    def __init__(self, game):
        self.game = game

    def __getattr__(self, name):
        return getattr(self.game, name)

    def begin(self, seed):
        self.game.begin(seed)
        self.seed, self.steps = seed, 0

    def step(self, action):
        self.steps += 1
        if (self.seed, self.steps) == (13, 3):
            {"dies": self.die, "hangs": self.hang, "raises": self.fail}[os.environ["FAILING"]]()
        return self.game.step(action)

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def hang(self):
        time.sleep(600)

    def fail(self):
        raise RuntimeError("out of quarters")


if __name__ == "__main__":
    play = game_process.Player
    game_process.Player = lambda make, *given: play(lambda: Failing(make()), *given)
    game_process.main()
