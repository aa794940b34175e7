"""The suites find what is wrong with a component: one fault each, and the test that says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from strangers import Site, install

FAULTS = {
    "genotypes/sampling-globally": "the same stream gives the same sample",
    "genotypes/sharing": "every genome is its own",
    "evaluators/changing-members": "members are left as they are",
    "evaluators/counting": "it goes on from a checkpoint in another process",
    "evaluators/unsure": "a deterministic fitness belongs to the genome",
    "evaluators/alone": "its companions can be built",
    "evaluators/fitting-nothing": "what it says keeps the contract",
    "evaluators/lending": "a member may have a model",
    "evaluators/always-alike": "weights of its own depend on the seed",
    "evaluators/wavering": "cases are there where they are read",
    "evaluators/saying-late": "what it says of members needs no data",
    "evaluators/adding-up": "several members may be measured as one",
    "evaluators/offering": "every headline that it offers is measured",
    "evaluators/filming-anew": "a member may have a film",
    "evaluators/filming-late": "a film comes back from what a run leaves",
    "evaluators/owning": "a model comes back from what a run leaves",
    "strategies/forgetful": "every step can be gone on from",
    "strategies/dropping-states": "members keep what they learned",
    "strategies/losing-members": "every step can be gone on from",
    "strategies/counterfeiting": "a generation is whole",
    "strategies/uncased": "a selection by cases selects",
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
    "mutations/dividing": "children are inside the space",
    "mutations/contradicting": "its parameters allow their own defaults",
    "mutations/computed": "the catalogue reads it without importing it",
    "mutations/fitting-none": "some space is taken",
    "mutations/unloadable": "it can be loaded",
    "datasets/doubles": "examples are what it says",
    "datasets/counting-from-one": "examples are what it says",
    "datasets/misnaming": "it says what it is",
    "datasets/dotted": "its tasks are data sets",
    "networks/shared": "every module is its own",
    "recorders/changing-rows": "it takes the rows of a run",
    "plots/by-pyplot": "it draws a figure of its own",
}


def test_every_fault_is_found(tmp_path: Path) -> None:
    """In one process, which pytest-xdist would make two of many tests."""
    found = failed(tmp_path)
    assert set(found) == set(FAULTS)
    assert {component: test for component, test in FAULTS.items() if test not in found[component]} == {}


def test_sound_components_pass(tmp_path: Path) -> None:
    """One of them works with none but the genotype that it names in its companions and has a film, one has a network
    for each of two tasks; others work on booleans."""
    code, results = results_of(tmp_path, "good")
    assert code == 0
    assert {(result["component"], result["outcome"]) for result in results} >= {
        ("mutations/sound", "passed"),
        ("evaluators/twenty", "passed"),
        ("evaluators/pair", "passed"),
        ("genotypes/switches", "passed"),
        ("mutations/flip", "passed"),
        ("crossovers/swap", "passed"),
    }


def results_of(folder: Path, stranger: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the results of all suites on one of the strangers."""
    install(Site(folder), stranger)
    done = subprocess.run(
        [sys.executable, "-m", "evoplug", "doctor", "--suite", f"stranger-{stranger}", "--json"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def failed(folder: Path) -> dict[str, set[str]]:
    """Component -> the tests that fail on it, without their cases."""
    code, results = results_of(folder, "faulty")
    assert code == 3
    tests: dict[str, set[str]] = {result["component"]: set() for result in results}
    for result in results:
        if result["outcome"] == "failed":
            tests[result["component"]].add(result["test"].partition(" (")[0])
    return tests
