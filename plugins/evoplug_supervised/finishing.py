"""The last training of a solution, once the search has ended: ``[evaluator.finish]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

Weights = Literal["inherited", "fresh"]
Split = Literal["train", "train+validation"]


class Finish(NamedTuple):
    """How it goes; a new optimizer begins."""

    epochs: int
    milestones: tuple[int, ...] = ()
    """Epochs at which the learning rate decays."""
    decay: float = 0.1
    split: Split = "train"
    """On which examples."""
    weights: Weights = "inherited"
    """From which weights: those of the search, or new ones."""


def of(table: Mapping[Any, Any]) -> Finish:
    """A table without mistakes."""
    return Finish(**{**table, "milestones": tuple(table.get("milestones", ()))})


def mistakes(table: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """(key, message) of each value that cannot be."""
    if "epochs" not in table:
        yield "finish.epochs", "is missing"
    for name, value in table.items():
        if message := _WRONG[name](value):
            yield f"finish.{name}", f"{message}, got {value!r}"
    epochs, milestones = table.get("epochs"), table.get("milestones", ())
    if _is_count(epochs) and isinstance(milestones, list | tuple):
        for milestone in milestones:
            if _is_count(milestone) and milestone >= epochs:
                yield "finish.milestones", f"{milestone} is not within epochs = {epochs}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _count(value: Any) -> str | None:
    return None if _is_count(value) else "must be a whole number of 1 or more"


def _counts(value: Any) -> str | None:
    right = isinstance(value, list | tuple) and all(map(_is_count, value))
    return None if right else "must be a list of whole numbers of 1 or more"


def _share(value: Any) -> str | None:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
    return None if right else "must be between 0 and 1"


def _one_of(*choices: str) -> Any:
    return lambda value: None if value in choices else f"must be one of {', '.join(choices)}"


_WRONG = {
    "epochs": _count,
    "milestones": _counts,
    "decay": _share,
    "split": _one_of("train", "train+validation"),
    "weights": _one_of("inherited", "fresh"),
}
