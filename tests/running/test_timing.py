"""``evoplug check --time``: what a run will cost, told from its first generations."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

import evoplug
from evoplug import EvaluationError
from evoplug.cli import main
from evoplug.cli.timing import duration
from evoplug.config import Checkpoint, Measure, RunSettings
from evoplug.running import rehearsal
from evoplug.running.costs import Timing
from evoplug.running.timing import measure

TIMING = Timing(
    start=3.0,
    first=2.0,
    generation=0.5,
    measure=0.25,
    save=0.125,
    report=1.0,
    ledger={"generations": (1, 1), "seconds": (2.0, 0.5), "epochs": (40, 20), "steps": (7, 0)},
    checkpoint=2_000_000,
    memory=900_000_000,
    device_memory=0,
)


@pytest.mark.parametrize(
    ("stop", "generations"),
    [
        ({"generations": 10}, 10),
        ({"generations": 1}, 1),
        ({"epochs": 40}, 1),
        ({"epochs": 41}, 2),
        ({"epochs": 100}, 4),
        ({"seconds": 1.0}, 1),
        ({"seconds": 4.0}, 5),
        ({"minutes": 1}, 117),
        ({"hours": 1, "generations": 20, "epochs": 10_000}, 20),
        ({"fitness": 0.9, "epochs": 100}, 4),
        ({"fitness": 0.9}, None),
        ({"steps": 100}, None),
        ({"steps": 100, "generations": 3}, 3),
    ],
)
def test_the_first_stop_rule_that_is_reached_tells_how_many_generations(stop, generations):
    assert TIMING.generations(stop) == generations


def test_the_whole_run_is_the_sum_of_its_parts():
    run = RunSettings("r", stop={"generations": 11}, checkpoint=Checkpoint(minutes=5))
    assert TIMING.total(run) == 3 + 2 + 10 * 0.5 + 0.125 + 1
    assert TIMING.total(replace(run, measure=Measure(every=4))) == 3 + 2 + 10 * 0.5 + 2 * 0.25 + 0.125 + 1
    assert TIMING.total(replace(run, checkpoint=Checkpoint(every=5))) == 3 + 2 + 10 * 0.5 + 3 * 0.125 + 1
    long = replace(run, stop={"generations": 1 + 2 * 600})  # 602 s of generations
    assert TIMING.total(long) == 3 + 2 + 600 + 3 * 0.125 + 1
    assert TIMING.total(replace(run, stop={"fitness": 1})) is None
    slow = replace(TIMING, save=7.0)  # 2 % of 350 s: one checkpoint on the way, not two
    assert slow.total(long) == 3 + 2 + 600 + 2 * 7.0 + 1


class Clock:
    """Time that passes only where :meth:`work` is done: 2 seconds, 5 the first time."""

    def __init__(self) -> None:
        self.now, self.first = 100.0, True

    def work(self):
        self.now += 5.0 if self.first else 2.0
        self.first = False


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(time, "work", clock.work, raising=False)
    return clock


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """A configuration whose evaluations take time."""
    (tmp_path / "code.py").write_text(
        "import os, time\n"
        "def slow(x):\n"
        "    time.work()\n"
        "    return (x**2).sum(-1)\n"
        "def broken(x):\n"
        "    raise ValueError('no')\n"
        "def deadly(x):\n"
        "    os._exit(9)\n"
    )
    config = tmp_path / "slow.toml"
    config.write_text(
        "evoplug = 1\n"
        'strategy = { use = "random-search", population = 3 }\n'
        'genotype = { use = "real-vector", length = 2, low = -1.0, high = 1.0 }\n'
        'evaluator = { use = "function", function = "./code.py:slow" }\n'
        "run.stop.generations = 20\n"
    )
    monkeypatch.chdir(tmp_path)
    return config


def rehearse(config, overrides=()):
    with tempfile.TemporaryDirectory() as folder:
        return rehearsal.rehearse(str(config), overrides, "run", Path(folder), time.perf_counter())


def test_where_nothing_disturbs_the_clock_the_estimate_is_the_truth(slow, clock):
    timing = rehearse(slow)
    assert (timing.first, timing.generation, timing.ledger["evaluations"]) == (5.0, 2.0, (3, 3))
    clock.first = True
    run = evoplug.run(slow)
    assert timing.total(evoplug.check(slow).run) == run.result["ledger"]["seconds"] == 5 + 19 * 2
    *_, checkpoint = sorted((run.folder / "checkpoints").iterdir())
    assert timing.checkpoint == pytest.approx(checkpoint.stat().st_size, rel=0.3)
    assert timing.memory is None or timing.memory > 10**8


@pytest.mark.parametrize(("enough", "generations"), [(0.0, 3), (4.0, 3), (9.0, 6)])
def test_two_generations_after_the_first_are_timed_at_the_least(slow, clock, monkeypatch, enough, generations):
    monkeypatch.setattr(rehearsal, "ENOUGH", enough)
    rehearse(slow, ["run.stop.generations=1"])
    assert clock.now == 100 + 5 + 2 * (generations - 1)


def test_what_a_run_would_die_of_is_said_and_nothing_stays(slow, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with pytest.raises(EvaluationError, match="generation 1: .*: function = .*: evaluate raised ValueError: no"):
        measure(str(slow), ["evaluator.function=./code.py:broken"])
    with pytest.raises(EvaluationError, match="died; most likely there was not enough memory"):
        measure(str(slow), ["evaluator.function=./code.py:deadly"])
    assert not list(temporary.iterdir())
    assert {path.name for path in tmp_path.iterdir()} <= {"code.py", "slow.toml", "temporary", "__pycache__"}


def test_each_arm_is_timed_and_the_whole_sweep_summed_up(slow, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr("evoplug.cli.timing.measure", lambda *arguments: asked.append(arguments) or TIMING)
    slow.write_text(slow.read_text() + '[sweep]\nseeds = 3\n[sweep.arms.long]\n"run.stop" = { generations = 121 }\n')
    with pytest.raises(SystemExit) as caught:
        main(["check", str(slow), "--time", "--set", "strategy.population=4"])
    assert not caught.value.code
    assert [(overrides, arm) for _, overrides, arm in asked] == [
        (["strategy.population=4"], a) for a in ("run", "long")
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4].split() == [
        "arm",
        "start",
        "s/gen.",
        "gen.",
        "report",
        "one",
        "run",
        "memory",
        "checkpoint",
    ]
    assert lines[-3].split() == ["run", "3.0", "s", "0.5", "20", "1.0", "s", "16", "s", "900.0", "MB", "2.0", "MB"]
    assert lines[-2].split()[:9] == ["long", "3.0", "s", "0.5", "121", "1.0", "s", "1", "min"]
    assert lines[-1] == "6 runs one after the other: 4 min 5 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"), (9.94, "9.9 s"), (34.4, "34 s"), (59.7, "1 min"), (125, "2 min 5 s"), (3599.9, "1 h"),
        (4800, "1 h 20 min"), (86_399, "1 d"), (1e6, "11 d 14 h"),
    ],
)  # fmt: skip
def test_durations_have_two_units_at_the_most(seconds, text):
    assert duration(seconds) == text
