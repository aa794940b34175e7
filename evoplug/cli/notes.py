"""What a user should know about how a configuration was put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evoplug.config.messages import listed

if TYPE_CHECKING:
    from evoplug.config import Experiment

_ARMS = 3
"""Named in a note, of those that it is about."""


def notes(experiment: Experiment) -> Iterator[str]:
    """A line each; of what is said of some arms alone, with their names."""
    own = experiment.document.notices
    yield from own
    arms: dict[str, list[str]] = {}
    for name, arm in experiment.arms.items():
        for notice in arm.document.notices:
            if notice not in own:
                arms.setdefault(notice, []).append(name)
    for notice, names in arms.items():
        yield f"{notice} (arm{'s' if len(names) > 1 else ''} {listed(names, _ARMS)})"
