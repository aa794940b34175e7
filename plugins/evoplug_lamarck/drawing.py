"""Drawing a line of ancestors: a row for each, a stack of blocks in it, and bands where weights were handed on.

All lengths are inches, and so are the units of the axes: what is written must fit into what is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import EngFormatter

from evoplug.analysis.plots import INK
from evoplug_lamarck.ancestry import Ancestor, Origin, origins
from evoplug_lamarck.blocks import Block
from evoplug_lamarck.edits import Edit, edits, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 4.9
LABELS = 1.42
"""Where the blocks begin."""
TALLEST, WIDEST, DENSE, GAP = 0.23, 0.65, 0.3, 0.045
"""Height of a block of full resolution; width of one with the most channels; the dense layer; between blocks."""
ROW, LINE = 0.38, 0.115
"""Height of a row, and of a line of text."""
NUMBERS = 3.2
"""Lines of text below the last row."""
BASE = 0.24
"""Share of a block's height that stands for all its weights but the kernel."""
LETTERS = 6.3
"""Size of the letters in blocks, in points, at most."""
INHERITED, NEW = "#0072b2", "#f0b84d"
NICHE = "#cc79a7"
ON = {INHERITED: "white", NEW: INK}
"""The colour of what is written on each."""

_CENTRED: Mapping[str, Any] = {"ha": "center", "va": "center_baseline"}


class Row(NamedTuple):
    """An ancestor and what is drawn of it."""

    ancestor: Ancestor
    edits: tuple[Edit, ...]
    origins: Sequence[Origin]
    """Of each block."""
    dense: bool
    """Whether the dense layer is the parent's."""
    skipped: int = 0
    """How many ancestors are left out above it."""

    @property
    def label(self) -> list[str]:
        """Generation and accuracy; what was edited, in as many lines as it takes."""
        fitness = "invalid" if self.ancestor.fitness is None else f"{self.ancestor.fitness:.3f}"
        first = "first block" if len(self.ancestor.stack) == 1 else "first blocks"
        return [f"generation {self.ancestor.generation}: {fitness}", *wrap(sentence(self.edits) or first, 27)]

    @property
    def height(self) -> float:
        """What the row takes."""
        return max(ROW, LINE * len(self.label) + 0.1)


class Place(NamedTuple):
    """A rectangle: left edge, middle, size."""

    x: float
    y: float
    width: float
    height: float


