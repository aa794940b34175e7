"""The figures of learned weight sharing, after those of chapter 8 of the thesis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from evoplug import ConfigError
from evoplug.analysis.groups import curve
from evoplug.analysis.plots import INK, band, counted, draw_curve, finish, legend, mean_curve, text
from evoplug.contracts import Plot, dataclass
from evoplug_sharing.drawing import Panel, draw_lanes, lanes
from evoplug_sharing.groups import Sharing, positions, sharing, sizes, uniform
from evoplug_sharing.lanes import columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]
Curve = tuple[list[float], list[float]]

STRATEGIES = ("learned-weight-sharing",)
PAGE = 9.0
"""Height of a figure of lanes, in inches, above which arms are left out."""
PLACES = 40
"""Names of positions that stand side by side."""
NAMED = 7
"""Sizes of groups that a legend names; more are a scale of colours."""
ERRORS = ("test.error", "validation.error")
"""Columns, the most wanted first."""
SCALE = "viridis_r"
MEANING = "number of tasks t that use the same weights"


@dataclass(kw_only=True)
class Lanes(Plot):
    """Who shares what: each task a lane from the input to its head, through boxes, the sets of weights that it uses.

    As in the thesis, figure 8.1, of the first run of each arm. A column is a position of the network, a box in it a
    set that at least one task uses; a head is always its task's own. Boxes stand so that lanes cross little; neither
    their order nor that of the tasks means anything. Where a page is too short for all arms, those that share
    everything or nothing are said in words.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        found = {arm: shared for arm, runs in arms.items() if (shared := sharing(runs[0]))}
        if not found:
            return None
        panels = {arm: Panel(dict(zip(positions(each), columns(each), strict=True))) for arm, each in found.items()}
        shown, said = _fitting(panels, found)
        heights = [panel.height for panel in shown.values()]
        figure = Figure(figsize=(5.0, sum(heights) + 0.28 * len(heights) + 0.17 * len(said) + 0.1))
        every = figure.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
        looks = lanes(list(dict.fromkeys(task for panel in shown.values() for task in panel.tasks)))
        for axes, (arm, panel) in zip(every, shown.items(), strict=True):
            draw_lanes(axes, panel, {task: looks[task] for task in panel.tasks})
            axes.set_title(_title(arm, arms[arm][0]), loc="left")
        if said:
            figure.supxlabel("\n".join(said), fontsize=8)
        return figure


@dataclass(kw_only=True)
class Groups(Plot):
    """How many tasks use the same weights, by position: percentage of tasks in groups of exactly t, over all runs.

    As in the thesis, figures 8.4 and 8.5: t = 1 is a task with weights of its own.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        found = {arm: shared for arm, runs in arms.items() if (shared := _all(runs))}
        if not found:
            return None
        most = max(len(each) for shared in found.values() for each in shared)
        places = max(len(positions(shared[0])) for shared in found.values())
        across = min(3, len(found), max(1, PLACES // places))
        down = -(-len(found) // across)
        figure = Figure(figsize=(5.0, 0.5 + 2.0 * down))
        panels = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
        for unused in panels[len(found) :]:
            unused.set_axis_off()
        for axes, (arm, shared) in zip(panels, found.items(), strict=False):
            _bars(axes, shared, most)
            axes.set_title(counted(arm, arms[arm]))
        for axes in panels[: len(found) : across]:
            axes.set_ylabel("tasks [%]")
        if most <= NAMED:
            legend(figure, MEANING)
        else:
            _scale(figure, panels, most)
        return figure


@dataclass(kw_only=True)
class Entropy(Plot):
    """Mean entropy of the distributions of weight sets over iterations; it starts at log K, where all are as likely.

    Of arms that learn who shares what: the mean over positions, in nats.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        found = _recorded(arms, "entropy")
        learned = {arm: curves for arm, curves in found.items() if any(value > 0 for _, y in curves for value in y)}
        if not learned:
            return None
        figure = _over_iterations(learned, arms, "mean entropy [nats]")
        for choices in sorted({choices for arm in learned if (choices := _choices(arms[arm][0]))}):
            _start(figure.axes[0], choices)
        figure.axes[0].set_ylim(bottom=0)
        return figure


