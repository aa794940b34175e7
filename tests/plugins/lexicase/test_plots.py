"""The figures of gradient lexicase selection: what was read of the cases, and accuracies by arm."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from evoplug_lexicase.plots import Accuracy, Decided, Survivors


def run(
    survivors: Sequence[Sequence[int]] = (),
    decided: Sequence[int] = (),
    read: int = 128,
    strategy: str = "gradient-lexicase",
    **accuracies: float,
) -> Any:
    """As a finished run leaves it; without cases, it selected by fitness."""
    told = [
        {"cases_read": read, "decided": cases, "survivors": left}
        for left, cases in zip(survivors or [[1]] * len(decided), decided or [1] * len(survivors), strict=True)
    ]
    return SimpleNamespace(
        folder="runs/x",
        status="finished",
        metrics=[{"generations": g, "chosen": 0, **row} for g, row in enumerate(told or [{}] * 3, start=1)],
        result={split: {"accuracy": value} for split, value in accuracies.items()},
        config={"run": {"seed": 1}, "strategy": {"use": strategy}},
    )


def said(figure: Any) -> list[str]:
    return [found.get_text() for found in figure.legends[0].get_texts()]


class TestDecided:
    def test_the_median_thick_and_every_run_thin(self) -> None:
        figure = Decided().draw({"lexicase": [run(decided=[1, 4]), run(decided=[3, 2]), run(decided=[8, 900])]})
        assert figure is not None
        (axes,) = figure.axes
        median, *each = axes.lines
        assert median.get_xydata().tolist() == [[1, 3], [2, 4]]
        assert [line.get_ydata().tolist() for line in each] == [[1, 4], [3, 2], [8, 900]]
        assert all(line.get_linewidth() < median.get_linewidth() for line in each)
        assert {line.get_color() for line in each} == {median.get_color()}
        assert axes.get_yscale() == "log"
        assert said(figure) == ["lexicase (n = 3)"]
        assert figure.legends[0].get_title().get_text() == "thick: median over runs; thin: one run"

    def test_of_one_run_its_own_line(self) -> None:
        figure = Decided().draw({"lexicase": [run(decided=[1, 4])], "random": [run()]})
        assert figure is not None
        (line,) = figure.axes[0].lines
        assert line.get_ydata().tolist() == [1, 4]
        assert said(figure) == ["lexicase (n = 1)"]

    def test_one_generation_is_a_dot(self) -> None:
        figure = Decided().draw({"lexicase": [run(decided=[4])]})
        assert figure is not None
        assert figure.axes[0].lines[0].get_marker() == "o"

    def test_runs_of_different_lengths_have_a_median_as_far_as_all_go(self) -> None:
        figure = Decided().draw({"lexicase": [run(decided=[1, 4, 9]), run(decided=[3])]})
        assert figure is not None
        assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[2], [1, 4, 9], [3]]


class TestSurvivors:
    def test_means_by_third_and_one_once_it_is_decided(self) -> None:
        rows = [[4, 3, 2], [2, 1], [1], [4, 4, 1], [3, 1], [4]]
        figure = Survivors().draw({"lexicase": [run(survivors=rows, decided=[7, 2, 1, 4, 2, 1])]})
        assert figure is not None
        lines = [axes.lines[0] for axes in figure.axes]
        assert [line.get_xdata().tolist() for line in lines] == [[1, 2, 4, 8]] * 3
        assert [line.get_ydata().tolist() for line in lines] == [[3, 2, 1.5, 1], [2.5, 2.5, 1, 1], [3.5, 1, 1, 1]]
        assert [axes.get_title() for axes in figure.axes] == [
            "first third of generations",
            "middle third",
            "last third",
        ]

    def test_children_that_all_cases_leave_stay(self) -> None:
        figure = Survivors().draw({"lexicase": [run(survivors=[[4, 2]], decided=[3], read=3)]})
        assert figure is not None
        (axes,) = figure.axes
        assert axes.lines[0].get_ydata().tolist() == [4, 2, 2]
        assert axes.get_title() == "all generations"

    def test_mean_and_deviation_over_runs(self) -> None:
        figure = Survivors().draw({"lexicase": [run(survivors=[[4]] * 3), run(survivors=[[2]] * 3)], "best": [run()]})
        assert figure is not None
        for axes in figure.axes:
            assert axes.lines[0].get_ydata().tolist() == [3, 1]
            edge = axes.collections[0].get_paths()[0].get_extents()
            assert (edge.y0, edge.y1) == pytest.approx((1, 3 + 2**0.5))
        assert said(figure) == ["lexicase (n = 2)"]


class TestAccuracy:
    def test_a_row_an_arm_and_a_dot_a_run(self) -> None:
        plain = run(strategy="gradient-descent", test=0.5)
        figure = Accuracy().draw({"lexicase": [run(test=0.4, validation=0.1), run(test=0.6)], "sgd": [plain]})
        assert figure is not None
        (axes,) = figure.axes
        assert axes.get_xlabel() == "test accuracy"
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["lexicase (n = 2)", "sgd (n = 1)"]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]
        dots, bar, other = axes.collections  # the bar is that of the deviation
        assert dots.get_offsets().tolist() == [[0.4, 0], [0.6, 0]]
        assert other.get_offsets().tolist() == [[0.5, 1]]
        assert bar.get_segments()[0][:, 0].tolist() == pytest.approx([0.5 - 0.02**0.5, 0.5 + 0.02**0.5])
        assert axes.lines[0].get_xdata().tolist() == [0.5]
        assert said(figure) == ["one run", "mean and standard deviation over runs"]

    def test_on_validation_where_test_was_not_measured(self) -> None:
        figure = Accuracy().draw({"lexicase": [run(validation=0.4)], "random": [run()]})
        assert figure is not None
        (axes,) = figure.axes
        assert axes.get_xlabel() == "validation accuracy"
        assert [tick.get_text() for tick in axes.get_yticklabels()] == ["lexicase (n = 1)"]
        assert said(figure) == ["one run"]

    def test_plain_training_alone_has_none(self) -> None:
        assert Accuracy().draw({"sgd": [run(strategy="gradient-descent", test=0.5)]}) is None


@pytest.mark.parametrize("plot", [Decided(), Survivors(), Accuracy()], ids=["decided", "survivors", "accuracy"])
def test_runs_that_recorded_nothing_of_it_have_none(plot: Any) -> None:
    assert plot.draw({"best": [run(), run()]}) is None
