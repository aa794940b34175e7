"""The figures of re-evaluated elites, after figure 6.1 of the thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from evoplug.analysis.groups import curve, numbers
from evoplug.analysis.plots import INK, band, counted, draw_curve, finish, legend, mean_curve
from evoplug.analysis.style import look
from evoplug.contracts import Plot, dataclass

if TYPE_CHECKING:
    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]
Points = list[tuple[float, float]]

STRATEGIES = ("elite-reevaluation",)
SCORES = {
    "test.score": "test score of the top elite",
    "validation.score": "validation score of the top elite",
    "top_fitness": "recorded fitness of the top elite",
}
"""Columns of the records, the one to prefer first, in words."""
SPENT = ("frames", "steps", "evaluations")
"""Columns of the ledger, the one to prefer first."""
TRUTHS = ("validation.fitness", "test.fitness")
"""Metrics that are fitness without its noise."""


@dataclass(kw_only=True)
class Score(Plot):
    """Score of the top elite of each generation, by the frames that were played.

    As in the thesis, figure 6.1, but for its running maximum, which never falls: here it is each generation's own. The
    band of a single run is the deviation over trials, that of several the deviation over runs.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        y = next((column for column in SCORES if _all_have(arms, column)), None)
        x = next((column for column in SPENT if _all_have(arms, column)), None)
        if x is None or y is None:
            return None
        figure = Figure()
        axes = figure.subplots()
        trials = False
        for arm, runs in arms.items():
            line = mean_curve([curve(run, y, x) for run in runs])
            deviation = y.replace("score", "deviation")
            if len(runs) == 1 and y != deviation and _has(runs[0], deviation):
                line = line._replace(deviation=np.interp(line.x, *curve(runs[0], deviation, x)))
                trials = True
            draw_curve(axes, line, counted(arm, runs))
        finish(axes, x, y)
        axes.set_ylabel(SCORES[y])
        several = "; of several runs over runs" if max(map(len, arms.values())) > 1 else ""
        legend(figure, f"standard deviation over trials as a band{several}" if trials else band(arms))
        return figure


@dataclass(kw_only=True)
class Overestimation(Plot):
    """Recorded fitness of elites against their fitness without its noise.

    A filled mark is the top elite of a generation in which it was measured, or of the last one; a cross is the solution
    that is reported. Under the diagonal fitness is overestimated. Drawn where runs have the metric `fitness`.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        found = {arm: ([p for run in runs for p in _elites(run)], [p for run in runs for p in _reported(run)])
                 for arm, runs in arms.items()}  # fmt: skip
        if not any(elites or reported for elites, reported in found.values()):
            return None
        figure = Figure(figsize=(4.0, 3.8))
        axes = figure.subplots()
        for arm, (elites, reported) in found.items():
            name = counted(arm, arms[arm])
            own = look(name)
            marker = {**own, "marker": own.get("marker") or "o", "linestyle": "none", "markevery": 1, "alpha": 0.7}
            (dots,) = axes.plot(*_columns(elites), label=name, **marker)
            axes.plot(*_columns(reported), **{**marker, "marker": "x", "markersize": 7, "color": dots.get_color()})
        every = [p for elites, reported in found.values() for p in (*elites, *reported)]
        axes.axline(every[0][:1] * 2, slope=1, color=INK, linewidth=0.7)
        axes.set_xlabel("recorded fitness")
        axes.set_ylabel("fitness without noise")
        legend(figure, "filled: top elite; cross: the solution that is reported")
        return figure


def _has(run: Run, column: str) -> bool:
    return any(row.get(column) is not None for row in run.metrics)


def _all_have(arms: Arms, column: str) -> bool:
    return all(_has(run, column) for runs in arms.values() for run in runs)


def _elites(run: Run) -> Points:
    """Recorded and exact fitness of top elites: of each generation that measured it, and of the last one."""
    for truth in TRUTHS:
        points = [
            (row["top_fitness"], row[truth])
            for row in run.metrics
            if row.get(truth) is not None and "top_fitness" in row
        ]
        points += _pair(run, "beside.top elite.best.fitness", f"beside.top elite.{truth}")
        if points:
            return list(dict.fromkeys(points))  # the last one was measured twice, where it was in its generation
    return []


def _reported(run: Run) -> Points:
    return next(filter(None, (_pair(run, "best.fitness", truth) for truth in TRUTHS)), [])


def _pair(run: Run, recorded: str, truth: str) -> Points:
    """Two numbers of a run's outcome, if both are there."""
    said = numbers(run)
    return [(said[recorded], said[truth])] if {recorded, truth} <= said.keys() else []


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
