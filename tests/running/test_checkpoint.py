import os
import pickle
import random
from collections import OrderedDict
from pathlib import Path

import numpy
import pytest
import torch

from evoplug import FilesError
from evoplug.running.checkpoint import FORMAT, Checkpoints
from evoplug.types import compact


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", keep=2)


def state(value):
    genomes = torch.full((50, 20), float(value))
    return {"loop": {"genomes": genomes}, "value": value, "random": random.Random(1).getstate()}


def test_the_newest_is_loaded_and_the_oldest_go(checkpoints):
    for generation in range(1, 5):
        checkpoints.save(generation, state(generation))
    loaded, warnings = checkpoints.load()
    assert loaded["value"] == 4
    assert loaded["random"] == random.Random(1).getstate()
    assert torch.equal(loaded["loop"]["genomes"], state(4)["loop"]["genomes"])
    assert not warnings
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_no_checkpoint_yet(checkpoints):
    assert checkpoints.load() is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_newest_one_falls_back_and_says_so(checkpoints, damage):
    checkpoints.save(1, state(1))
    newest = checkpoints.save(2, state(2))
    rng = random.Random(0)
    whole = newest.read_bytes()
    for _ in range(20):
        data = bytearray(whole)
        if damage == "flip":
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            del data[rng.randrange(len(data)) if damage == "truncate" else 0 :]
        newest.write_bytes(data)
        loaded, warnings = checkpoints.load()
        assert loaded["value"] == 1
        assert newest.name in warnings[0]


def test_all_damaged_refuses_and_removes_nothing(checkpoints):
    paths = [checkpoints.save(generation, state(generation)) for generation in (1, 2)]
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FilesError, match="every checkpoint is damaged"):
        checkpoints.load()
    assert all(path.exists() for path in paths)


def test_code_in_a_checkpoint_is_refused_and_not_run(checkpoints, tmp_path, monkeypatch):
    class Payload:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    monkeypatch.setattr("evoplug.running.checkpoint.compact", lambda state: state)  # by somebody else
    path = checkpoints.save(1, {"payload": Payload()})
    with pytest.raises(FilesError, match="more than tensors and plain data"):
        checkpoints.load()
    assert path.exists()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (Path("here"), "pathlib.PosixPath"),
        (numpy.float64(1), "numpy.float64"),
        (numpy.zeros(2), "numpy.ndarray"),
        (OrderedDict(a=[print]), "builtin_function_or_method"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(checkpoints, value, what):
    checkpoints.save(1, state(1))
    with pytest.raises(TypeError, match=f"tensors and plain data only, and loop.inner.* is a {what}$"):
        checkpoints.save(2, {"loop": {"inner": value}})
    assert [path.name[:8] for path in checkpoints.folder.iterdir()] == ["00000001"]


def test_plain_data_come_back_as_they_were(checkpoints):
    value = {"a": [1, 2.5, "b", None, True, b"c"], "d": (torch.arange(3), {"e": torch.float32})}
    checkpoints.save(1, {"value": value, "shape": torch.zeros(2, 3).shape})
    loaded, _ = checkpoints.load()
    assert str(loaded["value"]) == str(value)
    assert loaded["shape"] == (2, 3)


def test_a_newer_format_is_refused_with_both_versions(checkpoints):
    checkpoints.save(1, {**state(1), "format": FORMAT + 1})
    with pytest.raises(FilesError, match=f"format {FORMAT + 1}, this evoplug reads up to {FORMAT}"):
        checkpoints.load()


def test_a_failed_write_leaves_the_old_ones_alone(checkpoints, monkeypatch):
    checkpoints.save(1, state(1))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(FilesError, match="No space left"):
        checkpoints.save(2, state(2))
    monkeypatch.undo()
    assert checkpoints.load()[0]["value"] == 1
    assert not list(checkpoints.folder.glob("*.tmp"))


def test_the_bytes_are_durable_before_the_name_appears(checkpoints, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append("fsync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b))[1])
    checkpoints.save(1, state(1))
    assert calls == ["fsync", "replace", "fsync"]


def test_a_stray_temporary_file_is_removed(checkpoints):
    checkpoints.save(1, state(1))
    stray = checkpoints.folder / f".{'0a' * 8}.tmp"
    stray.write_bytes(b"half")
    assert checkpoints.load()[0]["value"] == 1
    assert stray.exists()  # who only looks changes nothing
    checkpoints.save(2, state(2))
    assert not stray.exists()


def test_a_row_of_a_large_population_does_not_drag_it_along(checkpoints):
    population = torch.zeros(1000, 1000)
    path = checkpoints.save(1, {"best": population[:1]})
    assert path.stat().st_size < 20_000


def test_whole_tensors_are_not_copied():
    whole = torch.zeros(10)
    assert compact({"a": [whole]})["a"][0] is whole


def test_old_pickles_are_no_checkpoints(checkpoints):
    checkpoints.folder.mkdir()
    (checkpoints.folder / "00000001-0000.pt").write_bytes(pickle.dumps({}))
    with pytest.raises(FilesError, match="damaged"):
        checkpoints.load()


def test_what_stands_in_several_places_is_saved_once(checkpoints):
    link = [2**62, 0.005]
    chains = [[1, link], [2, link]]
    path = checkpoints.save(1, {"chains": chains})
    one, other = torch.load(path, weights_only=True)["chains"]
    assert [one, other] == chains
    assert one[1] is other[1]
