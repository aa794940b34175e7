"""Runs with a selection by cases: whose cases members have, what is counted, and that runs can be repeated."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import torch

import evoplug
from evoplug.config import check, load
from evoplug.config.fit import fit
from evoplug.contracts import Loop
from evoplug.running.problem import RunProblem, start
from evoplug.testing.problems import CPU
from evoplug.testing.values import same
from evoplug.types import compact
from evoplug_basics.functions import sinusoids

SIZES = {"mu-plus-lambda": {"population": 8, "offspring": 12}, "mu-comma-lambda": {"population": 8, "offspring": 12}}
SHARES = {"population": 10, "elites": 0.2, "crossover_share": 0.4, "mutation_share": 0.4, "fitness_inheritance": 0.5}
RATE = {"use": "real-vector", "length": 1, "low": 1e-3, "high": 1.0, "scale": "log"}


def of_vectors(strategy: str) -> dict[str, Any]:
    sizes = SHARES if strategy == "leea" else SIZES.get(strategy, {"population": 8})
    return {
        "strategy": {"use": strategy, **sizes},
        "genotype": {"use": "real-vector", "length": 6},
        "evaluator": {"use": "function", "function": "sinusoids"},
        "operators": {"selection": "epsilon-lexicase", "crossover": "uniform", "mutation": "gaussian"},
    }


def of_networks(strategy: dict[str, Any], fitness: str) -> dict[str, Any]:
    return {
        "strategy": strategy,
        "genotype": {"use": "composite", "parts": {"learning_rate": RATE}},
        "evaluator": {
            "use": "train",
            "dataset": {"use": "digits", "validation": 200},
            "network": {"use": "mlp", "hidden": [4]},
            "fitness": fitness,
        },
        "operators": {"selection": "lexicase"},
    }


VECTORS = ["mu-plus-lambda", "mu-comma-lambda", "simple", "leea"]
RUNS = {
    **{name: of_vectors(name) for name in VECTORS},
    "epbt": of_networks({"use": "epbt", "population": 4, "elites": 2}, "accuracy"),
    "pbt": of_networks({"use": "pbt", "population": 4}, "training-loss"),
}


def loop(config: dict[str, Any]) -> Loop:
    built = fit(check(load(config)))
    start(built.evaluator, 1, CPU)
    return built.strategy.start(RunProblem(built.genotype, built.evaluator, 1, CPU, built.strategy))


def step(loop: Loop) -> None:
    loop.step()
    loop.problem.ledger.add(generations=1)


@pytest.mark.parametrize("strategy", VECTORS)
def test_each_member_has_the_cases_of_its_own_genome(strategy: str) -> None:
    running = loop(RUNS[strategy])
    for _ in range(4):
        step(running)
        for members in (running.members, running.best):
            genomes: Any = members.genomes
            assert members.cases is not None
            torch.testing.assert_close(members.cases, -sinusoids(genomes))
    evaluated = running.problem.ledger["evaluations"]
    assert running.problem.ledger["cases"] == 40 * evaluated


@pytest.mark.parametrize("strategy", ["epbt", "pbt"])
def test_the_cases_of_a_network_are_held_out_examples(strategy: str) -> None:
    running = loop(RUNS[strategy])
    for _ in range(2):
        step(running)
    members = running.members
    accuracy = running.problem.measure(members, "validation")["accuracy"]
    assert members.cases is not None
    assert members.cases.shape == (4, 200)
    torch.testing.assert_close(members.cases.mean(1, dtype=torch.float64), accuracy)


@pytest.mark.parametrize("strategy", RUNS)
def test_a_run_goes_on_from_a_checkpoint_as_if_never_stopped(strategy: str) -> None:
    whole, file = loop(RUNS[strategy]), io.BytesIO()
    step(whole)
    problem: Any = whole.problem
    torch.save(compact({"problem": problem.state_dict(), "loop": whole.state_dict()}), file)
    again = loop(RUNS[strategy])
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed: Any = again.problem
    resumed.load_state_dict(saved["problem"])
    again.load_state_dict(saved["loop"])
    for _ in range(2):
        step(whole)
        step(again)
    assert same(whole.members.state_dict(), again.members.state_dict())
    assert whole.problem.ledger.row() == again.problem.ledger.row()


def records(config: dict[str, Any], folder: Any, **run: Any) -> list[dict[str, Any]]:
    table = {**config, "run": {"name": "cases", "stop": {"generations": 3}, **run}}
    evoplug.run(table, out=folder)
    rows = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [{name: value for name, value in row.items() if name not in ("seconds", "time")} for row in rows]


@pytest.mark.parametrize("strategy", ["mu-plus-lambda", "epbt"])
def test_any_number_of_workers_writes_the_same_records(strategy: str, tmp_path: Any) -> None:
    one, two = (records(RUNS[strategy], tmp_path / str(n), workers=n) for n in (1, 2))
    assert one == two
    assert one[-1]["cases"] > 0


def test_a_budget_of_cases_ends_a_run(tmp_path: Any) -> None:
    """Of 40 cases a member: 8 and 12 a generation."""
    rows = records(RUNS["mu-plus-lambda"], tmp_path / "run", stop={"cases": 1000})
    assert [row["cases"] for row in rows] == [320, 800, 1280]


def test_a_run_that_reads_no_cases_has_none(tmp_path: Any) -> None:
    config = {**RUNS["mu-plus-lambda"], "operators": {"selection": "best", "mutation": "gaussian"}}
    running = loop(config)
    step(running)
    assert running.members.cases is None
    assert "cases" not in running.problem.ledger.row()
