"""``evoplug_rl.emulator_process`` with a game that fails in the episode of the seed 13, in its third step."""

import os
import signal
import time

from evoplug_rl import emulator_process
from evoplug_rl.emulator import Emulator


class Failing(Emulator):
    def begin(self, seed):
        super().begin(seed)
        self.seed, self.steps = seed, 0

    def step(self, action):
        self.steps += 1
        if (self.seed, self.steps) == (13, 3):
            {"dies": self.die, "hangs": self.hang, "raises": self.fail}[os.environ["FAILING"]]()
        return super().step(action)

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def hang(self):
        time.sleep(600)

    def fail(self):
        raise RuntimeError("out of quarters")


if __name__ == "__main__":
    emulator_process.Emulator = Failing
    emulator_process.main()
