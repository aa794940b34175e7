"""Figures of trained networks: how training went, and metrics beside accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from evoplug.analysis.groups import numbers
from evoplug.analysis.plots import INK, band, counted, draw_curve, finish, label, legend, mean_curve, text
from evoplug.contracts import Plot, dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]

METRICS = ("accuracy", "f1", "f1.macro", "sensitivity", "specificity", "auc")
BLUE = "#0072b2"
SHOWN = 4
"""Arms side by side in the figure of subjects, at most."""


@dataclass(kw_only=True)
class TrainingCurves(Plot):
    """Loss in training and on validation data, and the metric that decides, by epochs of training of one network.

    The training loss, dotted, is the mean over the members, of each one's last epoch. The validation metrics are those
    of the best member, where `[run] measure` has them recorded.
    """

    def draw(self, arms: Arms) -> Figure | None:
        trained = {arm: runs for arm, runs in arms.items() if all(map(_has_curve, runs))}
        if not trained:
            return None
        deciding = [metric for metric in _headlines(trained) if _have(trained, f"validation.{metric}")]
        figure = Figure(figsize=(5.0, 2.6 + 1.6 * len(deciding)))
        losses, *others = figure.subplots(1 + len(deciding), 1, sharex=True, squeeze=False)[:, 0]
        _draw_losses(losses, trained)
        for axes, metric in zip(others, deciding, strict=True):
            for arm, curves in _curves(trained, f"validation.{metric}"):
                draw_curve(axes, mean_curve(curves), counted(arm, trained[arm]))
            finish(axes, "", f"validation {metric}")
        finish(figure.axes[-1], "epochs of training of one network", figure.axes[-1].get_ylabel())
        if deciding:
            losses.set_xlabel("")
        legend(figure, band(trained))
        return figure


@dataclass(kw_only=True)
class MetricsByArm(Plot):
    """Metrics of the reported network by arm: a dot a run, their mean as a line, a deviation to each side of it shaded.

    Drawn of several runs in which something was measured beside accuracy, on test data, else on validation data.
    """

    def draw(self, arms: Arms) -> Figure | None:
        found = {arm: [numbers(run) for run in runs] for arm, runs in arms.items()}
        columns = next((columns for split in ("test", "validation") if len(columns := _columns(found, split)) > 1), [])
        if not columns or sum(map(len, arms.values())) == 1:
            return None
        across = min(3, len(columns))
        down = -(-len(columns) // across)
        figure = Figure(figsize=(5.0, 0.2 + down * (0.6 + 0.3 * len(arms))))
        panels = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
        for unused in panels[len(columns) :]:
            unused.set_axis_off()
        for axes, column in zip(panels, columns, strict=False):
            for place, rows in zip(_places(found), found.values(), strict=True):
                _draw_values(axes, place, _finite(row.get(column) for row in rows))
            axes.set_xlabel(label(column))
            axes.locator_params(axis="x", nbins=3)
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(_places(found), [counted(arm, runs) for arm, runs in arms.items()])
        panels[0].set_ylim(0.5, len(arms) + 0.5)
        return figure


@dataclass(kw_only=True)
class Subjects(Plot):
    """Accuracy of the reported network by subject, and how many images each one has: bars from the best to the worst.

    The mean over runs, and their standard deviation as a line; of several arms in the order of the first. On test
    data, else on validation data, where the accuracy was measured by subject.
    """

    def draw(self, arms: Arms) -> Figure | None:
        split = next((split for split in ("test", "validation") if _by_subject(arms, split)), None)
        if split is None:
            return None
        tables = dict(list(_by_subject(arms, split).items())[:SHOWN])
        first = next(iter(tables.values()))
        names = sorted(first, key=lambda name: (-np.nanmean(first[name]), name))
        sizes = _sizes(arms, split)
        figure = Figure(figsize=(5.0, 1.0 + 0.17 * len(names)))
        panels = figure.subplots(1, len(tables), sharex=True, sharey=True, squeeze=False)[0]
        places = list(range(len(names), 0, -1))
        for axes, (arm, table) in zip(panels, tables.items(), strict=True):
            _draw_bars(axes, places, [table.get(name, np.array([np.nan])) for name in names])
            axes.set_title(counted(arm, arms[arm]))
            axes.grid(visible=False, axis="y")
        panels[0].set_xlim(0, 1)
        panels[0].locator_params(axis="x", nbins=5)
        panels[0].set_yticks(places, [f"{text(name)} ({sizes[name]:,.0f})" for name in names], size=7)
        panels[0].set_ylim(0.4, len(names) + 0.6)
        panels[0].set_ylabel("subject (images)")
        rest = f"; {len(tables)} of {len(arms)} arms" if len(tables) < len(arms) else ""
        figure.supxlabel(f"{split} accuracy{rest}", fontsize=9)
        return figure


# ------------------------------------------------------------------------------------------------------------- curves


def _rows(run: Run) -> list[dict[str, Any]]:
    """The generations in which networks were trained."""
    return [row for row in run.metrics if "training_loss" in row and "lineage_epochs" in row]


def _has_curve(run: Run) -> bool:
    _, losses = _curve(run, "training_loss")
    return bool(np.isfinite(losses).sum() > 1)


def _headlines(arms: Arms) -> list[str]:
    """The metrics that decide, each once."""
    return list(dict.fromkeys(runs[0].config["evaluator"].get("headline", "accuracy") for runs in arms.values()))


def _have(arms: Arms, column: str) -> bool:
    return any(True for _ in _curves(arms, column))


def _curves(arms: Arms, column: str) -> Iterator[tuple[str, list[tuple[list[float], list[float]]]]]:
    """Each arm all of whose runs recorded a column, and this by epochs; of a column by member, the mean."""
    for arm, runs in arms.items():
        curves = [_curve(run, column) for run in runs]
        if all(np.isfinite(y).any() for _, y in curves):
            yield arm, curves


def _curve(run: Run, column: str) -> tuple[list[float], list[float]]:
    rows = [row for row in _rows(run) if column in row]
    return [_mean(row["lineage_epochs"]) for row in rows], [_mean(row[column]) for row in rows]


def _mean(values: Any) -> float:
    """Of what was finite; the records have None for the rest."""
    finite = _finite(values if isinstance(values, list) else [values])
    return float(finite.mean()) if len(finite) else np.nan


def _finite(values: Any) -> NDArray[np.float64]:
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def _draw_losses(axes: Axes, arms: Arms) -> None:
    """That on validation data as other curves are, that in training dotted, in the colour of the arm."""
    validation = dict(_curves(arms, "validation.loss"))
    for arm, curves in _curves(arms, "training_loss"):
        name = counted(arm, arms[arm])
        if arm not in validation:
            draw_curve(axes, mean_curve(curves), name)
            continue
        draw_curve(axes, mean_curve(validation[arm]), name)
        training = mean_curve(curves)
        colour = axes.lines[-1].get_color()
        axes.plot(training.x, training.mean, color=colour, linestyle=":", marker="")
    finish(axes, "", "loss in training" if not validation else "loss")
    if validation:
        axes.plot([], [], color=INK, linestyle=":", marker="", label="in training")


# ------------------------------------------------------------------------------------------------------------ metrics


def _columns(found: Mapping[str, Sequence[Mapping[str, float]]], split: str) -> list[str]:
    """Those of the metrics that some run has."""
    having = {name for rows in found.values() for row in rows for name in row}
    return [f"{split}.{metric}" for metric in METRICS if f"{split}.{metric}" in having]


def _places(rows: Mapping[str, Any]) -> range:
    """On the y axis, the first at the top."""
    return range(len(rows), 0, -1)


def _draw_values(axes: Axes, place: int, values: NDArray[np.float64]) -> None:
    if not len(values):
        return
    mean = values.mean()
    if len(values) > 1:
        deviation = values.std(ddof=1)
        axes.fill_betweenx([place - 0.3, place + 0.3], mean - deviation, mean + deviation, color=BLUE, alpha=0.15, lw=0)
        axes.plot([mean, mean], [place - 0.3, place + 0.3], color=INK, linestyle="-", linewidth=1.5, marker="")
    axes.scatter(values, [place] * len(values), s=14, color=BLUE, alpha=0.6, linewidths=0, zorder=3)


# ----------------------------------------------------------------------------------------------------------- subjects


def _by_subject(arms: Arms, split: str) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Arm -> subject -> its finite accuracies, of the arms that have any."""
    begin = f"{split}.accuracy.subject."
    tables = {arm: _parts(runs, begin) for arm, runs in arms.items()}
    return {arm: table for arm, table in tables.items() if table}


def _parts(runs: Sequence[Run], begin: str) -> dict[str, NDArray[np.float64]]:
    """What stands behind the beginning -> the finite values of these metrics."""
    found: dict[str, list[float]] = {}
    for run in runs:
        for name, value in numbers(run).items():
            if name.startswith(begin):
                found.setdefault(name.removeprefix(begin), []).append(value)
    return {name: finite for name, values in found.items() if len(finite := _finite(values))}


def _sizes(arms: Arms, split: str) -> dict[str, float]:
    """Subject -> number of images."""
    every = [run for runs in arms.values() for run in runs]
    return {name: float(values.max()) for name, values in _parts(every, f"{split}.accuracy.examples.").items()}


def _draw_bars(axes: Axes, places: Sequence[int], values: Sequence[NDArray[np.float64]]) -> None:
    axes.barh(places, [row.mean() for row in values], height=0.7, color=BLUE, alpha=0.6)
    for place, row in zip(places, values, strict=True):
        if len(row) > 1:
            mean, deviation = row.mean(), row.std(ddof=1)
            axes.plot([mean - deviation, mean + deviation], [place] * 2, color=INK, linestyle="-", lw=1, marker="")
