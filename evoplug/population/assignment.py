"""How operators see a space of assignments: its positions, and the choices that each of them has."""

from __future__ import annotations

from typing import Protocol


class AssignmentSpace(Protocol):
    """What every bound genotype of kind "assignment" has."""

    length: int
    """N: genes of one genome, one a position."""
    choices: int
    """K: a gene is one of 0 to K - 1."""
    names: tuple[str, ...]
    """Of the positions, N of them; none where the problem names none."""
    dtype: str
    """Of its tensors: "int64"."""
