"""Run folders of strangers: reading one runs nothing that it names, and writes nowhere but into it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import evoplug
from evoplug.cli import main
from evoplug.errors import FilesError
from evoplug.running.cells import _Tail
from evoplug.running.environment import environment

PARTS = """
from pathlib import Path
import evoplug
import torch
from evoplug.contracts import Network, Plot, dataclass
from matplotlib.figure import Figure

Path(__file__).with_name("ran").touch()


@evoplug.register("networks", "own")
@dataclass(kw_only=True)
class Own(Network):
    def build(self, shape, outputs):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, outputs))


@evoplug.register("plots", "own-plot")
@dataclass(kw_only=True)
class OwnPlot(Plot):
    def draw(self, arms):
        return Figure()
"""
FUNCTION = """
from pathlib import Path

Path(__file__).with_name("ran").touch()

def init(weights, fan_in, fan_out, generator):
    weights.normal_(0, 0.05, generator=generator)
"""


def config(network: Any, **more: Any) -> dict[str, Any]:
    return {
        "run": {"stop": {"generations": 2}},
        "strategy": {"use": "leea", "population": 6},
        "genotype": {"use": "weights", "network": network, **more},
        "evaluator": {"use": "classification", "batch": 16},
        "operators": {"mutation": {"use": "gaussian", "sigma": 0.05}},
    }


def command(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A run with a network in a file beside it; the file; and what is there once the file has been run again."""
    file, ran = tmp_path / "own.py", tmp_path / "ran"
    file.write_text(PARTS)
    run = evoplug.run({**config("own"), "plugins": [str(file)]}, out=tmp_path / "run")
    assert run.best.module is not None  # what was just run is trusted
    file.write_text(PARTS + f"# {tmp_path}\n")  # so that it is no module that this process has already
    ran.unlink()
    return run.folder, file, ran


def test_what_reads_leaves_code_out_and_says_so(parts: tuple[Path, Path, Path], capfd: Any) -> None:
    folder, file, ran = parts
    for each in (("report", folder), ("plot", folder, "--format", "svg"), ("compare", folder)):
        assert command(*each) == 0
        said = capfd.readouterr()
        assert f"{file}: left out" in " ".join((said.out + said.err).replace("\n", "").split())
    run = evoplug.Run(folder)
    assert (run.status, run.best.genome.dim(), run.left_out) == ("finished", 1, (str(file),))
    assert not ran.exists()
    assert command("plot", folder, "--format", "svg", "--plugins", file) == 0
    assert "left out" not in capfd.readouterr().err
    assert (folder / "plots" / "own-plot.svg").exists()
    assert ran.exists()


def test_an_export_asks_for_what_the_network_is_made_by(parts: tuple[Path, Path, Path], capfd: Any) -> None:
    folder, file, ran = parts
    assert command("export", folder, folder / "solution.json") == 0
    capfd.readouterr()
    assert command("export", folder, folder / "model.pt") == 4
    errors = capfd.readouterr().err
    assert "genotype.network: there is no network `own`" in errors or "there is no network `own`" in errors
    assert f"code beside it was left out: {file}; --plugins FILE" in errors
    with pytest.raises(FilesError, match="left out"):
        evoplug.Run(folder).best.module  # noqa: B018
    assert not ran.exists()
    assert command("export", folder, folder / "model.pt", "--plugins", file) == 0
    assert evoplug.Run(folder, [file]).best.module is not None
    assert ran.exists()


def test_a_function_that_the_network_does_not_need_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(FUNCTION)
    run = evoplug.run(config({"use": "mlp", "hidden": [4]}, init=f"{file}:init"), out=tmp_path / "run")
    (tmp_path / "ran").unlink()
    file.write_text(FUNCTION + f"# {tmp_path}\n")
    assert command("export", run.folder, tmp_path / "model.pt") == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("damage", ["changed", "missing", "empty", "another", "added"])
