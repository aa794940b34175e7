"""From TOML to a checked experiment, in two passes: :func:`check` imports no plugin, :func:`fit` the chosen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evoplug.config.document import Document, load
from evoplug.config.experiment import Experiment, check, resolved
from evoplug.config.settings import Checkpoint, Claim, Measure, Paper, RunSettings
from evoplug.config.spec import Spec
from evoplug.config.sweep import Cell, Sweep, cells

if TYPE_CHECKING:
    from evoplug.config.fit import Built, fit

__all__ = [
    "Built", "Cell", "Checkpoint", "Claim", "Document", "Experiment", "Measure", "Paper", "RunSettings", "Spec",
    "Sweep", "cells", "check", "fit", "load", "resolved",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # The second pass imports torch, the first does not.
    if name in ("Built", "fit"):
        from importlib import import_module

        return getattr(import_module("evoplug.config.fit"), name)
    raise AttributeError(f"module 'evoplug.config' has no attribute {name!r}")
