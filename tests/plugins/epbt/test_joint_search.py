"""The loss, the learning rate and the momentum of `train`, searched together by strategies for real vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import evoplug

PARTS = {
    "loss": {"use": "taylorglo"},
    "learning_rate": {"use": "real-vector", "length": 1, "low": 1e-3, "high": 1.0, "scale": "log"},
    "momentum": {"use": "real-vector", "length": 1, "low": 0.0, "high": 0.99},
}
DIGITS = {"use": "digits", "validation": 100, "test": 1500}
CONFIG = {
    "genotype": {"use": "composite", "parts": PARTS},
    "evaluator": {"use": "train", "dataset": DIGITS, "network": {"use": "mlp", "hidden": [4]}},
}
STRATEGIES = [
    {"use": "cma-es", "population": 6},
    {"use": "snes", "population": 6},
    {"use": "xnes", "population": 6},
    {"use": "cem", "population": 8},
    {"use": "pgpe", "population": 6},
    {"use": "leea", "population": 10},
    {"use": "simple", "population": 6},
    {"use": "mu-plus-lambda", "population": 3, "offspring": 6},
    {"use": "mu-comma-lambda", "population": 3, "offspring": 6},
]


def record(run: evoplug.Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in ("seconds", "time")} for row in run.metrics]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy["use"])
def test_every_strategy_searches_them_and_goes_on_after_a_stop(strategy: dict[str, Any], tmp_path: Path) -> None:
    config = {**CONFIG, "strategy": strategy, "run": {"stop": {"generations": 3}}}
    whole = evoplug.run(config, out=tmp_path / "whole")
    stopped = evoplug.run(config, {"run.stop.generations": 2}, out=tmp_path / "stopped")
    resumed = evoplug.resume(stopped.folder, {"run.stop.generations": 3})
    assert record(resumed) == record(whole)
    assert resumed.best.description == whole.best.description

    described = whole.best.description
    assert {part: len(genes) for part, genes in described.items()} == {"loss": 8, "learning_rate": 1, "momentum": 1}
    assert {part: genes.tolist() for part, genes in whole.best.genome.items()} == described
    assert 1e-3 <= described["learning_rate"][0] <= 1
    assert 0 <= described["momentum"][0] <= 0.99
    assert whole.best.module is not None
    assert set(whole.test) == {"accuracy", "loss"}
