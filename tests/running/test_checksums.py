"""Every bit of the files that hold numbers is checked where they are read."""

import json
import random
from contextlib import suppress

import pytest

import evoplug
from evoplug import FilesError

CONFIG = {
    "run": {"stop": {"generations": 4}, "checkpoint": {"every": 2}},
    "strategy": {"use": "random-search", "population": 3},
    "genotype": {"use": "real-vector", "length": 2},
    "evaluator": {"use": "function"},
}


@pytest.fixture
def run(tmp_path):
    return evoplug.run(CONFIG, out=tmp_path / "run")


def flipped(path, number):
    """The file with one bit changed."""
    draw, data = random.Random(number), bytearray(path.read_bytes())
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["metrics.jsonl", "result.json", "solution.pt"])
def test_no_flipped_bit_changes_a_number_in_silence(run, name) -> None:
    path = run.folder / name
    whole, before = path.read_bytes(), told(run)
    for number in range(60):
        flipped(path, number)
        with suppress(FilesError):
            assert told(evoplug.Run(run.folder)) == before, number
        path.write_bytes(whole)


def told(run):
    """What a folder tells, but for the checksum itself."""
    keys = ("status", "reason", "seed", "ledger", "seconds", "best", "validation", "test", "beside")
    return [run.metrics, [run.result[key] for key in keys], run.best.genome.tolist()]


def test_a_resume_knows_the_records_that_belong_to_its_checkpoint(run) -> None:
    path = run.folder / "metrics.jsonl"
    path.write_text(path.read_text().replace('"best": -', '"best": -1', 1))
    with pytest.raises(FilesError, match="does not begin with generations 1 to 4 as the checkpoint left them"):
        evoplug.resume(run, {"run.stop.generations": 6})


def test_a_result_may_be_laid_out_anew_and_one_without_a_checksum_is_taken(run) -> None:
    path = run.folder / "result.json"
    before = run.result
    path.write_text(json.dumps(before))
    assert evoplug.Run(run.folder).result == before
    path.write_text(json.dumps({**before, "checksum": "0"}))
    with pytest.raises(FilesError, match="its checksum is wrong"):
        _ = evoplug.Run(run.folder).result
    old = {key: value for key, value in before.items() if key not in ("checksum", "records")}
    path.write_text(json.dumps(old))
    assert evoplug.Run(run.folder).metrics == run.metrics
