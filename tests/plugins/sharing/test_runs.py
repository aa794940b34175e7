"""Whole runs: what is reported, exported and resumed."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

import evoplug
from evoplug_supervised.datasets.digits import Digits

SMALL = {
    "run": {"name": "sharing", "seed": 3, "stop": {"generations": 12}, "measure": {"every": 4, "splits": ["test"]}},
    "strategy": {"use": "learned-weight-sharing", "learning_rate": 0.2, "distribution_every": 5},
    "genotype": {"use": "assignment", "choices": 2},
    "evaluator": {
        "use": "multitask",
        "tasks": {"one": {"use": "digits"}, "other": {"use": "digits", "split_seed": 1}},
        "train": 200,
        "network": {"use": "convnet", "channels": [4, 6], "dense": [12], "batch_norm": True},
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evoplug.run(SMALL, out=tmp_path_factory.mktemp("runs") / "sharing")


ALONE = """
import sys
for name in ("evoplug", "evoplug_sharing", "evoplug_supervised", "evoplug_basics"):
    sys.modules[name] = None  # an import of it fails
"""
ERRORS = """
import numpy
data = numpy.load(sys.argv[1])
x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"])
for name, model in sorted(models.items()):
    print(name, float((model(x).argmax(1) != y).double().mean()))
"""


def test_exported_networks_have_the_reported_errors_where_there_is_no_evoplug(run, tmp_path):
    """Both tasks have the same test images."""
    x, y = Digits().load("test")
    numpy.savez(tmp_path / "data.npz", x=x.numpy() * 16, y=y.numpy())  # raw pixels are 0 to 16
    exported = evoplug.export(run, tmp_path / "tasks.pt2")
    command = [sys.executable, "-c", ALONE + exported.load + ERRORS, str(tmp_path / "data.npz")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    given = dict(zip(printed[::2], map(float, printed[1::2]), strict=True))
    assert given == {name: pytest.approx(run.test[f"error.{name}"]) for name in ("one", "other")}


def test_the_module_of_a_solution_holds_a_network_for_each_task(run):
    x, y = Digits().load("test")
    for name in ("one", "other"):
        error = (run.best.module[name](x * 16).argmax(1) != y).double().mean().item()
        assert error == pytest.approx(run.test[f"error.{name}"])


def test_what_is_reported(run):
    best = run.result["best"]
    assert best["description"].keys() == {"one", "other"}
    assert best["description"]["one"].keys() == {"conv1", "conv2", "dense1"}
    assert run.test["error"] == pytest.approx(1 - run.test["accuracy"])
    assert run.test["error.macro"] == pytest.approx((run.test["error.one"] + run.test["error.other"]) / 2)
    last = run.metrics[-1]
    assert last["weights"] == best["weights"]
    assert last["test.error"] == pytest.approx(run.test["error"])


def test_the_whole_distribution_is_recorded_now_and_then(run):
    lines = [row for row in run.metrics if "distribution" in row]
    assert [row["generations"] for row in lines] == [5, 10]
    assert all(len(row["assignment"]) == 6 and 0 <= row["entropy"] <= 0.6932 for row in run.metrics)


@pytest.mark.parametrize("sharing", ["learned", "none"])
def test_a_resumed_run_ends_as_one_that_never_stopped(sharing, tmp_path):
    """Weights, their optimizer and the distribution go on."""
    config = {**SMALL, "strategy": {**SMALL["strategy"], "sharing": sharing}}
    whole = evoplug.run(config, out=tmp_path / "whole")
    evoplug.run({**config, "run": {**SMALL["run"], "stop": {"generations": 7}}}, out=tmp_path / "parts")
    parts = evoplug.resume(tmp_path / "parts", {"run.stop.generations": 12})
    clock = {"time", "seconds"}
    for one, other in zip(whole.metrics, parts.metrics, strict=True):
        assert {k: v for k, v in one.items() if k not in clock} == {k: v for k, v in other.items() if k not in clock}
    assert whole.test == parts.test