@dataclass(kw_only=True)
class Errors(Plot):
    """Error of all tasks' examples together by iteration, on the test split if that was measured, else on validation.

    As in the thesis, figure 8.3: as often as ``[run] measure`` says, which measures and never chooses.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        measured = {column: found for column in ERRORS if (found := _recorded(arms, column))}
        if not measured:
            return None
        column, found = next(iter(measured.items()))
        return _over_iterations(found, arms, column)


# -------------------------------------------------------------------------------------------------- what is in a run


def _all(runs: Sequence[Run]) -> list[Sharing]:
    """Who shares what in each run; empty where one does not say it."""
    found = [sharing(run) for run in runs]
    return [each for each in found if each is not None] if None not in found else []


def _recorded(arms: Arms, column: str) -> dict[str, list[Curve]]:
    """The column over iterations, of each run of the arms that recorded it."""
    found: dict[str, list[Curve]] = {}
    for arm, runs in arms.items():
        with suppress(ConfigError):  # has no such column
            found[arm] = [curve(run, column, "generations") for run in runs]
    return found


def _choices(run: Run) -> int | None:
    """K, where the configuration says it."""
    choices = run.config.get("genotype", {}).get("choices")
    return choices if isinstance(choices, int) else None


# ------------------------------------------------------------------------------------------------------------ drawing


def _fitting(panels: Mapping[str, Panel], found: Mapping[str, Sharing]) -> tuple[dict[str, Panel], list[str]]:
    """The panels that a page has room for, one at least, and what is said instead of the others.

    Where it has not enough for all, those come first that cannot be said in a few words.
    """
    words = {arm: word for arm, each in found.items() if (word := uniform(each))}
    shown: dict[str, Panel] = {}
    for arm in sorted(panels, key=lambda arm: arm in words):
        if not shown or sum(panel.height for panel in (*shown.values(), panels[arm])) <= PAGE:
            shown[arm] = panels[arm]
    said = [f"{text(arm)}: {word}" for arm, word in words.items() if arm not in shown]
    if len(shown) + len(said) < len(panels):
        said.append(f"{len(shown) + len(said)} of {len(panels)} arms")
    return {arm: panel for arm, panel in panels.items() if arm in shown}, said


def _title(arm: str, run: Run) -> str:
    """Whose lanes these are, and how many weights the tasks' networks have together."""
    weights = run.metrics[-1].get("weights") if run.metrics else None
    cost = "" if weights is None else f"; {weights:,.0f} weights"
    return f"{text(arm)}, seed {run.config['run']['seed']}{cost}"


def _over_iterations(found: Mapping[str, Sequence[Curve]], arms: Arms, y: str) -> Figure:
    """The mean of each arm as a line, the deviation over its runs as a band."""
    figure = Figure()
    axes = figure.subplots()
    for arm, curves in found.items():
        draw_curve(axes, mean_curve(curves), counted(arm, arms[arm]))
    finish(axes, "iterations", y)
    legend(figure, band({arm: arms[arm] for arm in found}))
    return figure


def _start(axes: Axes, choices: int) -> None:
    """Where the entropy of K choices starts."""
    axes.axhline(math.log(choices), color=INK, linewidth=0.8, linestyle=":", marker="", zorder=1)
    axes.annotate(
        f"log {choices}", (1, math.log(choices)), (0, 2), xycoords=axes.get_yaxis_transform(),
        textcoords="offset points", ha="right", va="bottom", fontsize=8,
    )  # fmt: skip


def _colour(size: int, most: int) -> Any:
    """Of groups of a size: the darker, the more tasks; by ratio, since most groups of many tasks are small."""
    return matplotlib.colormaps[SCALE](LogNorm(1, max(2, most))(size))


def _bars(axes: Axes, found: Sequence[Sharing], most: int) -> None:
    """A bar for each position, of parts from t = 1, below, to the most there are."""
    names = positions(found[0])
    shares = np.array([100 * sizes(found, name) for name in names])
    bottoms = np.cumsum(shares, axis=1) - shares
    places = range(len(names))
    for size, part, bottom in zip(range(1, most + 1), shares.T, bottoms.T, strict=False):
        colour = _colour(size, most)
        axes.bar(places, part, 0.8, bottom, color=colour, label=f"{size}", edgecolor="white", linewidth=0.4)
    axes.set_xticks(
        places, [text(name) for name in names], fontsize=min(7, 7 * PLACES / len(names)), rotation="vertical"
    )
    axes.grid(visible=False, axis="x")
    axes.set_axisbelow(True)
    axes.set_ylim(0, 100)


def _scale(figure: Figure, panels: Sequence[Axes], most: int) -> None:
    """What the colours say where they are too many for a legend."""
    colours = ScalarMappable(LogNorm(1, most), matplotlib.colormaps[SCALE])
    bar = figure.colorbar(colours, ax=panels, location="bottom", aspect=45, pad=0.06)
    marks = [*(mark for mark in (1, 2, 5, 10, 20, 50, 100, 200, 500) if mark < most / 1.3), most]
    bar.set_ticks(marks, labels=[f"{mark}" for mark in marks])
    bar.minorticks_off()
    bar.set_label(MEANING, fontsize=8)
