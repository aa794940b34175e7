"""`evoplug new-plugin`: every group's project, as generated, is installed, found and sound."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from evoplug import catalogue, scaffold
from evoplug.cli.scaffolding import new_plugin
from evoplug.errors import ConfigError, FilesError
from strangers import visit


def install(project: Path, site) -> None:
    """Lay a project on the path with the metadata that pip would make of it."""
    meta = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    points = {
        f"{group.removeprefix('evoplug.')}/{name}": value
        for group, rows in meta["entry-points"].items()
        for name, value in rows.items()
    }
    files = {str(path.relative_to(project / "src")): path.read_text() for path in (project / "src").rglob("*.*")}
    site.add(meta["name"], points, files, version=meta["version"], requires=meta["dependencies"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with a generated plugin of every group in it."""
    folder = tmp_path_factory.mktemp("site")
    visitor = visit(folder)
    site = next(visitor)
    for group in catalogue.GROUPS:
        install(scaffold.create(f"evoplug-my-{group}", group, folder / "projects"), site)
    yield site
    next(visitor, None)


@pytest.mark.parametrize("group", catalogue.GROUPS)
def test_what_is_generated_is_listed_with_all_that_it_is(site, group) -> None:
    entry = catalogue.find(group, f"my-{group}")
    assert (entry.distribution, entry.version) == (f"evoplug-my-{group}", "0.1.0")
    assert entry.problem is None
    assert entry.complete
    assert entry.doc
    assert entry.file
    assert entry.parameters or group in ("presets", "plots")


def test_the_generated_tests_pass(site) -> None:
    """All in one process, as a new author would run each."""
    tests = sorted(str(path) for path in (site.folder / "projects").glob("*/tests"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *tests]
    environment = {**os.environ, "PYTHONPATH": str(site.folder)}
    done = subprocess.run(command, env=environment, cwd=site.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert len(tests) == len(catalogue.GROUPS)


@pytest.mark.parametrize("group", ["mutations", "presets"])
def test_pip_installs_it(group, tmp_path) -> None:
    project = scaffold.create("evoplug-levy", group, tmp_path)
    target = tmp_path / "target"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", target]
    subprocess.run([*pip, project], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}
    listing = [sys.executable, "-m", "evoplug", "list", group]
    done = subprocess.run(listing, env=environment, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if "levy" in line]
    assert "(evoplug-levy 0.1.0)" in line
    assert "width=0.1" in line or group == "presets"


def test_the_command_says_what_it_wrote_and_what_to_do_next(tmp_path) -> None:
    done = CliRunner().invoke(new_plugin, ["evoplug-levy", "--kind", "mutations", "--into", str(tmp_path)])
    folder = tmp_path / "evoplug-levy"
    assert f"wrote {folder / 'src' / 'evoplug_levy.py'}\n" in done.output
    assert f"cd {folder} && pip install -e '.[test]' && pytest" in done.output
    assert "evoplug show mutations levy" in done.output
    left = [path for path in folder.rglob("*") if path.is_file() and "xample" in path.name + path.read_text()]
    assert not left, "the template shows through"


def test_an_existing_folder_is_left_alone(tmp_path) -> None:
    (tmp_path / "evoplug-levy").mkdir()
    with pytest.raises(FilesError, match=r"evoplug-levy is there already; choose another name"):
        scaffold.create("evoplug-levy", "mutations", tmp_path)
    assert not list((tmp_path / "evoplug-levy").iterdir())


@pytest.mark.parametrize(
    ("name", "group", "message"),
    [
        ("Levy", "mutations", "`Levy` cannot be a name: use small letters"),
        ("evoplug-", "mutations", "cannot be a name"),
        ("evoplug-3d", "mutations", "cannot be a name"),
        ("../levy", "mutations", "cannot be a name"),
        ("evoplug", "mutations", "`evoplug` is the name of another module"),
        ("random", "mutations", "is the name of another module"),
        ("numpy", "mutations", "`numpy` is the name of what is installed, in version .*; choose another"),
        ("scikit-learn", "mutations", "`scikit-learn` is the name of what is installed"),
        ("sklearn", "mutations", "`sklearn` would bring the module `sklearn`, of which there is one"),
        ("evoplug-leea", "mutations", "`evoplug-leea` would bring the module `evoplug_leea`, of which there is one"),
        ("evoplug-mutation", "mutations", "would name its class `Mutation`, which means something else there"),
        ("evoplug-none", "networks", "would name its class `None`"),
        ("evoplug-gaussian", "mutations", "would bring a mutation `gaussian`, which evoplug has"),
        ("evoplug-levy", "mutation", "there is no group `mutation`; did you mean `mutations`?"),
    ],
)
def test_a_bad_name_is_refused_in_one_line(name, group, message, tmp_path) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        scaffold.create(name, group, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
