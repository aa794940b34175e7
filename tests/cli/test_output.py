"""What is printed: everything, whatever the terminal, and nothing that steers it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

import evoplug
from analysis.folders import finished
from analysis.hostile import ARMS, NAMES, runs
from evoplug.cli import leaving, main, output
from evoplug.config import cells
from evoplug.errors import EvaluationError
from evoplug.running.sweeping import Work
from evoplug.showing.consoles import Plain
from evoplug.showing.runs import LiveTable, Watching, described
from evoplug.showing.sweeps import Lines

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


SEARCH = {"strategy": "snes", "genotype": {"use": "real-vector", "low": -1.0, "high": 1.0}, "evaluator": "function"}


def on(kind: type[Watching], **options: object) -> tuple[Watching, io.StringIO]:
    said = io.StringIO()
    return kind(Plain(file=said, width=400, **options)), said


def test_a_console_takes_nothing_for_markup_and_lets_no_control_character_through() -> None:
    said = io.StringIO()
    console = Plain(file=said, width=100)
    table = Table("[/head]", box=None)
    table.add_row("[/cell]\x1b[31m")
    console.print(table)
    console.print("[bold]line\x07 \x9b \u202e \udcff")
    assert [line.strip() for line in said.getvalue().splitlines()] == [
        "[/head]", r"[/cell]\x1b[31m", r"[bold]line\x07 \x9b \u202e \udcff",
    ]  # fmt: skip


def test_the_end_of_a_run_shows_any_names() -> None:
    watching, said = on(Watching)
    watching.begin(evoplug.check({**SEARCH, "run": {"name": "[bold]_x"}}), Path("runs"), 0)
    metrics = dict.fromkeys(NAMES, 0.5)
    ended = {"status": "finished", "reason": "epochs = 3\x1b[2J", "ledger": {"[/e]\x1b": 1}, "seconds": {"[/s]": 1.0}}
    best = {"fitness": 0.25, "description": "sin(x)\x1b[31m"}
    watching.end(
        {**ended, "best": best, "validation": metrics, "test": {}, "beside": {"[/m]": {"test": {"[/v]": 1.0}}}}
    )
    text = said.getvalue()
    assert not CONTROL.search(text)
    for name in ("[bold]_x", "[/top5]", "[/m]", "[/v]", "[/e]", "[/s]", r"\x1b[31mred", r"solution sin(x)\x1b[31m"):
        assert name in text


def test_the_live_table_shows_any_names() -> None:
    watching, said = on(LiveTable, force_terminal=True, color_system=None)
    watching.begin(evoplug.check("quickstart"), Path("runs"), 0)
    row = {"generations": 1, "evaluations": 1, "seconds": 1.0, "invalid": 0, "best": 0.5, "mean": 0.2, "time": {}}
    for generation in (1, 2):
        columns = {f"validation.{name}": 0.5 for name in NAMES[:8]} if generation == 1 else {}
        watching.generation({**row, "generations": generation, **columns})
    watching.end({"status": "failed"})
    text = re.sub("\x1b\\[[0-9?]*[a-zA-Z]", "", said.getvalue())
    assert not CONTROL.search(text.replace("\r", ""))
    assert "validation.[/top5]" in text


def test_the_live_table_says_of_what_less_is_better() -> None:
    watching, said = on(LiveTable, force_terminal=True, color_system=None)
    watching.begin(evoplug.check("quickstart"), Path("runs"), 0)
    row = {"generations": 1, "evaluations": 1, "seconds": 1.0, "invalid": 0, "best": 0.5, "mean": 0.2, "time": {}}
    watching.generation({**row, "validation.accuracy": 0.5, "validation.loss": 0.5})
    assert "validation.accuracy  validation.loss, less is better" in said.getvalue()
    watching.end({"status": "failed"})


def test_a_sweep_shows_any_names(tmp_path: Path) -> None:
    experiment = evoplug.check({**SEARCH, "sweep": {"seeds": 1}}, {"run.name": "[bold]n"})
    (cell,) = cells(experiment)
    finished(tmp_path / "run")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    result["test"] = {"[/top5]\x1b": 1.0}
    (tmp_path / "run" / "result.json").write_text(json.dumps(result))
    said = io.StringIO()
    lines, work = Lines(Plain(file=said, width=200)), Work(cell, tmp_path / "run", "", "finished")
    lines.begin(experiment, tmp_path / "[/folder]", [work], 1)
    lines.ended(work)
    lines.end()
    text = said.getvalue()
    assert not CONTROL.search(text)
    assert all(name in text for name in ("[bold]n", "[/folder]", r"test [/top5]\x1b 1"))


def test_errors_and_notes_of_the_commands_have_no_control_characters(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = runs(tmp_path / "\x1b[31mred", ("a", "b"), NAMES[:8])
    finished(folder / "c" / "seed-1", status="failed\x1b[2J")
    for command in (["compare", folder, "--metric", "x\x1b"], ["plot", folder], ["report", folder]):
        with pytest.raises(SystemExit):
            main([str(word) for word in command])
        out, err = capfd.readouterr()
        assert not CONTROL.search(out + err)
        assert r"\x1b[31mred" in out + err


def test_an_error_is_text_whatever_a_part_says(capfd: pytest.CaptureFixture[str]) -> None:
    assert leaving.said(EvaluationError("a \x1b[31m\0\u2028 b\nc\r")) == 5
    assert capfd.readouterr().err == "evoplug: error: a \\x1b[31m\\x00\\u2028 b\nevoplug: error: c\\r\n"


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_everything_is_shown_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    folder = runs(tmp_path / os.fsdecode(b"caf\xe9 \xc3\xa9"), ("a", *ARMS[-1:]), ("größe",))
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "MPLBACKEND": "nonsense"}
    for options in (["compare", "--metric", "test.größe"], ["plot", "--y", "best", "--format", "svg"], ["report"]):
        command = [sys.executable, "-m", "evoplug", options[0], os.fsencode(folder), *options[1:]]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert rb"caf\udce9" in done.stdout


def test_json_is_json_in_any_encoding(capsys: pytest.CaptureFixture[str]) -> None:
    output.as_json({"\udcff\x9b": "größe"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"\udcff\x9b": "größe"}


def test_a_solution_is_shown_on_a_few_lines() -> None:
    assert described("sin(x) + 1") == "sin(x) + 1"
    assert described([0.123456789, 3]) == "[0.12346, 3]"
    assert described({"a": "x" * 40, "b": "y" * 41}) == f"{{'a': '{'x' * 40}', 'b': '{'y' * 41}'}}"
    lines = described(list(range(1000))).split("\n")
    assert len(lines) == 5
    assert lines[-1].strip() == "... the rest is in result.json"
    assert max(map(len, described("x" * 1000).split("\n"))) <= 100


@pytest.mark.parametrize(
    ("kinds", "shown"), [({"use": "real-vector", "length": 2}, True), ({"use": "weights", "network": "mlp"}, False)]
)
def test_a_network_is_no_data_to_show(kinds: dict, shown: bool) -> None:
    evaluator = "function" if shown else "classification"
    watching, said = on(Watching)
    watching.begin(evoplug.check({"strategy": "snes", "genotype": kinds, "evaluator": evaluator}), Path("runs"), 0)
    ended = {
        "status": "finished",
        "reason": "x",
        "ledger": {},
        "seconds": {},
        "best": {"fitness": 1.0, "description": [1]},
    }
    watching.end({**ended, "validation": {}, "test": {}, "beside": {}})
    assert ("solution [1]" in said.getvalue()) == shown


@pytest.mark.parametrize(
    ("description", "shown"),
    [([1], "solution [1]\n         weights 85,002, gain 0.33333\n"), (None, "solution weights 8")],
)
def test_what_the_evaluator_says_of_a_solution_is_one_line_more(description: object, shown: str) -> None:
    watching, said = on(Watching)
    experiment = {"strategy": "snes", "genotype": {"use": "real-vector", "length": 2}, "evaluator": "function"}
    watching.begin(evoplug.check(experiment), Path("runs"), 0)
    best = {"fitness": 1.0, "generation": 1, "id": 3, "description": description, "weights": 85002, "gain": 1 / 3}
    ended = {"status": "finished", "reason": "x", "ledger": {}, "seconds": {}, "best": best}
    watching.end({**ended, "validation": {}, "test": {}, "beside": {}})
    assert shown in said.getvalue()
