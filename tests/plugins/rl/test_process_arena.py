import os
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
import torch

from evoplug import Rng
from evoplug_rl import game_process, process_arena
from evoplug_rl.arena import SlotError
from evoplug_rl.emulator import Emulator, Rules, shapes
from evoplug_rl.process_arena import ProcessArena

RULES = Rules("assault", "minimal", side=24, stack=2, skip=4, no_ops=30, fire=False, end="game", sticky=0.1)
SLOTS, STEPS = 4, 8


def emulators(rules, slots, processes):
    return ProcessArena(partial(Emulator, rules), shapes(rules), slots, processes)


@pytest.fixture
def arena():
    """Makes arenas that are closed in the end."""
    made = []

    def make(processes=2, rules=RULES, slots=SLOTS):
        made.append(emulators(rules, slots, processes))
        return made[-1]

    yield make
    for each in made:
        each.close()


def played(arena, seeds=(11, 12, 13, 14), disturb=lambda step: None):
    """Everything that a few steps give."""
    slots = np.arange(len(seeds))
    found = [arena.begin(slots, [Rng(seed) for seed in seeds])]
    rng = np.random.default_rng(1)
    for step in range(STEPS):
        disturb(step)
        arena.step_async(slots, rng.integers(0, 7, len(seeds)))
        observations, rewards, over = arena.step_wait()
        found += [observations, torch.from_numpy(rewards), torch.from_numpy(over)]
    return found, arena.frames


@pytest.fixture(scope="module")
def undisturbed():
    """What :func:`played` gives."""
    arena = emulators(RULES, SLOTS, 2)
    yield played(arena)
    arena.close()


def same(a, b):
    return a[1] == b[1] and all(torch.equal(x, y) for x, y in zip(a[0], b[0], strict=True))


def gone(pid, seconds=10.0):
    """Whether a process ends in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_slots_are_emulators():
    arena, emulator = emulators(RULES, 2, 1), Emulator(RULES)
    slots = np.array([1])
    observations = arena.begin(slots, [Rng(8)])
    emulator.begin(8)
    for action in (1, 5, 2):
        assert observations.dtype == torch.uint8
        assert torch.equal(observations[0], torch.from_numpy(emulator.seen))
        arena.step_async(slots, np.array([action]))
        observations, rewards, over = arena.step_wait()
        assert (rewards[0], over[0]) == emulator.step(action)
        assert (rewards.dtype, over.dtype) == (np.float64, np.bool_)
    assert arena.frames == emulator.frames == 9 + 12
    arena.close()


@pytest.mark.parametrize("processes", [1, 3, 9])
def test_the_number_of_processes_changes_nothing(arena, undisturbed, processes):
    one = arena(processes)
    assert len(one.pids) == min(processes, SLOTS)
    assert same(played(one), undisturbed)


def test_slots_can_be_used_again(arena):
    one = arena()
    first = played(one)
    frames = one.frames
    assert all(torch.equal(x, y) for x, y in zip(played(one)[0], first[0], strict=True))
    assert one.frames == 2 * frames


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_process_played_that_died_is_played_again(arena, undisturbed, how):
    one = arena()

    def kill(step):
        if step in (0, 5):
            os.kill(one.pids[1], how)

    before = one.pids
    assert same(played(one, disturb=kill), undisturbed)
    assert one.pids[0] == before[0]
    assert gone(before[1])


def test_what_a_process_played_that_hangs_is_played_again(arena, undisturbed, monkeypatch):
    monkeypatch.setattr(process_arena, "PATIENCE", 2.0)
    one = arena()
    stop = lambda step: os.kill(one.pids[0], signal.SIGSTOP) if step == 4 else None
    assert same(played(one, disturb=stop), undisturbed)


@pytest.mark.parametrize(
    ("failing", "said"),
    [("dies", "ended by SIGKILL"), ("hangs", "no answer for 2 seconds"), ("raises", "RuntimeError: out of quarters")],
)
def test_a_second_failure_in_an_episode_is_an_error_that_names_its_slot(arena, monkeypatch, failing, said):
    command = game_process.command
    monkeypatch.setattr(game_process, "command", lambda *given: ["failing_game", *command(*given)[1:]])
    monkeypatch.setattr(process_arena, "PATIENCE", 2.0)
    monkeypatch.setenv("FAILING", failing)
    with pytest.raises(SlotError, match=f"slot 2: its process failed twice: {said}"):
        played(arena())


def test_processes_that_do_not_start_say_why(arena, monkeypatch):
    monkeypatch.setattr(game_process, "command", lambda *given: ["no_such_module"])
    with pytest.raises(SlotError, match=r"does not start: .*No module named no_such_module"):
        played(arena())


def test_closing_ends_the_processes():
    one = emulators(RULES, SLOTS, 2)
    one.begin(np.zeros(1, int), [Rng(1)])
    one.close()
    assert all(gone(pid, 1) for pid in one.pids)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_who_started_it(how):
    code = f"""
import time
from evoplug import Rng
from functools import partial
import numpy as np
from evoplug_rl.emulator import Emulator, Rules, shapes
from evoplug_rl.process_arena import ProcessArena
rules = Rules{tuple(RULES)}
arena = ProcessArena(partial(Emulator, rules), shapes(rules), 2, 2)
arena.begin(np.arange(2), [Rng(1), Rng(2)])
print(*arena.pids, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        pids = [int(pid) for pid in process.stdout.readline().split()]
        process.send_signal(how)
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)
