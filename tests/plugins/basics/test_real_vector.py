"""Genotype ``real-vector``: bounds, scale, and what it says about bad ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evoplug import ConfigError, Rng, Task
from evoplug_basics.real_vector import RealVector


def bound(task=None, **parameters):
    space = RealVector(**parameters)
    assert not list(space.check())
    space.bind(task or Task())
    return space


def test_samples_are_uniform_in_each_genes_range():
    space = bound(length=2, low=[-1.0, 10.0], high=[1.0, 30.0])
    x = space.sample(4000, Rng(1))
    assert x.shape == (4000, 2)
    assert x.dtype == torch.float64
    assert (x >= space.lower).all()
    assert (x <= space.upper).all()
    torch.testing.assert_close(x.mean(0), torch.tensor([0.0, 20.0], dtype=x.dtype), atol=0.5, rtol=0)
    assert ((x < space.lower + (space.upper - space.lower) / 4).double().mean(0) - 0.25).abs().max() < 0.03


def test_log_scale_samples_every_decade_alike_in_natural_units():
    x = bound(length=1, low=1e-4, high=1.0, scale="log").sample(4000, Rng(1))
    assert x.min() >= 1e-4
    assert x.max() <= 1.0
    decades = torch.histc(x.log10().float(), 4, -4, 0) / len(x)
    assert (decades - 0.25).abs().max() < 0.03


def test_bounds_that_are_not_given_are_the_evaluators_domain():
    space = bound(Task(domain=(-5.0, 5.0)), length=3, high=1.0)
    assert space.lower.tolist() == [-5] * 3
    assert space.upper.tolist() == [1] * 3


def test_one_stream_gives_one_sample():
    space = bound(length=3, low=0.0, high=1.0)
    assert torch.equal(space.sample(5, Rng(7)), space.sample(5, Rng(7)))
    assert not torch.equal(space.sample(5, Rng(7)), space.sample(5, Rng(8)))


def test_float32_on_request():
    assert bound(low=0.0, high=1.0, dtype="float32").sample(1, Rng(1)).dtype == torch.float32


def test_repair_clamps_and_leaves_its_argument():
    genomes = torch.tensor([[-3.0, 0.5, 9.0]])
    assert bound(length=3, low=0.0, high=1.0).repair(genomes).tolist() == [[0, 0.5, 1]]
    assert genomes.tolist() == [[-3, 0.5, 9]]


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=4),
    st.floats(1.001, 1e3),
    st.sampled_from(["linear", "log"]),
    st.sampled_from(["float64", "float32"]),
)
def test_every_sample_is_inside_and_repair_leaves_it(low, factor, scale, dtype):
    space = bound(length=len(low), low=low, high=[factor * a for a in low], scale=scale, dtype=dtype)
    x = space.sample(20, Rng(1))
    assert torch.equal(space.repair(x), x)


def test_describe_is_plain_data():
    assert RealVector().describe(torch.tensor([1.0, 2.0])) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("parameters", "mistakes"),
    [
        ({"low": 1.0, "high": 0.0}, [("low", "must be below high, got 1.0 and 0.0")]),
        ({"low": [0.0, 2.0], "high": 2.0, "length": 2}, [("low", "gene 1: must be below high, got 2.0 and 2.0")]),
        ({"low": [0.0], "high": 2.0, "length": 2}, [("low", "has 1 values, and there are 2 genes")]),
        ({"low": 0.0, "high": [1.0] * 3, "length": 2}, [("high", "has 3 values, and there are 2 genes")]),
        ({"low": 0.0, "scale": "log"}, [("low", 'must be above 0 on scale "log", got 0.0')]),
        ({"low": 0.0}, []),
    ],
)
def test_bad_bounds(parameters, mistakes):
    assert list(RealVector(**parameters).check()) == mistakes


@pytest.mark.parametrize(
    ("parameters", "domain", "message"),
    [
        ({}, None, "low: must be given: the evaluator has no domain of its own"),
        ({"low": 0.0}, None, "high: must be given: the evaluator has no domain of its own"),
        ({"low": 6.0}, (-5.0, 5.0), "low: must be below high, got 6.0 and 5.0"),
        ({"scale": "log"}, (-5.0, 5.0), 'low: must be above 0 on scale "log", got -5.0'),
    ],
)
def test_bounds_that_do_not_go_with_the_evaluator(parameters, domain, message):
    with pytest.raises(ConfigError) as error:
        RealVector(**parameters).bind(Task(domain=domain))
    assert str(error.value) == message
