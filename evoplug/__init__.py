"""evoplug: evolutionary methods for deep learning from one TOML file.

``evoplug.run("quickstart")`` does what ``evoplug run quickstart`` does. Names are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Rng": "evoplug.rng",
    "Members": "evoplug.types",
    "Evaluation": "evoplug.types",
    "Outcome": "evoplug.types",
    "Parts": "evoplug.types",
    "Task": "evoplug.types",
    "ConfigError": "evoplug.errors",
    "EvaluationError": "evoplug.errors",
    "EvoplugError": "evoplug.errors",
    "FilesError": "evoplug.errors",
    "PluginError": "evoplug.errors",
    "catalogue": "evoplug.catalogue",
    "build": "evoplug.registry",
    "check": "evoplug.api",
    "run": "evoplug.api",
    "resume": "evoplug.api",
    "Run": "evoplug.rundir",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'evoplug' has no attribute {name!r}")
    module = import_module(_HOME[name])
    return module if _HOME[name].endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return __all__
