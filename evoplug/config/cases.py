"""Selections by cases: what they ask of strategy and evaluator."""

from __future__ import annotations

from collections.abc import Iterator

from evoplug.contracts import Evaluator, Selection, Strategy


def slots(strategy: Strategy) -> Iterator[str]:
    """The fields of a strategy that hold a selection by cases."""
    for slot, operator in vars(strategy).items():
        if isinstance(operator, Selection) and operator.cases:
            yield slot


def kept(strategy: Strategy) -> bool:
    """Whether members keep their cases: a strategy that needs cases reads them itself."""
    return "cases" not in strategy.needs and any(slots(strategy))


def read(strategy: Strategy) -> bool:
    """Whether anything reads cases."""
    return "cases" in strategy.needs or any(slots(strategy))


def misfits(strategy: Strategy, evaluator: Evaluator) -> Iterator[tuple[str, str]]:
    """(slot, message) of each selection by cases that finds none, or none that it could hold against each other."""
    for slot in slots(strategy):
        if "cases" not in evaluator.provides:
            yield slot, "selects by cases, which this evaluator does not provide"
        elif strategy.mixes_generations and not evaluator.fixed_cases:
            yield (
                slot,
                "selects by cases, the evaluator's are others in each generation, and the strategy selects among "
                "members of several: take a strategy that evaluates all members in every generation, or an evaluator "
                "with the same cases in each",
            )
