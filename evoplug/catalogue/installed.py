"""What the metadata of installed distributions say: their entry points, and the evoplug that they ask for."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from typing import NamedTuple

from evoplug import __version__

SINGULAR = {
    "genotypes": "genotype", "evaluators": "evaluator", "strategies": "strategy", "selections": "selection",
    "crossovers": "crossover", "mutations": "mutation", "datasets": "dataset", "networks": "network",
    "recorders": "recorder", "presets": "preset", "plots": "plot",
}  # fmt: skip
"""Group -> the word for one of it."""

GROUPS: tuple[str, ...] = tuple(SINGULAR)
"""The entry-point groups, without the prefix ``evoplug.``."""

FIRST_PARTY = "evoplug"
"""The distribution whose names come before all others; its name begins that of every group."""


class Owner(NamedTuple):
    """One entry point, and whose it is; the fields are those of :class:`evoplug.catalogue.Entry`."""

    name: str
    value: str
    distribution: str
    version: str


@cache
def points() -> dict[str, tuple[Owner, ...]]:
    """group -> its entry points. Of two versions of a distribution, the first on the path counts."""
    found: dict[str, list[tuple[str, Owner]]] = {}
    for distribution in metadata.distributions():
        try:
            rows = _rows(distribution)
        except Exception:  # damaged metadata of whatever package are not evoplug's to report
            continue
        if rows:
            found.setdefault(normalised(rows[0][1].distribution), rows)
    owners = sorted(found, key=lambda owner: (owner != FIRST_PARTY, owner))
    rows = [row for owner in owners for row in found[owner]]
    return {group: tuple(point for each, point in rows if each == group) for group, _ in rows}


def _rows(distribution: metadata.Distribution) -> list[tuple[str, Owner]]:
    """(group, entry point) of one distribution; a group that evoplug does not have with its prefix."""
    own = [(group, point) for point in distribution.entry_points if (group := _group(point.group))]
    if not own:
        return []
    data = distribution.metadata  # parsed anew each time
    return [(group, Owner(point.name, point.value, data["Name"], data["Version"])) for group, point in own]


def _group(written: str) -> str | None:
    """The group that is meant; as it is written where that is a typing error, None where it is another's."""
    if not written.startswith(FIRST_PARTY):
        return None
    short = written.removeprefix(f"{FIRST_PARTY}.")
    if short in GROUPS and short != written:
        return short
    own = short != written or get_close_matches(written, map(qualify, GROUPS), n=1, cutoff=0.9)
    return written if own else None


def qualify(group: str) -> str:
    """The group's name as metadata has it."""
    return f"{FIRST_PARTY}.{group}"


@cache
def unmet(distribution: str) -> str | None:
    """What a distribution asks of evoplug's version that this one is not; None where all is well."""
    if distribution == FIRST_PARTY:
        return None
    asked = [line for line in metadata.requires(distribution) or () if normalised(line).startswith(FIRST_PARTY)]
    if all(map(_plainly_met, asked)):
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    for line in asked:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return f"its requirement `{line}` cannot be read"
        ours = normalised(requirement.name) == FIRST_PARTY
        applies = requirement.marker is None or requirement.marker.evaluate()
        if ours and applies and not requirement.specifier.contains(__version__, prereleases=True):
            return f"needs evoplug{requirement.specifier}; this is {__version__}"
    return None


def _plainly_met(requirement: str) -> bool:
    """Whether it is the usual ``evoplug>=X.Y`` and holds: told without packaging, whose import takes its time."""
    numbers = r"(\d+(?:\.\d+)*)"
    found = re.fullmatch(f"evoplug>={numbers} {numbers}", f"{requirement} {__version__}")
    return found is not None and _release(found[1]) <= _release(found[2])


def _release(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def normalised(name: str) -> str:
    """A distribution's name as all its spellings have in common."""
    return re.sub(r"[-_.]+", "-", name).lower()
