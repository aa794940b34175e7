"""The sections of a configuration that name no component: ``[run]``, ``[paper]``, ``[[claim]]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from evoplug.config.messages import given, unknown
from evoplug.errors import Key
from evoplug.ledger import COLUMNS, TIME_UNITS

Name = Annotated[str, MinLen(1)]

SHARE = 0.02
"""Of a run's time, at most, goes into checkpoints that are written every some minutes."""


@dataclass(frozen=True)
class Checkpoint:
    """When a checkpoint is written; without either rule, every 5 minutes.

    By ``minutes``, large ones come less often: writing them takes no more than :data:`SHARE` of the time.
    """

    minutes: Annotated[float, Gt(0)] | None = None
    every: Annotated[int, Ge(1)] | None = None
    """Generations."""
    keep: Annotated[int, Ge(1)] = 3
    """How many of the newest stay."""

    def filled(self) -> Checkpoint:
        """The same with the default rule where there is none."""
        return Checkpoint(5.0, None, self.keep) if self.minutes is None and self.every is None else self

    def wait(self, save: float) -> float:
        """Seconds between two checkpoints by ``minutes``, where writing one takes ``save`` seconds."""
        assert self.minutes is not None
        return max(60 * self.minutes, save / SHARE)


@dataclass(frozen=True)
class Measure:
    """When validation metrics are measured along the way."""

    every: Annotated[int, Ge(1)]
    """Generations."""


@dataclass(frozen=True)
class RunSettings:
    """How to run, apart from what."""

    name: str
    """A folder's name."""
    seed: Annotated[int, Ge(0), Lt(2**63)] = 1
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``cuda:N``."""
    threads: Annotated[int, Ge(1)] = 1
    """torch's own, for one piece of work: part of the result."""
    workers: Annotated[int, Ge(1)] | Literal["auto"] = "auto"
    """Pieces of work at once, which change no result; ``"auto"``: one a core."""
    stop: Mapping[str, int | float] = field(default_factory=lambda: {"generations": 100})
    """Rule -> budget; the first that is reached ends the run."""
    checkpoint: Checkpoint = Checkpoint()
    measure: Measure | None = None

    def check(self, costs: Iterable[str]) -> Iterator[tuple[Key, str]]:
        """What types and bounds do not say; ``costs`` are the evaluator's own columns of the ledger."""
        if problem := bad_folder_name(self.name):
            yield ("name",), problem
        if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", self.device):
            yield ("device",), f'must be "auto", "cpu", "cuda" or "cuda:N", got {given(self.device)}'
        if self.checkpoint.minutes is not None and self.checkpoint.every is not None:
            yield ("checkpoint",), "takes minutes or every, not both"
        if not self.stop:
            yield ("stop",), "needs at least one rule, e.g. { generations = 100 }"
        rules = list(dict.fromkeys([*COLUMNS, *TIME_UNITS, "fitness", *costs]))
        for rule, budget in self.stop.items():
            if rule not in rules:
                yield ("stop", rule), unknown(rule, rules, "rule")
            elif rule != "fitness" and not budget > 0:
                yield ("stop", rule), f"must be greater than 0, got {given(budget)}"

    def table(self) -> dict[str, Any]:
        """As a table of a configuration that says everything."""
        rule = "every" if self.checkpoint.every is not None else "minutes"
        checkpoint = {rule: getattr(self.checkpoint, rule), "keep": self.checkpoint.keep}
        measure = {"measure": {"every": self.measure.every}} if self.measure else {}
        return {
            "name": self.name,
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
            "workers": self.workers,
            "stop": dict(self.stop),
            "checkpoint": checkpoint,
            **measure,
        }


@dataclass(frozen=True)
class Paper:
    """What the paper reports for this configuration."""

    metric: Name
    value: float
    source: Name
    """Where it stands, e.g. ``"table 5.1"``."""
    deviation: Annotated[float, Ge(0)] | None = None
    """Standard deviation."""


@dataclass(frozen=True)
class Claim:
    """What a sweep is to show: one arm is better than another, by a one-sided test."""

    better: Name
    than: Name
    metric: Name
    goal: Literal["max", "min"] = "max"
    """Whether more of the metric is better, or less."""
    margin: Annotated[float, Ge(0)] = 0.0
    """In favour of ``better``: above 0 the claim is only that it is not worse by this much or more."""
    expect: Literal["reproduced", "not reproduced"] = "reproduced"
    reason: str = ""
    """Why something else than in the paper is expected."""

    def check(self, arms: Iterable[str]) -> Iterator[tuple[Key, str]]:
        """What types do not say; ``arms`` are the sweep's."""
        arms = list(arms)
        for side in ("better", "than"):
            if getattr(self, side) not in arms:
                yield (side,), unknown(getattr(self, side), arms, "arm")
        if self.better == self.than:
            yield ("than",), "is the same arm as better"
        if self.expect == "not reproduced" and not self.reason:
            yield ("reason",), 'is missing: expect = "not reproduced" needs one'


def bad_folder_name(name: str) -> str | None:
    """Why a name cannot be a folder's, if it cannot."""
    if not name or name.strip() != name or name in (".", ".."):
        return f"must be usable as the name of a folder, got {given(name)}"
    if re.search(r"[/\\]", name) or not name.isprintable():
        return f"must be usable as the name of a folder: without slashes and control characters, got {given(name)}"
    return "must be of at most 100 bytes" if len(name.encode()) > 100 else None
