"""Which data sets are here, and what refuses to begin without them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import evoplug
from evoplug import FilesError, catalogue
from evoplug.contracts import Dataset, Evaluator
from evoplug.running import datafiles
from strangers import Site, visit

DATASET = """
    from pathlib import Path
    from evoplug.contracts import Dataset, dataclass

    HERE = Path(__file__).parent

    @dataclass(kw_only=True)
    class Here(Dataset):
        def files(self): return [HERE / "levy.py", HERE / "deep" / "more.py"]

    @dataclass(kw_only=True)
    class Gone(Dataset):
        def files(self): return [HERE / "levy.py", HERE / "gone"]

    @dataclass(kw_only=True)
    class Without(Dataset):
        pass

    @dataclass(kw_only=True)
    class Own(Dataset):
        folder: str

    class Broken:
        pass

    @dataclass(kw_only=True)
    class Raising(Dataset):
        def files(self): raise KeyError("root")
"""

TRAINING = {
    "run": {"stop": {"generations": 1}},
    "strategy": {"use": "gradient-descent"},
    "evaluator": {"use": "train", "dataset": {"use": "mnist"}, "network": {"use": "mlp"}},
}
MISSING = r"^mnist: .*train-images-idx3-ubyte is missing; get it with `evoplug data mnist --download`"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield from visit(tmp_path)


def test_data_sets_are_here_missing_or_your_own(site: Site) -> None:
    names = ("here", "gone", "without", "own", "broken", "raising")
    points = {f"datasets/{name}": f"levy:{name.capitalize()}" for name in names}
    site.add("evoplug-levy", points, {"levy.py": DATASET, "deep/more.py": ""})
    found = {name: datafiles.find(catalogue.find("datasets", name)) for name in names}
    assert {name: (each.state, each.place) for name, each in found.items()} == {
        "here": ("here", site.folder),
        "gone": ("missing", site.folder),
        "without": ("no files", None),
        "own": ("your own files", None),
        "broken": ("broken", None),
        "raising": ("broken", None),
    }
    assert found["gone"].detail == str(site.folder / "gone")
    assert found["own"].detail == "`folder`"
    assert "does not extend `Dataset`" in found["broken"].detail
    assert found["raising"].detail == "raising: files: KeyError: 'root' (levy.py:28)"


def test_a_folder_that_may_not_be_looked_into_is_said_and_disturbs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, **more: bool) -> os.stat_result:
        if "MNIST" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return os.stat(path, **more)

    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))
    monkeypatch.setattr(Path, "stat", refused)
    message = r"/MNIST/raw/train-images-idx3-ubyte: cannot be read: Permission denied$"
    found = {each.name: each for each in datafiles.installed()}
    assert (found["mnist"].state, found["digits"].state) == ("broken", "no files")
    assert re.search(message, found["mnist"].detail)
    with pytest.raises(FilesError, match=message):
        evoplug.run(TRAINING, out=tmp_path / "out")


class Both(Evaluator):
    """Holds its data sets in a table."""

    def __init__(self, datasets: dict[str, Dataset]) -> None:
        self.datasets = datasets


def test_data_sets_in_a_table_are_looked_for_too(tmp_path: Path) -> None:
    missing = evoplug.build("datasets", "mnist", root=str(tmp_path))
    with pytest.raises(FilesError, match=MISSING):
        datafiles.require(Both({"digits": evoplug.build("datasets", "digits"), "mnist": missing}))


def test_every_installed_one_is_found() -> None:
    assert {each.name for each in datafiles.installed()} >= {"digits", "mnist", "image-folder"}


@pytest.mark.parametrize("start", [evoplug.run, evoplug.sweep])
def test_nothing_is_written_where_files_are_missing(start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path / "data"))
    config = TRAINING | ({"sweep": {"seeds": 2}} if start is evoplug.sweep else {})
    with pytest.raises(FilesError, match=MISSING):
        start(config, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
