"""What a run will cost, told from its first generations: seconds, memory, the size of a checkpoint."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from evoplug.config.document import Config, Overrides
from evoplug.config.sweep import BASE
from evoplug.errors import EvaluationError
from evoplug.running.costs import Timing


def measure(config: Config, overrides: Overrides = (), arm: str = BASE) -> Timing:
    """Time a run, at its full size, by its first generations and its report. Nothing of it stays on disk.

    It runs in a process of its own, so that nothing is loaded yet and the memory is its own.

    Args:
        config, overrides: as for :func:`evoplug.run`.
        arm: which arm of a sweep.

    Raises:
        EvoplugError: what would have ended the run; EvaluationError too where its process died.
    """
    with (
        TemporaryDirectory(prefix="evoplug-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        try:
            return process.submit(_measure, config, overrides, arm, folder).result()
        except BrokenProcessPool:
            raise EvaluationError("the process that was timed died; most likely there was not enough memory") from None


def _measure(config: Config, overrides: Overrides, arm: str, folder: str) -> Timing:
    begin = time.perf_counter()
    from evoplug.running import rehearsal  # what a run imports is a part of its time

    return rehearsal.rehearse(config, overrides, arm, Path(folder), begin)
