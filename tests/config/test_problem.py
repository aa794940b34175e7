"""What a problem is, and what tells several apart."""

from typing import Any

import pytest

from evoplug.config.problem import data, problem, told_apart

SPHERE: dict[str, Any] = {"use": "function", "function": "sphere"}
MNIST: dict[str, Any] = {"use": "train", "dataset": {"use": "mnist"}}


def config(evaluator: dict[str, Any], length: int | None = 3) -> dict[str, Any]:
    return {"evaluator": evaluator, "genotype": {"use": "real-vector", **({"length": length} if length else {})}}


@pytest.mark.parametrize(
    ("configs", "names"),
    [
        ([config(SPHERE), config(SPHERE)], ["", ""]),
        ([config(MNIST, 3), config({"use": "classification", "dataset": {"use": "mnist"}}, 9)], ["", ""]),
        ([config(SPHERE), config({**SPHERE, "function": "ackley"})], ["function=sphere", "function=ackley"]),
        ([config(SPHERE), config(MNIST)], ["function=sphere", "dataset=mnist"]),
        ([config(SPHERE, 3), config(SPHERE, 9)], ["function=sphere, length=3", "function=sphere, length=9"]),
        ([config(SPHERE, 3), config(SPHERE, None)], ["function=sphere, length=3", "function=sphere"]),
        ([config({"use": "mine"}), config({"use": "yours"})], ["use=mine", "use=yours"]),
    ],
)
def test_problems_are_called_by_what_tells_them_apart(configs: list[dict[str, Any]], names: list[str]) -> None:
    assert told_apart([problem(each) for each in configs]) == names


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"environment": "CartPole-v1"}, {"environment": "Acrobot-v1"}, "environment=Acrobot-v1"),
        ({"game": "assault"}, {"game": "seaquest"}, "game=seaquest"),
        ({"tasks": {"a": {"use": "mnist"}}}, {"tasks": {"a": {"use": "kmnist"}}}, "tasks=a kmnist"),
        ({"tasks_of": {"use": "omniglot"}}, {"tasks_of": {"use": "cifar100"}}, "tasks=tasks of cifar100"),
    ],
)
def test_other_environments_games_and_tasks_are_other_problems(one, other, expected):
    problems = [problem({"evaluator": {"use": "it", **evaluator}}) for evaluator in (one, other)]
    assert told_apart(problems)[1] == expected


def test_data_of_tasks_are_data():
    tasks = {"a": {"use": "mnist", "split_seed": 3}}
    assert data({"evaluator": {"use": "multitask", "tasks": tasks, "batch": 16}}) == {"tasks": tasks}
