"""From TOML to a checked experiment, in two passes.

:func:`check` imports no plugin and no torch; :func:`evoplug.config.fit.fit` builds what was chosen.
"""

from __future__ import annotations

from evoplug.config.cell import Cell, cells
from evoplug.config.document import Config, Document, load, override, with_objects
from evoplug.config.experiment import Experiment, Reading, check, resolved
from evoplug.config.settings import Checkpoint, Claim, Measure, Paper, RunSettings
from evoplug.config.spec import Spec
from evoplug.config.sweep import Sweep

__all__ = [
    "Cell", "Checkpoint", "Claim", "Config", "Document", "Experiment", "Measure", "Paper", "Reading", "RunSettings",
    "Spec", "Sweep", "cells", "check", "load", "override", "resolved", "with_objects",
]  # fmt: skip
