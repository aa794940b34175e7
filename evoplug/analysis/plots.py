"""Figures of run folders: curves of the records, and what methods draw of their own."""

from __future__ import annotations

import hashlib
import io
import math
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from evoplug import catalogue
from evoplug.analysis import direction, statistics
from evoplug.analysis.groups import Groups, curve
from evoplug.analysis.style import INK as INK
from evoplug.analysis.style import look, one_look_each, style
from evoplug.catalogue import Entry, local
from evoplug.config.building import build
from evoplug.contracts import Plot
from evoplug.errors import ConfigError, EvoplugError, FilesError, PluginError, printable
from evoplug.running.metrics import MEASURED, wholes
from evoplug.running.writing import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from evoplug.running.rundir import Run

FORMATS = ("png", "svg")
POINTS = 400
"""On a curve at most: more cannot be seen."""
LARGEST = 1e300
"""Size of a value at most: the ticks of an axis are counted beyond it, and numbers end at 1.8e308."""
LONGEST = 60
"""Characters of a name in a figure or a file's name at most."""

SOLUTION = "best."
"""How the names of what is said of a solution begin."""

_LABELS = {
    "best": "best fitness", "mean": "mean fitness", "std": "deviation of fitness", "seconds": "time [s]",
    "invalid": "invalid members", "best.fitness": "best fitness",
}  # fmt: skip


class View(NamedTuple):
    """How the axes of curves are drawn."""

    log_x: bool = False
    log_y: bool = False
    xlim: tuple[float | None, float | None] = (None, None)
    """From and to; None leaves that end to the data."""
    ylim: tuple[float | None, float | None] = (None, None)


class Drawing(NamedTuple):
    """A figure, and what it is called."""

    name: str
    """Stem of its file; distinct among the figures that are drawn together."""
    caption: str
    figure: Figure


@dataclass(frozen=True)
class Drawings(Mapping[str, Figure]):
    """All figures of some runs, by name."""

    figures: tuple[Drawing, ...]
    notices: tuple[str, ...]
    """What could not be drawn, and why."""

    def __getitem__(self, name: str) -> Figure:
        return {drawing.name: drawing.figure for drawing in self.figures}[name]

    def __iter__(self) -> Iterator[str]:
        return (drawing.name for drawing in self.figures)

    def __len__(self) -> int:
        return len(self.figures)

    def __repr__(self) -> str:
        return f"Drawings({', '.join(self)})"

    def _repr_html_(self) -> str:
        """In a notebook all of them, as images: what stands in one can reach neither the page nor the others."""
        encoded = (b64encode(svg(drawing).encode()).decode() for drawing in self.figures)
        return "".join(f'<img src="data:image/svg+xml;base64,{image}">' for image in encoded)


def draw(groups: Groups, y: Sequence[str] = (), x: str = "generations", view: View = View()) -> Drawings:  # noqa: B008
    """Curves of columns of the records, and every figure that plugins have for these runs, installed or trusted.

    Args:
        groups: the runs; each problem has figures of its own.
        y: columns, a figure each; by default ``best`` and what was measured along the way, without parts of metrics.
        x: the column against which they are drawn.
        view: the axes of the curves; figures of plugins have their own.

    Raises:
        ConfigError: if no run has such a column: the nearest, or all; or none has anything to see on a log axis; or if
            an axis cannot end where ``view`` says.
    """
    _require_ends(view)
    notices: list[str] = []
    figures: list[Drawing] = []
    missing: dict[str, ConfigError] = {}
    problems = groups.apart()
    with style(), one_look_each(counted(arm, runs) for arm, runs in groups.arms.items()):
        for problem, arms in problems.items():
            try:
                figures += (_of(problem, drawing) for drawing in _all_curves(arms, y, x, view, notices))
            except ConfigError as error:
                missing[problem] = error
        if len(missing) == len(problems):
            raise next(iter(missing.values()))
        notices += [f"{problem}: left out: {error}" for problem, error in missing.items()]
        with catalogue.beside(_beside(groups.arms, notices)):
            for problem, arms in problems.items():
                figures += (_of(problem, drawing) for drawing in _own(arms, notices))
    return Drawings(tuple(_distinct(figures)), tuple(notices))


