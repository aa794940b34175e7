"""Teams: networks that are trained as one learn what each would have learned alone."""

import copy
import io

import pytest
import torch
from torch import nn

from evoplug import Rng
from evoplug_supervised.losses import by_network
from evoplug_supervised.teams import SMALL, STACK, Alone, Stack, Teams, state_of
from evoplug_supervised.trainer import Recipe, score, train

LOSS = by_network(nn.CrossEntropyLoss(reduction="none"))
SHAPE = (2, 3)


def chain(hidden=5, bias=True):
    return nn.Sequential(nn.Flatten(), nn.Linear(6, hidden, bias), nn.Tanh(), nn.Linear(hidden, 3, bias))


def examples(n=50):
    x = torch.randn(n, *SHAPE, generator=Rng(1).torch)
    return x, (x[:, 0, 0] > 0).long() + (x[:, 1, 1] > 0).long()


def new_states(template, k):
    modules = [copy.deepcopy(template) for _ in range(k)]
    for seed, module in enumerate(modules):
        for weight in module.parameters():
            nn.init.normal_(weight, 0, 0.3, generator=Rng(seed).torch)
    return [state_of(module) for module in modules]


def trained(networks, states, epochs=2, first=0, **recipe):
    rngs = [Rng(seed) for seed in range(first, first + networks.k)]
    return train(networks, *examples(), LOSS, Recipe(epochs=epochs, batch=16, **recipe), states, 0, rngs)


def assert_close(a, b):
    assert a.keys() == b.keys()
    for key, value in a.items():
        if isinstance(value, dict):
            assert_close(value, b[key])
        else:
            torch.testing.assert_close(value, b[key])


@pytest.mark.parametrize("recipe", [{}, {"momentum": 0.0}, {"weight_decay": 0.1, "learning_rate": 0.03}])
@pytest.mark.parametrize("bias", [True, False])
def test_a_stack_learns_what_each_network_learns_alone(bias, recipe):
    template = chain(bias=bias)
    states = new_states(template, 3)
    together = trained(Stack(template, SHAPE, 3), states, **recipe)
    for row, (state, new) in enumerate(zip(states, together, strict=True)):
        [alone] = trained(Alone(copy.deepcopy(template)), [state], first=row, **recipe)
        assert_close(new, alone)


def test_each_network_has_its_own_order_of_examples():
    template = chain()
    [state] = new_states(template, 1)
    one, other = trained(Stack(template, SHAPE, 2), [state, state])
    assert not torch.equal(one["weights"]["1.weight"], other["weights"]["1.weight"])


def test_new_and_trained_networks_go_on_together():
    """The first step of a momentum that is zero is that of none."""
    template = chain()
    old, new = new_states(template, 2)
    [old] = trained(Alone(copy.deepcopy(template)), [old])
    together = trained(Stack(template, SHAPE, 2), [old, new])
    for row, state in enumerate((old, new)):
        [alone] = trained(Alone(copy.deepcopy(template)), [state], first=row)
        assert_close(together[row], alone)


def test_a_stack_s_states_go_through_a_file_and_are_never_changed():
    template = chain()
    states = trained(Stack(template, SHAPE, 2), new_states(template, 2))
    file = io.BytesIO()
    torch.save(states, file)
    small = sum(weight.numel() for weight in template.parameters()) * 4 * 2 * 2
    assert file.tell() < small + 16_000  # no state holds the whole stack
    file.seek(0)
    read = torch.load(file, weights_only=True)
    assert_close(
        dict(enumerate(trained(Stack(template, SHAPE, 2), read))),
        dict(enumerate(trained(Stack(template, SHAPE, 2), states))),
    )
    assert_close(dict(enumerate(states)), dict(enumerate(read)))


def test_a_stack_is_scored_network_by_network_and_one_that_diverged_harms_no_other():
    template = chain()
    states = new_states(template, 3)
    broken = {name: weight.clone() for name, weight in states[1]["weights"].items()}
    broken["1.weight"][0, 0] = torch.nan
    stack = Stack(template, SHAPE, 3)
    stack.load([states[0], {**states[1], "weights": broken}, states[2]])
    together = score(stack, *examples(), LOSS)
    assert together["accuracy"][1].isnan()
    assert together["loss"][1].isnan()
    for row in (0, 2):
        alone = Alone(copy.deepcopy(template))
        alone.load([states[row]])
        for metric, value in score(alone, *examples(), LOSS).items():
            torch.testing.assert_close(together[metric][row], value[0])


def size(module, shape=SHAPE):
    return Teams(module, torch.zeros(2, *shape), torch.device("cpu")).size


def test_only_small_plain_chains_are_stacked():
    assert size(chain()) == STACK
    assert size(nn.Sequential(nn.Linear(SMALL // 8, 3)), (SMALL // 8,)) == 2
    assert size(nn.Sequential(nn.Linear(SMALL, 1)), (SMALL,)) == 1
    assert size(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), (1, 4, 4)) == 1
    assert size(nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(6, 3))) == 1
    assert size(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6), nn.Linear(6, 3))) == 1


def test_a_team_of_one_is_alone():
    teams = Teams(chain(), torch.zeros(2, *SHAPE), torch.device("cpu"), most=3)
    assert teams.size == 3
    assert isinstance(teams.team(1), Alone)
    assert isinstance(teams.team(2), Stack)
