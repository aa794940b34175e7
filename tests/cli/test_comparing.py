"""``evoplug compare``."""

import json
from pathlib import Path

import pytest

from analysis.folders import finished, recorded, sweep
from evoplug.cli import main

HIGH, LOW = [0.7, 0.8, 0.9, 0.95], [0.1, 0.2, 0.3, 0.4]
CLAIM = {"better": "large", "than": "small", "metric": "test.accuracy"}
NOT = {**CLAIM, "better": "small", "than": "large", "expect": "not reproduced", "reason": "too small a size"}


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["compare", *map(str, arguments)])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sweep(tmp_path / "s", {"large": HIGH, "small": LOW}, [CLAIM, NOT])


def test_the_folder_of_a_sweep_is_enough(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, folder)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["large", "4", "0.8500", "0.8375", "0.1109"] in lines
    assert ["large", ">", "small", ".0143", ".0143", ".0143", "1.00", "[1.00,", "1.00]", "shown"] in lines
    assert "not reproduced, as expected" in out
    assert "small > large: too small a size" in out
    hold, fail = (out.index(f"claims that are expected {what}") for what in ("to hold", "not to hold"))
    assert hold < out.index("large > small") < fail < out.index("small > large")
    assert out[hold:].splitlines()[0] == "claims that are expected to hold; p corrected over 1 claim"
    assert "controls and known failures; p corrected over 1 claim" in out[fail:].splitlines()[0]


def test_claims_about_several_metrics_are_told_with_theirs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loss = {**NOT, "metric": "test.loss", "margin": 0.1}
    accuracy = {**NOT, "reason": "another one"}
    _, out, _ = run(capsys, sweep(tmp_path / "s", {"large": HIGH, "small": LOW}, [CLAIM, loss, accuracy]))
    lines = [line.split() for line in out.splitlines()]
    assert ["large", ">", "small", ".0143"] in [line[:4] for line in lines], "the only claim of its family"
    named = [{"test.loss", "test.accuracy"}.intersection(line) for line in lines if line[:1] == ["small"]]
    assert [name for name in named if name] == [{"test.loss"}, {"test.accuracy"}]
    assert "on test.loss: too small a size" in out
    assert "on test.accuracy: another one" in out


def test_json_has_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(folder / "small" / "seed-9", 9, status="failed")
    code, out, _ = run(capsys, folder, "--json")
    data = json.loads(out)
    assert code == 0
    assert [arm["median"] for arm in data["arms"]["test.accuracy"]] == pytest.approx([0.85, 0.25])
    first, second = data["claims"]
    assert (first["better"], first["answer"], first["p"]) == ("large", "shown", pytest.approx(1 / 70))
    assert (second["expect"], second["reason"]) == ("not reproduced", "too small a size")
    assert [claim["family"] for claim in data["claims"]] == ["expected to hold", "expected not to hold"]
    assert data["families"] == [{"family": claim["family"], "tests": 1} for claim in data["claims"]]
    assert [claim["p_holm"] for claim in data["claims"]] == pytest.approx([1 / 70, 1.0])
    assert data["tests"] == 2
    assert "failed, left out" in data["notices"][0]


def test_a_pair_of_ones_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, folder, "--better", "small", "--than", "large", "--margin", "0.9")
    assert "small > large - 0.9: small not worse than large by more than 0.9" in out
    assert "shown" in out
    _, out, _ = run(capsys, folder, "--metric", "test.loss", "--goal", "min")
    assert "large < small" in out
    assert "every pair, both ways; p corrected over 2 tests" in out


CHANGED = (
    "the claims were changed after 8 of 8 runs began (large: seed 1, 2, 3, 4; small: seed 1, 2, 3, 4): small > large "
    'on test.accuracy: expect was "reproduced", is "not reproduced", reason was "", is "too small a size"'
)


def test_an_expectation_that_was_changed_after_the_runs_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(folder, CLAIM, {**NOT, "expect": "reproduced", "reason": ""})
    _, out, _ = run(capsys, folder)
    assert f"note: {CHANGED}" in " ".join(out.split())
    _, out, _ = run(capsys, folder, "--json")
    (earlier,) = json.loads(out)["earlier"]
    assert earlier == {
        "runs": {"large": [1, 2, 3, 4], "small": [1, 2, 3, 4]},
        "of": 8,
        "changes": [CHANGED.partition("): ")[2]],
    }


def test_one_that_stands_as_it_did_is_not(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(folder, NOT, CLAIM)
    _, out, _ = run(capsys, folder)
    assert "claims were" not in out
    assert "note" not in out
    _, out, _ = run(capsys, folder, "--json")
    assert json.loads(out)["earlier"] == []


def test_unfinished_runs_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = finished(tmp_path / "run", status="interrupted")
    code, _, err = run(capsys, folder, "--metric", "test.accuracy")
    assert code == 4
    assert f"{folder}: interrupted, left out" in err


def test_an_equal_budget_is_in_the_heading(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, folder, "--metric", "best", "--at", "generations=1")
    assert out.startswith("best at generations = 1\n")
    assert "0.1000" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--better", "large"], 2, "--better and --than go together"),
        (["--margin", "0.1"], 2, "--margin with them"),
        (["--at", "epochs"], 2, "expected LEDGER=X, e.g. epochs=128"),
        (["--better", "large", "--than", "smal"], 2, "`smal`: unknown arm; did you mean `small`?"),
        (["--metric", "test.acuracy"], 2, "did you mean `test.accuracy`?"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], code: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, folder, *arguments)
    assert (found, out) == (code, "")
    assert message in err


def test_damaged_records_and_other_problems_have_the_exit_code_of_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = folder / "large" / "seed-2" / "metrics.jsonl"
    whole = records.read_text()
    records.write_text("?" + whole)
    assert run(capsys, folder) == (4, "", f"evoplug: error: {records}:1: this line is damaged\n")
    records.write_text(whole)
    other = finished(folder.parent / "other", evaluator={"use": "function", "function": "ackley"})
    code, _, err = run(capsys, folder, other, "--metric", "best.fitness")
    assert code == 4
    assert "another problem: evaluator.function" in err


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("markdown", "| large | 4 | 0.85 | 0.8375 | 0.1109 |"),
        ("csv", "test.accuracy,large,4,0.8500000000000001,0.8374999999999999,0.11086778913041725"),
        ("latex", r"large & 4 & 0.85 & 0.8375 & 0.1109 \\"),
        ("json", '      "stated": true,'),
    ],
)
def test_the_formats_for_pages_and_papers(
    form: str, line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, folder, "--format", form)
    assert (code, err) == (0, "")
    assert line.strip() in [each.strip() for each in out.splitlines()]


def test_runs_are_left_out_and_what_was_not_spent_alike_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(folder / "more" / "seed-1", strategy={"use": "xnes"}, ledger={"generations": 5})
    _, out, _ = run(capsys, folder)
    assert "note: not all runs spent the same: generations: large 2, small 2, more 5; --at compares" in out
    _, out, _ = run(capsys, folder, "--without", "more", "--without", "small")
    assert "not all runs spent" not in out
    assert "small: not among these runs" in out
    assert "note: left out, as was asked: more, small" in out
