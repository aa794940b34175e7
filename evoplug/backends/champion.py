"""The member that a loop would report now."""

from __future__ import annotations

from typing import Any

from evoplug.types import Members


class Champion:
    """Keeps the best member seen: of all generations where fitness is exact, of the last one where it is noisy.

    A noisy best of all time is the luckiest, not the best.

    Args:
        exact: ``Evaluator.deterministic``.
    """

    def __init__(self, exact: bool) -> None:
        self._exact = exact
        self.member: Members | None = None

    def see(self, members: Members) -> None:
        """Take the best of an evaluated population into account; a tie leaves the older one."""
        assert members.fitness is not None
        row = int(members.fitness.argmax())
        if self.member is None or not self._exact or members.fitness[row] > self._fitness:
            self.member = _copy(members[row : row + 1])

    @property
    def _fitness(self) -> Any:
        assert self.member is not None
        assert self.member.fitness is not None
        return self.member.fitness[0]

    def state_dict(self) -> dict[str, Any]:
        return {"member": None if self.member is None else self.member.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        member = state["member"]
        self.member = None if member is None else Members.from_state_dict(member)


def _copy(members: Members) -> Members:
    """A population of its own: rows of kept buffers are written over."""
    return Members.cat([members])
