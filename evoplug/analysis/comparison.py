"""What a comparison of arms holds, as plain values and as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evoplug.analysis import spending, tables
from evoplug.analysis.earlier import Earlier
from evoplug.analysis.numerals import number
from evoplug.analysis.spending import Spent
from evoplug.analysis.statistics import Effect, Summary, Values
from evoplug.analysis.tables import Table
from evoplug.config import Claim, Paper

ALPHA = 0.05
"""A claim is shown where its corrected p is at most this."""

Answer = Literal["shown", "not shown", "not enough runs", "not among these runs"]


@dataclass(frozen=True)
class Arm:
    """One arm's values of one metric."""

    name: str
    values: Values
    """``(n,)``, by seed; NaN where a run's was not finite."""
    summary: Summary
    paper: Paper | None
    """What the paper reports for the same metric."""
    deviations: tuple[str, ...] = ()
    """The settings in which these runs differ from the configuration that stands for the paper's row."""
    problem: str = ""
    """What its problem is called, where there are several."""

    def row(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "arm": self.name,
            "problem": self.problem,
            **self.summary._asdict(),
            "values": self.values.tolist(),
            "paper": vars(self.paper) if self.paper else None,
            "deviations": self.deviations,
        }


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one claim. All p are 1 where an arm has no run."""

    claim: Claim
    p: float
    exact: bool
    corrected: float
    """p after Holm's correction over its family."""
    least: float
    """The least p that these many runs can reach, before correction."""
    effect: Effect
    answer: Answer
    """``not enough runs`` where not even complete separation could bring the corrected p down to :data:`ALPHA`;
    ``not among these runs`` where the folders hold nothing of an arm: the claim is counted, since it was stated."""
    absent: tuple[str, ...] = ()
    """The arms of the claim that are not among these runs."""

    def row(self) -> dict[str, Any]:
        """As plain values."""
        ps = {"p": self.p, "exact": self.exact, "p_holm": self.corrected, "least_p": self.least}
        return {**vars(self.claim), **ps, "A": self.effect._asdict(), "answer": self.answer, "absent": self.absent}


@dataclass(frozen=True)
class Family:
    """Claims that are corrected together, and apart from all others."""

    name: Literal["expected to hold", "expected not to hold", "every pair"]
    verdicts: tuple[Verdict, ...]
    tests: int
    """How many tests Holm's correction counts."""


@dataclass(frozen=True)
class Comparison:
    """Arms by metric, verdicts by family, and what the reader must know; it prints as tables of plain text."""

    arms: Mapping[str, tuple[Arm, ...]]
    families: tuple[Family, ...]
    """Claims that are expected to hold first. Where none were stated it is every pair of one problem, tested both ways,
    and of each pair the way with the smaller p is kept."""
    stated: bool
    """Whether there were claims; else every pair was tested."""
    earlier: tuple[Earlier, ...]
    """Runs that began before the sweep's claims stood as they do; none where others are tested."""
    spent: tuple[Spent, ...]
    """What the runs have not spent the same of; nothing where they are compared at an equal budget."""
    notices: tuple[str, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of all families."""
        return tuple(verdict for family in self.families for verdict in family.verdicts)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What must be said beside the verdicts, a line each."""
        return (*map(str, self.earlier), *([spending.said(self.spent)] if self.spent else []))

    @property
    def notes(self) -> tuple[str, ...]:
        """The doubts and the notices."""
        return (*self.doubts, *self.notices)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each metric and arm, as ``compare --json`` has it: what ``pandas.DataFrame`` takes."""
        return [{"metric": metric, **arm.row()} for metric, arms in self.arms.items() for arm in arms]

    def claims(self) -> list[dict[str, Any]]:
        """A row for each claim, or each pair where none was stated, as ``compare --json`` has it."""
        return [{"family": family.name, **verdict.row()} for family in self.families for verdict in family.verdicts]

    def tables(self, spell: Callable[[float], str] = number) -> list[Table]:
        """The arms by metric, then the verdicts by family; ``spell`` writes the numbers."""
        arms = [_arms(metric, arms, spell) for metric, arms in self.arms.items()]
        return [*arms, *(_verdicts(family, spell) for family in self.families if family.verdicts)]

    def markdown(self) -> str:
        """Tables for a page, and below them what a reader must know."""
        return tables.markdown(self.tables(), self.notes)

    def latex(self) -> str:
        """``tabular`` environments with the rules of booktabs, a comment above each; notes are comments."""
        return tables.latex(self.tables(), self.notes)

    def csv(self) -> str:
        """Blocks with a header each and an empty line between: the arms of all metrics, then the verdicts of all
        families. Numbers are whole, to the last digit; a cell is empty where there is none."""
        return tables.csv(self.tables(lambda value: "" if value != value else repr(float(value))))

    def __repr__(self) -> str:
        return tables.plain(self.tables(), self.notes)

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.markdown()


def _arms(metric: str, arms: Sequence[Arm], spell: Callable[[float], str]) -> Table:
    papers, problems = any(arm.paper for arm in arms), any(arm.problem for arm in arms)
    words = ("arm", *(["problem"] if problems else []))
    header = (*words, "n", "median", "mean", "deviation", *(["paper"] if papers else []))
    rows = (
        (
            arm.name,
            *([arm.problem] if problems else []),
            str(arm.summary.n),
            *(spell(value) for value in arm.summary[1:]),
            *([spell(arm.paper.value) if arm.paper else ""] if papers else []),
        )
        for arm in arms
    )
    return Table(metric, header, tuple(rows), len(words))


def _verdicts(family: Family, spell: Callable[[float], str]) -> Table:
    header = ("claim", "metric", "p", "p (Holm)", "A", "A from", "A to", "answer", "expected")
    rows = (
        (
            str(verdict.claim),
            verdict.claim.metric,
            *(spell(value) for value in (verdict.p, verdict.corrected, *verdict.effect)),
            verdict.answer,
            "" if family.name == "every pair" else verdict.claim.expect,
        )
        for verdict in family.verdicts
    )
    title = family.name if family.name == "every pair" else f"claims {family.name}"
    return Table(title, header, tuple(rows), 2, 2, "family")
