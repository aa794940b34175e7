"""Other processes: one that repeats what this one did, and one that only reads the catalogue."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """What a process that only read the catalogue had seen."""

    components: frozenset[tuple[str, str]]
    """(group, entry point's value) of all that it could read."""
    modules: frozenset[str]
    """What it had imported afterwards."""


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function of some module in a process of its own, which serves all tests of a session."""
    return pickle.loads(_process().submit(_call, pickle.dumps((function, arguments))).result())


@cache
def catalogue_alone() -> Reading:
    """The catalogue read by a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", _READ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(done.stdout)
    return Reading(frozenset(map(tuple, read["components"])), frozenset(read["modules"]))


_READ = """
import json, sys
from evoplug import catalogue
read = [(entry.group, entry.value) for entry in catalogue.entries() if not entry.problem]
json.dump({"components": read, "modules": list(sys.modules)}, sys.stdout)
"""


@cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def _call(pickled: bytes) -> bytes:
    # As bytes: torch would hand tensors over in shared memory, which a test of values has no use for.
    from evoplug.population.workers import workers

    function, arguments = pickle.loads(pickled)
    with workers(1):
        return pickle.dumps(function(*arguments))
