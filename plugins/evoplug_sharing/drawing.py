"""Drawing who shares what: boxes of weight sets in columns, and a lane for each task through the sets that it uses.

All lengths are inches, and so are the units of the axes: what is written must fit into what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from evoplug.analysis.plots import INK, text
from evoplug_sharing.lanes import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.9
ROOM = 3.4
"""What the lanes of one panel may take together before they become narrower."""
WIDEST, NARROWEST = 0.17, 0.088
"""From lane to lane in a box."""
PAD, GAP = 0.1, 0.55
"""Between the lanes of a box and its edge, and between boxes, in lanes."""
LANE, BOW = 0.6, 0.45
"""Width of a lane, where the distance to the next is 1; between boxes, where they are 1 apart, at most."""
BOX, BROADEST, HEAD = 0.5, 0.5, 0.2
"""Width of a box, where the distance to the next column is 1; at most; of a task's own head."""
TITLES = 7.0
"""Size of the letters of positions and tasks, in points, at most."""
LETTERS = 0.8
"""Size of letters beside lanes, where the distance to the next is 1, at most."""
NAMES = 2.3
"""What names may take together with their numbers."""
BELOW, WITHIN = 1.0, 2.5
"""Orders of drawing of what lies below the boxes, and of what lies in them."""
CASING = 1.6
"""White around a lane where it may cross others, in points, both sides together."""
HEADER = "head"

_FACE = "#dfe2e8"
_BOW: Mapping[str, Any] = {"fill": False, "capstyle": "butt", "zorder": BELOW}


class Lane(NamedTuple):
    """How a task's lane looks, in all panels."""

    colour: Any
    number: int
    """Written on it and beside the task's name: it can be followed without its colour."""

    @property
    def ink(self) -> str:
        """The colour of what is written on it."""
        red, green, blue = to_rgb(self.colour)
        return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else INK


def lanes(tasks: Sequence[str]) -> dict[str, Lane]:
    """A number and a colour for each task: those of lines, but that of edges, or where these are too few a scale's."""
    colours = [colour for colour in matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] if colour != INK]
    if len(tasks) > len(colours):
        colours = list(map(tuple, matplotlib.colormaps["viridis"](np.linspace(0, 1, len(tasks)))))
    return {task: Lane(colour, number) for number, (task, colour) in enumerate(zip(tasks, colours, strict=False), 1)}


@dataclass(frozen=True)
class Panel:
    """Where all stands in one drawing of lanes."""

    columns: Mapping[str, Column]
    """Position -> its boxes, as :func:`evoplug_sharing.lanes.columns` orders them."""

    @cached_property
    def tasks(self) -> list[str]:
        """As they enter, from above."""
        return list(chain.from_iterable(next(iter(self.columns.values()))))

    @cached_property
    def step(self) -> float:
        """From lane to lane."""
        return min(WIDEST, max(NARROWEST, ROOM / len(self.tasks)))

    @cached_property
    def letters(self) -> float:
        """Size of the names of tasks, in points."""
        return min(
            TITLES, 72 * LETTERS * self.step, NAMES / max(width(named(task, len(self.tasks)), 1) for task in self.tasks)
        )

    @property
    def digits(self) -> float:
        """Size of the numbers on lanes, in points."""
        return 0.85 * self.letters

    @property
    def lane(self) -> float:
        """Width of a lane in a box."""
        return LANE * self.step

    @property
    def bow(self) -> float:
        """Width of a lane between boxes, where many of them may stand on end side by side."""
        return min(self.lane, BOW * (self.pitch - self.box))

    @cached_property
    def numbered(self) -> bool:
        """Whether boxes have room for numbers."""
        return width(f"{len(self.tasks)}", self.digits) < self.box

    @cached_property
    def labels(self) -> float:
        """What the names take."""
        return max(width(named(task, len(self.tasks)), self.letters) for task in self.tasks) + 0.1

    @cached_property
    def pitch(self) -> float:
        """From column to column; the heads are one more."""
        return (WIDTH - self.labels - HEAD) / (len(self.columns) + 0.3)

    @cached_property
    def upright(self) -> bool:
        """Whether the names of the positions have to stand on end."""
        return max(width(text(position), TITLES) for position in self.columns) > 0.92 * self.pitch

    @cached_property
    def header(self) -> float:
        """What the names of the positions take."""
        names = (*map(text, self.columns), HEADER)
        return max(width(name, TITLES) for name in names) + 0.08 if self.upright else 0.2

    @cached_property
    def height(self) -> float:
        """What the panel takes."""
        return self.header + max(map(self.depth, self.columns.values())) + 0.05

    def depth(self, column: Column) -> float:
        """What a column takes."""
        return self.step * (sum(map(len, column)) + 2 * PAD * len(column) + GAP * (len(column) - 1))

    def left(self, number: int) -> float:
        """Where the boxes of a column begin."""
        return self.labels + (number + 0.3) * self.pitch

    @property
    def box(self) -> float:
        """Width of a box."""
        return min(BROADEST, BOX * self.pitch)

    def tops(self, column: Column) -> Iterator[float]:
        """Of its boxes."""
        y = self.header + (self.height - self.header - self.depth(column)) / 2
        for box in column:
            yield y
            y += self.step * (len(box) + 2 * PAD + GAP)

    def places(self, column: Column) -> dict[str, float]:
        """Task -> where its lane runs through the column."""
        return {
            task: top + self.step * (PAD + number + 0.5)
            for top, box in zip(self.tops(column), column, strict=True)
            for number, task in enumerate(box)
        }