def save(drawing: Drawing, folder: Path, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Write a figure into a folder, a file for each format.

    Raises:
        FilesError: if that cannot be done.
    """
    paths = [folder / f"{drawing.name}.{suffix}" for suffix in formats]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FilesError(f"{folder}: cannot be written: {error.strerror}") from error
    with style():
        for path in paths:
            with replacing(path) as file:
                drawing.figure.savefig(file, format=path.suffix[1:], metadata=_no_metadata(path.suffix))
    return paths


def svg(drawing: Drawing) -> str:
    """A figure as the text of an SVG file, without a background."""
    buffer = io.StringIO()
    with style():
        drawing.figure.savefig(buffer, format="svg", facecolor="none", metadata=_no_metadata(".svg"))
    return buffer.getvalue()


def words(column: str) -> str:
    """A column in words."""
    if column.startswith(SOLUTION) and column not in _LABELS:
        return f"{words(column.removeprefix(SOLUTION))} of the solution"
    return _LABELS.get(column, column.replace(".", " "))


def label(column: str) -> str:
    """What an axis says for a column."""
    return text(words(column))


def counted(arm: str, runs: Sequence[Run]) -> str:
    """What a legend says for an arm: its name and how many runs it has, or that its run has not finished."""
    return f"{text(arm)} (n = {len(runs)})" if runs[0].status == "finished" else f"{text(arm)} (unfinished)"


def text(name: str) -> str:
    """A name as matplotlib shows it as it is: no formula, not hidden for its first sign, of a length that fits."""
    shown = _short(printable(name), "…").replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown  # matplotlib leaves out of a legend what begins with _


def file_name(name: str) -> str:
    """A name as the stem of a file: no separators or leading dots, bounded, still another for another name."""
    slug = re.sub(r"[^A-Za-z0-9._=+,@-]+", "_", name).lstrip(".")
    return name if slug == name and len(name) <= LONGEST else f"{slug[: LONGEST - 9] or 'figure'}-{_digest(name)}"


def _short(name: str, mark: str) -> str:
    """At most :data:`LONGEST` characters, and still another for another name."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 10]}{mark} {_digest(name)}"


def _of(problem: str, drawing: Drawing) -> Drawing:
    """A figure of one problem among several."""
    if not problem:
        return drawing
    return drawing._replace(name=f"{problem}-{drawing.name}", caption=f"{drawing.caption}; {problem}")


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]


def _distinct(drawings: Iterable[Drawing]) -> Iterator[Drawing]:
    """The figures under names that are good for files, no two the same."""
    taken: set[str] = set()
    for drawing in drawings:
        stem = name = file_name(drawing.name)
        number = 1
        while name.lower() in taken:  # on some systems a file's name has no case
            name = f"{stem}-{(number := number + 1)}"
        taken.add(name.lower())
        yield drawing._replace(name=name)


def _no_metadata(suffix: str) -> dict[str, None]:
    """What keeps dates and versions out, so that the same runs give the same file."""
    return dict.fromkeys(("Creator", "Date", "Format", "Type")) if suffix == ".svg" else {"Software": None}


# ------------------------------------------------------------------------------------------------------------ curves


def _measured(arms: Mapping[str, Sequence[Run]]) -> list[str]:
    """Metrics that were measured more than once along the way, without their parts."""
    counts = Counter(name for runs in arms.values() for row in runs[0].metrics for name in row)
    return wholes(name for name, count in counts.items() if name.startswith(MEASURED) and count > len(arms))


def _all_curves(
    arms: Mapping[str, Sequence[Run]], y: Sequence[str], against: str, view: View, notices: list[str]
) -> Iterator[Drawing]:
    """What was asked for; where nothing was, what can be drawn of what there is."""
    for column in y or ["best", *_measured(arms)]:
        try:
            yield _curves(arms, column, against, view, notices)
        except ConfigError as error:
            if y or against != "generations":
                raise
            notices.append(f"{column} is not drawn: {error}")


