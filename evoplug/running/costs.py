"""What the parts of a run cost, and so the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from evoplug.config import RunSettings
from evoplug.types import TIME_UNITS


@dataclass(frozen=True)
class Timing:
    """What the parts of one run cost; all times are wall-clock seconds."""

    start: float
    """Until the first generation: imports, data, the strategy's own set-up."""
    first: float
    """The first generation."""
    generation: float
    """Each later one: the mean."""
    measure: float
    """Metrics along the way, once."""
    save: float
    """A checkpoint, without the disk's share."""
    report: float
    """Choosing and measuring the solution at the end."""
    ledger: Mapping[str, tuple[float, float]]
    """Column -> (after the first generation, what each later one adds)."""
    checkpoint: int
    """Bytes of a checkpoint."""
    memory: int | None
    """Bytes of memory at the most, None on systems that do not tell."""
    device_memory: int
    """Bytes at the most on a CUDA device."""

    def generations(self, stop: Mapping[str, float]) -> int | None:
        """How many generations the stop rules leave; None where only ``fitness`` can end the run."""
        counts = [self._until(rule, budget) for rule, budget in stop.items() if rule != "fitness"]
        finite = [count for count in counts if count is not None]
        return min(finite, default=None)

    def total(self, run: RunSettings) -> float | None:
        """Seconds of the whole run, from the start of its process; None where only ``fitness`` can end it."""
        n = self.generations(run.stop)
        if n is None:
            return None
        evolution = self.first + (n - 1) * self.generation
        if run.measure:
            evolution += n // run.measure.every * self.measure
        rule = run.checkpoint.filled()
        saves = n // rule.every if rule.every else evolution // rule.wait(self.save)
        return self.start + evolution + (saves + 1) * self.save + self.report

    def _until(self, rule: str, budget: float) -> int | None:
        """Generations until a column of the ledger reaches a budget."""
        unit = TIME_UNITS.get(rule)
        begin, each = self.ledger.get("seconds" if unit else rule, (0.0, 0.0))
        missing = budget * (unit or 1) - begin
        if missing <= 0:
            return 1
        return 1 + math.ceil(missing / each) if each > 0 else None
