"""EPBT's figures, after those of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

PANELS = 5
"""Runs in the figure of ancestries, as in the paper's."""
COLUMNS = 3
