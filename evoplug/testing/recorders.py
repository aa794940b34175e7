"""What a recorder promises."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evoplug.contracts import Recorder
from evoplug.testing.randomness import seeded
from evoplug.testing.suite import Suite
from evoplug.testing.values import agree


class RecorderSuite(Suite):
    """Rows are as a run writes them: numbers, some not finite, strings, lists and a table of seconds."""

    group = "recorders"

    @pytest.fixture
    def recorder(self, example: Mapping[str, Any]) -> Recorder:
        """The recorder, not opened."""
        recorder: Recorder = self.build(example)
        return recorder

    def test_it_takes_the_rows_of_a_run(self, recorder: Recorder, tmp_path: Path) -> None:
        with seeded(1):
            recorder.open(str(tmp_path))
            for generation in (1, 2, 3):
                row = _row(generation)
                before = copy.deepcopy(row)
                recorder.row(row)
                agree("the row was changed", row, before)
            recorder.close()

    def test_a_run_may_end_before_its_first_row(self, recorder: Recorder, tmp_path: Path) -> None:
        recorder.open(str(tmp_path))
        recorder.close()

    def test_it_is_opened_again_after_a_resume(
        self, example: Mapping[str, Any], recorder: Recorder, tmp_path: Path
    ) -> None:
        """A killed run never closed it, and the generations behind its last checkpoint come again."""
        recorder.open(str(tmp_path))
        recorder.row(_row(1))
        recorder.row(_row(2))
        other: Recorder = self.build(example)
        other.open(str(tmp_path))
        other.row(_row(2))
        other.close()
        recorder.close()


def _row(generation: int) -> dict[str, Any]:
    return {
        "generations": generation, "evaluations": 10 * generation, "seconds": 0.5 * generation,
        "best": -1.0, "mean": float("nan"), "std": 0.0, "invalid": 1,
        "rule": "none", "ids": [1, 2, 3], "parents": [[-1, -1], [1, -1], [1, 2]], "genes": {"loss": [0.5, 0.25]},
        "validation.accuracy": 0.5, "time": {"evaluation": 0.25, "reproduction": 0.125},
    }  # fmt: skip
