"""Runs that began before the claims stood as they are tested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from evoplug.config.difference import differences
from evoplug.config.messages import given
from evoplug.config.settings import Claim
from evoplug.running import stated
from evoplug.running.rundir import Run


@dataclass(frozen=True)
class Earlier:
    """Runs of one sweep that began under other claims, all under the same; or whose folders do not say under which."""

    runs: Mapping[str, tuple[int, ...]]
    """Arm -> seeds."""
    of: int
    """How many runs of the sweep are compared."""
    changes: tuple[str, ...]
    """What of the claims has changed since, a phrase each; none where the folders do not say."""

    def __str__(self) -> str:
        """In one line."""
        count = sum(map(len, self.runs.values()))
        which = "; ".join(f"{arm}: seed {', '.join(map(str, seeds))}" for arm, seeds in self.runs.items())
        runs = f"{count} of {self.of} runs began"
        if self.changes:
            return f"the claims were changed after {runs} ({which}): {'; '.join(self.changes)}"
        return f"{runs} before claims were recorded ({which}): nothing shows that the claims were stated first"


def earlier(
    arms: Mapping[str, Sequence[Run]], claims: Sequence[Claim], meant: Callable[[Claim], Claim]
) -> Iterator[Earlier]:
    """Of the runs of one sweep those that did not begin under its claims, by the claims under which they began.

    Args:
        arms: name -> runs.
        claims: what the sweep states.
        meant: gives a claim, of the sweep or recorded, the names that the arms have here, and its direction.

    Raises:
        FilesError: if what a run has recorded is damaged.
    """
    now = tuple(map(meant, claims))
    began: dict[tuple[Claim, ...] | None, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for arm, runs in arms.items():
        for run in runs:
            then = stated.read(run.folder)
            began[then and tuple(map(meant, then))][arm].append(run.config["run"]["seed"])
    for then, by_arm in began.items():
        changes = tuple(_changes(then, now)) if then is not None else ()
        if changes or (then is None and now):
            yield Earlier({arm: tuple(seeds) for arm, seeds in by_arm.items()}, sum(map(len, arms.values())), changes)


def _changes(then: Iterable[Claim], now: Iterable[Claim]) -> Iterator[str]:
    """In words; claims are the same where they say the same of the same arms."""
    old, new = list(then), list(now)
    for claim in list(new):
        if claim in old:
            old.remove(claim)
            new.remove(claim)
    for claim in new:
        if before := next((each for each in old if _about(each) == _about(claim)), None):
            old.remove(before)
            changed = (
                f"{key} was {given(a)}, is {given(b)}" for key, a, b in differences(asdict(before), asdict(claim))
            )
            yield f"{_spelled(claim)}: {', '.join(changed)}"
        else:
            yield f"{_spelled(claim)} is new"
    yield from (f"{_spelled(claim)} was dropped" for claim in old)


def _about(claim: Claim) -> tuple[str, str, str]:
    return claim.better, claim.than, claim.metric


def _spelled(claim: Claim) -> str:
    return f"{claim} on {claim.metric}"
