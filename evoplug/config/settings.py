"""The sections of a configuration that name no component: ``[run]``, ``[paper]``, ``[[claim]]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from evoplug.config.messages import given, unknown
from evoplug.errors import Key
from evoplug.types import COLUMNS, TIME_UNITS

Name = Annotated[str, MinLen(1)]

SHARE = 0.02
"""Of a run's time, at most, goes into checkpoints that are written every some minutes."""


@dataclass(frozen=True)
class Checkpoint:
    """When a checkpoint is written; without either rule, every 5 minutes.

    By ``minutes``, large ones come less often: writing them takes no more than :data:`SHARE` of the time.
    """

    minutes: Annotated[float | None, Gt(0), "between two; by default 5, more where writing takes long"] = None
    every: Annotated[int | None, Ge(1), "generations between two, instead of `minutes`"] = None
    keep: Annotated[int, Ge(1), "how many of the newest stay"] = 3

    def filled(self) -> Checkpoint:
        """The same with the default rule where there is none."""
        return Checkpoint(5.0, None, self.keep) if self.minutes is None and self.every is None else self

    def wait(self, save: float) -> float:
        """Seconds between two checkpoints by ``minutes``, where writing one takes ``save`` seconds."""
        assert self.minutes is not None
        return max(60 * self.minutes, save / SHARE)


@dataclass(frozen=True)
class Measure:
    """When metrics are measured along the way, and on which splits. Nothing is chosen by them."""

    every: Annotated[int, Ge(1), "generations"]
    splits: Annotated[
        tuple[Literal["validation", "test"], ...],
        MinLen(1),
        "on which the solution at the time is measured, for the records alone: it is chosen by none of it",
    ] = ("validation",)


@dataclass(frozen=True)
class RunSettings:
    """How to run, apart from what."""

    name: Annotated[str, "of the folder under `runs/`; by default the file's own"]
    seed: Annotated[int, Ge(0), Lt(2**63), "all random numbers follow from it"] = 1
    device: Annotated[str, '`"auto"`, `"cpu"`, `"cuda"` or `"cuda:N"`'] = "auto"
    threads: Annotated[int, Ge(1), Le(1024), "torch's own, for one piece of work: part of the result"] = 1
    workers: Annotated[
        Annotated[int, Ge(1), Le(1024)] | Literal["auto"],
        'pieces of work at once, which change no result; `"auto"`: one a core, counting `threads`',
    ] = "auto"
    stop: Annotated[Mapping[str, int | float], "rule -> budget; the first that is reached ends the run"] = field(
        default_factory=lambda: {"generations": 100}
    )
    checkpoint: Annotated[Checkpoint, "when one is written, from which `evoplug resume` goes on"] = Checkpoint()
    measure: Annotated[Measure | None, "when metrics are measured along the way"] = None
    marks: Annotated[
        Mapping[str, tuple[int | float, ...]],
        "column of the ledger -> budgets at which the best so far is kept, to be reported beside the solution",
    ] = field(default_factory=dict)
    timeout: Annotated[
        float | None, Gt(0), "seconds that one call of the evaluator may take, else the run fails; absent: no limit"
    ] = None

    def check(self, costs: Iterable[str]) -> Iterator[tuple[Key, str]]:
        """What types and bounds do not say; ``costs`` are the evaluator's own columns of the ledger."""
        if problem := bad_folder_name(self.name):
            yield ("name",), problem
        if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", self.device):
            yield ("device",), f'must be "auto", "cpu", "cuda" or "cuda:N", got {given(self.device)}'
        if self.checkpoint.minutes is not None and self.checkpoint.every is not None:
            yield ("checkpoint",), "takes minutes or every, not both"
        if self.measure and len({*self.measure.splits}) < len(self.measure.splits):
            yield ("measure", "splits"), f"names a split twice, got {given(self.measure.splits)}"
        if not self.stop:
            yield ("stop",), "needs at least one rule, e.g. { generations = 100 }"
        rules = list(dict.fromkeys([*COLUMNS, *TIME_UNITS, "fitness", *costs]))
        for rule, budget in self.stop.items():
            if rule not in rules:
                yield ("stop", rule), unknown(rule, rules, "rule")
            elif rule != "fitness" and not budget > 0:
                yield ("stop", rule), f"must be greater than 0, got {given(budget)}"
        yield from self._check_marks([*COLUMNS, *costs])

    def _check_marks(self, columns: Iterable[str]) -> Iterator[tuple[Key, str]]:
        columns = list(dict.fromkeys(columns))
        for column, marks in self.marks.items():
            if column not in columns:
                yield ("marks", column), unknown(column, columns, "column")
                continue
            for index, mark in enumerate(marks):
                if not mark > 0:
                    yield ("marks", column, index), f"must be greater than 0, got {given(mark)}"
                elif mark > self.stop.get(column, mark):
                    budget = f"stop.{column} = {given(self.stop[column])}"
                    yield ("marks", column, index), f"{given(mark)} is beyond the budget, {budget}"

    def table(self) -> dict[str, Any]:
        """As a table of a configuration that says everything."""
        marks = {"marks": {column: list(marks) for column, marks in self.marks.items()}} if self.marks else {}
        rule = "every" if self.checkpoint.every is not None else "minutes"
        checkpoint = {rule: getattr(self.checkpoint, rule), "keep": self.checkpoint.keep}
        measured = self.measure and {"every": self.measure.every, "splits": list(self.measure.splits)}
        measure = {"measure": measured} if measured else {}
        timeout = {"timeout": self.timeout} if self.timeout is not None else {}
        return {
            "name": self.name,
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
            "workers": self.workers,
            "stop": dict(self.stop),
            "checkpoint": checkpoint,
            **measure,
            **marks,
            **timeout,
        }


@dataclass(frozen=True)
class Paper:
    """What the paper reports for this configuration."""

    metric: Annotated[Name, "which number of a run it is to be compared with, e.g. `test.accuracy`"]
    value: Annotated[float, "the paper's"]
    source: Annotated[Name, "where it stands, e.g. `table 5.1`"]
    deviation: Annotated[float | None, Ge(0), "standard deviation"] = None


@dataclass(frozen=True)
class Claim:
    """What a sweep is to show: one arm is better than another, by a one-sided test."""

    better: Annotated[Name, "an arm"]
    than: Annotated[Name, "another arm"]
    metric: Annotated[Name, "a number that every run has in the end, e.g. `test.accuracy`"]
    goal: Annotated[
        Literal["max", "min"] | None, "whether more of the metric is better, or less; by default as the evaluator says"
    ] = None
    margin: Annotated[
        float, Ge(0), "in favour of `better`: above 0 the claim is only that it is not worse by this much or more"
    ] = 0.0
    expect: Annotated[Literal["reproduced", "not reproduced"], "what the test is expected to say"] = "reproduced"
    reason: Annotated[str, "why something else than in the paper is expected; needed where it is"] = ""

    def __str__(self) -> str:
        """``a > b - 0.01``; less than where less is better."""
        sign, shift = ("<", "+") if self.goal == "min" else (">", "-")
        return f"{self.better} {sign} {self.than}" + (f" {shift} {self.margin:g}" if self.margin else "")

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
