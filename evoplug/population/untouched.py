"""Values that a component only reads: has it changed them in place?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from evoplug.errors import require
from evoplug.types import Genomes, Parts


@contextmanager
def untouched(reader: object, seen: Callable[[], Any], what: str) -> Iterator[None]:
    """Inside the block ``reader`` works on values that are not its own.

    Of a tensor only the counter is read that torch keeps of changes in place, so that its size costs nothing; what is
    written past that counter (``.data``, numpy) is not found.

    Args:
        reader: the component to blame.
        seen: gives its values: tensors and plain data.
        what: of the error, what was changed, and what to do instead.

    Raises:
        PluginError: if they were changed.
    """
    before = _stamp(seen())
    yield
    require(reader, None if _stamp(seen()) == before else f"changes {what}")


def sample(genomes: Genomes) -> Any:
    """Of genomes that are plain values the first, since looking at all would take its time; tensors whole."""
    if isinstance(genomes, Parts):
        return [sample(part) for part in genomes.values()]
    return genomes[:1] if isinstance(genomes, list) else genomes


def _stamp(value: Any) -> Any:
    """Plain data that differ once the value has been changed."""
    if isinstance(value, torch.Tensor):
        return id(value), None if value.is_inference() else value._version  # inference mode counts nothing
    if isinstance(value, Mapping):
        return {name: _stamp(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_stamp(inner) for inner in value]
    return value
