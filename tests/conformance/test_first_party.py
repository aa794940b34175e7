"""Every component of evoplug's own passes through the suite of its contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy
import pytest
import torch
from PIL import Image

import evoplug
from analysis.folders import finished
from evoplug import Run, build, catalogue
from evoplug.contracts import Film, Genotype, Network
from evoplug.running import filming
from evoplug.testing import SUITES, DatasetSuite, EvaluatorSuite, PlotSuite, suites
from image_files import pixels, put_cifar100, put_folder, put_omniglot, write_idx

OWN = suites("evoplug")
Arms = Mapping[str, Sequence[Run]]

SMALL = {"dataset": {"use": "digits", "validation": 100, "test": 1600}, "network": {"use": "mlp", "hidden": [8]}}
"""A network that is trained in no time."""


@pytest.fixture(autouse=True)
def _no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only data sets that come with a package, or are written here, are there."""
    monkeypatch.setenv("EVOPLUG_DATA", str(tmp_path))


class TestFunctionOfChoices(EvaluatorSuite):
    """One of the user's own, of genomes that are no real numbers, with a case a gene."""

    name = "function"
    examples = ({"function": "fakes:mismatches"},)

    @pytest.fixture
    def genotype(self) -> Genotype:
        genotype = build("genotypes", "assignment", length=4, choices=3)
        assert isinstance(genotype, Genotype)
        return genotype


class TestTrain(EvaluatorSuite):
    """Without a genotype, all members are trained alike."""

    name = "train"
    examples = (
        {**SMALL, "epochs": 2, "optimizer": "adam", "finish": {"epochs": 1}},
        {**SMALL, "augmentation": ["flip", "flip-vertical", "rotate", "translate", "crop"], "rotations": 3},
        {**SMALL, "augmentation": ["crop", "flip"], "headline": "f1.macro", "metrics": ["auc", "by-class"]},
        {**SMALL, "fitness": "training-loss", "fitness_split": "train", "cases": "loss"},
        {**SMALL, "share": "dealt", "batch": 20},
        {
            **SMALL,
            "batch": 20,
            "class_weights": "balanced",
            "drop_last": True,
            "groups": {"head": {"weights": ["output.*"]}},
        },
    )


class TestTrainWithGenes(EvaluatorSuite):
    """Genes set the loss and the learning rate."""

    name = "train"
    examples = (SMALL,)

    @pytest.fixture
    def genotype(self) -> Genotype:
        rate = {"use": "real-vector", "length": 1, "low": 0.001, "high": 0.1, "scale": "log"}
        genotype = build("genotypes", "composite", parts={"loss": {"use": "taylorglo"}, "learning_rate": rate})
        assert isinstance(genotype, Genotype)
        return genotype


class TestTrainFromAFile(EvaluatorSuite):
    """New members begin with weights that another run has learned; the last layer is drawn."""

    name = "train"
    kept = TemporaryDirectory()
    """Another process reads the file too."""
    examples = ({**SMALL, "pretrained": {"file": f"{kept.name}/start.pt", "new": ["output.*"]}},)

    @pytest.fixture(autouse=True)
    def _file(self) -> None:
        network = build("networks", "mlp", hidden=[8])
        assert isinstance(network, Network)
        torch.save(network.build((1, 8, 8), 3).state_dict(), Path(self.kept.name) / "start.pt")


class TestTrainWithGenesOfGroups(EvaluatorSuite):
    """Genes set the learning rates of a group and of the rest."""

    name = "train"
    examples = ({**SMALL, "groups": {"head": {"weights": ["output.*"]}}},)

    @pytest.fixture
    def genotype(self) -> Genotype:
        rates = {"use": "real-vector", "length": 2, "low": 0.0, "high": 0.1}
        genotype = build("genotypes", "composite", parts={"learning_rate": rates})
        assert isinstance(genotype, Genotype)
        return genotype


class Idx(DatasetSuite):
    """Twenty images of each half, in the real format."""

    first = 0
    """The least label in the files."""

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _no_data: None) -> None:
        from evoplug_supervised.datasets import idx

        for of_numbers in (idx.MNIST, idx.EMNISTDigits, idx.EMNISTLetters):
            monkeypatch.setattr(of_numbers, "counts", {"train": 20, "test": 20})
        dataset = build("datasets", self.name, validation=1)
        assert isinstance(dataset, idx.MNIST)
        for images, labels in (dataset.pair(tmp_path, "train"), dataset.pair(tmp_path, "test")):
            write_idx(images, pixels(20, 28, 28))
            write_idx(labels, numpy.arange(20) % 10 + self.first)


class TestMNIST(Idx):
    """Pooled."""

    name = "mnist"
    examples = ({"validation": 4, "pool": 2},)


class TestKMNIST(Idx):
    """With all its files, and with those of the test images."""

    name = "kmnist"
    examples = ({"validation": 4}, {"validation": 5, "train": 5, "test_file_only": True})


class TestEMNISTDigits(Idx):
    """As its files are named."""

    name = "emnist-digits"
    examples = ({"validation": 4},)


class TestEMNISTLetters(Idx):
    """Whose labels begin with 1."""

    name = "emnist-letters"
    examples = ({"validation": 4},)
    first = 1


class TestCIFAR100(DatasetSuite):
    """An image of each kind in each half, in the real format."""

    name = "cifar100"
    examples = (
        {"validation": 20},
        {"validation": 20, "labels": "coarse"},
        {"validation": 1, "superclass": "trees"},
    )

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _no_data: None) -> None:
        counts = {"train": 100, "test": 100}
        put_cifar100(tmp_path, monkeypatch, counts, lambda kinds: [kind % 20 for kind in kinds])


class TestOmniglot(DatasetSuite):
    """Three alphabets in two zip files."""

    name = "omniglot"
    examples = ({"pool": 5}, {"alphabet": "Greek", "validation": 2, "train": 3})

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _no_data: None) -> None:
        sets = {"images_background": {"Greek": 2, "Latin": 1}, "images_evaluation": {"Tengwar": 2}}
        put_omniglot(tmp_path / "omniglot-py", monkeypatch, **sets)


class TestImageFolder(DatasetSuite):
    """Images of two classes."""

    name = "image-folder"
    examples = (
        {"folder": "pets", "validation": 2},
        {"folder": "pets", "validation": 2, "size": 3, "channels": 1},
        {"folder": "pets", "validation": 2, "crop": 4, "subjects": r"^(\w+)\."},
    )

    @pytest.fixture(autouse=True)
    def _files(self, tmp_path: Path, _no_data: None) -> None:
        for half in ("train", "test"):
            for name, colour in (("cat", (255, 0, 0)), ("dog", (0, 255, 0))):
                folder = tmp_path / "pets" / half / name
                folder.mkdir(parents=True)
                for number in range(4):
                    Image.new("RGB", (6, 4), colour).save(folder / f"{half}{number}.png")


class Lamarckian(PlotSuite):
    """Its method searches for networks, so its runs train some."""

    @pytest.fixture
    def arms(self, tmp_path: Path, _no_data: None) -> Arms:
        def made(arm: str, seed: int, **evaluator: Any) -> Run:
            config = {
                "run": {"name": "arms", "seed": seed, "stop": {"epochs": 4}},
                "strategy": {"use": "niching-one-plus-one", "omega": 0.5, "k": 2},
                "genotype": {"use": "block-stack", "channels": [2, 4]},
                "evaluator": {"use": "train", "dataset": SMALL["dataset"], **evaluator},
            }
            return evoplug.run(config, out=tmp_path / arm / f"seed-{seed}")

        nothing = {"weights": False, "buffers": False, "optimizer": False}
        return {
            "inherited": [made("inherited", seed) for seed in (1, 2)],
            "new": [made("new", 1, inherit=nothing)],
            "one generation": [made("one", 1, epochs=4)],
        }


class TestLamarckAccuracy(Lamarckian):
    """With its test accuracies."""

    name = "lamarck-accuracy"


class TestLamarckAncestry(Lamarckian):
    """With a first block that has no ancestors."""

    name = "lamarck-ancestry"


class TestLamarckBlocks(Lamarckian):
    """With an arm that never has a second block."""

    name = "lamarck-blocks"


class Sharing(PlotSuite):
    """Its method needs several tasks, so its runs are written down as it leaves them."""

    @pytest.fixture
    def arms(self, tmp_path: Path) -> Arms:
        shared = {"digits": {"conv": 0, "dense": 1}, "letters": {"conv": 0, "dense": 2}}
        apart = {"digits": {"conv": 0, "dense": 0}, "letters": {"conv": 1, "dense": 1}}

        def made(arm: str, seed: int, said: Any, generations: int = 4) -> Run:
            rows = [
                {"generations": g, "best": -1 / g, "entropy": 1 / g, "weights": 1000, "test.error": 0.5 / g}
                for g in range(1, generations + 1)
            ]
            folder = finished(
                tmp_path / arm / f"seed-{seed}", seed, rows=rows, strategy={"use": "learned-weight-sharing"}
            )
            result = json.loads((folder / "result.json").read_text())
            result["best"]["description"] = said
            (folder / "result.json").write_text(json.dumps(result))
            return Run(folder)

        return {
            "two runs": [made("two", seed, said) for seed, said in enumerate([shared, apart])],
            "one run": [made("one", 1, apart)],
            "one generation": [made("generation", 1, shared, 1)],
        }


