"""Recorder ``tensorboard``, read back with TensorBoard's own reader."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import evoplug
from evoplug_basics.tensorboard import TensorBoard

SNES = {
    "run": {"name": "snes", "stop": {"generations": 6}},
    "strategy": {"use": "snes"},
    "genotype": {"use": "real-vector", "length": 3, "low": -5.0, "high": 5.0},
    "evaluator": {"use": "function"},
    "recorders": [{"use": "tensorboard"}],
}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """tag -> (step, value) of everything that was recorded."""
    reader = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
    reader.Reload()
    return {tag: [(event.step, event.value) for event in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    run = evoplug.run(SNES, out=tmp_path / "run").folder
    shutil.move(run / "tensorboard", tmp_path / "away")
    (run / "tensorboard").symlink_to(tmp_path / "away")
    before = list((tmp_path / "away").iterdir())
    with pytest.raises(evoplug.FilesError, match="tensorboard: is a symbolic link; none is followed"):
        evoplug.resume(run, {"run.stop": {"generations": 7}})
    assert list((tmp_path / "away").iterdir()) == before


def recorded(folder: Path, *rows: dict[str, object]) -> TensorBoard:
    recorder = TensorBoard()
    recorder.open(str(folder))
    for row in rows:
        recorder.row(row)
    return recorder


def test_a_run_and_its_resume_record_the_numbers_of_the_metrics(tmp_path: Path) -> None:
    run = evoplug.run(SNES, out=tmp_path / "run")
    run = evoplug.resume(run.folder, {"run.stop.generations": 9})
    found = scalars(run.folder)
    assert [step for step, _ in found["best"]] == list(range(1, 10))
    for column in ("generations", "evaluations", "best", "mean", "std", "invalid"):
        assert [value for _, value in found[column]] == pytest.approx([row[column] for row in run.metrics])
    assert [value for _, value in found["time/evaluation"]] == pytest.approx(
        [row["time"]["evaluation"] for row in run.metrics]
    )


def test_what_a_killed_run_wrote_behind_its_checkpoint_is_taken_back(tmp_path: Path) -> None:
    recorded(tmp_path, *({"generations": g, "best": -1.0} for g in range(1, 6)))
    recorded(tmp_path, *({"generations": g, "best": -2.0} for g in range(4, 8))).close()
    assert scalars(tmp_path)["best"] == [(1, -1.0), (2, -1.0), (3, -1.0), *((g, -2.0) for g in range(4, 8))]


def test_only_finite_numbers_are_recorded(tmp_path: Path) -> None:
    row = {"generations": 1, "best": math.nan, "mean": None, "name": "x", "elite": True, "ids": [1, 2], "sigma": 0.5}
    recorded(tmp_path, {**row, "validation.accuracy": 0.25}).close()
    assert scalars(tmp_path) == {"generations": [(1, 1.0)], "sigma": [(1, 0.5)], "validation/accuracy": [(1, 0.25)]}


def test_a_run_that_records_nothing_leaves_nothing(tmp_path: Path) -> None:
    recorded(tmp_path).close()
    assert not (tmp_path / "tensorboard").exists()
