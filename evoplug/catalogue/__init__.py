"""What is installed, and what stands in files beside a configuration, told without importing any of it.

Names and versions come from the metadata of the installed distributions (:mod:`evoplug.catalogue.installed`),
everything else from their source (:mod:`evoplug.catalogue.definitions`).
"""

from __future__ import annotations

from evoplug.catalogue.definitions import REQUIRED, UNKNOWN, Parameter
from evoplug.catalogue.entry import Entry
from evoplug.catalogue.installed import GROUPS
from evoplug.catalogue.lookup import (
    a,
    beside,
    check_group,
    entries,
    find,
    preset,
    presets,
    recognise,
    refresh,
    singular,
    strays,
    unknown,
    unknown_kind,
    usable,
)

__all__ = [
    "GROUPS", "REQUIRED", "UNKNOWN", "Entry", "Parameter", "a", "beside", "check_group", "entries", "find", "preset",
    "presets", "recognise", "refresh", "singular", "strays", "unknown", "unknown_kind", "usable",
]  # fmt: skip
