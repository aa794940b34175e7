"""LEEA's figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import evoplug
from evoplug.analysis import groups
from evoplug.analysis.plots import draw
from evoplug_leea.plots import Accuracies, MutationStrength


def run(accuracy: float | None = 0.5, **columns: list[float]) -> Any:
    count = len(next(iter(columns.values()), []))
    splits = {} if accuracy is None else {"validation": {"accuracy": accuracy + 0.1}, "test": {"accuracy": accuracy}}
    rows = [{"generations": i + 1, **{name: values[i] for name, values in columns.items()}} for i in range(count)]
    return SimpleNamespace(folder="runs/x", status="finished", metrics=rows, result=splits)


class TestAccuracies:
    def test_a_box_an_arm_and_a_dot_a_run(self) -> None:
        figure = Accuracies().draw({"a": [run(0.1), run(0.3), run(0.4)], "b": [run(0.7), run(0.8)]})
        assert figure is not None
        validation, test = figure.axes
        assert (validation.get_xlabel(), test.get_xlabel()) == ("validation accuracy", "test accuracy")
        assert [text.get_text() for text in validation.get_yticklabels()] == ["a (n = 3)", "b (n = 2)"]
        dots = [collection.get_offsets()[:, 0].tolist() for collection in test.collections]
        assert dots == [[0.1, 0.3, 0.4], [0.7, 0.8]]

    def test_quartiles_median_and_whiskers_over_all_runs(self) -> None:
        figure = Accuracies().draw({"a": [run(value) for value in (0.0, 0.1, 0.2, 0.3, 0.9)]})
        assert figure is not None
        box, low, high, _, _, median, *_ = figure.axes[1].lines
        assert (min(box.get_xdata()), max(box.get_xdata())) == pytest.approx((0.1, 0.3))
        assert (min(low.get_xdata()), max(high.get_xdata())) == (0.0, 0.9)
        assert median.get_xdata()[0] == 0.2

    @pytest.mark.parametrize("arms", [{"a": [run(0.5)], "b": [run(0.6)]}, {"a": [run(None), run(None)]}])
    def test_nothing_is_drawn_of_single_runs_or_without_accuracies(self, arms: Any) -> None:
        assert Accuracies().draw(arms) is None


class TestMutationStrength:
    def test_mean_over_runs_and_where_self_adaptive_the_populations_deviation(self) -> None:
        adaptive = [run(sigma=[0.1, 0.2], sigma_std=[0.0, 0.02]), run(sigma=[0.1, 0.4], sigma_std=[0.0, 0.04])]
        figure = MutationStrength().draw({"adaptive": adaptive, "constant": [run(sigma=[0.1, 0.1])]})
        assert figure is not None
        (axes,) = figure.axes
        assert [line.get_ydata().tolist() for line in axes.lines] == [pytest.approx([0.1, 0.3]), [0.1, 0.1]]
        (band,) = axes.collections
        edge = band.get_paths()[0].get_extents()
        assert (edge.y0, edge.y1) == pytest.approx((0.1, 0.33))

    def test_is_not_drawn_where_sigma_never_changes(self) -> None:
        assert MutationStrength().draw({"constant": [run(sigma=[0.1, 0.1])]}) is None
        assert MutationStrength().draw({"other": [run(best=[0.1, 0.2])]}) is None


def test_a_real_run_gets_its_sigma(tmp_path: Any) -> None:
    config = {
        "run": {"name": "tiny", "stop": {"generations": 3}},
        "strategy": {"use": "leea", "population": 10, "elites": 0.1, "mutation_share": 0.4},
        "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [4]}},
        "evaluator": {"use": "classification", "dataset": {"use": "digits"}, "batch": 8},
        "operators": {"mutation": {"use": "self-adaptive-gaussian", "sigma": 0.02}},
    }
    for seed in (1, 2):
        evoplug.run(config, {"run.seed": seed}, out=tmp_path / "run" / f"seed-{seed}")
    drawings = draw(groups.read([tmp_path]))
    assert not drawings.notices
    assert {"leea-accuracies", "leea-sigma"} <= {each.name for each in drawings.figures}
