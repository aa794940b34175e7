"""The suites find what is wrong with a component: one fault each, and the test that says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from strangers import Site, install

FAULTS = {
    "genotypes/sampling-globally": "the same stream gives the same sample",
    "evaluators/changing-members": "members are left as they are",
    "evaluators/counting": "it goes on from a checkpoint in another process",
    "evaluators/unsure": "a deterministic fitness belongs to the genome",
    "strategies/forgetful": "every step can be gone on from",
    "strategies/trusting": "an invalid member is never best nor carried over",
    "selections/choosing-invalid": "an invalid member is never chosen for its fitness",
    "selections/reading-all-cases": "cases are read as they are needed",
    "crossovers/keeping-columns": "a column becomes the mean of both parents",
    "mutations/in-place": "parents are left as they are",
    "mutations/drawing-globally": "the same stream gives the same children",
    "mutations/leaving": "children are inside the space",
    "mutations/converting": "shape dtype and device are kept",
    "mutations/remembering": "a schedule depends on the generation alone",
    "mutations/hashing": "another process gives the same children",
    "mutations/in-order-of-work": "a population is written alike by any number of workers",
    "mutations/taking-anything": "wrong parameters are refused where they stand",
    "mutations/raising": "values at the edge are taken or refused in words",
    "mutations/computed": "the catalogue reads it without importing it",
    "datasets/doubles": "examples are what it says",
    "networks/shared": "every module is its own",
    "recorders/changing-rows": "it takes the rows of a run",
    "plots/by-pyplot": "it draws a figure of its own",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Component -> the tests that failed on it, without their cases."""
    site = Site(tmp_path_factory.mktemp("site"))
    install(site, "faulty")
    done = subprocess.run(
        [sys.executable, "-m", "evoplug", "doctor", "--suite", "stranger-faulty", "--json"],
        env={**os.environ, "PYTHONPATH": str(site.folder)},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    failed: dict[str, set[str]] = {}
    results: list[dict[str, Any]] = json.loads(done.stdout)
    for result in results:
        failed.setdefault(result["component"], set())
        if result["outcome"] == "failed":
            failed[result["component"]].add(result["test"].partition(" (")[0])
    return failed


@pytest.mark.parametrize("component", FAULTS)
def test_a_fault_is_found(found: dict[str, set[str]], component: str) -> None:
    assert FAULTS[component] in found[component]


def test_every_component_was_tested(found: dict[str, set[str]]) -> None:
    assert set(found) == set(FAULTS)
