"""How figures look: the same everywhere, whatever the settings of the user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, cast

import matplotlib
import numpy as np
from cycler import cycler

INK = "#1f2430"
"""The colour of text and axes."""

# Okabe and Ito's colours, which also those tell apart who see fewer of them; the styles differ without any.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", INK)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), "-")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "")
_SPREAD = [(0.04 * index, 0.25) for index in range(len(_COLOURS))]
_LOOKS = cycler(color=_COLOURS, linestyle=_DASHES, marker=_MARKERS, markevery=_SPREAD)
_STYLE: Mapping[str, Any] = {
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": _LOOKS,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.constrained_layout.use": True,
    "figure.figsize": (5.0, 3.0),
    "font.size": 9,
    "grid.alpha": 0.18,
    "grid.color": INK,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 3,
    "legend.title_fontsize": 8,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "savefig.dpi": 200,
    "svg.fonttype": "none",
    "svg.hashsalt": "evoplug",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8,
}


_looks: ContextVar[Mapping[str, Mapping[str, Any]]] = ContextVar("looks", default=MappingProxyType({}))
"""Of the figures in the making: how the line of each arm looks, by what a legend says for it."""


@contextmanager
def style() -> Iterator[None]:
    """Our settings upon matplotlib's own, whatever those of the user are, for the time of a block."""
    with matplotlib.rc_context(), np.errstate(over="ignore", invalid="ignore"):  # ticks near the largest numbers
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, _STYLE))
        yield


@contextmanager
def one_look_each(names: Iterable[str]) -> Iterator[None]:
    """For the time of a block an arm, by what a legend says for it, looks the same in all figures, also in those that
    leave others out."""
    looks = list(_LOOKS)
    token = _looks.set({name: looks[index % len(looks)] for index, name in enumerate(names)})
    try:
        yield
    finally:
        _looks.reset(token)


def look(name: str) -> Mapping[str, Any]:
    """How a line of this name looks inside of :func:`one_look_each`; nothing of its own elsewhere."""
    return _looks.get().get(name, {})
