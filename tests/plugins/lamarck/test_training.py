"""Architectures and losses in `train`: alone or as parts, of different shapes side by side, and their last training."""

import pytest
import torch

import evoplug
from evoplug import ConfigError

IMAGES = {"use": "digits", "validation": 300}
STACKS = {"use": "block-stack", "channels": [2, 4], "kernels": [1, 3], "strided": 2}
NONE = {"weights": False, "buffers": False, "optimizer": False}


def search(genotype=STACKS, generations=5, **evaluator):
    return {
        "run": {"stop": {"generations": generations}, "device": "cpu"},
        "strategy": {"use": "niching-one-plus-one", "omega": 0.5, "k": 2},
        "genotype": genotype,
        "evaluator": {"use": "train", "dataset": IMAGES, "batch": 64, **evaluator},
    }


def rows(run):
    return [{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in run.metrics]


def test_the_solution_is_a_network_of_the_evolved_shape(tmp_path) -> None:
    run = evoplug.run(search(), out=tmp_path / "run")
    described = run.best.description
    network = run.best.module
    assert sum(weight.numel() for weight in network.parameters()) == described["parameters"]
    assert run.result["best"]["weights"] == described["parameters"]
    assert network(torch.zeros(3, 1, 8, 8, dtype=torch.uint8)).shape == (3, 10)
    exported = evoplug.export(run, tmp_path / "best.pt")
    found: dict = {}
    exec(exported.load, found)
    assert (
        described["blocks"] in (tmp_path / "best.pt").read_bytes().decode("latin1")
        or described["blocks"] in exported.load
    )


def test_the_same_stack_as_a_network_trains_alike(tmp_path) -> None:
    """A genome says no more than its line: the network of this name gives the same run."""
    one = search({**STACKS, "start": "4k3s1 2k1s2"}, generations=1)
    named = {**one, "strategy": "gradient-descent"}
    del named["genotype"]
    named["evaluator"] = {**one["evaluator"], "network": {"use": "block-stack", "blocks": "4k3s1 2k1s2"}}
    assert (
        evoplug.run(one, out=tmp_path / "a").records["best"] == evoplug.run(named, out=tmp_path / "b").records["best"]
    )


def test_members_of_many_shapes_are_trained_side_by_side(tmp_path) -> None:
    config = search()
    config["strategy"] = {"use": "mu-plus-lambda", "population": 3, "offspring": 5, "crossover_probability": 0.3}
    config["operators"] = {"crossover": "one-point", "mutation": "block-edit"}
    runs = [evoplug.run(config, {"run.workers": count}, out=tmp_path / f"{count}") for count in (1, 2)]
    assert rows(runs[0]) == rows(runs[1])


def test_without_inheritance_children_begin_anew(tmp_path) -> None:
    """And so the first gradient steps of a child are those of a new network of its shape."""
    kept = evoplug.run(search(generations=2), out=tmp_path / "kept")
    anew = evoplug.run(search(generations=2, inherit=NONE), out=tmp_path / "anew")
    assert kept.metrics[0]["best"] == anew.metrics[0]["best"]
    assert kept.metrics[1]["child_fitness"] != anew.metrics[1]["child_fitness"]
    assert kept.metrics[1]["genome"] == anew.metrics[1]["genome"]


def test_a_loss_alone_is_searched_by_a_strategy_for_real_vectors(tmp_path) -> None:
    config = search({"use": "taylorglo"}, generations=2, epochs=1)
    config["strategy"] = {"use": "cma-es", "population": 4}
    run = evoplug.run(config, out=tmp_path / "run")
    assert len(run.best.description) == 8
    assert set(run.test) == {"accuracy", "loss"}


def test_a_last_training_goes_on_from_the_solution_or_from_the_start(tmp_path) -> None:
    finish = {"epochs": 2, "milestones": [1], "split": "train+validation"}
    inherited = evoplug.run(search(generations=2, finish=finish), out=tmp_path / "a")
    fresh = evoplug.run(search(generations=2, finish={**finish, "weights": "fresh"}), out=tmp_path / "b")
    assert rows(inherited) == rows(fresh)
    before = [run.result["beside"]["before finishing"]["test"] for run in (inherited, fresh)]
    assert before[0] == before[1]
    assert inherited.test != fresh.test
    assert inherited.test["loss"] < before[0]["loss"]
    epochs = [run.best.member.states[0]["epochs"] for run in (inherited, fresh)]
    assert epochs[1] == 2
    assert epochs[0] > 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (search(network={"use": "mlp"}), "evaluator.network: is set by the genotype's architecture too"),
        (search(finish={"milestones": [1]}), "evaluator.finish.epochs: is missing"),
        (search(finish={"epochs": 0}), "evaluator.finish.epochs: must be a whole number of 1 or more, got 0"),
        (search(finish={"epochs": 3, "milestones": [3]}), "evaluator.finish.milestones: 3 is not within epochs = 3"),
        (search(finish={"epochs": 3, "decay": 1}), "evaluator.finish.decay: must be between 0 and 1, got 1"),
        (search(finish={"epochs": 3, "split": "test"}), "evaluator.finish.split: must be one of train, train"),
        (search(finish={"epochs": 3, "weights": "old"}), "evaluator.finish.weights: must be one of inherited"),
        (search({"use": "real-vector", "length": 1}), "works on composite or architecture or loss genomes"),
        (
            {
                **search({"use": "composite", "parts": {"architecture": {"use": "taylorglo"}}}),
                "operators": {"mutation": "gaussian"},
            },
            "the genotype's part `architecture` is a taylorglo, which gives no network",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(config, message) -> None:
    with pytest.raises(ConfigError) as caught:
        evoplug.run(config)
    assert message in str(caught.value)
