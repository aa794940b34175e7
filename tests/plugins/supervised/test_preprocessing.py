"""Preprocessing as a module: what makes raw examples into what ``load`` gives."""

import struct

import pytest
import torch

from evoplug import Rng
from evoplug_supervised.datasets.digits import Digits
from evoplug_supervised.datasets.idx import MNIST
from evoplug_supervised.preprocessing import Preprocessing


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """The test images, uint8, of an MNIST with 12 + 5 images in the data folder."""
    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))
    monkeypatch.setattr(MNIST, "counts", {"train": 12, "test": 5})
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for half, n in (("train", 12), ("t10k", 5)):
        images = torch.randint(256, (n, 28, 28), generator=Rng(n).torch, dtype=torch.uint8)
        (folder / f"{half}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, n, 28, 28) + images.numpy().tobytes()
        )
        (folder / f"{half}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 0x801, n) + bytes(range(n // 2)) * 2 + bytes(n % 2)
        )
    return images.unsqueeze(1)


@pytest.mark.parametrize("normalisation", ["mean-image", "standard", "unit"])
@pytest.mark.parametrize(("pool", "pooling"), [(1, "max"), (2, "max"), (3, "mean")])
def test_raw_images_become_what_load_gives(raw, normalisation, pool, pooling):
    dataset = MNIST(validation=4, normalisation=normalisation, pool=pool, pooling=pooling)
    module, example = dataset.preprocessing()
    x, _ = dataset.load("test")
    assert torch.equal(module(raw), x)
    assert torch.equal(module(raw.float()), x)
    assert (example.shape, example.dtype) == ((2, 1, 28, 28), torch.uint8)
    assert module(example).shape[1:] == dataset.info().shape


def test_what_it_is_given_stays_as_it_is(raw):
    module, _ = MNIST(validation=4).preprocessing()
    given = raw.float()
    module(given)
    assert torch.equal(given, raw.float())


def test_it_is_the_caller_s_own(raw):
    first, _ = MNIST(validation=4).preprocessing()
    first.shift.fill_(7.0)
    second, _ = MNIST(validation=4).preprocessing()
    assert not (second.shift == 7.0).any()


def test_a_constant_channel_is_not_divided_by_zero():
    module = Preprocessing((1, 2, 2))
    module.fit(torch.full((3, 1, 2, 2), 51, dtype=torch.uint8), "standard")
    torch.testing.assert_close(module(torch.full((1, 1, 2, 2), 52)), torch.ones(1, 1, 2, 2), atol=1e-4, rtol=0)


def test_digits_are_divided_by_16():
    module, example = Digits().preprocessing()
    assert module(torch.full_like(example, 8.0)).unique().tolist() == [0.5]


def test_its_repr_is_its_constructor_and_its_state_the_rest(raw):
    module, _ = MNIST(validation=4, pool=2).preprocessing()
    again = eval(repr(module))
    again.load_state_dict(module.state_dict())
    assert torch.equal(again(raw), module(raw))
