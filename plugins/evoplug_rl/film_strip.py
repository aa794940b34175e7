"""What agents that play can be seen doing, as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from evoplug.analysis.groups import filmed
from evoplug.analysis.plots import counted, text
from evoplug.contracts import Plot, dataclass

if TYPE_CHECKING:
    from evoplug import Run

FRAMES = 8


@dataclass(kw_only=True)
class FilmStrip(Plot):
    """Frames of an episode of the best solution, from its first to its last.

    Drawn of the arms of which `evoplug play` has filmed a run: of each, the one with the best fitness.
    """

    def draw(self, arms: Mapping[str, Sequence[Run]]) -> Figure | None:
        films = {arm: found for arm, runs in arms.items() if (found := filmed(runs, FRAMES)) is not None}
        if not films:
            return None
        strips = {arm: list(film.frames) for arm, (_, film) in films.items()}
        heights = [7.0 / FRAMES * frames[0].shape[0] / frames[0].shape[1] + 0.3 for frames in strips.values()]
        figure = Figure(figsize=(7.0, sum(heights)))
        rows = figure.subfigures(len(films), 1, squeeze=False, height_ratios=heights)[:, 0]
        for (arm, (run, film)), row in zip(films.items(), rows, strict=True):
            said = f"{counted(arm, arms[arm])}, seed {run.seed}: {text(film.title)}, score {film.score:g}"
            row.suptitle(said, x=0.01, ha="left", fontsize="medium")
            panels = row.subplots(1, FRAMES, squeeze=False)[0]
            for axes, frame in zip_longest(panels, strips[arm]):
                if frame is None:
                    axes.set_axis_off()
                    continue
                axes.imshow(frame, interpolation="none")
                axes.spines[:].set(visible=True, linewidth=0.3)  # many a frame has the colour of the page
                axes.set(xticks=[], yticks=[])
        return figure
