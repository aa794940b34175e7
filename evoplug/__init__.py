"""evoplug: evolutionary methods for deep learning from one TOML file.

``evoplug.run("quickstart")`` does what ``evoplug run quickstart`` does. Names are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evoplug import catalogue as catalogue
    from evoplug.api import check as check
    from evoplug.api import resume as resume
    from evoplug.api import run as run
    from evoplug.api import sweep as sweep
    from evoplug.catalogue.local import register as register
    from evoplug.config.building import build as build
    from evoplug.contracts import Problem as Problem
    from evoplug.errors import ConfigError as ConfigError
    from evoplug.errors import EvaluationError as EvaluationError
    from evoplug.errors import EvoplugError as EvoplugError
    from evoplug.errors import FilesError as FilesError
    from evoplug.errors import Interrupted as Interrupted
    from evoplug.errors import PluginError as PluginError
    from evoplug.results import compare as compare
    from evoplug.results import export as export
    from evoplug.results import play as play
    from evoplug.results import plot as plot
    from evoplug.results import report as report
    from evoplug.rng import Rng as Rng
    from evoplug.running.cells import SweepWatch as SweepWatch
    from evoplug.running.rundir import Run as Run
    from evoplug.running.runner import Watch as Watch
    from evoplug.running.sweeping import SweepError as SweepError
    from evoplug.showing.watches import progress as progress
    from evoplug.types import Evaluation as Evaluation
    from evoplug.types import Members as Members
    from evoplug.types import Outcome as Outcome
    from evoplug.types import Parts as Parts
    from evoplug.types import Task as Task

__version__ = "0.1.0"

_HOME = {
    "Rng": "evoplug.rng",
    "Members": "evoplug.types",
    "Evaluation": "evoplug.types",
    "Outcome": "evoplug.types",
    "Parts": "evoplug.types",
    "Problem": "evoplug.contracts",
    "Task": "evoplug.types",
    "ConfigError": "evoplug.errors",
    "EvaluationError": "evoplug.errors",
    "EvoplugError": "evoplug.errors",
    "FilesError": "evoplug.errors",
    "Interrupted": "evoplug.errors",
    "PluginError": "evoplug.errors",
    "SweepError": "evoplug.running.sweeping",
    "catalogue": "evoplug.catalogue",
    "build": "evoplug.config.building",
    "register": "evoplug.catalogue.local",
    "check": "evoplug.api",
    "run": "evoplug.api",
    "sweep": "evoplug.api",
    "resume": "evoplug.api",
    "compare": "evoplug.results",
    "plot": "evoplug.results",
    "report": "evoplug.results",
    "export": "evoplug.results",
    "play": "evoplug.results",
    "Run": "evoplug.running.rundir",
    "Watch": "evoplug.running.runner",
    "SweepWatch": "evoplug.running.cells",
    "progress": "evoplug.showing.watches",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'evoplug' has no attribute {name!r}")
    module = import_module(_HOME[name])
    return module if _HOME[name].endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return __all__
