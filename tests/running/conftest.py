"""Runs that several tests take solutions from."""

import pytest

import evoplug
from finished import OWNER, SPHERE


@pytest.fixture(scope="module")
def owned(tmp_path_factory):
    """A finished run of an evaluator that owns weights."""
    folder = tmp_path_factory.mktemp("owned")
    (folder / "owner.py").write_text(OWNER)
    box = {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0}
    config = {**SPHERE, "plugins": [str(folder / "owner.py")], "genotype": box, "evaluator": "owner"}
    return evoplug.run(config, out=folder / "run")  # which trusts what it has run
