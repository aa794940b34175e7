"""Running mean and deviation, against numpy's of all at once."""

import numpy as np
import pytest
import torch

from evoplug_rl.moments import LEAST, Moments, Seen


def numbers(n, offset=0.0):
    return torch.from_numpy(np.random.default_rng(n).normal(offset, 3, (n, 2))).float()


def seen(observations, episodes, about=None):
    """Moments of observations, the i-th of which belongs to the episode ``episodes[i]``."""
    watch = Seen(4, torch.zeros(2, dtype=torch.float64) if about is None else about)
    for observation, episode in zip(observations, episodes, strict=True):
        watch(np.array([episode]), observation[None])
    return watch.moments()


def test_mean_and_deviation_of_all_that_was_seen():
    first, second = numbers(9, offset=1000), numbers(5, offset=1000)
    moments = seen(first, [0, 1, 2] * 3)
    moments = moments.joined(seen(second, [3] * 5, moments.mean))
    both = torch.cat([first, second]).double()
    assert moments.count == 14
    torch.testing.assert_close(moments.mean, both.mean(0))
    torch.testing.assert_close(moments.deviation, both.std(0, correction=0))


def test_the_order_of_the_episodes_changes_no_bit():
    observations = numbers(12)
    episodes = [0, 1, 2, 3] * 3
    order = sorted(range(12), key=lambda place: episodes[place])
    one = seen(observations, episodes)
    other = seen(observations[order], [episodes[place] for place in order])
    assert torch.equal(one.mean, other.mean)
    assert torch.equal(one.squares, other.squares)


def test_nothing_seen_changes_nothing():
    none = Moments.none((2,))
    assert none.deviation.tolist() == [1, 1]
    assert seen(numbers(0), []).count == 0
    some = seen(numbers(3), [0, 0, 0])
    assert some.joined(none) is some
    assert torch.equal(none.joined(some).mean, some.mean)


@pytest.mark.parametrize("value", [0.0, 7.5])
def test_what_never_changes_has_the_least_deviation(value):
    moments = seen(torch.full((5, 2), value), [0] * 5)
    assert moments.mean.tolist() == [value, value]
    assert moments.deviation.tolist() == [LEAST, LEAST]
