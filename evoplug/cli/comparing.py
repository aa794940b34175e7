"""``evoplug compare``: arms side by side, and what can be said of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from evoplug.cli import spelling, trusting

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from evoplug.analysis.comparison import Arm, Comparison, Family, Verdict


class Budget(click.ParamType[tuple[str, float]]):
    """``LEDGER=X``."""

    name = "LEDGER=X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        column, _, budget = str(value).partition("=")
        try:
            return column.strip(), float(budget)
        except ValueError:
            self.fail(f"expected LEDGER=X, e.g. epochs=128, got {value!r}", param, ctx)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--metric",
    metavar="M",
    help="What to compare, e.g. test.accuracy; by default that of the claims, or the first on test data.",
)
@click.option("--at", type=Budget(), help="Compare at an equal budget, by a column of the records: epochs=128.")
@click.option("--better", metavar="ARM", help="Test this arm over --than, instead of the sweep's claims.")
@click.option("--than", metavar="ARM", help="The arm to be beaten.")
@click.option("--margin", type=click.FloatRange(min=0), help="Test that --better is not worse by this much or more.")
@click.option(
    "--goal",
    type=click.Choice(["max", "min"]),
    help="Whether more of the metric is better; by default as the evaluator says.",
)
@click.option("--without", metavar="NAME", multiple=True, help="Leave out an arm, or a single run as ARM/seed-3.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "csv", "latex", "json"]),
    default="table",
    help="How to print it; a table unless given.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@trusting.plugins
def compare(
    folders: tuple[Path, ...],
    metric: str | None,
    at: tuple[str, float] | None,
    better: str | None,
    than: str | None,
    margin: float | None,
    goal: Literal["max", "min"] | None,
    without: tuple[str, ...],
    form: str,
    as_json: bool,
    plugins: tuple[str, ...],
) -> None:
    """Compare the arms in FOLDERS: runs, or folders that hold runs.

    Tests every claim of the sweep about the metric; where there are none, every pair of arms. Where a sweep is over
    several problems, the arms of each are compared among themselves.
    """
    if (better is None) != (than is None) or (margin is not None and better is None):
        raise click.UsageError("--better and --than go together, and --margin with them")
    from evoplug import results
    from evoplug.cli import output

    compared = results.compare(
        *folders,
        metric=metric,
        at=at,
        better=better,
        than=than,
        margin=margin,
        goal=goal,
        without=without,
        plugins=plugins,
    )
    texts = {"markdown": compared.markdown, "csv": compared.csv, "latex": compared.latex}
    if as_json or form == "json":
        output.as_json(_plain(compared))
    elif form in texts:
        output.line(texts[form]().removesuffix("\n"))
    else:
        _print(compared, at)


# ---------------------------------------------------------------------------------------------------------- for people


def _print(compared: Comparison, at: tuple[str, float] | None) -> None:
    from rich.text import Text

    from evoplug.showing import consoles

    console = consoles.console()
    for metric, arms in compared.arms.items():
        console.print(Text(metric + (f" at {at[0]} = {at[1]:g}" if at else ""), "bold"))
        console.print(_arms(arms))
        for line in _papers(arms):
            console.print(Text(line, "dim"))
        console.print()
    if compared.doubts:
        _print_notes(console, compared.doubts)
        console.print()
    if compared.verdicts:
        widest = max(len(str(verdict.claim)) for verdict in compared.verdicts)
        for family in compared.families:
            _print_family(console, family, widest)
        console.print(Text(_legend(compared), "dim"))
    _print_notes(console, compared.notices)


def _print_notes(console: Console, notes: Iterable[str]) -> None:
    from rich.text import Text

    for note in notes:
        console.print(Text.assemble(("note: ", "yellow"), note))


def _print_family(console: Console, family: Family, width: int) -> None:
    """Its heading, its table, and what else there is to say of its claims."""
    from rich.text import Text

    console.print(Text(f"{_heading(family)}; p corrected over {_counted(family)}", "bold"))
    console.print(_verdicts(family, width))
    several = _of_several_metrics(family)
    for claim in (verdict.claim for verdict in family.verdicts):
        name = f"{claim} on {claim.metric}" if several else str(claim)
        if claim.margin:
            console.print(Text(f"{name}: {spelling.claim(claim)}", "dim"))
        if claim.reason:
            console.print(Text(f"{name}: {claim.reason}", "dim"))
    console.print()


def _of_several_metrics(family: Family) -> bool:
    """Whether a claim must be told with its metric."""
    return len({verdict.claim.metric for verdict in family.verdicts}) > 1


def _heading(family: Family) -> str:
    match family.name:
        case "expected to hold":
            return "claims that are expected to hold"
        case "expected not to hold":
            return "claims that are expected not to hold: controls and known failures"
    return "every pair, both ways"


def _counted(family: Family) -> str:
    what = "test" if family.name == "every pair" else "claim"
    return f"{family.tests} {what}{'' if family.tests == 1 else 's'}"


def _arms(arms: Sequence[Arm]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("arm", no_wrap=True)
    papers, problems = any(arm.paper for arm in arms), any(arm.problem for arm in arms)
    if problems:
        table.add_column("problem", no_wrap=True)
    for name in ("n", "median", "mean", "deviation", *(["paper"] if papers else [])):
        table.add_column(name, justify="right", no_wrap=True)
    for arm in arms:
        s = arm.summary
        words = (arm.name, *([arm.problem] if problems else []))
        table.add_row(*words, str(s.n), *map(_aligned, s[1:]), *([_reported(arm)] if papers else []))
    return table


def _reported(arm: Arm) -> str:
    if arm.paper is None:
        return ""
    from evoplug.analysis.numerals import number

    deviation = f" ± {number(arm.paper.deviation)}" if arm.paper.deviation is not None else ""
    return f"{number(arm.paper.value)}{deviation}"


def _papers(arms: Sequence[Arm]) -> Iterator[str]:
    for arm in arms:
        if arm.paper is not None:
            yield f"{arm.name}, paper: {arm.paper.source}"
            if arm.deviations:
                yield f"{arm.name} deviates from the paper's settings: {'; '.join(arm.deviations)}"


def _verdicts(family: Family, width: int) -> Table:
    """The verdicts of one family; claims are filled up to ``width``, so that the tables of all stand in line."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("pair" if family.name == "every pair" else "claim", overflow="fold")
    several = _of_several_metrics(family)
    if several:
        table.add_column("metric", overflow="fold")
    for name, least in (("p", 5), ("Holm", 5), ("least p", 7), ("A", 4), ("95 %", 12)):
        table.add_column(name, justify="right", no_wrap=True, min_width=least)
    table.add_column("", no_wrap=True)
    for v in family.verdicts:
        a, low, high = v.effect
        interval = "" if math.isnan(low) else f"[{low:.2f}, {high:.2f}]"
        effect = "" if math.isnan(a) else f"{a:.2f}"
        ps = map(_probability, (v.p, v.corrected, v.least))
        words = (str(v.claim).ljust(width), *([v.claim.metric] if several else []))
        table.add_row(*words, *ps, effect, interval, _answer(v))
    return table


