"""Selections by cases: with which evaluators and strategies they go together, and what is said where they do not."""

from __future__ import annotations

from typing import Any

import pytest

from evoplug import ConfigError
from evoplug.config import check as read
from evoplug.config import load
from evoplug.config.building import build
from evoplug.config.fit import Built, fit

REAL: dict[str, Any] = {"genotype": "real-vector", "evaluator": {"use": "function", "function": "sinusoids"}}
DIGITS: dict[str, Any] = {"genotype": "weights", "evaluator": {"use": "classification", "batch": 64}}
TRAINED: dict[str, Any] = {
    "genotype": {
        "use": "composite",
        "parts": {
            "learning_rate": {"use": "real-vector", "length": 1, "low": 1e-3, "high": 1.0},
        },
    },
    "evaluator": {"use": "train", "dataset": {"use": "digits", "validation": 100}},
}
POLE: dict[str, Any] = {"genotype": "weights", "evaluator": "gymnasium"}
OTHERS = "the evaluator's are others in each generation"


def config(strategy: Any, rest: dict[str, Any], **changes: Any) -> dict[str, Any]:
    mutation = "perturb" if rest is TRAINED else "gaussian"
    operators = {"selection": "epsilon-lexicase", "mutation": mutation}
    return {"strategy": strategy, **rest, "operators": operators, "run": {"stop": {"generations": 2}}, **changes}


def check(table: dict[str, Any]) -> Built:
    """Both passes."""
    return fit(read(load(table)))


def said(table: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        check(table)
    (line,) = str(caught.value).splitlines()
    return line


ALL_NEW = {"use": "mu-comma-lambda", "crossover_probability": 0.5, "mutation_probability": 0.5}


@pytest.mark.parametrize(
    ("strategy", "rest"),
    [
        ("mu-plus-lambda", REAL),
        ("mu-comma-lambda", REAL),
        ("simple", REAL),
        ("leea", DIGITS),
        ("leea", POLE),
        (ALL_NEW, DIGITS),
        ({"use": "simple", "mutation_probability": 1.0}, DIGITS),
        ({"use": "simple", "crossover_probability": 1.0}, DIGITS),
        ({"use": "epbt", "elites_retrain": True}, TRAINED),
        ("epbt", TRAINED),
        ("pbt", TRAINED),
    ],
)
def test_strategies_that_select_take_them(strategy, rest):
    check(config(strategy, rest))


@pytest.mark.parametrize(
    "strategy",
    [
        "mu-plus-lambda",
        {**ALL_NEW, "mutation_probability": 0.25},
        "simple",
        {"use": "simple", "crossover_probability": 1.0, "population": 11},
    ],
)
def test_examples_of_several_batches_are_not_held_against_each_other(strategy):
    line = said(config(strategy, DIGITS))
    assert line.startswith(
        f"operators.selection: selects by cases, {OTHERS}, and the strategy selects among members of several: "
    )


def test_a_batch_of_all_examples_is_the_same_in_every_generation():
    n = build("datasets", "digits").info().sizes["train"]  # type: ignore[attr-defined]
    check(config("mu-plus-lambda", {**DIGITS, "evaluator": {"use": "classification", "batch": n}}))
    less = {"use": "classification", "batch": n - 1}
    assert OTHERS in said(config("mu-plus-lambda", {**DIGITS, "evaluator": less}))


def test_episodes_of_several_generations_are_not_held_against_each_other():
    assert OTHERS in said(config("mu-plus-lambda", POLE))


def test_episodes_of_a_member_alone_are_no_cases():
    line = said(config("leea", {**POLE, "evaluator": {"use": "gymnasium", "same_episodes": False}}))
    assert line.startswith("evaluator.same_episodes: must be true for a selection by cases")


def test_means_over_generations_have_no_cases():
    line = said(config({"use": "mu-plus-lambda", "reevaluate": True}, REAL))
    assert line.startswith("strategy.reevaluate: takes means of fitness, of which a selection by cases sees nothing")


def test_an_evaluator_without_cases_is_an_error_that_names_those_with_them():
    rest = {"genotype": {"use": "weights", "network": {"use": "dqn"}}, "evaluator": {"use": "atari", "game": "pong"}}
    line = said(config("mu-plus-lambda", rest))
    wrong, _, fitting = line.partition("; evaluators that fit: ")
    assert wrong == "operators.selection: `epsilon-lexicase` selects by cases, which `atari` does not provide"
    assert {"`classification`", "`gymnasium`"} <= set(fitting.split(", "))
    assert "`atari`" not in fitting


def test_a_known_function_without_cases_is_an_error_that_names_those_with_them():
    line = said(config("mu-plus-lambda", {**REAL, "evaluator": "function"}))
    assert line == (
        "evaluator.function: sphere has no cases, by which a selection is to select: take sinusoids, or one of your "
        "own that returns (n, cases)"
    )


def test_a_budget_of_cases_is_for_runs_that_read_them():
    budget = {"run": {"stop": {"cases": 1000}}}
    check(config("mu-plus-lambda", REAL, **budget))
    line = said(config("mu-plus-lambda", REAL, **budget, operators={"selection": "best", "mutation": "gaussian"}))
    assert line.startswith("run.stop.cases: unknown rule")
