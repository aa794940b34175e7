"""The figures of gradient lexicase selection: what its selections read, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, StrMethodFormatter

from evoplug.analysis.groups import numbers
from evoplug.analysis.plots import INK, band, counted, draw_curve, finish, label, legend, mean_curve
from evoplug.analysis.style import look
from evoplug.contracts import Plot, dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]
Curve = tuple[list[float], list[float]]

STRATEGIES = ("gradient-lexicase",)
THIRDS = ("first third of generations", "middle third", "last third")
ACCURACIES = ("test.accuracy", "validation.accuracy")
"""Of the solution, the most wanted first."""
WHOLE = StrMethodFormatter("{x:,.0f}")


@dataclass(kw_only=True)
class Decided(Plot):
    """Cases until one child is left, by generation, of arms that select by cases.

    In the order in which they were read; of a selection that leaves more, as many as were read.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        curves = {arm: [_decided(run) for run in runs] for arm, runs in arms.items()}
        found = {arm: each for arm, each in curves.items() if all(x for x, _ in each)}
        if not found:
            return None
        figure = Figure()
        axes = figure.subplots()
        for arm, each in found.items():
            _median_and_each(axes, each, counted(arm, arms[arm]))
        finish(axes, "generations", "cases until one child is left")
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(WHOLE)
        several = max(map(len, found.values())) > 1
        legend(figure, "thick: median over runs; thin: one run" if several else band(arms))
        return figure


@dataclass(kw_only=True)
class Survivors(Plot):
    """Children that are left after 1, 2, 4, ... cases, early, in the middle and late in a run.

    Means over a third of the generations, of arms that select by cases.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        left = {arm: [_survivors(run) for run in runs] for arm, runs in arms.items()}
        found = {arm: each for arm, each in left.items() if all(each)}
        if not found:
            return None
        longest = max(len(row) for each in found.values() for rows in each for row, _ in rows)
        parts = len(THIRDS) if all(len(rows) >= len(THIRDS) for each in found.values() for rows in each) else 1
        figure = Figure(figsize=(7.0, 2.6) if parts > 1 else None)
        panels = figure.subplots(1, parts, sharey=True, squeeze=False)[0]
        for arm, each in found.items():
            curves = [_means(rows, longest, parts) for rows in each]
            for axes, lines in zip(panels, zip(*curves, strict=True), strict=True):
                draw_curve(axes, mean_curve(lines), counted(arm, arms[arm]))
        for axes, title in zip(panels, THIRDS if parts > 1 else ("all generations",), strict=True):
            axes.set_title(title)
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(WHOLE)
        panels[0].set_ylabel("children left")
        panels[0].set_ylim(bottom=0.9)
        panels[0].yaxis.set_major_locator(MaxNLocator(integer=True))
        panels[parts // 2].set_xlabel("cases read")
        legend(figure, band({arm: arms[arm] for arm in found}))
        return figure


@dataclass(kw_only=True)
class Accuracy(Plot):
    """Accuracy of the solutions by arm, on test data if it was measured there, else on validation; a dot a run.

    Plain training is drawn beside the arms that choose among children.
    """

    strategies = ("gradient-lexicase", "gradient-descent")

    def draw(self, arms: Arms) -> Figure | None:
        if not any(runs[0].config["strategy"]["use"] in STRATEGIES for runs in arms.values()):
            return None
        measured = {column: found for column in ACCURACIES if (found := _measured(arms, column))}
        if not measured:
            return None
        column, found = next(iter(measured.items()))
        figure = Figure(figsize=(5.0, 0.8 + 0.3 * len(found)))
        axes = figure.subplots()
        for row, (arm, values) in enumerate(found.items()):
            _mean_and_each(axes, row, values, counted(arm, arms[arm]))
        axes.set_yticks(range(len(found)), [counted(arm, arms[arm]) for arm in found])
        axes.set_ylim(len(found) - 0.5, -0.5)  # the first arm above
        axes.set_xlabel(label(column))
        axes.grid(visible=False, axis="y")
        legend(figure, "")
        return figure


# -------------------------------------------------------------------------------------------------- what is in a run


def _decided(run: Run) -> Curve:
    """By generation; empty where no case was read."""
    pairs = [(row["generations"], row["decided"]) for row in run.metrics if row.get("decided")]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _survivors(run: Run) -> list[tuple[list[int], int]]:
    """Of each generation the children left after 1, 2, 4, ... cases, and after more than are told of."""
    read = [row for row in run.metrics if row.get("survivors")]
    return [(left := row["survivors"], 1 if row["decided"] < row["cases_read"] else left[-1]) for row in read]


def _means(rows: Sequence[tuple[Sequence[int], int]], longest: int, parts: int) -> list[Curve]:
    """Cases read, and the mean number of children left, of each part of the generations."""
    whole = np.array([[*left, *[end] * (longest + 1 - len(left))] for left, end in rows])
    cases = [2.0**power for power in range(longest + 1)]
    return [(cases, part.mean(axis=0).tolist()) for part in np.array_split(whole, parts)]


def _measured(arms: Arms, column: str) -> dict[str, list[float]]:
    """The solutions' values, of the arms that have some."""
    values = {arm: [value for run in runs if (value := numbers(run).get(column)) is not None]
              for arm, runs in arms.items()}  # fmt: skip
    return {arm: found for arm, found in values.items() if found}


# ------------------------------------------------------------------------------------------------------------ drawing


def _median_and_each(axes: Axes, curves: Sequence[Curve], name: str) -> None:
    """The median over runs, as far as all of them go, and each run behind it."""
    shortest = min(len(x) for x, _ in curves)
    marker = "" if shortest > 1 else "o"
    median = np.median([y[:shortest] for _, y in curves], axis=0)
    own = {**look(name), "marker": marker, "markevery": 1, "linewidth": 2.0}
    (thick,) = axes.plot(curves[0][0][:shortest], median, label=name, **own)
    for x, y in curves if len(curves) > 1 else ():
        axes.plot(x, y, color=thick.get_color(), linestyle="-", linewidth=0.6, marker=marker, alpha=0.35, zorder=1)


def _mean_and_each(axes: Axes, row: int, values: Sequence[float], name: str) -> None:
    """Each run as a dot; of several the mean and the deviation."""
    colour = look(name).get("color", INK)
    axes.scatter(values, [row] * len(values), s=14, color=colour, alpha=0.5, linewidths=0, label=_once(axes, "one run"))
    if len(values) > 1:
        line = mean_curve([([0.0], [value]) for value in values])
        axes.errorbar(
            line.mean, [row], xerr=line.deviation, fmt="|", markersize=14, color=colour, capsize=3, elinewidth=1,
            markevery=1, label=_once(axes, "mean and standard deviation over runs"),
        )  # fmt: skip


def _once(axes: Axes, name: str) -> str | None:
    """The name, unless the legend has it already."""
    return None if name in axes.get_legend_handles_labels()[1] else name
