import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from evoplug import Rng

keys = st.lists(st.integers() | st.text(max_size=5), max_size=3)


@given(st.integers(0, 2**63 - 1), keys)
def test_a_child_depends_on_seed_and_key_alone(seed, key):
    parent = Rng(seed)
    before = parent.child(*key).seed
    parent.numpy.random(), parent.python.random(), torch.rand(1, generator=parent.torch)
    assert parent.child(*key).seed == before == Rng(seed).child(*key).seed


@given(keys, keys)
def test_different_keys_are_different_streams(a, b):
    assert (Rng(1).child(*a).seed == Rng(1).child(*b).seed) == (a == b)


def test_a_stream_advances():
    rng = Rng(3)
    assert rng.numpy.random() != rng.numpy.random()
    assert torch.rand(1, generator=rng.torch) != torch.rand(1, generator=rng.torch)


def test_the_same_in_another_process_whatever_the_hash_seed():
    code = "from evoplug import Rng; r = Rng(7).child('a', 1); print(r.seed, r.python.random(), r.numpy.random())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_no_global_randomness_is_touched():
    import random

    import numpy

    states = random.getstate(), str(numpy.random.get_state()), torch.get_rng_state().clone()
    rng = Rng(1).child("x")
    rng.numpy.random(), rng.python.random(), torch.rand(3, generator=rng.torch)
    assert random.getstate() == states[0]
    assert str(numpy.random.get_state()) == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
