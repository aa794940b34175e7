from pathlib import Path

import pytest
from platformdirs import user_cache_path

from evoplug import FilesError
from evoplug_supervised.folder import data_folder, fetch


def test_root_comes_before_the_environment_and_that_before_the_cache(monkeypatch):
    monkeypatch.setenv("EVOPLUG_DATA", "/from/environment")
    assert data_folder("/given") == Path("/given")
    assert data_folder(None) == Path("/from/environment")
    monkeypatch.delenv("EVOPLUG_DATA")
    assert data_folder(None) == user_cache_path("evoplug")
    assert data_folder("~/data") == Path.home() / "data"


def test_fetch_replaces_what_was_there(tmp_path):
    (tmp_path / "SET").mkdir()
    (tmp_path / "SET" / "damaged").touch()

    def download(folder):
        (folder / "SET").mkdir()
        (folder / "SET" / "whole").touch()

    fetch("set", tmp_path, "SET", download)
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["SET", "SET/whole"]


@pytest.mark.parametrize("error", [RuntimeError("no\nroute"), OSError("no\nroute"), FilesError("no route")])
def test_a_download_that_fails_leaves_nothing_behind(tmp_path, error):
    folder = tmp_path / "new" / "folder"

    def download(temporary):
        (temporary / "SET").mkdir()
        raise error

    with pytest.raises(FilesError, match=r"no route$") as caught:
        fetch("set", folder, "SET", download)
    assert "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []
