"""Runs that several tests take solutions from."""

import pytest

import evoplug
from finished import LIGHTS, OWNER, PAIR, SPHERE


@pytest.fixture(scope="module")
def owned(tmp_path_factory):
    """A finished run of an evaluator that owns weights."""
    folder = tmp_path_factory.mktemp("owned")
    (folder / "owner.py").write_text(OWNER)
    box = {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0}
    config = {**SPHERE, "plugins": [str(folder / "owner.py")], "genotype": box, "evaluator": "owner"}
    return evoplug.run(config, out=folder / "run")  # which trusts what it has run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A finished run of an evaluator that makes two networks, which share a layer."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "pair.py").write_text(PAIR)
    box = {"use": "real-vector", "length": 2, "low": -1.0, "high": 1.0}
    config = {**SPHERE, "plugins": [str(folder / "pair.py")], "genotype": box, "evaluator": "pair"}
    return evoplug.run(config, out=folder / "run")


@pytest.fixture(scope="module")
def lit(tmp_path_factory):
    """Makes a finished run of an evaluator with a film, of 15 evaluations; with its parameters."""
    folder = tmp_path_factory.mktemp("lit")
    (folder / "lights.py").write_text(LIGHTS)

    def make(**parameters):
        evaluator = {"use": "lights", **parameters}
        config = {**SPHERE, "plugins": [str(folder / "lights.py")], "evaluator": evaluator}
        return evoplug.run(config, out=folder / f"run-{len(list(folder.iterdir()))}")

    return make
