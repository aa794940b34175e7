"""``--plugins``: parts beside a configuration in `list`, `show` and `doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evoplug.catalogue import doctor
from evoplug.cli import main

OPS = '''import evoplug
from evoplug.contracts import Mutation, dataclass


@evoplug.register("mutations", "mine")
@dataclass(kw_only=True)
class Mine(Mutation, genome="real-vector"):
    """My own."""

    scale: float = 0.5
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a file of operators, and configurations that name it."""
    (tmp_path / "ops.py").write_text(OPS)
    (tmp_path / "my.toml").write_text('evoplug = 1\nextends = "basics/cma-es"\nplugins = ["ops.py"]\n')
    (tmp_path / "over.toml").write_text('evoplug = 1\nextends = "my.toml"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evoplug(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    output = capfd.readouterr()
    return int(ended.value.code or 0), output.out, output.err


@pytest.mark.parametrize("path", ["ops.py", "my.toml", "over.toml"])
def test_a_file_or_a_configuration_brings_its_parts(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = evoplug(capfd, "list", "mutations", "--plugins", path)
    assert code == 0
    assert out.splitlines()[-1].split() == ["mutations", "mine", "My", "own.", "(ops.py)", "scale=0.5"]
    _, out, _ = evoplug(capfd, "show", "mutations", "mine", "--plugins", path)
    assert out.startswith("mine, a mutation of ops.py\n\nMy own.\n")
    assert 'mutation = { use = "mine", scale = 0.5 }' in out


def test_they_are_there_for_one_call(capfd: pytest.CaptureFixture[str]) -> None:
    evoplug(capfd, "list", "--plugins", "ops.py")
    assert "mine" not in evoplug(capfd, "list", "mutations")[1]
    assert evoplug(capfd, "show", "mutations", "mine")[0] == 2


def test_what_fits_a_genotype_is_asked_of_them_too(capfd: pytest.CaptureFixture[str]) -> None:
    assert "mine" in evoplug(capfd, "list", "mutations", "--for", "real-vector", "--plugins", "ops.py")[1]


def test_the_doctor_loads_them(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "machine", lambda: doctor.Machine("3", "Linux", "2", 1.0, (), 1, 1, 1.0))
    code, out, _ = evoplug(capfd, "doctor", "--json", "--plugins", "my.toml")
    assert code == 0
    (own,) = (plugin for plugin in json.loads(out)["plugins"] if plugin["name"] == "ops.py")
    assert [(part["name"], part["problem"]) for part in own["parts"]] == [("mine", None)]
    Path("ops.py").write_text(OPS.replace("import evoplug\n", "import evoplug, nothing_of_this_name\n", 1))
    code, out, _ = evoplug(capfd, "doctor", "--plugins", "ops.py")
    assert code == 3
    assert "No module named 'nothing_of_this_name'" in out


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["none.py"], "there is no file none.py"),
        (["none.toml"], "none.toml: no such file"),
        (["empty.py"], "empty.py registers nothing: write @evoplug.register(GROUP, NAME) above a class"),
        (["ops.py", "twin.py"], "twin.py:Mine takes the name `mine` that "),
    ],
)
def test_mistakes_are_one_line(paths: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("empty.py").touch()
    Path("twin.py").write_text(OPS)
    code, out, err = evoplug(capfd, "list", *(word for path in paths for word in ("--plugins", path)))
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
