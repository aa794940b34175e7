"""SIGKILL at any moment, then resume: the uninterrupted run's metrics and genomes, for every strategy."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import evoplug
from evoplug.types import Parts

SEARCH = {"genotype": {"use": "real-vector"}, "evaluator": {"use": "function", "function": "rastrigin"}}
WEIGHTS = {
    "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [8]}},
    "evaluator": {"use": "classification", "dataset": {"use": "digits"}, "batch": 32},
}
LEEA = {"use": "leea", "population": 30, "fitness_inheritance": 0.5}
SELF_ADAPTIVE = {"mutation": {"use": "self-adaptive-gaussian", "sigma": 0.02}}
CASES = {
    "leea": ({"strategy": LEEA, "operators": SELF_ADAPTIVE, **WEIGHTS}, 600),
    "simple": ({"strategy": {"use": "simple", "population": 30}, **SEARCH}, 150),
    "gradient-descent": (
        {
            "strategy": {"use": "gradient-descent", "population": 2},
            "evaluator": {"use": "train", "dataset": {"use": "digits"}, "network": {"use": "mlp", "hidden": [16]}},
        },
        40,
    ),
    "nested-lexicase": (
        {
            "strategy": {"use": "nested-lexicase"},
            "genotype": {"use": "real-vector", "low": -1, "high": 1},
            "evaluator": {"use": "demanding"},
        },
        400,
    ),
    **{name: ({"strategy": {"use": name}, **SEARCH}, 150) for name in ("mu-plus-lambda", "mu-comma-lambda")},
    **{name: ({"strategy": {"use": name}, **SEARCH}, 900) for name in ("snes", "xnes", "pgpe", "cem", "cma-es")},
    "random-search": ({"strategy": {"use": "random-search"}, **SEARCH}, 1500),
}
FAST = ("leea", "simple", "nested-lexicase")
"""One a backend, and the test strategy that demands what methods to come will."""


def config(name):
    sections, generations = CASES[name]
    run = {"name": name, "stop": {"generations": generations}, "checkpoint": {"every": 7}}
    return {"run": run, **sections}


def killed(name, folder: Path, after: int) -> None:
    """Run in another process and kill it once it has recorded ``after`` generations."""
    code = f"import evoplug; evoplug.run({config(name)!r}, out={str(folder)!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=environment)
    metrics = folder / "metrics.jsonl"
    while process.poll() is None and (not metrics.exists() or metrics.read_bytes().count(b"\n") < after):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it was killed: give it more generations"


def timeless(rows):
    """Records without their wall-clock columns."""
    return [{key: value for key, value in row.items() if key not in ("seconds", "time")} for row in rows]


def assert_same(value, other):
    """Equal to the last bit, all the way down."""
    if isinstance(value, torch.Tensor):
        assert torch.equal(value, other)
    elif isinstance(value, dict | Parts):
        assert value.keys() == other.keys()
        for key in value:
            assert_same(value[key], other[key])
    elif isinstance(value, list | tuple):
        assert len(value) == len(other)
        for one, another in zip(value, other, strict=True):
            assert_same(one, another)
    else:
        assert value == other


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(n, marks=pytest.mark.slow) for n in CASES if n not in FAST)])
def test_a_killed_run_resumes_as_if_nothing_had_happened(name, tmp_path):
    whole = evoplug.run(config(name), out=tmp_path / "whole")
    killed(name, tmp_path / "killed", after=len(whole.metrics) // 3)
    assert evoplug.Run(tmp_path / "killed").status == "unfinished"
    resumed = evoplug.resume(tmp_path / "killed")
    assert resumed.status == "finished"
    assert_same(timeless(whole.metrics), timeless(resumed.metrics))
    assert_same(whole.best.member.state_dict(), resumed.best.member.state_dict())
    assert (whole.validation, whole.test) == (resumed.validation, resumed.test)


def test_killed_before_its_first_checkpoint_a_run_starts_over(tmp_path):
    settings = {"run.stop.generations": 30, "run.checkpoint": {"every": 10}}
    whole = evoplug.run(config("random-search"), settings, out=tmp_path / "whole")
    again = evoplug.run(config("random-search"), settings, out=tmp_path / "again")
    for checkpoint in (tmp_path / "again" / "checkpoints").iterdir():
        checkpoint.unlink()
    (tmp_path / "again" / "result.json").unlink()
    again = evoplug.resume(tmp_path / "again")
    assert_same(timeless(whole.metrics), timeless(again.metrics))
