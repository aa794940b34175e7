"""Disks that are full, folders that cannot be read or written, and files that were cut: one line, and nothing lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evoplug
from evoplug.cli import main
from evoplug.errors import FilesError, PluginError
from evoplug.running.checkpoint import Checkpoints
from evoplug.running.runner import Watch

SEARCH: dict[str, Any] = {
    "run": {"name": "search", "stop": {"generations": 20}, "checkpoint": {"every": 5}},
    "strategy": {"use": "random-search", "population": 5},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function"},
}
FULL = """
import json, resource, signal, sys
import evoplug, torch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
try:
    evoplug.run(json.loads(sys.argv[2]), out=sys.argv[3])
except evoplug.FilesError as error:
    print(error)
"""
"""A run whose files may have so many bytes: what a full disk does, to one file after the other."""


def resume(folder: Path, generations: int = 30) -> evoplug.Run:
    return evoplug.resume(folder, {"run.stop.generations": generations})


def bests(run: evoplug.Run) -> list[float]:
    return [row["best"] for row in run.metrics]


@pytest.fixture
def run(tmp_path: Path) -> evoplug.Run:
    return evoplug.run(SEARCH, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("bytes_", "population", "file"),
    [(0, 5, ".owner"), (100, 5, "plugins.lock"), (1000, 5, "metrics.jsonl"), (3500, 5000, "checkpoints: a checkpoint")],
)
def test_a_full_disk_is_one_line_and_the_folder_is_taken_again(
    bytes_: int, population: int, file: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run = {"stop": {"generations": 6}}
    config = {**SEARCH, "run": run, "strategy": {"use": "random-search", "population": population}}
    command = [sys.executable, "-B", "-c", FULL, str(bytes_), json.dumps(config), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder / file}: cannot be written: File too large\n", done.stderr
    if (folder / "resolved.toml").exists():
        assert evoplug.Run(folder).status == "failed"
        assert evoplug.Run(folder).result["reason"] == done.stdout.strip()
        again = evoplug.resume(folder)
    else:
        again = evoplug.run(config, out=folder)
    assert bests(again) == bests(evoplug.run(config, out=tmp_path / "other"))


def test_a_folder_that_cannot_be_written_is_one_line(
    run: evoplug.Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given = os.open

    def refusing(name: Any, flags: int, *arguments: Any, **more: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and str(name).startswith(str(run.folder)):
            raise OSError(30, "Read-only file system")
        return given(name, flags, *arguments, **more)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: refusing(run.folder, os.O_WRONLY))
    for command in ("report", "plot", "export"):
        with pytest.raises(SystemExit) as ended:
            main([command, str(run.folder), *([str(run.folder / "solution.json")] if command == "export" else [])])
        assert ended.value.code == 4
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith(f"evoplug: error: {run.folder}/")
        assert line.endswith(": cannot be written: Read-only file system")


def cut(text: bytes) -> bytes:
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda text: b"\n".join(text.split(b"\n")[:7]) + b"\n",
        lambda text: b"",
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.decode().encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b'"generations": 7', b'"generations": 8'),
        None,
    ],
    ids=["cut", "shorter", "empty", "crlf", "cr", "utf-16", "bom", "another line", "missing"],
)
def test_records_that_are_not_as_the_checkpoint_left_them_are_refused(
    damage: Callable[[bytes], bytes] | None, run: evoplug.Run
) -> None:
    file = run.folder / "metrics.jsonl"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage(file.read_bytes()))
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    with pytest.raises(FilesError, match="metrics.jsonl: (does not begin with generations 1 to 20|is missing)"):
        resume(run.folder)
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before


def test_a_solution_with_a_wrong_bit_is_refused(run: evoplug.Run) -> None:
    file, rng = run.folder / "solution.pt", random.Random(0)
    whole = file.read_bytes()
    for _ in range(100):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        file.write_bytes(data)
        with pytest.raises(FilesError, match=r"solution\.pt: is damaged: its checksum is not the one in result\.json"):
            evoplug.Run(run.folder).best  # noqa: B018


def test_a_solution_without_a_checksum_is_read_and_said_to_be_so(
    run: evoplug.Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    result = run.result
    del result["solution"], result["checksum"]
    (run.folder / "result.json").write_text(json.dumps(result))
    with pytest.raises(SystemExit):
        main(["export", str(run.folder), str(tmp_path / "solution.json")])
    assert "# result.json has no checksum of solution.pt: it was not verified" in capfd.readouterr().out


def test_damaged_checkpoints_do_not_count(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", keep=1)
    damaged = checkpoints.save(9, {"value": 9})
    damaged.write_bytes(damaged.read_bytes()[:-1])
    checkpoints.save(5, {"value": 5})
    found = checkpoints.load()
    assert found is not None
    assert (found[0]["value"], found[1]) == (5, [])
    three = Checkpoints(tmp_path / "more", keep=2)
    paths = [three.save(generation, {"value": generation}) for generation in (1, 2)]
    paths[1].write_bytes(b"")
    three.save(3, {"value": 3})
    assert sorted(int(path.name[:8]) for path in three.folder.iterdir()) == [1, 3]


@pytest.mark.parametrize("damage", ["unreadable", "file"])
def test_checkpoints_that_cannot_be_read_are_not_the_same_as_none(
    damage: str, run: evoplug.Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = run.folder / "checkpoints"
    if damage == "file":
        folder.rename(run.folder / "away")
        folder.write_text("")
    else:
        given = Path.iterdir

        def refusing(self: Path) -> Any:
            if self == folder:
                raise PermissionError(13, "Permission denied", str(folder))
            return given(self)

        monkeypatch.setattr(Path, "iterdir", refusing)
    before = {path: path.read_bytes() for path in run.folder.rglob("*.json*")}
    with pytest.raises(SystemExit) as ended:
        main(["resume", str(run.folder), "--set", "run.stop.generations=30"])
    assert ended.value.code == 4
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"evoplug: error: {folder}: ")
    assert {path: path.read_bytes() for path in run.folder.rglob("*.json*")} == before


class Stop(Watch):
    """Looks at a run while it goes on; fails at a generation."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.last = folder, last
        self.seen: dict[int, str] = {}

    def generation(self, row: Any) -> None:
        self.seen[row["generations"]] = evoplug.Run(self.folder).status
        if row["generations"] == self.last:
            raise PluginError("enough")


