"""Feature maps of one image and effective ranks, of runs that trained networks on small images from files."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

import evoplug
from evoplug import Run
from evoplug_lexicase import feature_maps
from evoplug_lexicase.feature_maps import ARMS, FeatureMaps
from evoplug_lexicase.representations import effective_rank
from finished import GRADIENT, LEEA
from image_files import put_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With data, and runs of several strategies on them."""
    folder = tmp_path_factory.mktemp("maps")
    put_folder(folder / "noise", 8)
    dataset = {"use": "image-folder", "root": str(folder), "folder": "noise", "validation": 4, "split_seed": "run"}

    def make(name: str, seed: int, strategy: str = "gradient-descent", **evaluator: Any) -> None:
        network = {"use": "convnet", "channels": [3, 2], "dense": [6], "batch_norm": True}
        config = {
            "run": {"name": "maps", "seed": seed, "stop": {"generations": 1}},
            "strategy": {"use": strategy},
            "evaluator": {"use": "train", "dataset": dataset, "network": network, "batch": 4, **evaluator},
        }
        evoplug.run(config, out=folder / "runs" / name / f"seed-{seed}")

    for seed in (1, 2):
        make("sgd", seed)
    make("lexicase", 1, "gradient-lexicase", batch=2, share="dealt", fitness="training-loss")
    make("mlp", 1, network={"use": "mlp", "hidden": [4]})
    make("wide", 1, network={"use": "convnet", "channels": [20], "dense": []})
    return folder


def runs(folder: Path, arm: str) -> list[Run]:
    return [Run(path) for path in sorted((folder / "runs" / arm).iterdir())]


def titles(figure: Any) -> list[str]:
    return [row.get_suptitle() for row in figure.subfigs]


def test_a_row_an_arm_beside_the_same_image(folder: Path) -> None:
    figure = FeatureMaps().draw({"sgd": runs(folder, "sgd"), "lexicase": runs(folder, "lexicase")})
    assert figure is not None
    first, second = titles(figure)
    assert first.startswith("sgd (n = 2), seed 1: effective rank ")
    assert second.startswith("lexicase (n = 1), seed 1: effective rank ")
    assert (" of 3 channels, " in first, " of 6 features" in first) == (True, True)
    assert ("±" in first, "±" in second) == (True, False)
    assert "rank: mean ± standard deviation over runs" in figure.get_supxlabel()
    file = numpy.array(Image.open(folder / "noise" / "test" / "dim" / "000.png"))
    for row in figure.subfigs:
        assert numpy.array_equal(row.axes[0].images[0].get_array(), file)


def test_maps_and_number_are_those_of_the_network(folder: Path) -> None:
    (run,) = runs(folder, "lexicase")
    figure = FeatureMaps().draw({"lexicase": [run]})
    assert figure is not None
    files = sorted((folder / "noise" / "test").rglob("*.png"))
    images = torch.stack([torch.from_numpy(numpy.array(Image.open(file))).movedim(-1, 0) for file in files])
    preprocessing, network = run.best.module
    blocks = dict(network.named_children())
    maps = blocks["conv1"][0](preprocessing(images))
    features = blocks["dense1"](blocks["flatten"](blocks["conv2"](blocks["conv1"](preprocessing(images)))))
    of_channels, of_features = effective_rank(maps.movedim(1, -1).reshape(-1, 3)), effective_rank(features)
    assert titles(figure)[0].endswith(f"rank {of_channels:.1f} of 3 channels, {of_features:.1f} of 6 features")
    shown = numpy.ma.filled(figure.subfigs[0].axes[1].images[0].get_array(), numpy.nan)
    for number, each in enumerate(maps[0]):
        scaled = (each - each.min()) / (each.max() - each.min())
        assert shown[:8, 9 * number : 9 * number + 8] == pytest.approx(scaled.numpy(), abs=1e-5)
    assert numpy.isnan(shown[:, 27:]).all()  # no fourth map


def test_the_first_of_many_channels(folder: Path) -> None:
    figure = FeatureMaps().draw({"wide": runs(folder, "wide")})
    assert figure is not None
    assert " of 20 channels, " in titles(figure)[0]
    assert figure.subfigs[0].axes[1].images[0].get_array().shape == (2 * 9, 8 * 9)


def test_of_many_arms_the_first(folder: Path) -> None:
    figure = FeatureMaps().draw({f"arm {number}": runs(folder, "sgd")[:1] for number in range(ARMS + 1)})
    assert figure is not None
    assert len(titles(figure)) == ARMS
    assert figure.get_supxlabel().endswith(f"; {ARMS} of {ARMS + 1} arms")


def test_networks_without_convolutions_are_left_out(folder: Path) -> None:
    figure = FeatureMaps().draw({"mlp": runs(folder, "mlp"), "sgd": runs(folder, "sgd")})
    assert figure is not None
    assert [title.split()[0] for title in titles(figure)] == ["sgd"]
    assert FeatureMaps().draw({"mlp": runs(folder, "mlp")}) is None


def test_networks_that_see_images_of_another_size_are_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_maps, "_test_images", lambda run: torch.zeros(5, 3, 9, 9, dtype=torch.uint8))
    assert FeatureMaps().draw({"sgd": runs(folder, "sgd")}) is None


@pytest.mark.parametrize("config", [GRADIENT, LEEA], ids=["digits", "weights that evolve"])
def test_of_other_runs_there_is_none(config: Any, tmp_path: Path) -> None:
    small = {**config, "run": {"stop": {"generations": 1}}}
    assert FeatureMaps().draw({"other": [evoplug.run(small, out=tmp_path / "run")]}) is None


def test_without_a_solution_or_a_data_set_there_is_none() -> None:
    def missing() -> Any:
        raise evoplug.FilesError("no solution")

    class Unfinished:
        config = {"evaluator": {"use": "train"}}
        best = property(lambda self: missing())

    assert FeatureMaps().draw({"other": [Unfinished()]}) is None  # type: ignore[list-item]
    trained = SimpleNamespace(member=SimpleNamespace(states=[{"weights": {"kernel": torch.zeros(2, 3, 3, 3)}}]))
    other = SimpleNamespace(config={"evaluator": {"use": "any"}}, best=trained, seed=1)
    assert FeatureMaps().draw({"other": [other]}) is None  # type: ignore[list-item]


def test_without_the_data_there_is_none(folder: Path, tmp_path: Path) -> None:
    put_folder(tmp_path / "noise", 8)
    dataset = {"use": "image-folder", "root": str(tmp_path), "folder": "noise", "validation": 4}
    run = evoplug.run({**GRADIENT, "evaluator": {**GRADIENT["evaluator"], "dataset": dataset}}, out=tmp_path / "run")
    assert FeatureMaps().draw({"sgd": [run]}) is not None
    rmtree(tmp_path / "noise")
    assert FeatureMaps().draw({"sgd": [Run(run.folder)]}) is None
