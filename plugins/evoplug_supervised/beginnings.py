"""What a member's training goes on from, as its state has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evoplug.contracts import Members

UNTRAINED: Mapping[str, Any] = {"member": None, "epochs": 0, "passes": 0}
"""The state of a new member."""


def state(members: Members, row: int) -> Mapping[str, Any]:
    """That of a member; of a new one, that it was never trained."""
    known = members.states[row] if members.states else None
    return known or UNTRAINED


def origin(members: Members, row: int) -> int:
    """Whose stream draws the weights that a member lacks: its own; of one that was never trained its parent's, if it
    has one, which was not trained either: so it begins as that would have, and like its siblings."""
    parent = int(members.parents[row, 0])
    return int(members.ids[row]) if parent < 0 or state(members, row)["member"] is not None else parent


def older(begin: Mapping[str, Any], epochs: int, share: float) -> dict[str, Any]:
    """What a state says of its age after some more epochs of a share of the training examples: ``epochs``, by which its
    schedule goes, and ``passes`` over all examples."""
    return {"epochs": begin["epochs"] + epochs, "passes": begin["passes"] + epochs * (int(share) or share)}
