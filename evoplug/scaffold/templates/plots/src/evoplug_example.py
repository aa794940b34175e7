"""Plot ``example``."""

from collections.abc import Mapping, Sequence

from evoplug import Run
from evoplug.contracts import Plot, dataclass
from matplotlib.figure import Figure


@dataclass(kw_only=True)
class Example(Plot):
    """Best fitness over the evaluations, a line for each run."""

    def draw(self, arms: Mapping[str, Sequence[Run]]) -> Figure | None:
        """A figure; ``arms`` are finished runs by arm."""
        figure = Figure()
        axes = figure.subplots()
        for number, (arm, runs) in enumerate(arms.items()):
            for run in runs:
                rows = run.metrics
                x, y = ([row[column] for row in rows] for column in ("evaluations", "best"))
                axes.plot(x, y, color=f"C{number}", label=arm if run is runs[0] else None)
        axes.set_xlabel("evaluations")
        axes.set_ylabel("best fitness")
        axes.legend()
        return figure
