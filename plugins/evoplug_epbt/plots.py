"""EPBT's figures, after those of the paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from evoplug.analysis.groups import curve, numbers
from evoplug.analysis.plots import MeanCurve, band, counted, draw_curve, finish, legend, mean_curve, text
from evoplug.contracts import Plot, dataclass
from evoplug_epbt.ancestry import Ancestor, ancestors, distinct
from evoplug_epbt.taylor_loss import TaylorLoss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evoplug import Run

Arms = Mapping[str, Sequence["Run"]]

METHODS = ("epbt", "pbt")
RATES = ("learning_rate", "weight_decay")
"""Parts of which `train` takes a gene for each group of weights, the last that of the rest."""
PANELS = 5
"""Runs in the figure of ancestries, as in the paper."""
DARK_TO_LIGHT = LinearSegmentedColormap.from_list("ancestry", ["#0a1a33", "#1f5fa8", "#7fc4ec"])
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(kw_only=True)
class LossAncestry(Plot):
    """Loss functions of the reported member's ancestors in the binary case; the last is the thick line.

    As in the EPBT paper, figure 5: x = (1, 0) and predictions (y, 1 - y), loss against y, from dark to light, members
    that were only carried over left out, cross-entropy beside them. A constant in a loss, which has no gradient, is
    taken off. Of many runs, the first of each arm come first.
    """

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        found = [(arm, run) for arm, run in _round_robin(arms) if _evolves_loss(run)]
        if not found:
            return None
        shown = found[:PANELS]
        lines = [distinct(_ancestors(run)) for _, run in shown]
        last = max(line[-1].generation for line in lines)
        norm = Normalize(1, max(2, last))
        figure = Figure(figsize=(5.0, 1.3 + 1.5 * ((len(shown) + 2) // 2)))
        panels = _panels(figure, len(shown) + 1)
        for axes, (arm, run), line in zip(panels, shown, lines, strict=False):
            _losses(axes, line, _part(run, "loss")["order"], norm)
            axes.set_title(f"{text(arm)}, seed {run.config['run']['seed']}")
        _cross_entropy(panels[-1])
        figure.supxlabel("y, predicted probability of the true class", fontsize=9)
        figure.supylabel("loss above its least value", fontsize=9)
        bar = figure.colorbar(ScalarMappable(norm, DARK_TO_LIGHT), ax=panels, location="top", aspect=45, pad=0.03)
        left = f"; {len(shown)} of {len(found)} runs" if len(found) > len(shown) else ""
        bar.set_label(f"first generation of the ancestor{left}", fontsize=8)
        bar.ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        return figure


@dataclass(kw_only=True)
class LossSchedule(Plot):
    """Parameters theta of the loss along the line of the reported member's ancestors; of each arm, its best run."""

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        best = {arm: max(runs, key=lambda run: numbers(run)["best.fitness"]) for arm, runs in arms.items()}
        shown = {arm: run for arm, run in best.items() if _evolves_loss(run)}
        if not shown:
            return None
        figure = Figure(figsize=(5.0, 0.8 + 2.0 * ((len(shown) + 1) // 2)))
        for axes, (arm, run) in zip(_panels(figure, len(shown)), shown.items(), strict=True):
            line = _ancestors(run)
            generations = [ancestor.generation for ancestor in line]
            for index, values in enumerate(zip(*(ancestor.genes["loss"] for ancestor in line), strict=True)):
                axes.step(generations, values, where="mid", label=f"θ{index}".translate(SUBSCRIPTS))
            finish(axes, "generations", "θ")
            axes.set_title(f"{text(arm)}, seed {run.config['run']['seed']}")
        legend(figure, "")
        return figure


@dataclass(kw_only=True)
class Schedules(Plot):
    """Schedules of evolved hyperparameters: of the reported member's ancestors, generation by generation.

    Rates of several groups of weights are shown one by one.
    """

    strategies = METHODS

    def draw(self, arms: Arms) -> Figure | None:
        lines = {arm: [_ancestors(run) for run in runs] for arm, runs in arms.items()}
        genes = {arm: _numbers(runs[0], lines[arm][0][0]) for arm, runs in arms.items()}
        names = list(dict.fromkeys(name for arm in genes.values() for name in arm))
        if not names:
            return None
        figure = Figure(figsize=(5.0, 0.8 + 2.0 * ((len(names) + 1) // 2)))
        for axes, name in zip(_panels(figure, len(names)), names, strict=True):
            having = {arm: places[name] for arm, places in genes.items() if name in places}
            for arm, gene in having.items():
                line = mean_curve([_schedule(ancestry, gene) for ancestry in lines[arm]])
                draw_curve(axes, line, counted(arm, arms[arm]))
            finish(axes, "generations", name)
            if any(_part(arms[arm][0], gene.part).get("scale") == "log" for arm, gene in having.items()):
                axes.set_yscale("log")
        legend(figure, band(arms))
        return figure


@dataclass(kw_only=True)
class Accuracy(Plot):
    """Accuracy of the best member by the epochs that one network is trained; above, its upper part enlarged.

    As in the EPBT paper, figures 2 to 4, with the accuracy that is the fitness; the test accuracy, which only the
    reported member has, stands at the end. Plain training is drawn beside them.
    """

    strategies = ("epbt", "pbt", "gradient-descent")

    def draw(self, arms: Arms) -> Figure | None:
        if not any(_method(runs[0]) in METHODS for runs in arms.values()):
            return None
        chosen = {arm: runs for arm, runs in arms.items() if runs[0].config["evaluator"].get("fitness") == "accuracy"}
        if not chosen:
            return None
        figure = Figure(figsize=(5.0, 4.0))
        upper, whole = figure.subplots(2, 1, sharex=True)
        lines = {arm: mean_curve([_training(run) for run in runs]) for arm, runs in chosen.items()}
        tests = [_tested(runs) for runs in chosen.values()]
        for axes in (upper, whole):
            for arm, line in lines.items():
                draw_curve(axes, line, counted(arm, chosen[arm]))
            _tests(axes, tests, [float(line.x[-1]) for line in lines.values()])
        upper.set_ylim(*_late([*lines.values(), *(test for test in tests if test is not None)]))
        finish(whole, "epochs of training of one network", "")
        split = next(iter(chosen.values()))[0].config["evaluator"]["fitness_split"]
        figure.supylabel(f"{split} accuracy of the best", fontsize=9)
        legend(figure, band(chosen))
        return figure


# -------------------------------------------------------------------------------------------------- what is in a run


def _round_robin(arms: Arms) -> Iterator[tuple[str, Run]]:
    """The first run of each arm, then the second of each ..."""
    pairs = chain.from_iterable(zip_longest(*([(arm, run) for run in runs] for arm, runs in arms.items())))
    return (pair for pair in pairs if pair is not None)


def _method(run: Run) -> str:
    name: str = run.config["strategy"]["use"]
    return name


def _part(run: Run, part: str) -> dict[str, Any]:
    """The genotype's part as configured; empty where there is none."""
    table: dict[str, Any] = run.config.get("genotype", {}).get("parts", {}).get(part, {})
    return table


def _evolves_loss(run: Run) -> bool:
    return _part(run, "loss").get("use") == "taylorglo"


def _ancestors(run: Run) -> list[Ancestor]:
    best = run.result["best"]
    return ancestors(run.metrics[: best["generation"]], best["id"])


class _Gene(NamedTuple):
    part: str
    place: int
    """In its part."""


def _numbers(run: Run, ancestor: Ancestor) -> dict[str, _Gene]:
    """Name -> gene: of parts that are one number, which an architecture of one block is not, and of rates of groups."""
    found = dict[str, _Gene]()
    for part, genes in ancestor.genes.items():
        name = part.replace("_", " ")
        if len(genes) == 1 and isinstance(genes[0], int | float):
            found[name] = _Gene(part, 0)
        elif part in RATES:
            groups = (*run.config["evaluator"].get("groups", {}), "rest")
            found |= {f"{name}, {text(group)}": _Gene(part, place) for place, group in enumerate(groups[: len(genes)])}
    return found


def _schedule(line: Sequence[Ancestor], gene: _Gene) -> tuple[list[float], list[float]]:
    generations = [float(ancestor.generation) for ancestor in line]
    return generations, [ancestor.genes[gene.part][gene.place] for ancestor in line]


def _training(run: Run) -> tuple[list[float], list[float]]:
    """Epochs that a network has been trained, and fitness of the best."""
    generations, best = curve(run, "best", "generations")
    epochs = run.config["evaluator"]["epochs"]
    return [epochs * generation for generation in generations], best


# ------------------------------------------------------------------------------------------------------------ drawing


def _panels(figure: Figure, count: int) -> list[Axes]:
    """Axes in two columns; one takes the whole width."""
    columns = min(2, count)
    rows = -(-count // columns)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in panels[count:]:
        unused.set_axis_off()
    return panels[:count]


def _tested(runs: Sequence[Run]) -> MeanCurve | None:
    """Mean and deviation of the test accuracy, as a curve of one point at 0; None where there is none."""
    values = [accuracy for run in runs if (accuracy := numbers(run).get("test.accuracy")) is not None]
    return mean_curve([([0.0], [value]) for value in values]) if values else None


def _tests(axes: Axes, tests: Sequence[MeanCurve | None], ends: Sequence[float]) -> None:
    """Test accuracies behind the ends of the lines, in their colours."""
    step = 0.02 * max(ends)
    for index, (line, test, end) in enumerate(zip(list(axes.lines), tests, ends, strict=True)):
        if test is not None:
            name = "test accuracy at the end" if index == 0 else None
            x = end + step * (index + 1)
            axes.errorbar(x, test.mean, test.deviation, fmt="_", color=line.get_color(), markevery=1, label=name)


def _late(lines: Iterable[MeanCurve]) -> tuple[float, float]:
    """The range of the second half of the lines and their bands, with some room."""
    halves = [MeanCurve(*(values[len(values) // 2 :] for values in line)) for line in lines]
    low = min(float((line.mean - line.deviation).min()) for line in halves)
    high = max(float((line.mean + line.deviation).max()) for line in halves)
    room = 0.1 * (high - low) + 1e-3
    return low - room, high + room


def _losses(axes: Axes, line: Sequence[Ancestor], order: int, norm: Normalize) -> None:
    """The loss functions of one ancestry in the binary case."""
    y = torch.linspace(0, 1, 101, dtype=torch.float64)
    logits, labels = torch.stack([y, 1 - y], dim=1).log(), torch.zeros(len(y), dtype=torch.int64)
    for ancestor in line:
        loss = TaylorLoss(torch.tensor(ancestor.genes["loss"], dtype=torch.float64), order)(logits, labels)
        final = ancestor is line[-1]
        colour, width = DARK_TO_LIGHT(norm(ancestor.generation)), 2.2 if final else 1.1
        axes.plot(y, loss - loss.min(), color=colour, linewidth=width, linestyle="-", marker="")


def _cross_entropy(axes: Axes) -> None:
    y = torch.linspace(0.01, 1, 100)
    axes.plot(y, -y.log(), color="#7f7f7f", linestyle="--", marker="")
    axes.set_title("cross-entropy, for comparison")
