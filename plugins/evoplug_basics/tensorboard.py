"""Recorder ``tensorboard``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from evoplug import FilesError
from evoplug.contracts import Recorder, dataclass


@dataclass(kw_only=True)
class TensorBoard(Recorder):
    """Write every number of ``metrics.jsonl`` for TensorBoard too: ``tensorboard --logdir RUN``.

    The files stand in the run's folder ``tensorboard``; a step is a generation. TensorBoard groups tags by ``/``, so
    ``validation.accuracy`` is the tag ``validation/accuracy``. Lists, and numbers that are not finite, are left out.
    """

    def open(self, folder: str) -> None:
        self._folder = Path(folder) / "tensorboard"
        if self._folder.is_symlink():
            raise FilesError(f"{self._folder}: is a symbolic link; none is followed inside a run folder")
        self._writer: SummaryWriter | None = None

    def row(self, row: Mapping[str, Any]) -> None:
        generation = int(row["generations"])
        # What a killed run wrote behind the checkpoint that this one went on from is taken back.
        self._writer = self._writer or SummaryWriter(str(self._folder), purge_step=generation)
        for tag, value in _scalars(row):
            self._writer.add_scalar(tag, value, generation)
        self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _scalars(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(tag, value) of each number, those in tables too."""
    for name, value in row.items():
        tag = prefix + name.replace(".", "/")
        if isinstance(value, Mapping):
            yield from _scalars(value, f"{tag}/")
        elif isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value):
            yield tag, float(value)
