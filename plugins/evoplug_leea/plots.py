"""LEEA's figures, after those of chapter 5 of the thesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from evoplug import ConfigError
from evoplug.analysis.groups import curve, numbers
from evoplug.analysis.plots import INK, counted, draw_curve, finish, label, legend, mean_curve
from evoplug.contracts import Plot, dataclass

if TYPE_CHECKING:
    from evoplug import Run

SPLITS = ("validation.accuracy", "test.accuracy")
_LINE = {"color": INK, "linewidth": 1}
_INKED = {"boxprops": _LINE, "whiskerprops": _LINE, "capprops": _LINE, "medianprops": {**_LINE, "linewidth": 2.5}}


@dataclass(kw_only=True)
class Accuracies(Plot):
    """Accuracy of the reported network by arm: quartiles and median as a box, whiskers over all runs, a dot a run.

    As in the thesis, figures 5.1 to 5.3. Drawn where an arm has several runs.
    """

    strategies = ("leea",)

    def draw(self, arms: Mapping[str, Sequence[Run]]) -> Figure | None:
        values = {split: [[numbers(run).get(split) for run in runs] for runs in arms.values()] for split in SPLITS}
        complete = {split: rows for split, rows in values.items() if all(None not in row for row in rows)}
        if not complete or max(map(len, arms.values())) == 1:
            return None
        figure = Figure(figsize=(5.0, 1.0 + 0.36 * len(arms)))
        panels = figure.subplots(1, len(complete), sharex=True, sharey=True, squeeze=False)[0]
        places = range(len(arms), 0, -1)
        for axes, (split, rows) in zip(panels, complete.items(), strict=True):
            axes.boxplot(rows, positions=places, orientation="horizontal", whis=(0, 100), widths=0.6, **_INKED)
            for place, row in zip(places, rows, strict=True):
                axes.scatter(row, [place] * len(row), s=14, color="#0072b2", alpha=0.6, linewidths=0, zorder=3)
            axes.set_xlabel(label(split))
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(places, [counted(arm, runs) for arm, runs in arms.items()])
        return figure


@dataclass(kw_only=True)
class MutationStrength(Plot):
    """Mutation strength sigma over the generations.

    As in the thesis, figure 5.4: the mean over the population and over runs; where each member has a sigma of its
    own, the band is their standard deviation. Drawn where sigma changes.
    """

    strategies = ("leea",)

    def draw(self, arms: Mapping[str, Sequence[Run]]) -> Figure | None:
        sigmas = {arm: mean_curve(found) for arm, runs in arms.items() if (found := _curves(runs, "sigma"))}
        if all(line.mean.min() == line.mean.max() for line in sigmas.values()):
            return None
        figure = Figure()
        axes = figure.subplots()
        for arm, line in sigmas.items():
            own = _curves(arms[arm], "sigma_std")
            inside = mean_curve(own).mean if own else 0 * line.mean
            draw_curve(axes, line._replace(deviation=inside), counted(arm, arms[arm]))
        finish(axes, "generations", "mutation strength σ")
        legend(figure, "mean; where self-adaptive, standard deviation in the population as a band")
        return figure


def _curves(runs: Sequence[Run], column: str) -> list[tuple[list[float], list[float]]]:
    """The column over the generations, of each run; nothing where one did not record it."""
    try:
        return [curve(run, column, "generations") for run in runs]
    except ConfigError:
        return []