def rows(line: Sequence[Ancestor], inherits: bool, most: int) -> list[Row]:
    """The rows of a line, about so many at most: of a longer one those in the middle are left out."""
    parents = [None, *line[:-1]]
    every = [_row(parent, ancestor, inherits) for parent, ancestor in zip(parents, line, strict=True)]
    if len(every) <= most + 1:  # to say that one is left out takes as much room as the one
        return every
    begin, end = every[: most // 3], every[most // 3 - most :]
    return [*begin, end[0]._replace(skipped=len(every) - most), *end[1:]]


class Scale(NamedTuple):
    """How channels become widths: alike in all panels of a figure."""

    channels: int
    """The most there are."""
    widest: float
    """Width of so many."""
    letters: float
    """Size of what is written in blocks, in points."""

    @property
    def gap(self) -> float:
        """Between blocks: of narrow ones narrow, too."""
        return GAP * self.widest / WIDEST

    def width(self, block: Block) -> float:
        """By the cube root: 16 channels can be seen beside 256, and written on."""
        return self.widest * (block.channels / self.channels) ** (1 / 3)


def scale(shown: Iterable[Row]) -> Scale:
    """The one at which the longest stack fits."""
    stacks = [row.ancestor.stack for row in shown]
    most = max(block.channels for stack in stacks for block in stack)
    unit = Scale(most, 1, 0)
    longest = max(sum(map(unit.width, stack)) + unit.gap * len(stack) for stack in stacks)
    widest = min(WIDEST, (WIDTH - LABELS - DENSE) / longest)
    room = min(widest * unit.width(block) / len(written(block)) for stack in stacks for block in stack)
    return Scale(most, widest, min(LETTERS, 72 * room / 0.65))


def written(block: Block) -> str:
    """``k3``, ``k3s2``: what is written in a block."""
    return f"k{block.kernel}" if block.stride == 1 else f"k{block.kernel}s{block.stride}"


def panel_height(shown: Sequence[Row]) -> float:
    """What a line takes."""
    return sum(row.height for row in shown) + NUMBERS * LINE + 2 * LINE * sum(row.skipped > 0 for row in shown)


def draw_line(axes: Axes, shown: Sequence[Row], size: Scale, cost: Mapping[str, Any]) -> None:
    """All rows, from above, a line along each niche; the last row with its numbers.

    Args:
        axes: where; they are as high as :func:`panel_height` says.
        shown: what, see :func:`rows`.
        size: of the blocks.
        cost: ``parameters`` and ``flops`` of the last one, as far as they are known.
    """
    axes.set_axis_off()
    axes.set(xlim=(0, WIDTH), ylim=(panel_height(shown), 0))
    before: list[Place] = []
    y = 0.0
    niches: dict[int, tuple[float, float]] = {}  # by the generation of their founders: from where to where
    for number, row in enumerate(shown):
        if row.skipped:
            axes.text(0.09, y + LINE, f"⋮  {row.skipped} more", va="center", fontsize=7)
            y, before = y + 2 * LINE, []
        places = list(_places(row.ancestor.stack, size, y + row.height / 2))
        _bands(axes, row, before, places)
        _stack(axes, row, places, size)
        _label(axes, row, y, last=number == len(shown) - 1)
        before, top, y = places, y, y + row.height
        if row.ancestor.niche is not None:
            niches[row.ancestor.niche] = niches.get(row.ancestor.niche, (top, y))[0], y
    for top, bottom in niches.values():
        axes.add_patch(Rectangle((0.02, top + 0.03), 0.025, bottom - top - 0.06, facecolor=NICHE, linewidth=0))
    _numbers(axes, shown[-1].ancestor.stack, before, cost, y)


def draw_key(axes: Axes, *, niche: bool) -> None:
    """What a legend says of the colours: patches without a size."""
    colours: dict[str, dict[str, Any]] = {
        "inherited": {"facecolor": INHERITED},
        "new": {"facecolor": NEW},
        "edited": {"fill": False, "edgecolor": INK},
    }
    if niche:
        colours["in a niche"] = {"facecolor": NICHE}
    for name, colour in colours.items():
        axes.add_patch(Rectangle((0, 0), 0, 0, label=name, **colour))


def _row(parent: Ancestor | None, ancestor: Ancestor, inherits: bool) -> Row:
    before = None if parent is None else parent.stack
    found = () if before is None else edits(before, ancestor.stack)
    return Row(ancestor, found, *origins(before if inherits else None, ancestor.stack))


def _resolutions(stack: Sequence[Block]) -> list[int]:
    """How many times smaller than the image's the sides of each block's output are."""
    return list(accumulate((block.stride for block in stack), lambda before, stride: before * stride))


def _places(stack: Sequence[Block], size: Scale, y: float) -> Iterator[Place]:
    """Of the blocks, then of the dense layer, which has no resolution: as flat as an eighth."""
    x = LABELS
    for block, smaller in zip(stack, _resolutions(stack), strict=True):
        yield Place(x, y, size.width(block), TALLEST * smaller ** (-1 / 3))
        x += size.width(block) + size.gap
    yield Place(x, y, DENSE, TALLEST / 2)


def _bands(axes: Axes, row: Row, above: Sequence[Place], below: Sequence[Place]) -> None:
    """From each block to what has inherited from it; faint where that has a new kernel."""
    if not above:
        return
    for origin, place in zip(row.origins, below[:-1], strict=True):
        source = origin.rest if origin.kernel is None else origin.kernel
        if source is not None:
            _band(axes, above[source], place, 0.3 if None not in origin else 0.12)
    if row.dense:
        _band(axes, above[-1], below[-1], 0.3)


def _band(axes: Axes, above: Place, below: Place, alpha: float) -> None:
    top, bottom = above.y + above.height / 2, below.y - below.height / 2
    middle = (top + bottom) / 2
    left, right = (above.x, below.x), (above.x + above.width, below.x + below.width)
    vertices = [
        (left[0], top), (left[0], middle), (left[1], middle), (left[1], bottom),
        (right[1], bottom), (right[1], middle), (right[0], middle), (right[0], top),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3]
    axes.add_patch(PathPatch(Path(vertices, codes), facecolor=INHERITED, alpha=alpha, linewidth=0, zorder=1))


def _stack(axes: Axes, row: Row, places: Sequence[Place], size: Scale) -> None:
    edited = {edit.block for edit in row.edits}
    for number, (block, origin, place) in enumerate(zip(row.ancestor.stack, row.origins, places[:-1], strict=True)):
        kernel, rest = (NEW if source is None else INHERITED for source in origin)
        _box(axes, place, kernel, rest, edited=number in edited)
        y = place.y - place.height * BASE / 2 if kernel != rest else place.y
        axes.text(place.x + place.width / 2, y, written(block), color=ON[kernel], fontsize=size.letters, **_CENTRED)
    colour = INHERITED if row.dense else NEW
    _box(axes, places[-1], colour, colour, edited=False)
    axes.text(
        places[-1].x + DENSE / 2, places[-1].y, "dense", color=ON[colour], fontsize=min(5.5, size.letters), **_CENTRED
    )


def _box(axes: Axes, place: Place, kernel: str, rest: str, *, edited: bool) -> None:
    """A block: the kernel above, all else as its base; with a frame where an edit has touched it."""
    top, base = place.y - place.height / 2, place.height * BASE
    axes.add_patch(Rectangle((place.x, top), place.width, place.height, facecolor=kernel, linewidth=0, zorder=2))
    if rest != kernel:  # of one colour, the two would show a seam
        bottom = top + place.height - base
        axes.add_patch(Rectangle((place.x, bottom), place.width, base, facecolor=rest, linewidth=0, zorder=2))
    if edited:
        frame = Rectangle((place.x, top), place.width, place.height, fill=False, edgecolor=INK, linewidth=1.1, zorder=3)
        axes.add_patch(frame)


def _label(axes: Axes, row: Row, y: float, *, last: bool) -> None:
    """In words, to the left."""
    lines = row.label
    y += (row.height - LINE * (len(lines) - 1)) / 2
    for number, line in enumerate(lines):
        weight = "bold" if last and number == 0 else "normal"
        axes.text(0.09, y + number * LINE, line, fontsize=7 if number == 0 else 6.5, va="center", fontweight=weight)


def _numbers(axes: Axes, stack: Sequence[Block], places: Sequence[Place], cost: Mapping[str, Any], y: float) -> None:
    """Under the last one: channels and resolution of each block; what the network costs."""
    said: list[tuple[str, list[str]]] = [
        ("channels", [str(block.channels) for block in stack]),
        ("resolution", ["1" if smaller == 1 else f"1/{smaller}" for smaller in _resolutions(stack)]),
    ]
    for number, (name, values) in enumerate(said):
        at = y + (0.3 + number) * LINE
        axes.text(LABELS - 0.08, at, name, fontsize=6.5, ha="right", va="center")
        for value, place in zip(values, places[:-1], strict=True):
            axes.text(place.x + place.width / 2, at, value, fontsize=6, ha="center", va="center")
    if cost:
        at = y + (0.3 + len(said)) * LINE
        axes.text(LABELS - 0.08, at, "network", fontsize=6.5, ha="right", va="center")
        flops = EngFormatter(places=2)(cost["flops"]).rstrip()
        words = f"{cost['parameters']:,} parameters, {flops}{'' if flops[-1].isalpha() else ' '}FLOPs an image"
        axes.text(LABELS, at, words, fontsize=6.5, va="center")
