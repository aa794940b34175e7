"""The wheel works alone: everything is in it, and the quickstart runs from it in an empty folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"evoplug": "evoplug", "plugins": "", "configs": "evoplug_presets"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building leaves files behind: not in the checkout
    source.mkdir()
    for name in ("evoplug", "plugins", "configs", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).symlink_to(ROOT / name)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("evoplug-*.whl")
    return path


def test_everything_is_in_it(wheel):
    expected = set()
    for folder, package in PACKAGES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path):
                expected.add(str(Path(package) / path.relative_to(ROOT / folder)))
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_quickstart_runs_from_it_in_an_empty_folder(wheel, tmp_path):
    target, folder = tmp_path / "target", tmp_path / "empty"
    folder.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", target, wheel]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    command = [sys.executable, "-m", "evoplug", "run", "quickstart", "--set", "run.stop.generations=3"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert "finished" in done.stdout
    assert (folder / "runs/quickstart/run/seed-1/result.json").is_file()
    where = [sys.executable, "-c", "import evoplug, evoplug_presets; print(evoplug.__file__, evoplug_presets.__file__)"]
    done = subprocess.run(where, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.count(str(target)) == 2
