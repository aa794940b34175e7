"""``evoplug export``."""

import json

import pytest

import evoplug
from evoplug.cli import main
from finished import SPHERE


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return evoplug.run(SPHERE, out=tmp_path_factory.mktemp("runs") / "sphere").folder


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["export", *map(str, arguments)])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_what_is_printed_is_python_that_loads_the_file(folder, tmp_path, capsys):
    code, out, err = run(capsys, folder, tmp_path / "solution.json")
    assert (code, err) == (0, "")
    found = {}
    exec(out, found)
    assert found["solution"] == json.loads((tmp_path / "solution.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{folder}", "model.onnx"], 2, "model.onnx: must end in .pt2"),
        (["{folder}", "model.pt2"], 2, "model.pt2: this solution is no network"),
        (["nowhere", "solution.json"], 4, "nowhere: not a run folder"),
    ],
)
def test_bad_input_is_one_line(folder, capsys, arguments, code, message):
    found, out, err = run(capsys, *(argument.format(folder=folder) for argument in arguments))
    assert (found, out) == (code, "")
    assert err.startswith(f"evoplug: error: {message}")
    assert err.count("\n") == 1
