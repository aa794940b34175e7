import subprocess
import sys

import pytest
import torch
from torch import nn

from evoplug_supervised.optimizers import SGD, Adam

KINDS = [(SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}), (Adam, torch.optim.Adam, {})]


def trained(kind, options):
    """The weights after some steps, and what the optimizer remembers."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    optimizer = kind(network.parameters(), weight_decay=0.01, fused=True, **options)
    for _ in range(5):
        optimizer.zero_grad()
        network(torch.randn(4, 8)).square().sum().backward()
        optimizer.step()
    assert all(not weight.grad.requires_grad for weight in network.parameters())
    remembered = [value for slots in optimizer.state.values() for value in slots.values()]
    return [*network.parameters(), *remembered]


@pytest.mark.parametrize(("ours", "theirs", "options"), KINDS)
def test_they_give_the_numbers_of_torchs_own(ours, theirs, options):
    pairs = zip(trained(ours, options), trained(theirs, options), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_torchs_compiler_is_not_imported(name):
    script = f"""
import sys, torch
from evoplug_supervised.optimizers import {name}
weight = torch.ones(3, requires_grad=True)
optimizer = {name}([weight], fused=True)
optimizer.zero_grad()
weight.sum().backward()
optimizer.step()
optimizer.load_state_dict(optimizer.state_dict())
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
