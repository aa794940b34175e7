"""Games in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import torch

from evoplug import Rng
from evoplug_rl import board, game_process
from evoplug_rl.arena import Arena, SlotError
from evoplug_rl.bell import Bell
from evoplug_rl.game import Game, Shapes
from evoplug_rl.history import History

PATIENCE = 60.0
"""Seconds that a process has for one slot: a step takes microseconds, and tenths of a second where a game is loaded
first."""


class ProcessArena(Arena):
    """An arena of games, whose slots are dealt to the processes in turn.

    A process that ends or hangs is replaced, and what was going on in its slots is played again, action by action:
    nobody sees it but by the clock.

    Args:
        make: a new game; it can be pickled, and found again without torch.
        shapes: of its observations and actions.
        slots: how many.
        processes: at most one a slot. No result depends on it.

    Raises:
        SlotError: from ``begin`` and ``step_wait``, when a process fails a second time at the same episode, or at
            nothing at all.
    """

    def __init__(self, make: Callable[[], Game], shapes: Shapes, slots: int, processes: int) -> None:
        processes = min(slots, processes)
        self._memory = descriptor = board.create(slots, processes, shapes)
        self._board = board.attach(descriptor, slots, processes, shapes)
        self._board["at"][:] = -1
        self._history, self._failures = History(slots, shapes), np.zeros(slots, np.int64)
        self._going, self._ordered = np.zeros(slots, np.bool_), np.arange(0)
        self._processes = [
            _Process(game_process.command(make, number, descriptor, slots, processes, shapes), descriptor)
            for number in range(processes)
        ]
        self.frames = 0
        """Played since this was made, each frame of an episode once."""

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        return [process.pid for process in self._processes]

    def begin(self, slots: np.ndarray, episodes: Sequence[Rng]) -> torch.Tensor:
        self._board["seed"][slots] = [episode.seed for episode in episodes]
        self._board["order"][slots] = board.BEGIN
        self._history.begin(slots)
        self._failures[slots], self._going[slots] = 0, True
        self._tell(slots)
        return self._carried_out()

    def step_async(self, slots: np.ndarray, actions: np.ndarray) -> None:
        self._board["action"][slots] = actions
        self._board["order"][slots] = board.STEP
        self._history.step(slots, actions)
        self._going[:] = False  # all are stepped together: others were given up
        self._going[slots] = True
        self._tell(slots)

    def step_wait(self) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        observations, over = self._carried_out(), self._board["over"][self._ordered]
        self._going[self._ordered] = ~over
        return observations, self._board["reward"][self._ordered], over

    def close(self) -> None:
        for process in self._processes:
            process.end()
        os.close(self._memory)

    def _tell(self, rows: np.ndarray) -> None:
        """Whoever has one of these slots of its orders."""
        if rows is not self._ordered:
            self._ordered, self._at_work = rows, np.unique(rows % len(self._processes)).tolist()
        for number in self._at_work:
            self._processes[number].tell()

    def _carried_out(self) -> torch.Tensor:
        """The observations after the last orders."""
        for number in self._at_work:
            if not self._done(number):
                self._replace(number)
        self.frames += int(self._board["frames"][self._ordered].sum())
        return torch.from_numpy(self._board["seen"][self._ordered])

    def _done(self, number: int) -> bool:
        """Whether a process carries its orders out, be there ever so many: as long as it goes on, it is waited for."""
        at, process = int(self._board["at"][number]), self._processes[number]
        while not process.answers():
            before, at = at, int(self._board["at"][number])
            if before == at:
                process.reason = f"no answer for {PATIENCE:g} seconds"
                return False
        return process.done()

    def _replace(self, number: int) -> None:
        """A process that has failed, by one that has come to where that should be; the first of its slots is blamed if
        there is no such process."""
        while True:
            failed_at = self._blame(number)
            self._board["at"][number] = -1
            self._processes[number].restart()
            if self._played_again(number, failed_at):
                return

    def _blame(self, number: int) -> int:
        """The slot that a failed process was at, -1 for none."""
        slot, process = int(self._board["at"][number]), self._processes[number]
        if slot < 0:
            if process.idle:
                raise SlotError(self._of(number, self._ordered)[0], f"its process does not start: {process.reason}")
            return slot
        self._failures[slot] += 1
        if self._failures[slot] > 1:
            raise SlotError(slot, f"its process failed twice: {process.reason}")
        return slot

    def _played_again(self, number: int, first: int) -> bool:
        """Whether a new process could play all that goes on in its slots, ``first`` before the others: should it fail
        there again, the others need not be played."""
        mine = self._of(number, self._going.nonzero()[0])
        self._board["order"][number :: len(self._processes)] = board.NOTHING
        for slot in sorted(mine, key=lambda slot: slot != first):
            for order, action in self._history.orders(slot):
                self._board["order"][slot], self._board["action"][slot] = order, action
                self._processes[number].tell()
                if not self._done(number):
                    return False
        return True

    def _of(self, number: int, rows: np.ndarray) -> list[int]:
        """Those of some slots that a process has."""
        return [slot for slot in rows.tolist() if slot % len(self._processes) == number]


class _Process:
    """Carries out the orders on the board, once told."""

    def __init__(self, arguments: list[str], descriptor: int) -> None:
        self._arguments, self._descriptor = arguments, descriptor
        self.idle, self.reason = True, ""
        """Whether it has never answered; why it has failed."""
        self._start()

    def tell(self) -> None:
        """There are orders."""
        with suppress(BrokenPipeError):  # it has ended, as `done` will say
            os.write(self._stdin, b".")

    def answers(self) -> bool:
        """Whether there is something to read, an answer or the end, for which it has :data:`PATIENCE`."""
        return self._bell.rings(PATIENCE)

    def done(self) -> bool:
        """Whether it has answered that the orders are carried out; if not, ``reason`` says why."""
        answered = bool(os.read(self._stdout, 1))
        self.idle = self.idle and not answered
        if not answered:
            self.reason = self._ending()
        return answered

    def restart(self) -> None:
        self.end()
        self.idle, self.reason = True, ""
        self._start()

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _start(self) -> None:
        """A session of its own: Ctrl-C, and a signal to a whole group, must reach the run alone. It ends as the pipe
        closes through which it is told."""
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (it lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
            pass_fds=[self._descriptor],
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._bell = Bell(self._stdout)

    def _ending(self) -> str:
        """How it ended."""
        code = self._process.wait()
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(said) if line.strip()), f"ended with exit code {code}")
