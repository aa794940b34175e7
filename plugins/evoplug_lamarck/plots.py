"""The figures of Lamarckian architecture search, after those of chapter 7 of the thesis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from evoplug.analysis.groups import curve, numbers
from evoplug.analysis.plots import INK, band, counted, draw_curve, finish, legend, mean_curve, text
from evoplug.contracts import Plot, dataclass
from evoplug_lamarck.ancestry import ancestors, block_counts, has_stacks, inherits, part
from evoplug_lamarck.drawing import draw_key, draw_line, panel_height, rows, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]

STRATEGIES = ("niching-one-plus-one", "epbt", "pbt")
"""Those whose records tell of every solution who its parent was."""
PANELS = 3
"""Arms in the figure of ancestries."""
ROWS = 24
"""Ancestors in that figure: what a page has room for."""
DOTS = 50
"""Of a run at most; more of them make a line."""

_BOX: Mapping[str, Any] = {
    "fmt": "s", "markersize": 5.5, "markerfacecolor": "white", "markevery": 1, "capsize": 2.5, "elinewidth": 1.2,
    "zorder": 3,
}  # fmt: skip


@dataclass(kw_only=True)
class Accuracy(Plot):
    """Accuracy of the best so far by the epochs of all trainings together, and of the finished networks on test data.

    As in the thesis, figures 7.3 to 7.6: a dot for each run, the mean as a line; at the marks and at the end a box
    for the mean test accuracy, with whiskers of one standard deviation over runs.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        chosen = {arm: runs for arm, runs in _searches(arms).items() if _accuracy_is_fitness(runs[0])}
        if not chosen:
            return None
        figure = Figure(figsize=(5.0, 3.3))
        axes = figure.subplots()
        for arm, runs in chosen.items():
            curves = [curve(run, "best", "epochs") for run in runs]
            line = mean_curve(curves)
            draw_curve(axes, line._replace(deviation=0 * line.mean), counted(arm, runs))
            if len(runs) > 1:
                _dots(axes, curves, axes.lines[-1].get_color())
        colours = [line.get_color() for line in axes.lines]
        _boxes(axes, list(zip(colours, map(_tests, chosen.values()), strict=True)))
        split = next(iter(chosen.values()))[0].config["evaluator"]["fitness_split"]
        finish(axes, "epochs of all trainings together", f"{split} accuracy of the best so far")
        several = max(map(len, chosen.values())) > 1
        legend(figure, "line: mean over runs; dot: one run; whiskers: standard deviation" if several else band(chosen))
        return figure


@dataclass(kw_only=True)
class Blocks(Plot):
    """Number of blocks of the best network so far by the epochs of all trainings together.

    As in the thesis, figure 7.7.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        chosen = _searches(arms)
        if not chosen:
            return None
        figure = Figure()
        axes = figure.subplots()
        for arm, runs in chosen.items():
            draw_curve(axes, mean_curve([block_counts(run) for run in runs]), counted(arm, runs))
        finish(axes, "epochs of all trainings together", "blocks of the best so far")
        legend(figure, band(chosen))
        return figure


@dataclass(kw_only=True)
class Ancestry(Plot):
    """From the first block to the best network: its ancestors, what edits did to them and which weights they kept.

    Of each arm, its best run. Every row is an ancestor, every box a block, from the image's side to the dense layer:
    as wide as it has channels, as high as its resolution, with side of the kernel and stride written on it. The base
    of a block stands for its weights apart from the kernel. Bands lead from weights to those who inherited them.
    """

    strategies = STRATEGIES

    def draw(self, arms: Arms) -> Figure | None:
        chosen = _searches(arms)
        if not chosen:
            return None
        best = {arm: max(runs, key=_fitness) for arm, runs in list(chosen.items())[:PANELS]}
        found = {arm: ancestors(run) for arm, run in best.items()}
        most = _most([len(line) for line in found.values()])
        lines = {arm: rows(line, inherits(best[arm]), most) for arm, line in found.items()}
        every = [row for line in lines.values() for row in line]
        size = scale(every)
        heights = [panel_height(line) for line in lines.values()]
        figure = Figure(figsize=(5.0, sum(heights) + 0.3 * len(heights) + 0.3))
        panels = figure.subplots(len(lines), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (arm, line) in zip(panels, lines.items(), strict=True):
            draw_line(axes, line, size, _cost(best[arm]))
            nothing = "" if inherits(best[arm]) else "; weights are not inherited"
            axes.set_title(f"{text(arm)}, seed {best[arm].config['run']['seed']}{nothing}", loc="left")
        draw_key(panels[0], niche=any(row.ancestor.niche for row in every))
        legend(figure, _explained(chosen, len(best)))
        return figure


# -------------------------------------------------------------------------------------------------- what is in a run


def _searches(arms: Arms) -> dict[str, Sequence[Run]]:
    """The arms that search for stacks of blocks."""
    return {arm: runs for arm, runs in arms.items() if has_stacks(runs[0])}


def _fitness(run: Run) -> float:
    return numbers(run)["best.fitness"]


def _accuracy_is_fitness(run: Run) -> bool:
    return run.config["evaluator"].get("fitness") == "accuracy"


def _cost(run: Run) -> Mapping[str, Any]:
    """What the genotype says about the reported network's size; empty where it says nothing."""
    name, said = part(run), run.result["best"]["description"]
    said = said if name is None or not said else said.get(name)
    return said if isinstance(said, Mapping) and {"parameters", "flops"} <= said.keys() else {}