def _answer(verdict: Verdict) -> Text:
    from rich.text import Text

    expected = verdict.claim.expect == "reproduced"
    match verdict.answer:
        case "shown":
            return Text("shown", "bold green") if expected else Text("shown, against expectation", "bold yellow")
        case "not shown":
            return Text("not shown", "bold") if expected else Text("not reproduced, as expected")
        case "not among these runs":
            return Text(f"{' and '.join(verdict.absent)}: not among these runs", "yellow")
    return Text("not enough runs", "yellow")


def _legend(compared: Comparison) -> str:
    exact = all(v.exact for v in compared.verdicts)
    ways = "" if compared.stated else "; of both ways of a pair the one with the smaller p is shown"
    return (
        f"p: one-sided Mann-Whitney U{', exact' if exact else ''}{ways}. Holm: p corrected for as many as "
        "the heading says; at most .05 is shown. least p: what so many runs can reach. "
        "A: chance that a run of the first arm beats one of the second (Vargha and Delaney), 95 % bootstrap interval."
    )


def _aligned(value: float) -> str:
    """A number, below 1 with four digits behind the point, so that columns stand in line."""
    from evoplug.analysis.numerals import SMALL, number

    return f"{value:.4f}" if SMALL <= abs(value) < 1 else number(value)


def _probability(value: float) -> str:
    """As papers print it: ``.0011``."""
    return "<.0001" if value < 1e-4 else "1" if value > 0.99995 else f"{value:.4f}".removeprefix("0")


# --------------------------------------------------------------------------------------------------------- for programs


def _plain(compared: Comparison) -> dict[str, Any]:
    """The comparison as JSON has it; null stands for a number that is not finite."""
    from evoplug.running.records import plain

    families = [{"family": family.name, "tests": family.tests} for family in compared.families]
    data: dict[str, Any] = plain(
        {
            "arms": {metric: [arm.row() for arm in arms] for metric, arms in compared.arms.items()},
            "claims": compared.claims(),
            "families": families,
            "earlier": [vars(each) for each in compared.earlier],
            "spent": [vars(each) for each in compared.spent],
            "stated": compared.stated,
            "tests": sum(family.tests for family in compared.families),
            "notices": compared.notices,
        }
    )
    return data
