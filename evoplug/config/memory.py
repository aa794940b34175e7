"""Whether a population fits into memory, before any of it is there."""

from __future__ import annotations

import os
from typing import cast

import torch

from evoplug.contracts import Genotype
from evoplug.population.box import RealSpace

COPIES = 2
"""Parents and children."""

SMALL = 2**30
"""Bytes for which no device need be asked: asking a GPU takes seconds."""


def needed(genotype: Genotype, population: int) -> int:
    """Bytes of the genomes of a population and its children; 0 where genomes are no tensors.

    Args:
        genotype: bound.
    """
    if genotype.parts:
        return sum(needed(part, population) for part in genotype.parts.values())
    if "real-vector" not in genotype.kinds:
        return 0
    space = cast(RealSpace, genotype)
    itemsize: int = getattr(torch, space.dtype).itemsize
    return COPIES * population * space.length * itemsize


def there(device: str) -> int | None:
    """Bytes of memory that a device has in all; None where the system does not tell."""
    if device != "cpu":
        return torch.cuda.get_device_properties(device).total_memory
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):  # Windows
        return None
