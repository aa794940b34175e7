"""Run folders that are damaged: every command says which file, in lines of its own, and leaves the folder as it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import evoplug
from evoplug.cli import main

CONFIG = {
    "run": {"name": "whole", "stop": {"generations": 4}, "checkpoint": {"every": 2}},
    "strategy": {"use": "random-search", "population": 5},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function"},
    "paper": {"metric": "best.fitness", "value": -1.0, "source": "nowhere"},
    "sweep": {"arms": {"large": {"strategy.population": 9}}},
    "claim": [{"better": "run", "than": "large", "metric": "best.fitness"}],
}
RUN = "run/seed-1"
READ = {
    "report": ("resolved.toml", "config.toml", "result.json", "metrics.jsonl", "environment.json", "plugins.lock"),
    "compare": ("resolved.toml", "config.toml", "result.json", "metrics.jsonl"),
    "plot": ("resolved.toml", "result.json", "metrics.jsonl"),
    "export": ("result.json",),
    "resume": ("resolved.toml", "result.json", "metrics.jsonl", "environment.json", "plugins.lock"),
}
"""Command -> the files of a run that it needs. Those that read many runs need the sweep's own, too."""
OF_MANY = ("report", "compare", "plot")
FILES = (*(f"{RUN}/{name}" for name in READ["report"]), "sweep.toml")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with two runs."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    evoplug.sweep(CONFIG, out=folder, jobs=1)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "sweep")


def called(command: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Exit code and the lines on standard error."""
    run = str(folder / RUN)
    arguments = {
        "report": [str(folder)],
        "compare": [str(folder)],
        "plot": [str(folder), "--out", str(folder.parent / "figures"), "--format", "svg"],
        "export": [run, str(folder.parent / "solution.json")],
        "resume": [run, "--set", "run.stop.generations=5"],
    }[command]
    capfd.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, *arguments])
    return int(ended.value.code or 0), capfd.readouterr().err.splitlines()


def tree(folder: Path) -> dict[str, str]:
    """Everything in a folder, but for the file that locks are held by."""

    def digest(path: Path) -> str:
        if path.is_symlink():
            return f"-> {path.readlink()}"
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"

    return {str(path.relative_to(folder)): digest(path) for path in folder.rglob("*") if path.name != ".lock"}


def mistyped(value: Any) -> Iterator[Any]:
    """The value with one key after the other missing, or of another type."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield {**value, key: [[]] if not isinstance(inner, list) else {"x": 1}}


def as_text(path: Path, change: Callable[[Any], Any]) -> str:
    """A file's text with its value changed; of records, that of the second line."""
    text = path.read_text()
    if path.suffix == ".toml":
        return tomli_w.dumps(change(tomllib.loads(text)))
    if path.suffix == ".jsonl":
        lines = text.splitlines(keepends=True)
        return "".join([lines[0], json.dumps(change(json.loads(lines[1]))) + "\n", *lines[2:]])
    return json.dumps(change(json.loads(text)))


DEEP = {
    ".toml": "a = " + "[" * 10_000 + "]" * 10_000,
    ".jsonl": '{"generations": 1, "x": ' + "[" * 500 + "]" * 500 + "}",
}
DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "list": lambda path: path.write_text("[1, 2]"),
    "numbers": lambda path: path.write_text("1 2 3\n4 5 6\n"),
    "{}": lambda path: path.write_text("{}"),
    "nested": lambda path: path.write_text(DEEP.get(path.suffix, "[" * 10_000 + "]" * 10_000)),
    "bytes": lambda path: path.write_bytes(bytes(range(256))),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "link": lambda path: (path.rename(path.with_name("elsewhere")), path.symlink_to("elsewhere")),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


def needed(command: str, file: str) -> bool:
    name = Path(file).name
    return command in OF_MANY if name == "sweep.toml" else name in READ[command]


@pytest.mark.parametrize("damage", [*DAMAGES, "unreadable"])
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_named_and_nothing_is_changed(
    file: str, damage: str, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / file
    if damage == "unreadable":
        unreadable(path, monkeypatch)
    else:
        DAMAGES[damage](path)
    for command in READ:
        before = tree(folder)
        code, lines = called(command, folder, capfd)
        if needed(command, file):
            assert (code, bool(lines)) == (4, True), f"{command}: {lines}"
            assert all(line.startswith(f"evoplug: error: {path}") for line in lines), f"{command}: {lines}"
            assert tree(folder) == before, command
        else:
            assert code == 0, f"{command}: {lines}"


def unreadable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind root, under which tests may run."""
    given = os.open

    def refusing(name: Any, *arguments: Any, **more: Any) -> int:
        if os.fspath(name) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return given(name, *arguments, **more)

    monkeypatch.setattr(os, "open", refusing)


@pytest.mark.parametrize("file", FILES)
def test_keys_that_are_missing_or_of_another_type(
    file: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All of them, on the first two levels: an error that names the file, or as if nothing were wrong."""
    path = folder / file
    text = path.read_text()
    whole = (
        tomllib.loads(text)
        if path.suffix == ".toml"
        else json.loads(text.splitlines()[1] if ".jsonl" in file else text)
    )
    changed = [*mistyped(whole)]
    for key, inner in whole.items():
        first = inner[0] if isinstance(inner, list) and inner else inner
        changed += [{**whole, key: [each] if isinstance(inner, list) else each} for each in mistyped(first)]
    for each in changed:
        for command in ("report", "compare", "export"):
            path.write_text(as_text(path, lambda _, each=each: each))
            before = tree(folder)
            code, lines = called(command, folder, capfd)
            said = f"{command}, {each}: {lines}"
            assert code in ((0, 4) if needed(command, file) else (0,)), said
            if code:
                assert lines, said
                assert all(line.startswith("evoplug: error: ") and str(folder) in line for line in lines), said
                assert tree(folder) == before, said
            path.write_text(text)
            for written in (folder / "report.html",):
                written.unlink(missing_ok=True)


def test_a_run_stands_for_itself(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it has written extends nothing: no file elsewhere is read for it."""
    path = folder / RUN / "resolved.toml"
    path.write_text(f'extends = "{folder / RUN / "config.toml"}"\n{path.read_text()}')
    for command in READ:
        before = tree(folder)
        code, lines = called(command, folder, capfd)
        if needed(command, path.name):
            assert (code, lines[0].partition(":1: ")[2].partition(" ")[0]) == (4, "extends:"), f"{command}: {lines}"
            assert tree(folder) == before
