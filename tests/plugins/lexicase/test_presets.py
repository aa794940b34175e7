"""The presets of the paper's tables: one configuration for seven networks on three data sets."""

import pytest

import evoplug
from evoplug.config import cells, resolved

DATASETS = {"cifar10": 128, "cifar100": 64, "svhn": 64}
"""Data set -> SGD's batch."""
NETWORKS = ("vgg16", "resnet18", "resnet50", "densenet121", "mobilenet-v2", "senet18", "efficientnet-b0")


def arms(name):
    """Arm -> its whole configuration, of its first seed."""
    made = list(cells(evoplug.check(name)))
    assert {cell.seed for cell in made} == {1, 2, 3}
    return {cell.arm: resolved(cell.experiment) for cell in made if cell.seed == 1}


@pytest.fixture(scope="module")
def first():
    return arms("lexicase/cifar10-vgg16")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_presets_differ_in_network_data_set_batch_of_sgd_and_the_papers_values_alone(first, dataset, network):
    made = arms(f"lexicase/{dataset}-{network}")
    reference = made.pop("reference", None)
    assert (reference is not None) == ((dataset, network) == ("cifar10", "resnet18"))
    assert list(made) == list(first)
    reported = {arm for arm, config in made.items() if "paper" in config}
    assert reported == {"lexicase", "sgd"} | ({"random", "tournament"} if dataset == "cifar10" else set())
    for arm, config in made.items():
        evaluator = config["evaluator"]
        assert evaluator["network"]["use"] == network
        assert (evaluator["dataset"]["use"], evaluator["dataset"]["validation"]) == (dataset, 0)
        assert evaluator["batch"] == (DATASETS[dataset] if arm == "sgd" else 64)
        assert config["run"]["name"] == f"lexicase-{dataset}-{network}"
        assert common(config) == common(first[arm])


def common(config):
    """What is the same in every preset."""
    evaluator = {key: value for key, value in config["evaluator"].items() if key not in ("dataset", "network", "batch")}
    run = {key: value for key, value in config["run"].items() if key != "name"}
    return {**{key: value for key, value in config.items() if key != "paper"}, "run": run, "evaluator": evaluator}


def test_no_two_rows_of_the_papers_tables_are_one():
    """What is taken over from another file by mistake would be."""
    names = [f"lexicase/{dataset}-{network}" for dataset in DATASETS for network in NETWORKS]
    rows = [(name, arm, config["paper"]) for name in names for arm, config in arms(name).items() if "paper" in config]
    numbers = [(paper["value"], paper["deviation"]) for _, _, paper in rows]
    assert len(set(numbers)) == len(numbers)


def test_the_arms_have_the_papers_budgets(first):
    assert first["sgd"]["run"]["stop"] == {"generations": 200}
    assert first["sgd"]["evaluator"]["total_epochs"] == 200
    for arm in ("lexicase", "random", "tournament", "best"):
        p = first[arm]["strategy"]["population"]
        assert first[arm]["run"]["stop"] == {"generations": 200 * (p + 1)}
        assert first[arm]["evaluator"]["total_epochs"] == 200 * (p + 1)
