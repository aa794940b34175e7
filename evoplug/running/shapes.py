"""The shapes of the JSON files in a run folder: of what is read again, in which unknown keys are left alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict

Metrics = dict[str, float | None]
"""Null stands for a number that was not finite."""


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


class _Result(_Shape):
    status: Literal["finished", "interrupted", "failed"]
    reason: str
    seconds: dict[str, float]


class Ended(_Result):
    """``result.json`` of a run, however it ended."""

    ledger: dict[str, float]


class _Ledger(_Shape):
    __pydantic_extra__: dict[str, float]
    generations: int
    evaluations: float
    seconds: float


class _Best(_Shape):
    fitness: float | None
    generation: int
    description: Any


class Records(_Shape):
    """What ``metrics.jsonl`` began with when the run had finished."""

    length: int
    sha256: str


class Finished(_Result):
    """``result.json`` of a finished run."""

    ledger: _Ledger
    best: _Best
    validation: Metrics
    test: Metrics
    beside: dict[str, dict[str, Any]] = {}
    solution: str | None = None
    records: Records | None = None


class Row(_Shape):
    """A line of ``metrics.jsonl``."""

    generations: int
    evaluations: float = 0
    seconds: float = 0
    best: float | None = None
    time: dict[str, float] = {}


class _Session(_Shape):
    started: str
    python: str
    platform: str
    processor: str
    device: str
    threads: int
    workers: int
    versions: dict[str, str | None]
    git: str | None
    data: list[str] | None = None
    """From which folders data were read; None in those of older evoplugs."""


class Environment(_Shape):
    """``environment.json``."""

    sessions: Annotated[list[_Session], MinLen(1)]


class _Part(_Shape):
    sha256: str | None
    distribution: str | None = None
    version: str | None = None
    object: str | None = None
    parameters: dict[str, Any] = {}
    data: bool = False


Lock = dict[str, _Part]
"""``plugins.lock``."""
