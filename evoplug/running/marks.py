"""``[run] marks``: the best solutions so far at given budgets, kept to be reported beside the one of the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from evoplug.types import Ledger, Members


class Marks:
    """At each mark, the best of the last generation that is within that budget.

    Args:
        wanted: column of the ledger -> budgets.
    """

    def __init__(self, wanted: Mapping[str, Sequence[float]]) -> None:
        self._wanted = {f"{mark:,g} {column}": (column, mark) for column, marks in wanted.items() for mark in marks}
        self._ahead = list(self._wanted)
        self._last: Members | None = None  # the best of the generation before
        self.kept: dict[str, Members] = {}
        """``"128 epochs"`` -> the best there."""

    @property
    def missed(self) -> list[str]:
        """Marks without a solution: the run has not come to them, or not one generation was within."""
        return [name for name in self._wanted if name not in self.kept]

    def look(self, ledger: Ledger, best: Callable[[], Members]) -> None:
        """A generation has ended; ``best`` gives its best so far."""
        if not self._ahead:
            return
        now = best()
        for name in list(self._ahead):
            column, mark = self._wanted[name]
            if ledger[column] >= mark:
                self._ahead.remove(name)
                within = now if ledger[column] == mark else self._last
                if within is not None:
                    self.kept[name] = within
        self._last = now

    def state_dict(self) -> dict[str, Any]:
        """The solutions, by reference."""
        kept = {name: member.state_dict() for name, member in self.kept.items()}
        return {"ahead": self._ahead, "last": self._last and self._last.state_dict(), "kept": kept}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """The inverse of :meth:`state_dict`."""
        self._ahead = list(state["ahead"])
        self._last = state["last"] and Members.from_state_dict(state["last"], device)
        self.kept = {name: Members.from_state_dict(member, device) for name, member in state["kept"].items()}
