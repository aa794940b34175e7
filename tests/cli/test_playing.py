"""``evoplug play``."""

import subprocess
import sys

import pytest
from PIL import Image

import evoplug
from evoplug.cli import main
from finished import LIGHTS, SPHERE


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """name -> a finished run; the code beside them is lights.py."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "lights.py").write_text(LIGHTS)

    def lights(name, **evaluator):
        config = {**SPHERE, "plugins": [str(folder / "lights.py")], "evaluator": {"use": "lights", **evaluator}}
        evoplug.run(config, out=folder / name)

    evoplug.run(SPHERE, out=folder / "sphere")
    lights("lights")
    lights("long", frames=2000)
    for fault in ("blind", "raise", "late"):
        lights(fault, fault=fault)
    return folder


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["play", *map(str, arguments)])
    output = capsys.readouterr()
    return int(caught.value.code or 0), output.out, output.err


def test_it_prints_the_score_and_the_file_inside_the_run(folders, capsys):
    file = folders / "lights/plots/episode.gif"
    lights = ("--plugins", folders / "lights.py")
    assert run(capsys, folders / "lights", *lights) == (0, f"a row of lamps: score 15.2\n{file}\n", "")
    first = file.read_bytes()
    with Image.open(file) as image:
        assert image.n_frames == 40
    assert run(capsys, folders / "lights", *lights)[0] == 0
    assert file.read_bytes() == first
    assert run(capsys, folders / "lights", "--seed", 2, *lights)[0] == 0
    assert file.read_bytes() != first


def test_a_file_of_ones_own_leaves_the_run_as_it_is(folders, tmp_path, capsys):
    file = tmp_path / "long.gif"
    code, out, err = run(capsys, folders / "long", file, "--plugins", folders / "lights.py")
    assert (code, out.splitlines()[-1]) == (0, str(file))
    assert err == "note: shows one frame in 4, 4 times as fast\n"
    assert not (folders / "long/plots").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["sphere"], 2, "sphere: nothing to see: its evaluator, `function`, films no solution"),
        (["blind", "+"], 2, "blind: nothing to see: its evaluator, `lights`, films no solution"),
        (["raise", "+"], 2, "needs eyes: pip install eyes"),
        (["late", "+"], 3, "evaluator: film: ValueError: a lamp is broken"),
        (["nowhere"], 4, "nowhere: not a run folder"),
        (["lights", "film.webm", "+"], 2, "film.webm: must end in .gif or .mp4"),
        (["lights", "no-such-folder/film.gif", "+"], 4, "no-such-folder/film.gif: cannot be written: No such file"),
    ],
)
def test_bad_input_is_one_line(folders, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(folders)
    trusted = [f"--plugins={folders}/lights.py"] if "+" in arguments else []
    found, out, err = run(capsys, *(argument for argument in arguments if argument != "+"), *trusted)
    assert (found, out) == (code, "")
    assert err.startswith(f"evoplug: error: {message}")
    assert err.count("\n") == 1
    assert not (folders / "late/plots/episode.gif").exists()


def test_code_that_the_run_names_is_not_run_unless_it_is_trusted(folders, capsys):
    code, out, err = run(capsys, folders / "lights", folders / "untrusted.gif")
    assert (code, out) == (4, "")
    assert "code beside it was left out" in err
    assert not (folders / "untrusted.gif").exists()


def test_no_link_is_followed_inside_the_run(folders, tmp_path, capsys):
    (folders / "blind/plots").symlink_to(tmp_path)
    code, _, err = run(capsys, folders / "blind", "--plugins", folders / "lights.py")
    (folders / "blind/plots").unlink()
    assert (code, err.count("\n")) == (4, 1)
    assert "is a symbolic link; none is followed" in err


def test_the_help_needs_no_library():
    code = """
import sys
from evoplug.cli import main
try:
    main(["play", "--help"])
finally:
    assert not {"torch", "numpy", "PIL"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "DIR [FILE]" in done.stdout
