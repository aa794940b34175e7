"""What a run has spent. Every budget, stop rule and plot axis is a column of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = ("generations", "evaluations", "seconds")
"""Columns of every run; evaluators add their own (``Evaluator.costs``)."""

TIME_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


class Ledger:
    """Running sums by column; counts stay integers as long as only integers are added."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = dict.fromkeys(COLUMNS, 0)

    def add(self, **cost: float) -> None:
        """Add to columns; a new name opens a column."""
        for column, amount in cost.items():
            self._spent[column] = self._spent.get(column, 0) + amount

    def __getitem__(self, column: str) -> float:
        """What has been spent of a column; 0 where nothing has."""
        return self._spent.get(column, 0)

    def row(self) -> dict[str, float]:
        """All columns, for a line of records."""
        return dict(self._spent)

    def reached(self, stop: Mapping[str, float], best: float | None = None) -> str | None:
        """The first rule of ``[run] stop`` that holds, as words, or None.

        Args:
            stop: column -> budget; ``minutes`` and ``hours`` read the seconds; ``fitness`` is a target.
            best: the best fitness of the last generation.
        """
        for rule, budget in stop.items():
            if rule == "fitness":
                reached = best is not None and best >= budget
            elif rule in TIME_UNITS:
                reached = self["seconds"] >= budget * TIME_UNITS[rule]
            else:
                reached = self[rule] >= budget
            if reached:
                return f"{rule} = {budget:g}"
        return None

    def state_dict(self) -> dict[str, Any]:
        return dict(self._spent)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._spent = dict(state)
