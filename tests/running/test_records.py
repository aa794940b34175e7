import pytest
import torch

from evoplug import FilesError
from evoplug.running.records import Records, read


def test_a_line_a_generation_numbers_that_are_not_finite_as_null(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with Records(path) as records:
        records.append({"generations": 1, "best": float("-inf"), "theta": torch.tensor([[1.0, float("nan")]])})
        records.append({"generations": 2, "best": 0.5})
    rows, warning = read(path)
    assert rows == [{"generations": 1, "best": None, "theta": [[1.0, None]]}, {"generations": 2, "best": 0.5}]
    assert warning is None


def test_going_on_cuts_what_stands_behind_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with Records(path) as records:
        records.append({"generations": 1})
        offset = records.sync().length
        records.append({"generations": 2, "lost": True})
    with Records(path, offset) as records:
        records.append({"generations": 2})
    assert read(path)[0] == [{"generations": 1}, {"generations": 2}]


def test_a_torn_last_line_is_left_out_and_said(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"generations": 1}\n{"generat')
    rows, warning = read(path)
    assert rows == [{"generations": 1}]
    assert warning.startswith(f"{path}:2: ")


def test_a_damaged_middle_names_the_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"generations": 1}\n{"gen\n{"generations": 3}\n')
    with pytest.raises(FilesError, match=":2: this line is damaged"):
        read(path)