def test_a_finished_result_stays_until_the_session_after_it_has_a_checkpoint(run: evoplug.Run) -> None:
    result, resolved = run.result, (run.folder / "resolved.toml").read_text()
    watch = Stop(run.folder, 23)
    with pytest.raises(PluginError):
        evoplug.resume(run.folder, {"run.stop.generations": 30}, watch=watch)
    assert evoplug.Run(run.folder).result == result
    assert (run.folder / "resolved.toml").read_text() == resolved
    assert evoplug.Run(run.folder).best.fitness == result["best"]["fitness"]
    watch = Stop(run.folder, 28)
    with pytest.raises(PluginError):
        evoplug.resume(run.folder, {"run.stop.generations": 30}, watch=watch)
    assert watch.seen == {**dict.fromkeys(range(21, 26), "finished"), **dict.fromkeys(range(26, 29), "unfinished")}
    assert evoplug.Run(run.folder).status == "failed"
    assert len(evoplug.resume(run.folder).metrics) == 30


def test_everything_that_holds_numbers_is_durable_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, names = set[int](), list[str]()
    fsync, replace = os.fsync, os.replace

    def syncing(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def replacing(old: Any, new: Any) -> None:
        assert os.stat(old).st_ino in synced, new
        names.append(Path(new).name)
        replace(old, new)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", replacing)
    run = evoplug.run(SEARCH, out=tmp_path / "run")
    files = {"resolved.toml", "config.toml", "plugins.lock", "environment.json", "result.json", "solution.pt"}
    assert files <= set(names)
    assert (run.folder / "metrics.jsonl").stat().st_ino in synced


def test_a_set_up_that_was_cut_is_taken_again_and_a_folder_of_ones_own_is_not(tmp_path: Path) -> None:
    for name in (".lock", "plugins.lock", f".{'0' * 16}.tmp"):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_text("")
    assert evoplug.run(SEARCH, out=tmp_path / "run").status == "finished"
    assert not list((tmp_path / "run").glob("*.tmp"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.toml").write_text("mine")
    with pytest.raises(FilesError, match="exists and is not empty"):
        evoplug.run(SEARCH, out=tmp_path / "mine")
