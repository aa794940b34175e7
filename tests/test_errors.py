"""Errors keep what they say, and what they know, on their way out of another process."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

import pytest

from evoplug import check, errors
from evoplug.config import cells
from evoplug.errors import ConfigError, EvoplugError, Interrupted, Mistake
from evoplug.running.sweeping import SweepError, Work

MISTAKES = (Mistake(("evaluator", "pools", 1), "must be positive", "a.toml:7"), Mistake((), "is empty"))


def works() -> list[Work]:
    """A failed cell."""
    experiment = check({"extends": "quickstart"})
    return [Work(cell, Path("runs/a"), "", "failed", reason="it broke", exit_code=5) for cell in cells(experiment)]


@pytest.mark.parametrize(
    "error",
    [
        *(cls("the text. Of it") for cls in EvoplugError.__subclasses__() if cls.__module__ == errors.__name__),
        ConfigError("run.seed", "must be an integer, e.g. [1]"),
        ConfigError(mistakes=MISTAKES),
        SweepError(works()),
        Interrupted(signal.SIGTERM),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_survives_pickling(error: EvoplugError | Interrupted) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.exit_code == error.exit_code
    assert getattr(copy, "mistakes", None) == getattr(error, "mistakes", None)


def test_an_interruption_has_the_exit_code_of_its_signal() -> None:
    assert (str(Interrupted(15)), Interrupted(15).exit_code) == ("stopped by signal 15", 143)
