"""Figures of trained networks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import evoplug
from evoplug.analysis import groups
from evoplug.analysis.plots import draw
from evoplug_supervised.plots import MetricsByArm, Subjects, TrainingCurves


def trained(*losses: list[float | None], headline: str = "accuracy", **measured: list[float]) -> Any:
    """A run whose members had these training losses, a list a generation, and two epochs in each."""
    rows: list[dict[str, Any]] = [
        {"generations": i + 1, "training_loss": row, "lineage_epochs": [2 * i + 2] * len(row)}
        for i, row in enumerate(losses)
    ]
    for name, values in measured.items():
        for row, value in zip(rows, values, strict=False):
            row[f"validation.{name}"] = value
    config = {"evaluator": {"use": "train", "headline": headline}, "run": {"seed": 1}}
    return SimpleNamespace(folder="runs/x", status="finished", metrics=rows, result={}, config=config)


def reported(split: str = "test", **metrics: Any) -> Any:
    values = {name.replace("__", "."): value for name, value in metrics.items()}
    return SimpleNamespace(folder="runs/x", status="finished", metrics=[], result={split: values})


class TestTrainingCurves:
    def test_both_losses_and_the_headline_by_epochs(self) -> None:
        run = trained([1.0, 3.0], [0.5, 1.5], headline="f1", loss=[2.5, 1.5], f1=[0.25, 0.75], accuracy=[0.5, 0.5])
        figure = TrainingCurves().draw({"a": [run]})
        assert figure is not None
        losses, headline = figure.axes
        validation, training, _ = losses.lines
        assert (list(training.get_xdata()), list(training.get_ydata())) == ([2, 4], [2, 1])  # means over the members
        assert list(validation.get_ydata()) == [2.5, 1.5]
        assert (training.get_linestyle(), training.get_color()) == (":", validation.get_color())
        assert (headline.get_ylabel(), list(headline.lines[0].get_ydata())) == ("validation f1", [0.25, 0.75])
        assert headline.get_xlabel() == "epochs of training of one network"

    def test_without_validation_the_loss_in_training_is_alone(self) -> None:
        figure = TrainingCurves().draw({"a": [trained([1.0], [0.5])], "b": [trained([2.0], [1.0])]})
        assert figure is not None
        (axes,) = figure.axes
        assert axes.get_ylabel() == "loss in training"
        assert [list(line.get_ydata()) for line in axes.lines] == [[1, 0.5], [2, 1]]

    def test_losses_that_were_not_finite_are_left_out(self) -> None:
        figure = TrainingCurves().draw({"a": [trained([1.0, None], [None, None], [0.5, 0.5])]})
        assert figure is not None
        assert list(figure.axes[0].lines[0].get_ydata()) == [1, 0.5]

    def test_nothing_is_drawn_of_one_round_or_of_other_evaluators(self) -> None:
        assert TrainingCurves().draw({"a": [trained([1.0])]}) is None
        assert TrainingCurves().draw({"a": [reported(accuracy=0.5)]}) is None
        assert TrainingCurves().draw({"a": [trained([None], [None])]}) is None


class TestMetricsByArm:
    def test_a_panel_a_metric_a_line_an_arm_and_a_dot_a_run(self) -> None:
        arms = {
            "a": [reported(accuracy=0.5, f1=v, f1__macro=v) for v in (0.2, 0.4)],
            "b": [reported(accuracy=0.6, f1=0.5)],
        }
        figure = MetricsByArm().draw(arms)
        assert figure is not None
        accuracy, f1, macro = figure.axes
        assert [axes.get_xlabel() for axes in figure.axes] == ["test accuracy", "test f1", "test f1 macro"]
        assert [label.get_text() for label in accuracy.get_yticklabels()] == ["a (n = 2)", "b (n = 1)"]
        dots = [c.get_offsets().tolist() for c in f1.collections if len(c.get_offsets()) and c.get_zorder() == 3]
        assert dots == [[[0.2, 2], [0.4, 2]], [[0.5, 1]]]
        assert [line.get_xdata()[0] for line in f1.lines] == pytest.approx([0.3])
        assert len(macro.lines) == 1

    def test_validation_where_there_is_no_test(self) -> None:
        figure = MetricsByArm().draw({"a": [reported("validation", accuracy=0.5, auc=0.5)] * 2})
        assert figure is not None
        assert [axes.get_xlabel() for axes in figure.axes] == ["validation accuracy", "validation auc"]

    def test_nothing_is_drawn_of_accuracy_alone_or_of_a_single_run(self) -> None:
        assert MetricsByArm().draw({"a": [reported(accuracy=0.5)] * 2}) is None
        assert MetricsByArm().draw({"a": [reported(accuracy=0.5, f1=0.5)]}) is None


class TestSubjects:
    def test_bars_are_sorted_and_say_how_many_images_there_are(self) -> None:
        sizes = {"accuracy__examples__ann": 3.0, "accuracy__examples__bob": 1200.0}
        first = reported(accuracy__subject__ann=0.25, accuracy__subject__bob=0.75, **sizes)
        second = reported(accuracy__subject__ann=0.75, accuracy__subject__bob=0.75, **sizes)
        figure = Subjects().draw({"a": [first, second], "b": [first]})
        assert figure is not None
        a, b = figure.axes
        assert [label.get_text() for label in a.get_yticklabels()] == ["bob (1,200)", "ann (3)"]
        assert [bar.get_width() for bar in a.patches] == [0.75, 0.5]
        assert [bar.get_width() for bar in b.patches] == [0.75, 0.25]
        assert (a.get_title(), b.get_title()) == ("a (n = 2)", "b (n = 1)")
        assert figure.get_supxlabel() == "test accuracy"

    def test_of_many_arms_the_first_are_drawn_and_it_says_so(self) -> None:
        run = reported(accuracy__subject__ann=0.5, accuracy__examples__ann=2.0)
        figure = Subjects().draw({f"arm {n}": [run] for n in range(6)})
        assert figure is not None
        assert len(figure.axes) == 4
        assert figure.get_supxlabel() == "test accuracy; 4 of 6 arms"

    def test_nothing_is_drawn_where_nobody_asked_for_subjects(self) -> None:
        assert Subjects().draw({"a": [reported(accuracy=0.5)]}) is None
        diverged = reported(accuracy__subject__ann=None, accuracy__examples__ann=None)
        assert Subjects().draw({"a": [diverged]}) is None


def test_a_real_run_gets_its_figures(tmp_path: Any) -> None:
    config = {
        "run": {"name": "tiny", "stop": {"generations": 2}, "measure": {"every": 1}},
        "strategy": {"use": "gradient-descent"},
        "evaluator": {"use": "train", "network": {"use": "mlp", "hidden": [4]}, "metrics": ["f1"]},
    }
    for seed in (1, 2):
        evoplug.run(config, {"run.seed": seed}, out=tmp_path / "run" / f"seed-{seed}")
    drawings = draw(groups.read([tmp_path]))
    assert not drawings.notices
    assert {"train-curves", "train-metrics"} <= {each.name for each in drawings.figures}
    assert "train-subjects" not in drawings