class TestSharingEntropy(Sharing):
    """Over iterations."""

    name = "sharing-entropy"


class TestSharingErrors(Sharing):
    """Measured on test data along the way."""

    name = "sharing-errors"


class TestSharingGroups(Sharing):
    """By position."""

    name = "sharing-groups"


class TestSharingLanes(Sharing):
    """With an arm whose tasks share nothing."""

    name = "sharing-lanes"


class TestFilmStrip(PlotSuite):
    """With an arm of which only the worse run was filmed, one of few frames, and one of none."""

    name = "film-strip"

    @pytest.fixture
    def arms(self, tmp_path: Path) -> Arms:
        def made(arm: str, seed: int, frames: int = 0) -> Run:
            run = Run(finished(tmp_path / arm / f"seed-{seed}", seed))
            if frames:
                (run.folder / "plots").mkdir()
                film = Film(
                    pixels(frames, 6, 8, 3, seed=seed), 30, float("nan"), "$100 in the bank: a game of much text" * 3
                )
                filming.write(film, run.folder / "plots" / "episode.gif")
            return run

        return {
            "two runs": [made("two", 1), made("two", 2, 20)],
            "few": [made("few", 1, 2)],
            "one generation": [made("none", 1)],
        }


class GradientLexicase(PlotSuite):
    """Its method trains networks, so its runs do; one arm selects by fitness."""

    @pytest.fixture
    def arms(self, tmp_path: Path, _no_data: None) -> Arms:
        def made(arm: str, seed: int, generations: int = 4, selection: str = "lexicase") -> Run:
            config = {
                "run": {"name": "arms", "seed": seed, "stop": {"generations": generations}},
                "strategy": {"use": "gradient-lexicase", "population": 2},
                "evaluator": {"use": "train", **SMALL, "batch": 16, "share": "dealt"},
                "operators": {"selection": {"use": selection}},
            }
            return evoplug.run(config, out=tmp_path / arm / f"seed-{seed}")

        return {
            "two runs": [made("two", seed) for seed in (1, 2)],
            "by fitness": [made("fitness", 1, selection="best")],
            "one generation": [made("one", 1, 1)],
        }


class TestLexicaseAccuracy(GradientLexicase):
    """With its test accuracies."""

    name = "lexicase-accuracy"


class TestLexicaseDecided(GradientLexicase):
    """Beside an arm that reads no cases."""

    name = "lexicase-decided"


class TestLexicaseSurvivors(GradientLexicase):
    """Beside an arm that reads no cases."""

    name = "lexicase-survivors"


class TestFeatureMaps(PlotSuite):
    """Of networks that see small images from files."""

    name = "feature-maps"

    @pytest.fixture
    def arms(self, tmp_path: Path, _no_data: None) -> Arms:
        put_folder(tmp_path / "noise", 8)

        def made(arm: str, seed: int, generations: int = 2, **network: Any) -> Run:
            config = {
                "run": {"name": "arms", "seed": seed, "stop": {"generations": generations}},
                "strategy": {"use": "gradient-descent"},
                "evaluator": {
                    "use": "train",
                    "dataset": {"use": "image-folder", "folder": "noise", "validation": 4},
                    "network": {"use": "convnet", "channels": [3], "dense": [5], **network},
                },
            }
            return evoplug.run(config, out=tmp_path / arm / f"seed-{seed}")

        return {
            "two runs": [made("two", seed) for seed in (1, 2)],
            "one run": [made("wide", 1, channels=[20])],
            "one generation": [made("one", 1, 1, channels=[], dense=[])],
        }


SPECIAL = {
    (suite.group, suite.name)
    for suite in (
        TestTrain,
        TestMNIST,
        TestKMNIST,
        TestEMNISTDigits,
        TestEMNISTLetters,
        TestCIFAR100,
        TestOmniglot,
        TestImageFolder,
        TestLamarckAccuracy,
        TestLamarckAncestry,
        TestLamarckBlocks,
        TestSharingEntropy,
        TestSharingErrors,
        TestSharingGroups,
        TestSharingLanes,
        TestFilmStrip,
        TestLexicaseAccuracy,
        TestLexicaseDecided,
        TestLexicaseSurvivors,
        TestFeatureMaps,
    )
}
globals().update({name: suite for name, suite in OWN.items() if (suite.group, suite.name) not in SPECIAL})


def test_nothing_that_is_registered_is_without_a_suite() -> None:
    registered = {(entry.group, entry.name) for entry in catalogue.entries() if entry.distribution == "evoplug"}
    assert {(suite.group, suite.name) for suite in OWN.values()} == registered
    assert set(SUITES) == set(catalogue.GROUPS)
