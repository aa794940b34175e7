"""EPBT's figures, after those of the paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, NamedTuple

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from evoplug.analysis.groups import curve, numbers
from evoplug.analysis.plots import MeanCurve, band, finish, label, legend, mean_curve
from evoplug.contracts import Plot, dataclass
from evoplug_epbt.ancestry import Ancestor, ancestors, distinct
from evoplug_epbt.taylor_loss import TaylorLoss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]

METHODS = ("epbt", "pbt")
PANELS = 5
"""Runs in the figure of ancestries, as in the paper."""
DARK_TO_LIGHT = LinearSegmentedColormap.from_list("ancestry", ["#0a1a33", "#1f5fa8", "#7fc4ec"])
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(kw_only=True)
class LossAncestry(Plot):
    """Loss functions of the reported member's ancestors, from first (dark) to last (light), in the binary case.

    As in the EPBT paper, figure 5: x = (1, 0) and predictions (y, 1 - y), loss against y, members that were only
    carried over left out, cross-entropy beside them. Of many runs, the first of each arm come first.
    """

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        found = [(arm, run) for arm, run in _round_robin(arms) if _order(run) is not None]
        if not found:
            return None
        shown = found[:PANELS]
        lines = [distinct(_ancestors(run)) for _, run in shown]
        last = max(line[-1].generation for line in lines)
        norm = Normalize(1, max(2, last))
        figure = Figure(figsize=(5.0, 0.9 + 1.5 * ((len(shown) + 2) // 2)))
        panels = _panels(figure, len(shown) + 1)
        for axes, (arm, run), line in zip(panels, shown, lines, strict=False):
            _losses(axes, line, _order(run) or 0, norm)
            axes.set_title(f"{label(arm)}, seed {run.config['run']['seed']}")
        _cross_entropy(panels[-1])
        figure.supxlabel("y, predicted probability of the true class", fontsize=9)
        figure.supylabel("loss of one example", fontsize=9)
        bar = figure.colorbar(ScalarMappable(norm, DARK_TO_LIGHT), ax=panels, location="bottom", aspect=45, pad=0.02)
        left = f"; {len(shown)} of {len(found)} runs" if len(found) > len(shown) else ""
        bar.set_label(f"first generation of the ancestor{left}", fontsize=8)
        return figure


@dataclass(kw_only=True)
class LossSchedule(Plot):
    """Parameters theta of the loss along the line of the reported member's ancestors; of each arm, its best run."""

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        best = {arm: max(runs, key=lambda run: numbers(run)["best.fitness"]) for arm, runs in arms.items()}
        shown = {arm: run for arm, run in best.items() if _order(run) is not None}
        if not shown:
            return None
        figure = Figure(figsize=(5.0, 1.0 + 2.0 * ((len(shown) + 1) // 2)))
        for axes, (arm, run) in zip(_panels(figure, len(shown)), shown.items(), strict=True):
            line = _ancestors(run)
            generations = [ancestor.generation for ancestor in line]
            for index, values in enumerate(zip(*(ancestor.genes["loss"] for ancestor in line), strict=True)):
                axes.step(generations, values, where="mid", label=f"θ{index}".translate(SUBSCRIPTS))
            finish(axes, "generations", "θ")
            axes.set_title(f"{label(arm)}, seed {run.config['run']['seed']}")
        legend(figure, "")
        return figure


@dataclass(kw_only=True)
class Schedules(Plot):
    """Schedules of evolved hyperparameters: of the reported member's ancestors, generation by generation."""

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        lines = {arm: [_ancestors(run) for run in runs] for arm, runs in arms.items()}
        parts = list(dict.fromkeys(part for arm in lines.values() for part in _numbers(arm[0][0])))
        if not parts:
            return None
        figure = Figure(figsize=(5.0, 1.0 + 2.0 * ((len(parts) + 1) // 2)))
        for axes, part in zip(_panels(figure, len(parts)), parts, strict=True):
            for arm, found in lines.items():
                if part in found[0][0].genes:
                    _line(axes, mean_curve([_schedule(line, part) for line in found]), f"{arm} (n = {len(found)})")
            finish(axes, "generations", part.replace("_", " "))
            if any(_scale(run, part) == "log" for runs in arms.values() for run in runs):
                axes.set_yscale("log")
        legend(figure, band(arms))
        return figure


@dataclass(kw_only=True)
class Accuracy(Plot):
    """Accuracy of the best member against the epochs of training of one network; above, the upper part enlarged.

    As in the EPBT paper, figures 2 to 4, with the accuracy that is the fitness; the test accuracy, which only the
    reported member has, stands at the end. Plain training is drawn beside them.
    """

    strategies = (*METHODS, "gradient-descent")

    def draw(self, arms: Arms) -> Figure | None:
        chosen = {arm: runs for arm, runs in arms.items() if runs[0].config["evaluator"].get("fitness") == "accuracy"}
        if not any(_method(runs[0]) in METHODS for runs in chosen.values()):
            return None
        figure = Figure(figsize=(5.0, 4.4))
        upper, whole = figure.subplots(2, 1, sharex=True)
        lines = {arm: mean_curve([_training(run) for run in runs]) for arm, runs in chosen.items()}
        for axes in (upper, whole):
            for arm, line in lines.items():
                _line(axes, line, f"{arm} (n = {len(chosen[arm])})")
                _tests(axes, chosen[arm], float(line.x[-1]))
        late = [float(line.mean[len(line.mean) // 2 :].min()) for line in lines.values()]
        upper.set_ylim(bottom=min(late) - 0.25 * (upper.dataLim.y1 - min(late)))
        split = next(iter(chosen.values()))[0].config["evaluator"]["fitness_split"]
        finish(whole, "epochs of training of one network", "")
        figure.supylabel(f"{split} accuracy of the best (at the end: test accuracy)", fontsize=9)
        legend(figure, band(chosen))
        return figure


# -------------------------------------------------------------------------------------------------- what is in a run


class _Point(NamedTuple):
    mean: float
    deviation: float


def _round_robin(arms: Arms) -> Iterator[tuple[str, Run]]:
    """The first run of each arm, then the second of each ..."""
    pairs = chain.from_iterable(zip_longest(*([(arm, run) for run in runs] for arm, runs in arms.items())))
    return (pair for pair in pairs if pair is not None)


def _method(run: Run) -> str:
    name: str = run.config["strategy"]["use"]
    return name


def _part(run: Run, part: str) -> Mapping[str, object]:
    """The genotype's part as configured."""
    table: Mapping[str, object] = run.config.get("genotype", {}).get("parts", {}).get(part, {})
    return table


def _order(run: Run) -> int | None:
    """The order of the Taylor polynomials that are evolved; None where no such loss is."""
    part = _part(run, "loss")
    return int(str(part["order"])) if part.get("use") == "taylorglo" else None


def _scale(run: Run, part: str) -> object:
    return _part(run, part).get("scale")


def _ancestors(run: Run) -> list[Ancestor]:
    best = run.result["best"]
    return ancestors(run.metrics[: best["generation"]], best["id"])


def _numbers(ancestor: Ancestor) -> list[str]:
    """The parts that are one number."""
    return [part for part, genes in ancestor.genes.items() if len(genes) == 1]


def _schedule(line: Sequence[Ancestor], part: str) -> tuple[list[float], list[float]]:
    return [float(ancestor.generation) for ancestor in line], [ancestor.genes[part][0] for ancestor in line]