def test_a_resume_looks_at_the_lock_before_it_runs_anything(
    damage: str, parts: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    folder, file, ran = parts
    lock = folder / "plugins.lock"
    if damage == "missing":
        lock.unlink()
    elif damage == "empty":
        lock.write_text("{}")
    elif damage in ("another", "added"):
        file.write_text(PARTS)  # as it was
        rows = json.loads(lock.read_text())
        (key,) = (key for key in rows if "own.py" in key)
        row = rows.pop(key)
        if damage == "another":
            rows[key.replace(str(file), "/nowhere/own.py")] = row
        lock.write_text(json.dumps(rows))
    with pytest.raises(FilesError, match="--allow-changed"):
        evoplug.resume(folder, {"run.stop.generations": 3})
    assert not ran.exists()
    assert evoplug.Run(folder).status == "finished"
    evoplug.resume(folder, {"run.stop.generations": 3}, allow_changed=True)
    assert ran.exists() == (damage not in ("another", "added"))


def test_git_runs_nothing_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "file").write_text("1")
    git("init", "-q")
    git("add", "file")
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\ncat\n")
    hook.chmod(0o755)
    (tmp_path / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for key in (
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.external",
        "core.pager",
        "alias.rev-parse",
    ):
        git("config", key, str(hook))
    (tmp_path / "file").write_text("2")
    monkeypatch.chdir(tmp_path)
    commit = environment("cpu", 1, 1, {}, [])["git"]
    assert commit is not None
    assert len(commit) == 40
    assert not (tmp_path / "ran").exists()


def test_links_in_a_folder_lead_nowhere(tmp_path: Path) -> None:
    """Whatever is written, what a link points to stays as it was."""
    run = evoplug.run({**config("mlp"), "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [4]}}},
                      out=tmp_path / "run").folder  # fmt: skip
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("report.html", "report.html.tmp", "plots/best-by-generations.svg", "environment.json.tmp", ".owner",
                 "result.json.tmp", "error.log", "output.log"):  # fmt: skip
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).unlink(missing_ok=True)
        (victim / name.replace("/", "-")).write_text("precious")
        (run / name).symlink_to(victim / name.replace("/", "-"))
    assert command("report", run) == 0
    assert command("plot", run, "--format", "svg") == 0
    assert command("resume", run, "--set", "run.stop.generations=3") == 0
    assert not (run / "report.html").is_symlink()
    assert {path.read_text() for path in victim.iterdir()} == {"precious"}


@pytest.mark.parametrize("name", ["metrics.jsonl", "checkpoints", "plots", ".lock", "result.json", "resolved.toml"])
def test_a_link_that_would_be_written_through_is_refused(name: str, tmp_path: Path, capfd: Any) -> None:
    run = evoplug.run(config({"use": "mlp", "hidden": [4]}), out=tmp_path / "run").folder
    (run / "plots").mkdir()
    away = shutil.move(run / name, tmp_path / "away")
    (run / name).symlink_to(away)
    before = sorted(path.stat().st_mtime_ns for path in (tmp_path / "away", *(tmp_path / "away").rglob("*")))
    each = ("plot", run) if name == "plots" else ("resume", run, "--set", "run.stop.generations=3")
    assert command(*each) == 4
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"evoplug: error: {run / name}: ")
    assert "link" in line
    assert sorted(p.stat().st_mtime_ns for p in (tmp_path / "away", *(tmp_path / "away").rglob("*"))) == before


@pytest.mark.parametrize("sort", ["link", "pipe"])
def test_what_a_cell_prints_goes_into_a_file_of_its_own(sort: str, tmp_path: Path) -> None:
    sweep = {
        "run": {"stop": {"generations": 1}},
        "strategy": {"use": "random-search", "population": 4},
        "genotype": {"use": "real-vector", "length": 2},
        "evaluator": {"use": "function"},
        "sweep": {"seeds": 1},
    }
    (run,) = evoplug.sweep(sweep, out=tmp_path / "sweep", jobs=1)
    output, victim = run.folder / "output.log", tmp_path / "victim"
    victim.write_text("precious")
    output.unlink()
    output.symlink_to(victim) if sort == "link" else os.mkfifo(output)
    with pytest.raises(FilesError, match=r"output\.log: "):
        evoplug.sweep(sweep, {"run.stop.generations": 2}, out=tmp_path / "sweep", jobs=1)
    assert victim.read_text() == "precious"


def test_the_output_of_a_sweeps_run_goes_through_no_link(tmp_path: Path, capfd: Any) -> None:
    sweep = {**config({"use": "mlp", "hidden": [4]}), "sweep": {"seeds": 2}}
    (tmp_path / "sweep.toml").write_text(tomli_w.dumps({"evoplug": 1, **sweep}))
    arguments = ("run", tmp_path / "sweep.toml", "--out", tmp_path / "s")
    assert command(*arguments) == 0
    capfd.readouterr()
    output = tmp_path / "s" / "run" / "seed-2" / "output.log"
    shutil.move(output, tmp_path / "away")
    output.symlink_to(tmp_path / "away")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert command(*arguments, "--set", "run.stop.generations=3") == 4
    assert f"evoplug: error: {output}: is a symbolic link" in capfd.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("line", ["5", "{}", '{"generations": "x"}', "[" * 2000])
def test_progress_is_read_from_whole_records_alone(line: str, tmp_path: Path) -> None:
    records = tmp_path / "metrics.jsonl"
    (tmp_path / "elsewhere").write_text('{"generations": 1, "best": 0.5, "mean": 0.1}\n')
    records.symlink_to("elsewhere")
    assert _Tail(records).last() is None
    shutil.move(tmp_path / "elsewhere", records)
    tail = _Tail(records)
    assert (tail.last() or {})["generations"] == 1
    with records.open("a") as file:
        file.write(f"{line}\n")
    assert tail.last() is None