def _curves(arms: Mapping[str, Sequence[Run]], column: str, against: str, view: View, notices: list[str]) -> Drawing:
    """A line for each arm that has both columns, with a band where it has several runs."""
    figure = Figure()
    axes = figure.subplots()
    missing: list[ConfigError] = []
    for arm, runs in arms.items():
        try:
            line = _visible(mean_curve([curve(run, column, against) for run in runs]), view)
        except ConfigError as error:
            missing.append(ConfigError((), f"arm {arm}: {error}"))
            continue
        draw_curve(axes, line, counted(arm, runs), log=view.log_y)
    if len(missing) == len(arms):
        raise missing[0]
    notices += [f"{column} by {against}: left out: {error}" for error in missing]
    finish(axes, against, column)
    if remark := direction.remark([run for runs in arms.values() for run in runs], column):
        axes.set_ylabel(f"{label(column)} ({remark})")
    _show(axes, view)
    legend(figure, band(arms))
    caption = f"{_capital(label(column).replace(' [s]', ''))} against {label(against).replace(' [s]', '')}"
    return Drawing(f"{column}-by-{against}", caption, figure)


class MeanCurve(NamedTuple):
    """Mean and sample standard deviation of several curves, ``(n,)`` each."""

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def mean_curve(curves: Sequence[tuple[Sequence[float], Sequence[float]]]) -> MeanCurve:
    """Several curves as one, over the part of the axis that all of them have, interpolated where their x differ.

    Values that are not finite, or larger than :data:`LARGEST`, are left out. The deviation of one curve is 0.

    Raises:
        ConfigError: if a curve has no finite value, or no part of the axis is common to all.
    """
    finite = [_finite(x, y) for x, y in curves]
    if not all(len(x) for x, _ in finite):
        raise ConfigError((), "a run has no finite value to draw")
    first, last = max(x[0] for x, _ in finite), min(x[-1] for x, _ in finite)
    if first > last:
        raise ConfigError((), "the runs have no part of the axis in common")
    grid = np.unique(np.concatenate([x for x, _ in finite]))
    grid = grid[(grid >= first) & (grid <= last)]
    if len(grid) > POINTS:
        grid = grid[np.linspace(0, len(grid) - 1, POINTS).round().astype(int)]
    values = np.stack([np.interp(grid, x, y) for x, y in finite])
    mean, deviation = statistics.moments(values)
    return MeanCurve(grid, mean, deviation if len(values) > 1 else np.zeros_like(grid))


def draw_curve(axes: Axes, line: MeanCurve, name: str, *, log: bool = False) -> None:
    """A mean as a line, its deviation as a band.

    An arm, named as :func:`counted` has it, looks the same in every figure that is drawn at the same time.

    Args:
        axes: where.
        line: what.
        name: what the legend says.
        log: whether the y axis is going to be logarithmic; the band then ends at the least value that can be seen.
    """
    (drawn,) = axes.plot(line.x, line.mean, label=name, **look(name))
    if len(line.x) == 1:
        drawn.set_markevery(1)
    if line.deviation.any():
        low, high = line.mean - line.deviation, line.mean + line.deviation
        if log:
            low = np.maximum(low, min(values[values > 0].min(initial=np.inf) for values in (low, line.mean)))
        axes.fill_between(line.x, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)


def _visible(line: MeanCurve, view: View) -> MeanCurve:
    """The part that axes of this kind can show.

    Raises:
        ConfigError: if that is nothing.
    """
    seen = (line.x > 0 if view.log_x else True) & (line.mean > 0 if view.log_y else np.full(len(line.x), True))
    if not seen.any():
        raise ConfigError((), "has no value above 0, and a logarithmic axis shows no other")
    return MeanCurve(*(values[seen] for values in line))


