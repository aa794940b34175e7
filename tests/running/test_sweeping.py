"""Sweeps: every cell once, in a process of its own; what a second call does, and what ends a sweep early."""

import os
import signal
import tomllib
from pathlib import Path

import pytest

import evoplug
from evoplug import ConfigError, FilesError
from evoplug.analysis import groups
from evoplug.cli import main
from evoplug.config import Claim, check, load
from evoplug.config.fit import fit
from evoplug.errors import Interrupted
from evoplug.population import memory
from evoplug.running import stated
from evoplug.running.sweeping import SweepError, SweepWatch

SEARCH = {
    "run": {"name": "search", "stop": {"generations": 3}},
    "strategy": {"use": "random-search"},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function"},
    "sweep": {"seeds": 1, "arms": {"ackley": {"evaluator.function": "ackley"}}},
}
LONG = {"run.stop": {"generations": 1_000_000}, "run.checkpoint": {"minutes": 60}}


class Journal(SweepWatch):
    """Notes what happened."""

    def __init__(self):
        self.ended_works = []

    def begin(self, experiment, folder, works, jobs):
        self.states, self.jobs = [work.state for work in works], jobs
        self.works = works

    def ended(self, work):
        self.ended_works.append((work.name, work.state))


def rows(run):
    return [{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in run.metrics]


def test_every_cell_is_the_run_that_it_would_be_alone_and_runs_once(tmp_path):
    journal = Journal()
    runs = evoplug.sweep(SEARCH, out=tmp_path / "s", jobs=2, watch=journal)
    assert [run.folder.relative_to(tmp_path / "s").as_posix() for run in runs] == ["run/seed-1", "ackley/seed-1"]
    assert [run.status for run in runs] == ["finished"] * 2
    assert sorted(journal.ended_works) == [("ackley, seed 1", "finished"), ("run, seed 1", "finished")]
    assert (journal.states, journal.jobs) == (["waiting"] * 2, 2)
    assert [work.row["generations"] for work in journal.works] == [3, 3]
    alone = {key: value for key, value in SEARCH.items() if key != "sweep"}
    single = evoplug.run(alone, {"evaluator.function": "ackley"}, out=tmp_path / "alone")
    assert rows(runs[1]) == rows(single)
    assert tomllib.loads((tmp_path / "s" / "sweep.toml").read_text())["sweep"]["seeds"] == 1
    assert [run.config["run"]["workers"] for run in runs] == [max(1, (os.cpu_count() or 1) // 2)] * 2

    before = {path: path.stat().st_mtime_ns for run in runs for path in run.folder.iterdir()}
    again = Journal()
    evoplug.sweep(SEARCH, out=tmp_path / "s", jobs=1, watch=again)
    assert (again.states, again.ended_works) == (["complete"] * 2, [])
    assert {path: path.stat().st_mtime_ns for run in runs for path in run.folder.iterdir()} == before

    with pytest.raises(FilesError, match=r"run.seed-1: holds a run of other settings: genotype.length is 4, not 3"):
        evoplug.sweep(SEARCH, {"genotype.length": 4}, out=tmp_path / "s")
    assert tomllib.loads((tmp_path / "s" / "sweep.toml").read_text())["genotype"]["length"] == 3


CLAIM = {"better": "many", "than": "run", "metric": "best.fitness"}
STATED = {**SEARCH, "sweep": {"arms": {"many": {"strategy.population": 40}}}, "claim": [CLAIM]}


def test_a_cell_keeps_the_claims_under_which_it_began_and_runs_once_whatever_becomes_of_them(tmp_path):
    first, _ = evoplug.sweep(STATED, out=tmp_path / "s")
    kept = first.folder / "claims.json"
    before = kept.read_bytes()
    assert stated.read(first.folder) == (Claim(**CLAIM),)
    assert "claim" not in first.config

    journal = Journal()
    changed = {**CLAIM, "expect": "not reproduced", "reason": "it was not"}
    runs = evoplug.sweep({**STATED, "claim": [changed]}, seeds=2, out=tmp_path / "s", watch=journal)
    assert journal.states == ["complete", "waiting"] * 2
    assert kept.read_bytes() == before
    assert [stated.read(run.folder)[0].expect for run in runs] == ["reproduced", "not reproduced"] * 2
    (earlier,) = groups.read([tmp_path / "s"]).earlier
    assert (earlier.runs, earlier.of) == ({"run": (1,), "many": (1,)}, 4)
    evoplug.resume(first.folder, {"run.stop.generations": 4})
    assert kept.read_bytes() == before


def test_a_sweep_without_claims_says_that_there_were_none(tmp_path):
    runs = evoplug.sweep({**STATED, "claim": []}, out=tmp_path / "s")
    assert [stated.read(run.folder) for run in runs] == [()] * 2
    evoplug.sweep(STATED, out=tmp_path / "s")
    assert [earlier.changes for earlier in groups.read([tmp_path / "s"]).earlier] == [
        ("many > run on best.fitness is new",)
    ]


def test_a_cell_that_was_killed_while_it_was_set_up_begins_under_the_claims_of_now(tmp_path):
    folder = tmp_path / "s" / "run" / "seed-1"
    folder.mkdir(parents=True)
    (folder / "claims.json").write_text(stated.text([]))
    (folder / ".0123456789abcdef.tmp").write_text("")
    evoplug.sweep(STATED, out=tmp_path / "s")
    assert stated.read(folder) == (Claim(**CLAIM),)


def test_a_cell_that_runs_alone_has_all_cores_unless_the_configuration_says_otherwise(tmp_path):
    (run,) = evoplug.sweep(SEARCH, {"sweep.arms": {}}, out=tmp_path / "s", jobs=4)
    assert run.config["run"]["workers"] == "auto"
    (run,) = evoplug.sweep(SEARCH, {"sweep.arms": {}, "run.workers": 3}, out=tmp_path / "t", jobs=4)
    assert run.config["run"]["workers"] == 3


def test_a_failed_cell_stops_no_other_and_is_tried_again(tmp_path):
    function = tmp_path / "mine.py"
    function.write_text(
        "import os, signal\n"
        "def mine(x):\n    raise ValueError('no such luck')\n"
        "def dies(x):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    genotype = {**SEARCH["genotype"], "low": -1.0, "high": 1.0}
    arms = {name: {"evaluator.function": f"{function}:{name}"} for name in ("mine", "dies")}
    config = {**SEARCH, "genotype": genotype, "sweep": {"arms": arms}}
    journal = Journal()
    with pytest.raises(SweepError) as caught:
        evoplug.sweep(config, out=tmp_path / "s", watch=journal)
    raised, killed = str(caught.value).splitlines()
    assert raised.startswith("mine, seed 1: ")
    assert "no such luck" in raised
    assert raised.endswith(f"(see {tmp_path / 's' / 'mine' / 'seed-1'})")
    assert killed.startswith("dies, seed 1: was killed by signal 9")
    assert caught.value.exit_code == 5
    assert sorted(name for name, state in journal.ended_works if state == "failed") == ["dies, seed 1", "mine, seed 1"]

    function.write_text("def mine(x):\n    return x[:, 0]\ndies = mine\n")
    for name in arms:  # the lock holds the source that failed
        (tmp_path / "s" / name / "seed-1" / "plugins.lock").unlink()
    again = Journal()
    runs = evoplug.sweep(config, out=tmp_path / "s", watch=again)
    assert sorted(again.ended_works) == [("dies, seed 1", "finished"), ("mine, seed 1", "finished")]
    assert [run.status for run in runs] == ["finished"] * 3


def test_a_signal_saves_the_running_cells_and_the_same_call_goes_on(tmp_path):
    class Stop(Journal):
        told = False

        def look(self):
            if not self.told and self.works[0].row.get("generations", 0) > 5:
                self.told = True
                signal.raise_signal(signal.SIGINT)

    journal = Stop()
    with pytest.raises(Interrupted) as caught:
        evoplug.sweep(SEARCH, LONG, out=tmp_path / "s", jobs=1, watch=journal)
    assert caught.value.exit_code == 130
    assert journal.ended_works == [("run, seed 1", "interrupted")]
    run = evoplug.Run(tmp_path / "s" / "run" / "seed-1")
    assert run.status == "interrupted"
    saved = len(run.metrics)
    assert saved > 5
    assert not (tmp_path / "s" / "ackley").exists()

    class Further(Stop):
        def look(self):
            if not self.told and self.works[0].row.get("generations", 0) > saved:
                self.told = True
                signal.raise_signal(signal.SIGINT)

    again = Further()
    with pytest.raises(Interrupted):
        evoplug.sweep(SEARCH, LONG, out=tmp_path / "s", jobs=1, watch=again)
    assert [row["generations"] for row in run.metrics] == list(range(1, len(run.metrics) + 1))
    assert len(run.metrics) > saved


def test_nothing_is_written_where_an_arm_is_wrong(tmp_path):
    config = {**SEARCH, "sweep": {"arms": {"bad": {"evaluator.function": "rosenbrock", "genotype.length": 1}}}}
    with pytest.raises(ConfigError, match="rosenbrock needs at least 2 genes"):
        evoplug.sweep(config, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    stray = tmp_path / "s" / "run" / "seed-1" / "notes.txt"
    stray.parent.mkdir(parents=True)
    stray.write_text("mine")
    with pytest.raises(FilesError, match=r"seed-1: is not empty and not a run folder"):
        evoplug.sweep(SEARCH, out=tmp_path / "s")
    assert [path for path in (tmp_path / "s").rglob("*") if path.is_file()] == [stray]


def test_a_cell_that_cannot_be_looked_at_is_one_line(tmp_path, monkeypatch):
    evoplug.sweep(SEARCH, out=tmp_path / "s")
    hidden, look = tmp_path / "s" / "run" / "seed-1", Path.stat

    def refusing(self, *, follow_symlinks=True):  # lstat asks it too
        if self.parent == hidden:
            raise PermissionError(13, "Permission denied", str(self))
        return look(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refusing)
    with pytest.raises(FilesError, match=r"seed-1/resolved\.toml: cannot be read: Permission denied"):
        evoplug.sweep(SEARCH, out=tmp_path / "s")


def test_a_part_that_leaves_the_working_folder_when_it_is_imported_loses_no_sweep(tmp_path, monkeypatch, capsys):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("leaves.py").write_text(f"import os\nos.chdir({str(tmp_path / 'away')!r})\ndef f(x):\n    return x[:, 0]\n")
    Path("leaves.toml").write_text(
        'evoplug = 1\n[run]\nstop = { generations = 2 }\n[strategy]\nuse = "random-search"\n'
        '[genotype]\nuse = "real-vector"\nlength = 2\nlow = 0.0\nhigh = 1.0\n'
        '[evaluator]\nuse = "function"\nfunction = "./leaves.py:f"\n'
    )
    with pytest.raises(SystemExit) as caught:
        main(["run", "leaves.toml", "--seeds", "1", "--out", "s"])
    assert not caught.value.code
    assert list((tmp_path / "away").iterdir()) == []
    assert evoplug.Run(tmp_path / "s" / "run" / "seed-1").status == "finished"
    assert "evoplug compare s --metric" in capsys.readouterr().out


def test_a_sweep_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match="sweep: a sweep is many runs: evoplug.sweep runs them all"):
        evoplug.run(SEARCH, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_makes_a_sweep_of_any_configuration(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(
        'evoplug = 1\n[run]\nstop = { generations = 2 }\nseed = 7\n[strategy]\nuse = "random-search"\n'
        '[genotype]\nuse = "real-vector"\nlength = 2\n[evaluator]\nuse = "function"\n'
    )
    with pytest.raises(SystemExit) as caught:
        main(["run", "plain.toml", "--seeds", "2", "--jobs", "2"])
    assert not caught.value.code
    out = capsys.readouterr().out
    assert "1 arm, 2 runs; 2 at once" in out
    assert "finished     run, seed 8  best" in out
    assert "2 of 2 runs finished" in out
    assert [path.name for path in sorted((tmp_path / "runs" / "plain" / "run").iterdir())] == ["seed-7", "seed-8"]


def test_jobs_are_for_sweeps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(["run", "quickstart", "--jobs", "2"])
    assert caught.value.code == 2
    assert "--jobs is for sweeps" in capsys.readouterr().err


def test_a_larger_budget_goes_on_with_every_cell_and_a_smaller_one_is_refused(tmp_path):
    evoplug.sweep(SEARCH, out=tmp_path / "s")
    journal = Journal()
    longer = {"run.stop": {"generations": 5, "hours": 1.5}, "run.checkpoint": {"every": 2}}
    runs = evoplug.sweep(SEARCH, longer, out=tmp_path / "s", watch=journal)
    assert journal.states == ["waiting"] * 2
    assert [len(run.metrics) for run in runs] == [5, 5]
    assert [run.config["run"]["stop"] for run in runs] == [longer["run.stop"]] * 2
    (alone, _) = evoplug.sweep(SEARCH, longer, out=tmp_path / "whole")
    assert rows(runs[0]) == rows(alone)

    again = Journal()
    evoplug.sweep(SEARCH, longer, out=tmp_path / "s", watch=again)
    assert again.states == ["complete"] * 2
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    with pytest.raises(ConfigError) as caught:
        evoplug.sweep(SEARCH, out=tmp_path / "s")
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 's' / arm / 'seed-1'}: run.stop.generations: 3 is less than what this run has spent, 5"
        for arm in ("run", "ackley")
    ]
    assert {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()} == before


def test_no_more_runs_at_once_than_fit_into_memory(tmp_path, monkeypatch):
    one = fit(check(load({key: value for key, value in SEARCH.items() if key != "sweep"}))).memory
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "free", lambda device: one + one // 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    with pytest.raises(ConfigError, match=r"^jobs: 2 runs at once: about .* of memory, and cpu has .* free$"):
        evoplug.sweep(SEARCH, out=tmp_path / "s", jobs=2)
    assert not (tmp_path / "s").exists()
    journal = Journal()
    evoplug.sweep(SEARCH, out=tmp_path / "s", watch=journal)
    assert journal.jobs == 1


def test_the_runs_of_an_arm_are_of_one_code(tmp_path):
    (tmp_path / "helper.py").write_text("SCALE = 2\n")
    (tmp_path / "own.py").write_text("from helper import SCALE\n\ndef f(x):\n    return SCALE * x.sum(1)\n")
    config = {**SEARCH, "evaluator": {"use": "function", "function": f"{tmp_path}/own.py:f"}, "sweep": {"seeds": 1}}
    config["genotype"] = {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0}
    evoplug.sweep(config, out=tmp_path / "s", jobs=1)
    (tmp_path / "helper.py").write_text("SCALE = 3\n")
    with pytest.raises(FilesError, match=r"the source has changed since the run began: .*helper\.py; name another"):
        evoplug.sweep(config, seeds=2, out=tmp_path / "s", jobs=1)
    assert not (tmp_path / "s" / "run" / "seed-2").exists()
