"""What the command line tells of runs that are there, as values: compare, plot, report, export, play."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evoplug.errors import ConfigError
from evoplug.running.rundir import Run

if TYPE_CHECKING:
    from evoplug.analysis.comparison import Comparison
    from evoplug.analysis.plots import Drawings
    from evoplug.config import Claim
    from evoplug.running.exporting import Exported
    from evoplug.running.filming import Filmed

File = str | os.PathLike[str]
"""A path. A :class:`evoplug.Run` stands for its folder, and what it trusts is trusted."""
Ends = tuple[float | None, float | None]


def compare(
    *folders: File,
    metric: str | None = None,
    at: tuple[str, float] | None = None,
    better: str | None = None,
    than: str | None = None,
    margin: float | None = None,
    goal: Literal["max", "min"] | None = None,
    without: Iterable[str] = (),
    plugins: Iterable[File] = (),
) -> Comparison:
    """Is one arm better than another, and can it be shown?

    What comes back prints as tables; ``.rows()`` and ``.claims()`` are the same as plain values, for
    ``pandas.DataFrame(compared.rows())``; ``.markdown()``, ``.latex()`` and ``.csv()`` are text.

    Args:
        folders: run folders, or folders that hold run folders at any depth.
        metric: e.g. ``"test.accuracy"``; by default those of the sweep's claims, else the first on test data.
        at: ``("epochs", 128)`` compares at an equal budget, by a column of the records.
        better: test this arm over ``than`` in place of the sweep's claims.
        than: the arm to be beaten.
        margin: test that ``better`` is not worse by this much or more; 0 by default.
        goal: whether more of the metric is better, or less; by default as the evaluator says. Alone it tests every
            pair in place of the sweep's claims.
        without: arms to leave out, or single runs, as ``"ARM/seed-3"``.
        plugins: the files beside the configurations that you trust, see :class:`evoplug.Run`.

    Raises:
        ConfigError: if a metric, a column or an arm is not there, or ``better`` is given without ``than``.
        FilesError: if there is no finished run, or the runs cannot be compared.
    """
    from evoplug.analysis import compare as comparing
    from evoplug.analysis import groups

    if (better is None) != (than is None) or (margin is not None and better is None):
        raise ConfigError((), "better and than go together, and margin with them")
    if margin is not None and not margin >= 0:
        raise ConfigError("margin", f"must be 0 or more, got {margin}")
    read = groups.read(folders, without=without, plugins=_trusted(folders, plugins))
    claims: Sequence[Claim] | None = () if goal else None  # with a goal alone, every pair
    if better is not None and than is not None:
        asked = metric or ("best" if at and not read.claims else None)
        claims = comparing.pair(read, better, than, asked, margin=margin or 0.0, goal=goal)
    return comparing.compare(read, metric, at=at, claims=claims, goal=goal)


def plot(
    *folders: File,
    x: str = "generations",
    y: str | Sequence[str] = (),
    log_x: bool = False,
    log_y: bool = False,
    xlim: Ends = (None, None),
    ylim: Ends = (None, None),
    without: Iterable[str] = (),
    plugins: Iterable[File] = (),
) -> Drawings:
    """Draw finished runs, or one run as far as it is.

    Args:
        folders: run folders, or folders that hold run folders at any depth.
        x: the column of the records against which curves are drawn.
        y: columns, a figure each; by default ``best``, what was measured along the way, and the methods' own figures.
        log_x: a logarithmic x axis for the curves.
        log_y: a logarithmic y axis for the curves.
        xlim: part of the x axis, from and to; None leaves that end to the data.
        ylim: part of the y axis.
        without: as for :func:`compare`.
        plugins: as for :func:`compare`.

    Returns:
        A mapping name -> ``matplotlib.figure.Figure``, none of pyplot's; its ``notices`` say what was left out.

    Raises:
        ConfigError: if no run has such a column.
        FilesError: if there is no run to draw.
    """
    from evoplug.analysis import groups, plots

    read = groups.read(folders, unfinished=True, without=without, plugins=_trusted(folders, plugins))
    columns = [y] if isinstance(y, str) else y
    drawings = plots.draw(read, columns, x, plots.View(log_x, log_y, xlim, ylim))
    return replace(drawings, notices=(*read.notices, *drawings.notices))


def report(
    folder: File, file: File | None = None, *, without: Iterable[str] = (), plugins: Iterable[File] = ()
) -> Path:
    """Write one page about a run, as far as it is, or about all finished runs in a folder.

    Args:
        folder: a run folder, or one that holds run folders at any depth.
        file: the page; ``report.html`` in the folder by default.
        without: as for :func:`compare`.
        plugins: as for :func:`compare`.

    Returns:
        The page; what it could not show, it says.

    Raises:
        ConfigError, FilesError: if there is nothing to report, or the page cannot be written.
    """
    from evoplug.analysis.report import write

    page = Path(file) if file is not None else None
    return write(Path(folder), _trusted([folder], plugins), without=without, file=page)[0]


def export(folder: File, file: File, *, plugins: Iterable[File] = ()) -> Exported:
    """Write the solution of a finished run to a file that needs no evoplug.

    Args:
        folder: the run's folder.
        file: ``.pt2``, the network with its preprocessing as a program of ``torch.export``; ``.pt``, its weights and
            the code that makes the network, or the genome where there is no network; ``.json``, fitness and genome.
            Several networks go into one file, under their names.
        plugins: as for :func:`compare`; what making the network needs must be among them.

    Returns:
        The file's ``path``, the Python that loads it as ``load``, and ``notes`` on what it holds.

    Raises:
        ConfigError: for another suffix, or ``.pt2`` without a network.
        FilesError: if the run has not finished, or the file cannot be written.
    """
    from evoplug.running import exporting

    return exporting.export(Run(folder, _trusted([folder], plugins)).best, Path(file))


def play(folder: File, file: File | None = None, *, seed: int = 0, plugins: Iterable[File] = ()) -> Filmed:
    """Film an episode of the solution of a finished run.

    Args:
        folder: the run's folder.
        file: ``.gif``, or ``.mp4``, which needs imageio-ffmpeg; ``plots/episode.gif`` in the folder by default, which
            its report shows.
        seed: of what is random in the episode.
        plugins: as for :func:`compare`; what playing needs must be among them.

    Returns:
        The file's ``path``, the ``score`` that the solution reached and the ``title`` of the film; ``notes`` say what
        of a long episode was left out.

    Raises:
        ConfigError: for another suffix, or if the run's evaluator shows nothing, or cannot show it here.
        FilesError: if the run has not finished, or the file cannot be written.
    """
    from evoplug.running import filming, rundir

    path = rundir.plots(Path(folder)) / rundir.EPISODE if file is None else Path(file)
    filming.require(path)
    run = Run(folder, _trusted([folder], plugins))
    film = run.best.film(seed)
    if film is None:
        name = run.config["evaluator"]["use"]
        raise ConfigError((), f"{run.folder}: nothing to see: its evaluator, `{name}`, films no solution")
    if file is None:
        rundir.make(path.parent)
    return filming.write(film, path)


def _trusted(folders: Iterable[File], plugins: Iterable[File]) -> Iterator[File]:
    yield from [plugins] if isinstance(plugins, str | os.PathLike) else plugins
    for folder in folders:
        if isinstance(folder, Run):
            yield from folder.trusted
