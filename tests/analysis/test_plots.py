"""Figures of run folders: the curves, what stands in them, and the figures of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.folders import ACKLEY, DATA, arm, finished, sweep
from evoplug import ConfigError, FilesError, catalogue
from evoplug.analysis import groups
from evoplug.analysis.plots import LARGEST, POINTS, Drawing, View, draw, label, mean_curve, save, svg
from evoplug.cli import main
from strangers import Site, visit


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from visit(tmp_path_factory.mktemp("site"))


def rows(*best: float | None, **more: list[float]) -> list[dict[str, Any]]:
    columns = {"best": list(best), **more}
    return [
        {"generations": index + 1, **{name: values[index] for name, values in columns.items() if index < len(values)}}
        for index in range(len(best))
    ]


def two_arms(folder: Path) -> Path:
    """Arm a: two runs; arm b: one."""
    finished(folder / "a" / "seed-1", 1, rows=rows(1.0, 2.0, 3.0))
    finished(folder / "a" / "seed-2", 2, rows=rows(3.0, 4.0, 7.0))
    finished(folder / "b" / "seed-1", 1, rows=rows(0.0, 0.5, 1.0), strategy={"use": "xnes"})
    return folder


def drawn(folder: Path, *y: str, **more: str) -> dict[str, Drawing]:
    return {drawing.name: drawing for drawing in draw(groups.read([folder]), y, **more).figures}


def test_each_problem_of_a_sweep_has_figures_of_its_own(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "s", {"a": [0.1], "b": [0.2]}, sections={"b": ACKLEY})
    figures = drawn(folder)
    assert list(figures) == ["function=sphere-best-by-generations", "function=ackley-best-by-generations"]
    assert [drawing.caption for drawing in figures.values()] == [
        "Best fitness against generations; function=sphere", "Best fitness against generations; function=ackley",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (View(log_y=True, ylim=(-1.0, None)), "ylim: must be above 0 on a logarithmic axis, got -1"),
        (View(log_x=True, xlim=(None, 0.0)), "xlim: must be above 0 on a logarithmic axis, got 0"),
        (View(ylim=(float("nan"), None)), "ylim: must be finite, got nan"),
        (View(xlim=(None, float("inf"))), "xlim: must be finite, got inf"),
    ],
)
def test_ends_that_no_axis_can_have_are_refused(view: View, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        draw(groups.read([two_arms(tmp_path)]), view=view)


def test_a_problem_without_a_column_is_left_out_and_that_is_noted(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "s", {"a": [0.1]})
    arm(folder / "b", [0.2], rows=rows(0.1, 0.2, epochs=[1, 2]), evaluator=DATA)
    drawings = draw(groups.read([folder]), ["epochs"])
    assert [drawing.name for drawing in drawings.figures] == ["dataset=mnist-epochs-by-generations"]
    assert drawings.notices[0].startswith("function=sphere: left out: arm a: ")
    with pytest.raises(ConfigError, match="`nothing`"):
        draw(groups.read([folder]), ["nothing"])


class TestMeanCurve:
    def test_mean_and_sample_deviation(self) -> None:
        line = mean_curve([([1, 2], [1.0, 3.0]), ([1, 2], [3.0, 3.0])])
        assert line.x.tolist() == [1, 2]
        assert line.mean.tolist() == [2.0, 3.0]
        assert line.deviation.tolist() == [2**0.5, 0.0]

    def test_where_x_differ_it_interpolates_over_what_all_have(self) -> None:
        line = mean_curve([([0, 10, 20], [0.0, 10.0, 20.0]), ([5, 15], [1.0, 1.0])])
        assert line.x.tolist() == [5, 10, 15]
        assert line.mean.tolist() == [3.0, 5.5, 8.0]

    def test_what_is_not_finite_is_left_out(self) -> None:
        assert mean_curve([([1, 2, 3], [1.0, np.nan, 3.0])]).mean.tolist() == [1.0, 3.0]

    def test_long_curves_are_thinned_and_keep_their_ends(self) -> None:
        line = mean_curve([(list(range(5000)), list(range(5000)))])
        assert (len(line.x), line.x[0], line.x[-1]) == (POINTS, 0, 4999)

    @pytest.mark.parametrize("curves", [[([1], [np.nan])], [([1, 2], [0.0, 0.0]), ([3, 4], [0.0, 0.0])]])
    def test_nothing_to_draw_is_said(self, curves: Any) -> None:
        with pytest.raises(ConfigError, match="a run has no finite value|no part of the axis in common"):
            mean_curve(curves)

    @given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=5))
    def test_the_mean_lies_among_the_curves(self, values: list[list[float]]) -> None:
        line = mean_curve([([1, 2, 3], each) for each in values])
        assert (line.mean >= np.min(values, axis=0) - 1e-6).all()
        assert (line.mean <= np.max(values, axis=0) + 1e-6).all()


class TestCurves:
    def test_an_arm_is_a_line_with_n_and_a_band_where_it_has_several_runs(self, tmp_path: Path) -> None:
        (axes,) = drawn(two_arms(tmp_path), "best")["best-by-generations"].figure.axes
        a, b = axes.lines
        assert a.get_ydata().tolist() == [2.0, 3.0, 5.0]
        assert (a.get_label(), b.get_label()) == ("a (n = 2)", "b (n = 1)")
        assert len(axes.collections) == 1
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("generations", "best fitness")

    def test_the_legend_says_what_the_band_is(self, tmp_path: Path) -> None:
        (legend,) = drawn(two_arms(tmp_path), "best")["best-by-generations"].figure.legends
        assert "standard deviation over runs" in legend.get_title().get_text()

    def test_arms_differ_without_colour(self, tmp_path: Path) -> None:
        for index in range(8):
            finished(tmp_path / f"arm-{index}", strategy={"use": "snes", "sigma": 0.1 + index})
        (axes,) = drawn(tmp_path, "best")["best-by-generations"].figure.axes
        looks = {(str(line.get_linestyle()), str(line.get_marker())) for line in axes.lines}
        assert len(looks) == 8

    def test_by_default_the_best_and_metrics_that_were_measured_again_and_again(self, tmp_path: Path) -> None:
        """Not their parts: there may be fifty."""
        table = rows(1.0, 2.0, 3.0)
        for name in ("validation.accuracy", "test.error", "test.error.mnist", "test.error.kmnist"):
            table[0][name] = table[2][name] = 0.5
        table[2]["validation.loss"] = 0.5
        finished(tmp_path / "run", rows=table)
        figures = ["best-by-generations", "validation.accuracy-by-generations", "test.error-by-generations"]
        assert list(drawn(tmp_path)) == figures
        assert list(drawn(tmp_path, "test.error.mnist")) == ["test.error.mnist-by-generations"]

    def test_any_column_over_any_ledger_column(self, tmp_path: Path) -> None:
        finished(tmp_path / "run", rows=rows(1.0, 2.0, sigma=[0.3, 0.2], seconds=[1.5, 2.5]))
        (axes,) = drawn(tmp_path, "sigma", x="seconds")["sigma-by-seconds"].figure.axes
        assert axes.lines[0].get_xydata().tolist() == [[1.5, 0.3], [2.5, 0.2]]
        assert axes.get_xlabel() == "time [s]"

    def test_large_counts_are_written_short(self, tmp_path: Path) -> None:
        finished(tmp_path / "run", rows=rows(1.0, 2.0, samples=[500_000, 1_000_000]))
        figure = drawn(tmp_path, "best", x="samples")["best-by-samples"].figure
        assert figure.axes[0].xaxis.get_major_formatter()(1_000_000) == "1M"

    def test_a_single_point_can_be_seen(self, tmp_path: Path) -> None:
        finished(tmp_path / "run", rows=rows(1.0))
        (axes,) = drawn(tmp_path, "best")["best-by-generations"].figure.axes
        assert axes.lines[0].get_markevery() == 1

    def test_a_column_that_no_run_has_is_refused_with_the_nearest(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"`bets`; did you mean `best`\?"):
            drawn(two_arms(tmp_path), "bets")

    def test_an_arm_without_the_column_is_left_out_and_said(self, tmp_path: Path) -> None:
        finished(tmp_path / "a", rows=rows(1.0, 2.0, sigma=[0.3, 0.2]))
        finished(tmp_path / "b", rows=rows(1.0, 2.0), strategy={"use": "xnes"})
        drawings = draw(groups.read([tmp_path]), ["sigma"])
        assert [line.get_label() for line in drawings.figures[0].figure.axes[0].lines] == ["a (n = 1)"]
        assert len(drawings.notices) == 1
        assert "sigma by generations: left out: arm b" in drawings.notices[0]


class TestFiles:
    def test_png_and_svg_the_same_every_time(self, tmp_path: Path) -> None:
        folder = two_arms(tmp_path / "runs")
        first = save(drawn(folder, "best")["best-by-generations"], tmp_path / "first")
        again = save(drawn(folder, "best")["best-by-generations"], tmp_path / "again")
        assert [path.name for path in first] == ["best-by-generations.png", "best-by-generations.svg"]
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]

    def test_the_text_of_an_svg_is_text(self, tmp_path: Path) -> None:
        tree = ElementTree.fromstring(svg(drawn(two_arms(tmp_path), "best")["best-by-generations"]))
        texts = {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}
        assert {"best fitness", "generations", "a (n = 2)"} <= texts

    def test_names_are_shown_as_they_are(self, tmp_path: Path) -> None:
        arm(tmp_path / "rate=0.5 $5 <$9", [0.1, 0.2], rows=rows(1.0, 2.0))
        tree = ElementTree.fromstring(svg(drawn(tmp_path, "best")["best-by-generations"]))
        texts = {element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")}
        assert "rate=0.5 $5 <$9 (n = 2)" in texts
        assert label("test.accuracy") == "test accuracy"

    def test_a_folder_that_cannot_be_made_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        drawing = drawn(two_arms(tmp_path / "runs"), "best")["best-by-generations"]
        with pytest.raises(FilesError, match="taken: cannot be written"):
            save(drawing, tmp_path / "taken")


PLOTS = '''
    from matplotlib.figure import Figure
    from evoplug.contracts import Plot, dataclass

    @dataclass(kw_only=True)
    class Runs(Plot):
        """How many runs there are."""
        strategies = ("snes",)

        def draw(self, arms):
            figure = Figure()
            figure.subplots().bar(list(arms), [len(runs) for runs in arms.values()])
            return figure

    @dataclass(kw_only=True)
    class Nothing(Plot):
        """What nobody recorded."""

        def draw(self, arms):
            return None

    @dataclass(kw_only=True)
    class Broken(Plot):
        """Fails."""

        def draw(self, arms):
            return 1 / 0
'''


class TestPluginsFigures:
    def test_are_drawn_of_the_runs_of_their_strategies(self, tmp_path: Path, site: Site) -> None:
        site.add("evoplug-runs", {"plots/runs": "drawing:Runs"}, {"drawing.py": PLOTS})
        drawing = drawn(two_arms(tmp_path))["runs"]
        assert drawing.caption == "How many runs there are"
        assert [tick.get_text() for tick in drawing.figure.axes[0].get_xticklabels()] == ["a"]

    def test_one_that_has_nothing_to_show_draws_nothing(self, tmp_path: Path, site: Site) -> None:
        site.add("evoplug-runs", {"plots/nothing": "drawing:Nothing"}, {"drawing.py": PLOTS})
        assert "nothing" not in drawn(two_arms(tmp_path))

    def test_one_that_fails_is_said_and_disturbs_no_other(self, tmp_path: Path, site: Site) -> None:
        points = {"plots/broken": "drawing:Broken", "plots/gone": "nowhere:Gone", "plots/runs": "drawing:Runs"}
        site.add("evoplug-runs", points, {"drawing.py": PLOTS})
        drawings = draw(groups.read([two_arms(tmp_path)]))
        assert "runs" in [drawing.name for drawing in drawings.figures]
        broken, gone = drawings.notices
        assert broken == "evoplug.plots: broken: ZeroDivisionError: division by zero"
        assert "nowhere" in gone

    def test_one_that_cannot_draw_an_unfinished_run_is_said(self, tmp_path: Path, site: Site) -> None:
        site.add("evoplug-runs", {"plots/broken": "drawing:Broken"}, {"drawing.py": PLOTS})
        finished(tmp_path / "run", status="interrupted")
        drawings = draw(groups.read([tmp_path], unfinished=True))
        assert drawings.notices == ("evoplug.plots: broken: draws finished runs only",)
        assert drawings.figures[0].figure.axes[0].lines[0].get_label() == "run (unfinished)"

    def test_those_beside_the_configuration_are_drawn_too(self, tmp_path: Path) -> None:
        file, gone = tmp_path / "mine.py", tmp_path / "gone.py"
        registered = PLOTS.replace("@dataclass", '@register("plots", "mine")\n    @dataclass', 1)
        file.write_text(dedent(f"    from evoplug import register\n{registered}"))
        runs = tmp_path / "runs"
        finished(runs / "a", plugins=[str(file), str(gone)])
        finished(runs / "b", plugins=[str(file)])
        left_out = groups.read([runs])
        assert [notice.partition(": left out")[0] for notice in left_out.notices] == [str(file), str(gone)]
        assert "mine" not in {drawing.name for drawing in draw(left_out).figures}
        drawings = draw(groups.read([runs], plugins=[file, gone]))
        assert [drawing.caption for drawing in drawings.figures if drawing.name == "mine"] == [
            "How many runs there are"
        ]
        (notice,) = drawings.notices
        assert notice.startswith(f"without the plots beside the configuration: {gone}: cannot be read: ")
        assert "mine" not in {entry.name for entry in catalogue.entries("plots")}


class TestCommand:
    def test_prints_what_it_wrote(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        assert evoplug(two_arms(tmp_path), "--y", "best", "--format", "svg") == 0
        assert capfd.readouterr() == (f"{tmp_path}/plots/best-by-generations.svg\n", "")

    def test_many_folders_need_a_place(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        folder = two_arms(tmp_path)
        assert evoplug(folder / "a", folder / "b") == 2
        assert "--out FOLDER" in capfd.readouterr().err
        assert evoplug(folder / "a", folder / "b", "--out", tmp_path / "here", "--format", "png") == 0
        assert [path.name for path in (tmp_path / "here").iterdir()] == ["best-by-generations.png"]

    def test_one_unfinished_run_is_drawn_as_far_as_it_is(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        finished(tmp_path / "run", status="interrupted")
        assert evoplug(tmp_path / "run", "--format", "svg") == 0
        assert capfd.readouterr().err == "note: unfinished: generation 2 of 2; interrupted: generations = 2\n"

    def test_unfinished_runs_are_left_out_and_said(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        finished(two_arms(tmp_path) / "a" / "seed-3", 3, status="interrupted")
        assert evoplug(tmp_path, "--format", "svg") == 0
        assert "seed-3: interrupted, left out" in capfd.readouterr().err

    @pytest.mark.parametrize(("arguments", "code"), [(["--y", "nothing"], 2), (["--x", "nothing"], 2)])
    def test_bad_columns(self, arguments: list[str], code: int, tmp_path: Path) -> None:
        assert evoplug(two_arms(tmp_path), *arguments) == code

    def test_no_run_is_an_error_of_files(self, tmp_path: Path) -> None:
        assert evoplug(tmp_path) == 4


def evoplug(*arguments: object) -> int:
    """The exit code of ``evoplug plot``."""
    with pytest.raises(SystemExit) as end:
        main(["plot", *map(str, arguments)])
    return int(end.value.code or 0)


class TestView:
    def folder(self, folder: Path) -> Path:
        finished(folder / "a" / "seed-1", 1, rows=rows(100.0, 10.0, 1.0))
        finished(folder / "a" / "seed-2", 2, rows=rows(1.0, 1.0, 1.0))
        finished(folder / "b" / "seed-1", 1, rows=rows(-1.0, 0.0, 1.0), strategy={"use": "xnes"})
        finished(folder / "c" / "seed-1", 1, rows=rows(-1.0, -2.0, -1.0), strategy={"use": "pgpe"})
        return folder

    def test_logarithmic_axes_show_what_is_above_zero_and_no_band_below(self, tmp_path: Path) -> None:
        drawings = draw(groups.read([self.folder(tmp_path)]), ["best"], view=View(log_x=True, log_y=True))
        (axes,) = drawings.figures[0].figure.axes
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert [line.get_ydata().tolist() for line in axes.lines] == [[50.5, 5.5, 1.0], [1.0]]
        (band,) = axes.collections
        assert band.get_paths()[0].vertices[:, 1].min() == 1.0
        (notice,) = drawings.notices
        assert notice.startswith("best by generations: left out: arm c: has no value above 0, and a logarithmic axis")

    def test_where_nothing_can_be_seen_it_is_refused(self, tmp_path: Path) -> None:
        finished(tmp_path / "c", rows=rows(-1.0, -2.0))
        with pytest.raises(ConfigError, match="arm c: has no value above 0"):
            draw(groups.read([tmp_path]), ["best"], view=View(log_y=True))

    def test_limits_of_either_end(self, tmp_path: Path) -> None:
        drawings = draw(groups.read([self.folder(tmp_path)]), ["best"], view=View(xlim=(1.5, 2.5), ylim=(0.0, None)))
        (axes,) = drawings.figures[0].figure.axes
        assert axes.get_xlim() == (1.5, 2.5)
        assert axes.get_ylim()[0] == 0.0

    @pytest.mark.parametrize(
        ("option", "code"), [("--xlim=1:2", 0), ("--ylim=:2", 0), ("--xlim=2", 2), ("--xlim=2:1", 2), ("--ylim=a:b", 2)]
    )
    def test_limits_of_the_command(self, option: str, code: int, tmp_path: Path) -> None:
        assert evoplug(self.folder(tmp_path), "--y", "best", "--format", "svg", option) == code


class TestLooks:
    def test_an_arm_looks_the_same_in_every_figure(self, tmp_path: Path) -> None:
        finished(tmp_path / "a", rows=rows(1.0, 2.0))
        finished(tmp_path / "b", rows=rows(1.0, 2.0, sigma=[0.3, 0.2]), strategy={"use": "xnes"})
        whole, part = (drawing.figure.axes[0].lines for drawing in drawn(tmp_path, "best", "sigma").values())
        b = whole[1]
        assert [(line.get_color(), line.get_linestyle(), line.get_marker()) for line in part] == [
            (b.get_color(), b.get_linestyle(), b.get_marker())
        ]

    def test_arms_that_begin_with_an_underscore_are_in_the_legend(self, tmp_path: Path) -> None:
        finished(tmp_path / "_b", rows=rows(1.0, 2.0))
        (legend,) = drawn(tmp_path, "best")["best-by-generations"].figure.legends
        assert [entry.get_text() for entry in legend.get_texts()] == [" _b (n = 1)"]

    def test_the_settings_of_a_user_change_nothing(self, tmp_path: Path) -> None:
        folder = two_arms(tmp_path)
        before = svg(drawn(folder, "best")["best-by-generations"])
        theirs = {"lines.marker": "o", "axes.facecolor": "red", "text.usetex": True, "savefig.bbox": "tight"}
        with matplotlib.rc_context(theirs):
            assert svg(drawn(folder, "best")["best-by-generations"]) == before
            assert matplotlib.rcParams["axes.facecolor"] == "red"

    def test_what_is_to_be_small_says_so(self, tmp_path: Path) -> None:
        finished(tmp_path / "a", rows=rows(1.0, 2.0, value=[2.0, 1.0]), minimised=["value"])
        value, best = (drawn(tmp_path, column)[f"{column}-by-generations"] for column in ("value", "best"))
        assert value.figure.axes[0].get_ylabel() == "value (less is better)"
        assert best.figure.axes[0].get_ylabel() == "best fitness"

    @pytest.mark.parametrize("size", [1e200, 1.7e308, 1e-200])
    def test_numbers_of_any_size_are_drawn(self, size: float, tmp_path: Path) -> None:
        for seed, sign in ((1, 1), (2, -1)):
            finished(tmp_path / "a" / f"seed-{seed}", seed, rows=rows(sign * size / 3, sign * size))
        drawings = draw(groups.read([tmp_path]))
        assert all("<svg" in svg(drawing) for drawing in drawings.figures)
        assert bool(drawings.figures) == (size <= LARGEST) != bool(drawings.notices)
