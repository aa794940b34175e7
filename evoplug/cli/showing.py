"""What ``watch=True`` shows: what the command line does, on a terminal, in a notebook, or in plain lines."""

from __future__ import annotations

from typing import Literal, overload

from evoplug.cli import sweeping, watching
from evoplug.running.cells import SweepWatch
from evoplug.running.runner import Watch


@overload
def progress(of: Literal["run"] = "run") -> Watch: ...
@overload
def progress(of: Literal["sweep"]) -> SweepWatch: ...
def progress(of: Literal["run", "sweep"] = "run") -> Watch | SweepWatch:
    """What the command line shows of a run, or of a sweep: a live table on a terminal and in a notebook, else lines.

    ``evoplug.run(config, watch=evoplug.progress())``; ``watch=True`` is the same.
    """
    return sweeping.watch() if of == "sweep" else watching.watch()
