"""Many episodes of many networks, in as many slots as there are."""

import numpy as np
import pytest
import torch
from torch import nn

from evoplug import Rng
from evoplug.population.workers import workers
from evoplug_rl.arena import SlotError
from evoplug_rl.playing import EpisodeError, Policy, play

SHAPE = (1, 4, 4)


class Numbers:
    """Episodes of one to nine steps whose observations are random; the reward is the action and a random number."""

    def __init__(self, shape=SHAPE):
        self.shape = shape
        self.at, self.steps, self.most, self.failing = {}, 0, 0, None
        self.bad = {}

    def begin(self, slots, episodes):
        for slot, rng in zip(slots.tolist(), episodes, strict=True):
            if rng.seed == self.failing:
                raise SlotError(slot, "no luck")
            self.at[slot] = [rng, int(rng.numpy.integers(1, 10))]
        return torch.stack([self.look(slot) for slot in slots.tolist()])

    def step_async(self, slots, actions):
        self.ordered = slots.tolist(), actions

    def step_wait(self):
        slots, actions = self.ordered
        self.steps += 1
        self.most = max(self.most, len(slots))
        rewards, over = [], []
        for slot, action in zip(slots, actions, strict=True):
            rng, left = self.at[slot]
            self.at[slot][1] -= 1
            luck = np.nan if self.bad.get(rng.seed) == "reward" else rng.numpy.normal()
            rewards.append(float(action) + luck)
            over.append(left == 1)
        return torch.stack([self.look(slot) for slot in slots]), np.array(rewards), np.array(over)

    def look(self, slot):
        rng, _ = self.at[slot]
        found = torch.from_numpy(rng.numpy.normal(size=self.shape)).float()
        return found * np.nan if self.bad.get(rng.seed) == "observation" else found


def policy(template):
    return Policy(template.eval().requires_grad_(False), lambda outputs: outputs[:, 0].double().numpy())


DENSE = nn.Sequential(nn.Flatten(), nn.Linear(16, 7), nn.SiLU(), nn.Linear(7, 2))
CONVOLUTION = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2))


def population(template, n=6):
    length = sum(parameter.numel() for parameter in template.parameters())
    return torch.randn(n, length, generator=Rng(1).torch)


def listed(each, n=6):
    """``each[row]`` episodes of each row, each with a stream of its own."""
    return [(row, Rng(100 * row + number)) for row in range(n) for number in range(each[row % len(each)])]


@pytest.mark.parametrize("template", [DENSE, CONVOLUTION])
def test_each_episode_is_what_its_network_does_alone(template):
    genomes, episodes = population(template), listed([1, 3])
    played = play(policy(template), genomes, episodes, [Numbers()], slots=4)
    for number, (row, rng) in enumerate(episodes):
        nn.utils.vector_to_parameters(genomes[row], template.parameters())
        rng, arena, total, over, steps = Rng(rng.seed), Numbers(), 0.0, [False], 0
        x = arena.begin(np.zeros(1, int), [rng])
        while not over[0]:
            arena.step_async(np.zeros(1, int), template(x)[:, 0].double().numpy())
            x, reward, over = arena.step_wait()
            total, steps = total + reward[0], steps + 1
        assert played.returns[number] == pytest.approx(total, abs=1e-4)
        assert played.steps[number] == steps


@pytest.mark.parametrize("template", [DENSE, CONVOLUTION])
@pytest.mark.parametrize("each", [[1], [3], [11, 1, 2]])
def test_neither_slots_nor_arenas_nor_workers_change_a_bit(template, each):
    genomes = population(template)

    def played(slots, arenas=1):
        return play(policy(template), genomes, listed(each), [Numbers() for _ in range(arenas)], slots)

    with workers(1):
        expected = played(1)
        others = [played(slots) for slots in (2, 5, 50)]
    with workers(3):
        others += [played(7), played(2, arenas=3), played(50, arenas=2)]
    for other in others:
        assert np.array_equal(other.returns, expected.returns)
        assert np.array_equal(other.steps, expected.steps)


def test_a_slot_is_used_again_at_once():
    arena, episodes = Numbers(), listed([5])
    played = play(policy(DENSE), population(DENSE), episodes, [arena], slots=4)
    assert arena.most == 4
    assert arena.at.keys() == {0, 1, 2, 3}
    longest = played.steps.max()
    assert played.steps.sum() / 4 <= arena.steps < played.steps.sum() / 4 + longest


def test_rows_may_come_in_any_order_and_not_at_all():
    episodes = [(4, Rng(1)), (1, Rng(2)), (1, Rng(3))]
    played = play(policy(DENSE), population(DENSE), episodes, [Numbers()], slots=8)
    turned = play(
        policy(DENSE), population(DENSE).flip(0), [(1, Rng(1)), (4, Rng(2)), (4, Rng(3))], [Numbers()], slots=8
    )
    assert np.array_equal(played.returns, turned.returns)


def test_the_cap_ends_an_episode():
    free = play(policy(DENSE), population(DENSE), listed([4]), [Numbers()], slots=8)
    capped = play(policy(DENSE), population(DENSE), listed([4]), [Numbers()], slots=8, cap=3)
    assert np.array_equal(capped.steps, free.steps.clip(max=3))
    assert free.steps.max() > 3


@pytest.mark.parametrize("what", ["observation", "reward"])
def test_what_is_no_number_ends_that_episode_alone(what):
    sound = play(policy(DENSE), population(DENSE), listed([2]), [Numbers()], slots=3)
    arena = Numbers()
    arena.bad = {200: what}
    played = play(policy(DENSE), population(DENSE), listed([2]), [arena], slots=3)
    others = np.arange(12) != 4
    assert np.isnan(played.returns[4])
    assert played.steps[4] == (what == "reward")
    assert np.array_equal(played.returns[others], sound.returns[others])


def test_outputs_that_are_no_numbers_end_all_episodes_of_that_network():
    genomes = population(DENSE)
    genomes[1] = torch.nan
    played = play(policy(DENSE), genomes, listed([2]), [Numbers()], slots=3)
    assert np.isnan(played.returns).nonzero()[0].tolist() == [2, 3]


def test_a_failure_is_told_with_the_row_that_played():
    arena = Numbers()
    arena.failing = 301
    with pytest.raises(EpisodeError, match="row 3: no luck") as caught:
        play(policy(DENSE), population(DENSE), listed([2]), [arena], slots=3)
    assert caught.value.row == 3


def test_whoever_watches_is_told_of_every_observation_that_was_acted_on():
    seen = []

    def watch(numbers, observations):
        assert observations.shape == (len(numbers), *SHAPE)
        seen.extend(numbers.tolist())

    played = play(policy(DENSE), population(DENSE), listed([3]), [Numbers()], slots=4, watch=watch)
    assert np.array_equal(np.bincount(seen), played.steps)
