"""Runs that began before the claims stood as they are tested."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.folders import arm, recorded, sweep
from evoplug import FilesError
from evoplug.analysis.groups import read
from evoplug.config import Claim
from evoplug.running import stated

METRIC = "test.accuracy"
CLAIM = {"better": "a", "than": "b", "metric": METRIC}
CONTROL = {**CLAIM, "better": "b", "than": "a", "expect": "not reproduced", "reason": "a control"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sweep of two arms with two seeds each, whose runs began under its two claims."""
    recorded(sweep(tmp_path / "s", {"a": [0.1, 0.2], "b": [0.3, 0.4]}, [CLAIM, CONTROL]), CLAIM, CONTROL)
    return tmp_path / "s"


def said(folder: Path) -> list[str]:
    return [str(each) for each in read([folder]).earlier]


def test_nothing_is_said_where_all_runs_began_under_the_claims(folder: Path) -> None:
    assert said(folder) == []


def test_neither_order_nor_comments_nor_defaults_that_are_written_out_are_a_change(folder: Path) -> None:
    file = folder / "sweep.toml"
    head, first, second = file.read_text().split("[[claim]]")
    file.write_text(
        f'# mine\n{head}[[claim]]{second}\n[[claim]] # first\ngoal = "max"\nmargin = 0\nreason = ""\n{first}'
    )
    assert [claim.better for claim in read([folder]).claims] == ["b", "a"]
    assert said(folder) == []


def test_what_a_run_keeps_does_not_depend_on_the_order_in_the_file() -> None:
    first, second = Claim(**CLAIM), Claim(**CONTROL)
    assert stated.text([first, second]) == stated.text([second, first])
    assert stated.text([first]) != stated.text([first, second]) != stated.text([first, replace(second, reason="x")])


@pytest.mark.parametrize(
    ("then", "changes"),
    [
        ([{**CLAIM, "expect": "not reproduced", "reason": "x"}, CONTROL],
         'a > b on test.accuracy: expect was "not reproduced", is "reproduced", reason was "x", is ""'),
        ([{**CLAIM, "margin": 0.5}, CONTROL], "a > b on test.accuracy: margin was 0.5, is 0.0"),
        ([{**CLAIM, "goal": "min"}, CONTROL], 'a > b on test.accuracy: goal was "min", is "max"'),
        ([CLAIM, {**CONTROL, "reason": "another"}], 'b > a on test.accuracy: reason was "another", is "a control"'),
        ([CLAIM], "b > a on test.accuracy is new"),
        ([], "a > b on test.accuracy is new; b > a on test.accuracy is new"),
        ([CLAIM, CONTROL, {**CLAIM, "metric": "test.loss"}], "a > b on test.loss was dropped"),
        ([CLAIM, CONTROL, {**CLAIM, "margin": 0.5}], "a > b - 0.5 on test.accuracy was dropped"),
    ],
)  # fmt: skip
def test_every_change_is_said_in_words(then: list[dict[str, Any]], changes: str, folder: Path) -> None:
    recorded(folder, *then)
    every = "4 of 4 runs began (a: seed 1, 2; b: seed 1, 2)"
    assert said(folder) == [f"the claims were changed after {every}: {changes}"]


def test_runs_are_told_apart_by_the_claims_under_which_they_began(folder: Path) -> None:
    recorded(folder / "a" / "seed-1", CLAIM)
    recorded(folder / "b", {**CLAIM, "margin": 0.1}, CONTROL)
    (folder / "b" / "seed-2" / "claims.json").unlink()
    assert said(folder) == [
        "the claims were changed after 1 of 4 runs began (a: seed 1): b > a on test.accuracy is new",
        "the claims were changed after 1 of 4 runs began (b: seed 1): a > b on test.accuracy: margin was 0.1, is 0.0",
        "1 of 4 runs began before claims were recorded (b: seed 2): nothing shows that the claims were stated first",
    ]


def test_old_runs_of_a_sweep_without_claims_lack_nothing(tmp_path: Path) -> None:
    sweep(tmp_path / "s", {"a": [0.1], "b": [0.2]})
    assert said(tmp_path / "s") == []
    arm(tmp_path / "alone" / "run", [0.1])
    assert said(tmp_path / "alone") == []


def test_claims_follow_arms_that_need_longer_names(folder: Path) -> None:
    arm(folder.parent / "t" / "a", [0.3])
    assert said(folder.parent) == []
    recorded(folder, CONTROL)
    (line,) = said(folder.parent)
    assert line.endswith("(s/a: seed 1, 2; s/b: seed 1, 2): s/a > s/b on test.accuracy is new")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"not reproduced"', '"reproduced"', "was changed after the run began: its checksum is wrong"),
        ("{", "", "is damaged"),
        ('"claims"', '"clams"', "is damaged"),
    ],
)
def test_what_was_recorded_cannot_be_changed_unseen(old: str, new: str, message: str, folder: Path) -> None:
    path = folder / "a" / "seed-1" / "claims.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(FilesError, match=f"claims.json: {message}"):
        read([folder])
