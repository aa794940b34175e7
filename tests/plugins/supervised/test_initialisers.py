from math import sqrt

import pytest
import torch
from torch import nn

from evoplug import Rng
from evoplug_supervised.initialisers import INITIALISERS, fill

SIGMA = {  # of a layer with 200 inputs and 100 outputs
    "glorot-uniform": sqrt(2 / 300),
    "he-normal": sqrt(2 / 200),
    "he-uniform": sqrt(2 / 200),
    "normal": 0.05,
    "normalised": sqrt(1 / 200),
    "torch-uniform": sqrt(1 / 600),
}


@pytest.mark.parametrize("name", INITIALISERS)
def test_weights_have_the_spread_that_the_name_stands_for(name):
    weights = torch.empty(3, 100, 200)
    fill({"weight": weights}, name, Rng(1))
    assert weights.std().item() == pytest.approx(SIGMA[name], rel=0.02)
    assert weights.mean().item() == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize(
    ("name", "bound"),
    [("glorot-uniform", sqrt(6 / 300)), ("he-uniform", sqrt(6 / 200)), ("torch-uniform", sqrt(1 / 200))],
)
def test_a_uniform_one_stays_inside_its_bound_and_reaches_it(name, bound):
    weights = torch.empty(3, 100, 200)
    fill({"weight": weights}, name, Rng(1))
    assert weights.abs().max().item() == pytest.approx(bound, rel=0.001)
    assert weights.abs().max().item() <= bound * (1 + 1e-6)


def test_torch_uniform_is_what_torchs_layers_begin_with():
    weights = torch.empty(1, 8, 4, 3, 3)
    fill({"weight": weights}, "torch-uniform", Rng(1))
    nn.init.kaiming_uniform_(layer := nn.Conv2d(4, 8, 3).weight, a=sqrt(5), generator=Rng(1).torch)
    torch.testing.assert_close(weights[0], layer.detach())


def test_kernels_count_their_receptive_field():
    kernels = torch.empty(2, 64, 32, 3, 3)
    fill({"weight": kernels}, "he-normal", Rng(1))
    assert kernels.std().item() == pytest.approx(sqrt(2 / (32 * 9)), rel=0.02)


def test_he_uniform_is_torchs_for_relu():
    weights, torchs = torch.empty(1, 8, 4, 3, 3), torch.empty(8, 4, 3, 3)
    fill({"weight": weights}, "he-uniform", Rng(1))
    nn.init.kaiming_uniform_(torchs, nonlinearity="relu", generator=Rng(1).torch)
    torch.testing.assert_close(weights[0], torchs)


@pytest.mark.parametrize("shape", [(3, 4, 7), (2, 5, 3, 2, 2)])
def test_normalised_weights_into_each_unit_have_norm_one(shape):
    weights = torch.empty(shape)
    fill({"weight": weights}, "normalised", Rng(1))
    assert weights.flatten(2).norm(dim=2).numpy() == pytest.approx(1, rel=1e-6)


def drawn(module, init, seed=1):
    """Name -> the parameters of one network, drawn."""
    parameters = {name: torch.empty(1, *parameter.shape) for name, parameter in module.named_parameters()}
    fill(parameters, init, Rng(seed))
    return {name: block[0] for name, block in parameters.items()}


def test_biases_are_zero_and_gains_one():
    parameters = drawn(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)), "he-normal")
    assert parameters["0.bias"].eq(0).all()
    assert parameters["1.weight"].eq(1).all()
    assert parameters["1.bias"].eq(0).all()
    assert drawn(nn.MultiheadAttention(4, 2), "he-normal")["in_proj_bias"].eq(0).all()


def test_the_stream_alone_decides():
    first, second, other = (drawn(nn.Linear(5, 5), "glorot-uniform", seed) for seed in (1, 1, 2))
    assert torch.equal(first["weight"], second["weight"])
    assert not torch.equal(first["weight"], other["weight"])


def test_a_function_gets_the_fans():
    def by_fans(weights, fan_in, fan_out, generator):
        weights.fill_(fan_in * 100 + fan_out)

    assert drawn(nn.Conv2d(3, 4, 2), by_fans)["weight"].unique().tolist() == [12 * 100 + 16]
