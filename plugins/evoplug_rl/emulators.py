"""Atari 2600 games in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait

import numpy as np
import torch

from evoplug import Rng
from evoplug_rl import board, emulator_process
from evoplug_rl.arena import SlotError
from evoplug_rl.emulator import Rules

PATIENCE = 60.0
"""Seconds that a process has for one order in each of its slots: they take milliseconds, and tenths of a second where
a game is loaded first."""


class Emulators:
    """An arena of one game; slots are dealt to the processes in turn.

    Observations are ``(k, stack, side, side)``, screens from 0 to 1. A process that ends or hangs is replaced, and what
    was going on in its slots is played again, action by action: nobody sees it but by the clock.

    Args:
        rules: of the game.
        slots: how many.
        processes: at most one a slot. No result depends on it.

    Raises:
        SlotError: from ``begin`` and ``step``, when a process fails a second time at the same episode, or at nothing at
            all.
    """

    def __init__(self, rules: Rules, slots: int, processes: int) -> None:
        processes = min(slots, processes)
        self._memory = descriptor = board.create(slots, processes, rules)
        self._board = board.attach(descriptor, slots, processes, rules)
        self._board["order"], self._board["at"] = board.NOTHING, -1
        self._going: dict[int, _Going] = {}
        self._processes = [
            _Process(emulator_process.command(number, descriptor, slots, processes, rules), descriptor)
            for number in range(processes)
        ]
        self.frames = 0
        """Emulated since this was made, each frame of an episode once."""

    @property
    def pids(self) -> list[int]:
        """Of the processes."""
        return [process.pid for process in self._processes]

    def begin(self, slots: Sequence[int], episodes: Sequence[Rng]) -> torch.Tensor:
        for slot, episode in zip(slots, episodes, strict=True):
            self._going[slot] = _Going(episode)
        return self._carried_out(slots)

    def step(self, slots: Sequence[int], actions: np.ndarray) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
        self._going = {slot: self._going[slot] for slot in slots}  # all are stepped together: others were given up
        for slot, action in zip(slots, actions, strict=True):
            self._going[slot].orders.append(int(action))
        observations = self._carried_out(slots)
        rows = np.asarray(slots)
        over = self._board["over"][rows]
        for slot in rows[over]:
            del self._going[int(slot)]
        return observations, self._board["reward"][rows], over

    def close(self) -> None:
        for process in self._processes:
            process.end()
        os.close(self._memory)

    def _carried_out(self, slots: Sequence[int]) -> torch.Tensor:
        """The observations after the last order of each slot."""
        for slot in slots:
            self._put(slot, -1)
        at_work = sorted({slot % len(self._processes) for slot in slots})
        for number in at_work:
            self._processes[number].tell()
        for number in at_work:
            if not self._processes[number].done():
                self._replace(number, next(slot for slot in slots if slot % len(self._processes) == number))
        rows = np.asarray(slots)
        self.frames += int(self._board["frames"][rows].sum())
        return torch.from_numpy(self._board["screens"][rows]).float().div_(255)

    def _put(self, slot: int, which: int) -> None:
        """One of the orders of a slot on the board."""
        self._board["seed"][slot] = self._going[slot].episode.seed
        self._board["order"][slot] = self._going[slot].orders[which]

    def _replace(self, number: int, first: int) -> None:
        """A process that has failed, by one that has come to where that should be; ``first`` of its slots is blamed if
        there is no such process."""
        while True:
            failed_at = self._blame(number, first)
            self._board["at"][number] = -1
            self._processes[number].restart()
            if self._played_again(number, failed_at):
                return

    def _blame(self, number: int, first: int) -> int:
        """The slot that a failed process was at, -1 for none."""
        slot, process = int(self._board["at"][number]), self._processes[number]
        if slot < 0:
            if process.idle:
                raise SlotError(first, f"the process of its emulator does not start: {process.reason}")
            return slot
        self._going[slot].failures += 1
        if self._going[slot].failures > 1:
            raise SlotError(slot, f"the process of its emulator failed twice: {process.reason}")
        return slot

    def _played_again(self, number: int, first: int) -> bool:
        """Whether a new process could play all that goes on in its slots, ``first`` before the others: should it fail
        there again, the others need not be played."""
        self._board["order"][number :: len(self._processes)] = board.NOTHING
        mine = [slot for slot in self._going if slot % len(self._processes) == number]
        for slot in sorted(mine, key=lambda slot: slot != first):
            for which in range(len(self._going[slot].orders)):
                self._put(slot, which)
                self._processes[number].tell()
                if not self._processes[number].done():
                    return False
        return True


@dataclass
class _Going:
    """An episode that goes on in a slot."""

    episode: Rng
    orders: list[int] = field(default_factory=lambda: [board.BEGIN])
    failures: int = 0


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

    def done(self) -> bool:
        """Whether they are carried out, once they are; if not, ``reason`` says why."""
        if not wait([self._stdout], PATIENCE):
            self.reason = f"no answer for {PATIENCE:g} seconds"
            return False
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

    def _ending(self) -> str:
        """How it ended."""
        code = self._process.wait()
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(said) if line.strip()), f"ended with exit code {code}")
