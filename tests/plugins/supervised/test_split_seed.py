"""``split_seed = "run"``: every run has a split of its own, and always the same one."""

import pytest
import tomli_w
import torch

import evoplug
from evoplug import ConfigError, catalogue, config
from evoplug.config import parameters
from evoplug.config.fit import fit
from evoplug_supervised.datasets.digits import Digits

TRAIN = {
    "run": {"name": "split", "stop": {"generations": 2}},
    "strategy": {"use": "gradient-descent"},
    "evaluator": {
        "use": "train",
        "dataset": {"use": "digits", "split_seed": "run"},
        "network": {"use": "mlp", "hidden": [8]},
    },
}
LARGE = 2**63 - 1


def dataset(**overrides):
    """The data set of a run that is about to begin."""
    return fit(
        config.check(config.load(TRAIN, {f"run.{key}": value for key, value in overrides.items()}))
    ).evaluator.dataset


def rows(run):
    return [{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in run.metrics]


def same(first, second, split):
    return all(map(torch.equal, first.load(split), second.load(split)))


@pytest.mark.parametrize("seed", [0, 1, 2, 2**32, LARGE])
def test_the_data_set_gets_the_number_of_its_run(seed):
    assert dataset(seed=seed) == Digits(split_seed=seed)


def test_runs_of_one_process_share_a_split_only_where_they_share_the_seed():
    first, again, second = (dataset(seed=seed) for seed in (1, 1, 2))
    for split in ("train", "validation"):
        assert same(first, again, split)
        assert not same(first, second, split)


@pytest.mark.parametrize("seed", [2**32, 2**32 + 1, LARGE])
def test_the_splits_of_large_seeds_are_their_own(seed):
    others = [Digits(split_seed=other) for other in (seed % 2**32, seed - 1)]
    assert not any(same(Digits(split_seed=seed), other, "validation") for other in others)


def test_no_seed_touches_the_test_images_of_the_digits():
    assert all(same(Digits(), Digits(split_seed=seed), "test") for seed in (1, 2, LARGE))


def test_a_run_is_the_one_with_that_number_and_its_folder_says_that_it_follows_the_seed(tmp_path):
    follows, fixed, other = (
        evoplug.run(TRAIN, {"run.seed": 7, "evaluator.dataset.split_seed": split}, out=tmp_path / str(split))
        for split in ("run", 7, 8)
    )
    assert follows.config["evaluator"]["dataset"]["split_seed"] == "run"
    assert rows(follows) == rows(fixed) != rows(other)
    assert follows.test == fixed.test


def test_a_resumed_run_has_its_split_again(tmp_path):
    whole = evoplug.run(TRAIN, {"run.seed": 3, "run.stop.generations": 4}, out=tmp_path / "whole")
    begun = evoplug.run(TRAIN, {"run.seed": 3}, out=tmp_path / "begun")
    assert rows(evoplug.resume(begun.folder, {"run.stop.generations": 4})) == rows(whole)


def test_every_cell_of_a_sweep_has_the_split_of_its_seed(tmp_path):
    runs = evoplug.sweep(TRAIN, {"sweep.seeds": 2, "run.threads": 1}, out=tmp_path / "s", jobs=1)
    for seed, run in enumerate(runs, start=1):
        alone = evoplug.run(TRAIN, {"run.seed": seed, "evaluator.dataset.split_seed": seed}, out=tmp_path / str(seed))
        assert rows(run) == rows(alone)


@pytest.mark.parametrize(
    ("group", "name", "given", "key"),
    [
        ("datasets", "digits", {"split_seed": "run"}, "split_seed"),
        ("evaluators", "train", {"dataset": {"use": "digits", "split_seed": "run"}}, "dataset.split_seed"),
    ],
)
def test_outside_of_a_run_there_is_no_seed_to_follow(group, name, given, key):
    with pytest.raises(ConfigError) as caught:
        evoplug.build(group, name, **given)
    assert str(caught.value) == f'{key}: "run" is the seed of a run, and here is none: give the number'


def test_an_object_takes_the_number(tmp_path):
    given = {**TRAIN, "evaluator": {**TRAIN["evaluator"], "dataset": Digits(split_seed="run")}}
    with pytest.raises(ConfigError) as caught:
        evoplug.run(given, out=tmp_path / "run")
    assert str(caught.value).startswith("evaluator.dataset.split_seed: ")
    assert "an object takes the number itself" in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("evaluator.dataset.split_seed", "runn", 'must be an integer or `run`, got "runn"'),
        ("evaluator.dataset.split_seed", -1, "must be at least 0 or `run`, got -1"),
        ("evaluator.dataset.validation", "run", 'must be an integer, got "run"'),
    ],
)
def test_what_is_no_seed(key, value, message):
    with pytest.raises(ConfigError) as caught:
        evoplug.check(TRAIN, {key: value})
    assert f"{key}: {message}" in str(caught.value)


def test_mistakes_elsewhere_do_not_hide_those_of_a_set_that_follows_the_seed():
    with pytest.raises(ConfigError) as caught:
        evoplug.check(TRAIN, {"run.seed": -1, "evaluator.dataset.validation": 1700})
    assert {".".join(map(str, mistake.key)) for mistake in caught.value.mistakes} == {
        "run.seed", "evaluator.dataset.validation",
    }  # fmt: skip


def test_a_configuration_that_follows_the_seed_comes_back_from_its_own_resolved_form(tmp_path):
    (tmp_path / "resolved.toml").write_text(tomli_w.dumps(config.resolved(evoplug.check(TRAIN, {"run.seed": 5}))))
    again = config.check(config.load(tmp_path / "resolved.toml"))
    assert fit(again).evaluator.dataset == Digits(split_seed=5)


def test_every_set_that_is_split_by_a_seed_can_follow_the_run():
    names = [entry.name for entry in catalogue.entries("datasets") if entry.distribution == "evoplug"]
    known = [parameters.load("datasets", name).parameters for name in names]
    seeds = [of_set["split_seed"] for of_set in known if "split_seed" in of_set]  # not of a set made of another
    assert len(seeds) >= 6
    assert all(seed.shape.is_seed for seed in seeds)
