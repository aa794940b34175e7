"""The same games in this process, in others, and in both."""

import os
import signal
from functools import partial

import gymnasium
import numpy as np
import pytest
import torch

from evoplug import Rng
from evoplug_rl import board
from evoplug_rl.arena import SlotError
from evoplug_rl.dealt_arena import DealtArena
from evoplug_rl.environment import EnvironmentGame
from evoplug_rl.game import Shapes
from evoplug_rl.history import History
from evoplug_rl.local_arena import LocalArena
from evoplug_rl.process_arena import ProcessArena

SHAPES = Shapes((4,), "float32", (), "int64")
GAME = partial(EnvironmentGame, gymnasium.spec("CartPole-v1"), {}, np.asarray)
SLOTS = 7


def here():
    return LocalArena(GAME, SHAPES)


def elsewhere(slots=SLOTS, processes=2):
    return ProcessArena(GAME, SHAPES, slots, processes)


@pytest.fixture
def arena(request):
    made = request.param()
    yield made
    made.close()


def played(arena, disturb=lambda step: None):
    """What episodes give that begin at different times."""
    rng, found = np.random.default_rng(1), []
    slots = np.array([5, 0, 1, 3])
    found.append(arena.begin(slots, [Rng(seed) for seed in range(4)]))
    for step in range(6):
        disturb(step)
        if step == 3:
            found.append(arena.begin(np.array([2, 6]), [Rng(8), Rng(9)]))
            slots = np.array([0, 6, 3, 2])
        arena.step_async(slots, rng.integers(0, 2, len(slots)))
        seen, rewards, over = arena.step_wait()
        found += [seen, torch.from_numpy(rewards), torch.from_numpy(over)]
    return found


def dealt():
    return DealtArena([here(), elsewhere(3, 1), elsewhere(3, 2)])


@pytest.mark.parametrize("arena", [elsewhere, dealt], indirect=True)
def test_where_games_are_played_changes_nothing(arena):
    assert all(torch.equal(a, b) for a, b in zip(played(arena), played(here()), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(played(arena), played(here()), strict=True))  # and once more


@pytest.mark.parametrize("arena", [elsewhere], indirect=True)
@pytest.mark.parametrize("at", [0, 3])
def test_a_process_that_dies_as_some_begin_plays_again_what_others_did(arena, at):
    """At 3, two slots are told to begin while others have come some way."""
    kill = lambda step: os.kill(arena.pids[0], signal.SIGKILL) if step == at else None
    assert all(torch.equal(a, b) for a, b in zip(played(arena, kill), played(here()), strict=True))


class Failing:
    """Its first episode cannot begin, or not go on."""

    seen, frames = np.zeros(4), 0

    def __init__(self, at):
        self.at = at

    def begin(self, seed):
        if self.at == "begin":
            raise RuntimeError("no luck")

    def step(self, action):
        raise RuntimeError("no luck")


@pytest.mark.parametrize("at", ["begin", "step"])
def test_a_failure_is_told_with_the_slot_as_whoever_deals_numbers_it(at):
    arena = DealtArena([here(), here(), LocalArena(partial(Failing, at), SHAPES)])
    slots = np.array([4, 5, 6])
    with pytest.raises(SlotError, match="slot 5: RuntimeError: no luck"):
        arena.begin(slots, [Rng(1)] * 3)
        arena.step_async(slots, np.zeros(3, int))
        arena.step_wait()


def test_a_history_has_the_orders_of_the_episode_that_goes_on():
    history, both = History(2, SHAPES), np.arange(2)
    history.begin(both)
    for step in range(150):  # longer than it is at first
        history.step(both, np.array([step, -step]))
    history.begin(both[:1])
    history.step(both[:1], np.array([7]))
    assert list(history.orders(0)) == [(board.BEGIN, 0), (board.STEP, 7)]
    assert list(history.orders(1)) == [(board.BEGIN, 0), *((board.STEP, -step) for step in range(150))]
