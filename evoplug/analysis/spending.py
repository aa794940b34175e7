"""What the runs of a comparison have spent, where it is not the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evoplug.analysis.numerals import number
from evoplug.running.rundir import Run

MOST = 4
"""Arms in a line; of more, only those that spent least and most."""


@dataclass(frozen=True)
class Spent:
    """One column of the ledger that differs between runs."""

    column: str
    arms: Mapping[str, tuple[float, float]]
    """Arm -> the least and the most that a run of it has spent."""

    def __str__(self) -> str:
        """``evaluations: a 2,000, b 100,000``."""
        if len(self.arms) <= MOST:
            return f"{self.column}: {', '.join(f'{arm} {_range(*spent)}' for arm, spent in self.arms.items())}"
        (least, (low, _)), (most, (_, high)) = (
            min(self.arms.items(), key=lambda item: item[1][0]),
            max(self.arms.items(), key=lambda item: item[1][1]),
        )
        return f"{self.column}: from {least} {number(low)} to {most} {number(high)}"


def differing(arms: Mapping[str, Sequence[Run]]) -> Iterator[Spent]:
    """The columns that all runs have and not all spent the same of; wall-clock time, which never is, left out."""
    ledgers = [run.result["ledger"] for runs in arms.values() for run in runs]
    for column in ledgers[0]:
        if column == "seconds" or not all(column in ledger for ledger in ledgers):
            continue
        spent = {arm: [run.result["ledger"][column] for run in runs] for arm, runs in arms.items()}
        if len({value for values in spent.values() for value in values}) > 1:
            yield Spent(column, {arm: (min(values), max(values)) for arm, values in spent.items()})


def said(spent: Sequence[Spent]) -> str:
    """In one line."""
    return f"not all runs spent the same: {'; '.join(map(str, spent))}; --at compares at an equal budget"


def _range(least: float, most: float) -> str:
    return number(least) if least == most else f"{number(least)} to {number(most)}"
