"""Parents that are evaluated again: the mean of all that a member was given."""

import torch

from evoplug import Members
from evoplug.backends.running_mean import RunningMean


def members(ids, fitness):
    ids = torch.tensor(ids)
    return Members(torch.zeros(len(ids), 1), ids, torch.full((len(ids), 2), -1), torch.tensor(fitness))


def test_means_by_hand():
    mean = RunningMean()
    assert mean.add(members([7, 3], [1.0, 2.0])).tolist() == [1.0, 2.0]
    assert mean.add(members([3, 9], [4.0, 5.0])).tolist() == [3.0, 5.0]
    assert mean.add(members([3, 7], [0.0, 3.0])).tolist() == [2.0, 2.0]


def test_evaluations_are_counted():
    mean = RunningMean()
    mean.add(members([7, 3], [1.0, 2.0]))
    mean.add(members([3, 9], [4.0, -torch.inf]))
    assert mean.counts(members([9, 3, 7, 5], [0.0] * 4)).tolist() == [1, 2, 1, 0]


def test_a_member_that_stands_twice_is_evaluated_twice():
    assert RunningMean().add(members([1, 1, 2], [1.0, 3.0, 5.0])).tolist() == [2.0, 2.0, 5.0]


def test_who_was_ever_invalid_stays_last():
    mean = RunningMean()
    mean.add(members([1], [-torch.inf]))
    assert mean.add(members([1], [5.0])).tolist() == [-torch.inf]


def test_who_is_not_kept_begins_anew():
    mean = RunningMean()
    mean.add(members([1, 2], [1.0, 1.0]))
    mean.keep(members([2], [1.0]))
    assert mean.add(members([1, 2], [3.0, 3.0])).tolist() == [3.0, 2.0]
