"""Where the paths in a configuration lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from evoplug.config import paths


def test_a_path_begins_at_its_file_or_at_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    given = [Path("data"), Path("~/data"), Path("/data"), Path("a~/data")]
    made = paths.absolute(given, lambda key: tmp_path / "here", ("root",))
    here = tmp_path / "here"
    assert made == [here / "data", tmp_path / "me" / "data", Path("/data").resolve(), here / "a~" / "data"]