def named(task: str, number: int) -> str:
    """What stands beside the begin of a lane."""
    return f"{text(task)}  {number}"


def width(words: str, size: float) -> float:
    """How much letters of a size, in points, take."""
    return float(TextPath((0, 0), words, size=size).vertices[:, 0].max(initial=0)) / 72


def draw_lanes(axes: Axes, panel: Panel, looks: Mapping[str, Lane]) -> None:
    """The boxes of all positions from the left to the right, the lanes through them, and each task's head.

    Args:
        axes: where; they are as high as the panel says.
        panel: what.
        looks: of the lanes, see :func:`lanes`.
    """
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(panel.height, 0))
    _titles(axes, panel)
    for number, column in enumerate(panel.columns.values()):
        for top, box in zip(panel.tops(column), column, strict=True):
            _box(axes, panel.left(number), top, panel.box, panel.step * (len(box) + 2 * PAD))
    places = [panel.places(column) for column in panel.columns.values()]
    for task, look in looks.items():
        heights = [place[task] for place in places]
        _between(axes, panel, heights, look)
        _inside(axes, panel, heights, look)
        x, name = panel.labels - 0.05, named(task, look.number)
        axes.text(x, heights[0], name, fontsize=panel.letters, ha="right", va="center_baseline")


def _titles(axes: Axes, panel: Panel) -> None:
    centres = [panel.left(number) + panel.box / 2 for number in range(len(panel.columns))]
    for x, name in zip([*centres, WIDTH - HEAD / 2], [*map(text, panel.columns), HEADER], strict=True):
        axes.text(
            x, panel.header - 0.05, name, fontsize=TITLES, ha="center", va="bottom",
            rotation="vertical" if panel.upright else "horizontal",
        )  # fmt: skip


def _box(axes: Axes, x: float, y: float, across: float, down: float, face: Any = _FACE) -> None:
    """Its face above the lanes that pass it by, its edge above those that run through."""
    style = f"round,pad=0,rounding_size={0.3 * min(across, down, 0.15)}"
    axes.add_patch(FancyBboxPatch((x, y), across, down, style, facecolor=face, linewidth=0, zorder=2))
    axes.add_patch(
        FancyBboxPatch((x, y), across, down, style, fill=False, edgecolor=INK, linewidth=0.8, clip_on=False, zorder=3)
    )


def _between(axes: Axes, panel: Panel, heights: Sequence[float], look: Lane) -> None:
    """A lane from its name to the first box, in bows from box to box, and from the last to the head."""
    _stretch(axes, look, (panel.labels, panel.left(0)), heights[0], panel.bow, BELOW)
    for number, (before, after) in enumerate(pairwise(heights)):
        left, right = panel.left(number) + panel.box, panel.left(number + 1)
        middle = (left + right) / 2
        points = [(left, before), (middle, before), (middle, after), (right, after)]
        bow, size = Path(points, [Path.MOVETO, *[Path.CURVE4] * 3]), 72 * panel.bow
        axes.add_patch(PathPatch(bow, edgecolor="white", linewidth=size + CASING, **_BOW))
        axes.add_patch(PathPatch(bow, edgecolor=look.colour, linewidth=size, **_BOW))
    last = panel.left(len(heights) - 1) + panel.box
    _stretch(axes, look, (last, WIDTH - HEAD), heights[-1], panel.bow, BELOW)


def _inside(axes: Axes, panel: Panel, heights: Sequence[float], look: Lane) -> None:
    """What of a lane lies in boxes, with its number, and its head, which is the task's own and has its colour."""
    high = panel.step * (1 - 2 * PAD)
    _box(axes, WIDTH - HEAD, heights[-1] - high / 2, HEAD, high, look.colour)
    for number, y in enumerate(heights):
        left = panel.left(number)
        _stretch(axes, look, (left, left + panel.box), y, panel.lane, WITHIN)
        if panel.numbered:
            _number(axes, panel, left + panel.box / 2, y, look)
    _number(axes, panel, WIDTH - HEAD / 2, heights[-1], look)


def _stretch(axes: Axes, look: Lane, ends: tuple[float, float], y: float, high: float, order: float) -> None:
    """A straight part of a lane."""
    (left, right), low = ends, y - high / 2
    axes.add_patch(Rectangle((left, low), right - left, high, facecolor=look.colour, linewidth=0, zorder=order))


def _number(axes: Axes, panel: Panel, x: float, y: float, look: Lane) -> None:
    axes.text(
        x, y, f"{look.number}", color=look.ink, fontsize=panel.digits, ha="center", va="center_baseline", zorder=4
    )
