"""Dropout from a stream of its own is torch's dropout, but for the numbers."""

import pytest
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from evoplug import Rng
from evoplug_supervised.noise import Noise, draws

X = torch.ones(40, 30, 2, 2)


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("module", [nn.Dropout, nn.Dropout2d])
def test_a_share_p_becomes_zero_and_the_rest_keeps_the_mean(module, p):
    with Noise(Rng(1)):
        out = module(p)(X)
    kept = out[out != 0]
    assert (kept == 1 / (1 - p)).all() if p < 1 else len(kept) == 0
    assert (out == 0).double().mean().item() == pytest.approx(p, abs=0.05)


def test_whole_channels_are_dropped_by_dropout2d():
    with Noise(Rng(1)):
        out = nn.Dropout2d()(X)
    assert (out == out[:, :, :1, :1]).all()
    assert 0 < (out[:, :, 0, 0] == 0).double().mean() < 1


@pytest.mark.parametrize("module", [nn.Dropout(), nn.Dropout2d(), StochasticDepth(0.5, "row")])
def test_the_stream_alone_decides(module):
    before = torch.get_rng_state()
    outs = []
    for seed in (1, 1, 2):
        with Noise(Rng(seed)):
            outs.append(module(X))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])


def test_in_evaluation_mode_nothing_is_dropped():
    with Noise(Rng(1)):
        assert not torch.equal(nn.Dropout()(X), X)
        assert torch.equal(nn.Dropout().eval()(X), X)


def test_gradients_pass_where_values_do():
    x = X.clone().requires_grad_()
    with Noise(Rng(1)):
        out = nn.Dropout(0.5)(x)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_who_draws():
    assert draws(nn.Dropout(), X)
    assert draws(nn.Dropout().eval(), X)  # asked of training
    assert not draws(nn.Sequential(nn.Flatten(), nn.Linear(120, 2)), X)
    with Noise(Rng(1)):
        assert not draws(nn.Dropout(), X)
        assert draws(nn.AlphaDropout(), X)