def _tests(runs: Sequence[Run]) -> dict[float, list[float]]:
    """Epochs -> test accuracies of the networks of that time, one of each run that has it."""
    config = runs[0].config["run"]
    end = min(config["stop"].get("epochs", math.inf), runs[0].metrics[-1]["epochs"])
    names = {
        float(mark): f"beside.{mark:,g} epochs.test.accuracy" for mark in config.get("marks", {}).get("epochs", ())
    }
    names[float(end)] = "test.accuracy"
    found = {
        at: [value for run in runs if math.isfinite(value := numbers(run).get(name, math.nan))]
        for at, name in names.items()
    }
    return {at: values for at, values in found.items() if values}


# ------------------------------------------------------------------------------------------------------------ drawing


def _explained(arms: Arms, shown: int) -> str:
    """What boxes and numbers are."""
    config = next(iter(arms.values()))[0].config["evaluator"]
    number = f"{config['fitness_split']} accuracy" if config.get("fitness") == "accuracy" else "fitness"
    some = f"; {shown} of {len(arms)} arms" if len(arms) > shown else ""
    return (
        "box: a block, as wide as its channels, as high as its resolution; k: kernel, s: stride;\n"
        f"its base: all weights but the kernel; beside each generation its {number}{some}"
    )


def _most(lengths: Sequence[int]) -> int:
    """Ancestors of one arm at most, so that all arms together fit: short lines leave their room to the others."""
    return max(most for most in range(1, ROWS + 1) if sum(min(length, most) for length in lengths) <= ROWS)


def _dots(axes: Axes, curves: Sequence[tuple[Sequence[float], Sequence[float]]], colour: Any) -> None:
    """The values of each run, faint, behind the lines."""
    for x, y in curves:
        every = slice(None, None, -(-len(x) // DOTS))
        axes.scatter(x[every], y[every], s=5, color=colour, alpha=0.2, linewidths=0, zorder=1)


def _boxes(axes: Axes, tests: Sequence[tuple[Any, Mapping[float, Sequence[float]]]]) -> None:
    """Mean and deviation at each mark; the arms side by side, in their colours."""
    marks = sorted({at for _, found in tests for at in found})
    if not marks:
        return
    for number, (colour, found) in enumerate(tests):
        shift = (number - (len(tests) - 1) / 2) * _step(marks, len(tests))
        for at, values in found.items():
            mean = mean_curve([([at + shift], [value]) for value in values])
            axes.errorbar(*mean, color=colour, **_BOX)
    axes.errorbar([], [], [], color=INK, label="test accuracy, finished", **_BOX)


def _step(marks: Sequence[float], arms: int) -> float:
    """From one arm to the next, in epochs: enough to tell them apart, and never into the next mark."""
    nearest = min((b - a for a, b in pairwise(marks)), default=marks[-1])
    return min(0.03 * marks[-1], 0.9 * nearest / arms)