def _show(axes: Axes, view: View) -> None:
    """Scales and limits."""
    if view.log_x:
        axes.set_xscale("log")
    if view.log_y:
        axes.set_yscale("log")
    axes.set_xlim(*view.xlim)
    axes.set_ylim(*view.ylim)


def _require_ends(view: View) -> None:
    """Raise ConfigError for limits that no axis can have."""
    for name, log, limits in (("x", view.log_x, view.xlim), ("y", view.log_y, view.ylim)):
        for end in limits:
            if end is not None and not math.isfinite(end):
                raise ConfigError((), f"{name}lim: must be finite, got {end:g}")
            if end is not None and log and end <= 0:
                raise ConfigError((), f"{name}lim: must be above 0 on a logarithmic axis, got {end:g}")


def _finite(x: Sequence[float], y: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pairs = np.array([x, y], dtype=np.float64)
    kept = pairs[:, (np.abs(pairs) <= LARGEST).all(axis=0)]
    return kept[0], kept[1]


def finish(axes: Axes, x: str, y: str) -> None:
    """Label the axes; count in whole numbers, and write large ones short."""
    axes.set_xlabel(label(x))
    axes.set_ylabel(label(y))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=x != "seconds", steps=[1, 2, 5, 10]))
    if axes.dataLim.x1 >= 10_000:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def legend(figure: Figure, title: str) -> None:
    """One legend for a figure, below it, in as many columns as fit; the figure grows by what it takes."""
    pairs = [axes.get_legend_handles_labels() for axes in figure.axes]
    named = {name: handle for handles, names in pairs for handle, name in zip(handles, names, strict=True)}
    if not named:
        return
    widest = 44 + 4.3 * max(map(len, named))  # points: the sample of the line, and letters of size 8
    columns = max(1, min(len(named), int(72 * figure.get_figwidth() / widest)))
    rows = -(-len(named) // columns) + bool(title)
    figure.set_figheight(figure.get_figheight() + 0.17 * rows)
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=columns, title=title)


def band(arms: Mapping[str, Sequence[Run]]) -> str:
    """What a legend says about lines and bands."""
    if max(len(runs) for runs in arms.values()) == 1:
        return "one run each" if len(arms) > 1 else ""
    return "mean, and standard deviation over runs as a band"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


# ------------------------------------------------------------------------------------------------- methods' figures


def _own(arms: Mapping[str, Sequence[Run]], notices: list[str]) -> Iterator[Drawing]:
    """What plugins draw of these runs; one that cannot is noted and disturbs no other."""
    for entry in catalogue.entries("plots"):
        strategies = entry.class_vars.get("strategies", ())
        fitting = {arm: runs for arm, runs in arms.items() if not strategies or _strategy(runs[0]) in strategies}
        if not fitting:
            continue
        name = catalogue.usable(entry)
        try:
            figure = _drawn(name, fitting)
        except EvoplugError as error:
            notices.append(str(error))
            continue
        if figure is not None:
            yield Drawing(name.replace("/", "-"), entry.doc.rstrip("."), figure)


def _beside(arms: Mapping[str, Sequence[Run]], notices: list[str]) -> Iterator[Entry]:
    """The plots in files beside the runs' configurations that are trusted."""
    for file in dict.fromkeys(file for runs in arms.values() for file in runs[0].trusted if file.endswith(".py")):
        try:
            yield from (entry for entry in local.parts(Path(file)) if entry.group == Plot.group)
        except EvoplugError as error:
            notices.append(f"without the plots beside the configuration: {error}")


def _drawn(name: str, arms: Mapping[str, Sequence[Run]]) -> Figure | None:
    plot = cast(Plot, build("plots", name))
    try:
        return plot.draw(arms)
    except EvoplugError:
        raise
    except Exception as error:
        finished = all(run.status == "finished" for runs in arms.values() for run in runs)
        what = f"{type(error).__name__}: {' '.join(str(error).split())}" if finished else "draws finished runs only"
        raise PluginError(f"evoplug.plots: {name}: {what}") from error


def _strategy(run: Run) -> str:
    name: str = run.config["strategy"]["use"]
    return name
