"""EPBT's figures: who the ancestors are, and what is drawn of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import evoplug
from evoplug.analysis import groups
from evoplug.analysis.plots import draw
from evoplug_epbt.ancestry import Ancestor, ancestors, distinct
from evoplug_epbt.plots import Accuracy, LossAncestry, LossSchedule, Schedules

BRIER = [0.0, 0.0, 0.0, -2.0, 0.0, 2.0, 0.0, 0.0]
"""The loss whose value is, apart from a constant, the squared distance between prediction and one-hot label."""
LINEAR = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
"""-1/n sum of x y."""


def record(generation: int, ids: list[int], parents: list[int], fitness: list[float | None], genes: Any) -> Any:
    return {
        "generations": generation,
        "best": max(value for value in fitness if value is not None),
        "ids": ids,
        "parents": [[parent, -1] for parent in parents],
        "fitness": fitness,
        "genes": genes,
    }


RECORDS = [
    record(1, [0, 1], [-1, -1], [0.1, 0.5], {"loss": [LINEAR, BRIER], "momentum": [[0.5], [0.6]]}),
    record(2, [2, 1], [1, -1], [0.4, 0.5], {"loss": [LINEAR, BRIER], "momentum": [[0.7], [0.6]]}),
    record(3, [3, 1], [2, -1], [0.9, None], {"loss": [BRIER, BRIER], "momentum": [[0.8], [0.6]]}),
]
"""3 has its weights from 2, and 2 from 1; 1 lives on as an elite."""


def run(records: Any = RECORDS, strategy: str = "epbt", best: int = 3, seed: int = 1, **parts: Any) -> Any:
    parts = parts or {"loss": {"use": "taylorglo", "order": 3}, "momentum": {"use": "real-vector", "scale": "linear"}}
    generation = records[-1]["generations"]
    return SimpleNamespace(
        status="finished",
        folder="runs/x",
        metrics=records,
        result={
            "best": {"id": best, "generation": generation, "fitness": records[-1]["best"]},
            "test": {"accuracy": 0.8},
        },
        config={
            "run": {"seed": seed},
            "strategy": {"use": strategy},
            "genotype": {"parts": parts},
            "evaluator": {"fitness": "accuracy", "fitness_split": "validation", "epochs": 4},
        },
    )


class TestAncestors:
    def test_are_those_whose_weights_were_inherited_generation_by_generation(self) -> None:
        line = ancestors(RECORDS)
        assert [(a.generation, a.id) for a in line] == [(1, 1), (2, 2), (3, 3)]
        assert line[1] == Ancestor(2, 2, {"loss": LINEAR, "momentum": [0.7]})

    def test_a_member_that_lives_on_is_its_own_ancestor_and_counts_once(self) -> None:
        line = ancestors(RECORDS, reported=1)
        assert [a.id for a in line] == [1, 1, 1]
        assert [(a.generation, a.id) for a in distinct(line)] == [(1, 1)]

    def test_without_a_reported_one_the_best_of_the_last_line_counts_an_invalid_one_never(self) -> None:
        assert ancestors(RECORDS)[-1].id == 3

    def test_genes_that_have_no_parts_go_by_one_name(self) -> None:
        assert ancestors([record(1, [0], [-1], [0.5], [[1.0, 2.0]])])[0].genes == {"genes": [1.0, 2.0]}


class TestLossAncestry:
    def test_figure_5_the_binary_case(self) -> None:
        """x = (1, 0), prediction (y, 1 - y): for the Brier loss (1 - y)^2, for the other one (1 - y) / 2."""
        figure = LossAncestry().draw({"epbt": [run()]})
        assert figure is not None
        axes, comparison, _ = figure.axes
        first, second, last = axes.lines
        y = np.asarray(first.get_xdata())
        assert np.allclose(first.get_ydata(), (1 - y) ** 2)
        assert np.allclose(second.get_ydata(), (1 - y) / 2)
        assert np.allclose(last.get_ydata(), (1 - y) ** 2)
        assert axes.get_title() == "epbt, seed 1"
        (cross_entropy,) = comparison.lines
        assert np.allclose(cross_entropy.get_ydata(), -np.log(cross_entropy.get_xdata()))

    def test_from_dark_to_light_the_last_one_thick(self) -> None:
        figure = LossAncestry().draw({"epbt": [run()]})
        assert figure is not None
        lines = figure.axes[0].lines
        lightness = [sum(line.get_color()[:3]) for line in lines]
        assert lightness == sorted(lightness)
        assert lines[-1].get_linewidth() > lines[0].get_linewidth() == lines[1].get_linewidth()

    def test_five_of_many_runs_the_first_of_each_arm_first(self) -> None:
        arms = {"a": [run(seed=seed) for seed in (1, 2, 3, 4)], "b": [run(seed=seed) for seed in (1, 2)]}
        figure = LossAncestry().draw(arms)
        assert figure is not None
        titles = [axes.get_title() for axes in figure.axes]
        assert titles[:5] == ["a, seed 1", "b, seed 1", "a, seed 2", "b, seed 2", "a, seed 3"]
        assert figure.axes[-1].get_xlabel() == "first generation of the ancestor; 5 of 6 runs"

    def test_is_not_drawn_where_no_such_loss_evolves(self) -> None:
        assert LossAncestry().draw({"pbt": [run(strategy="pbt", momentum={"use": "real-vector"})]}) is None


def test_the_schedule_of_theta_is_that_of_the_arms_best_run() -> None:
    better = [*RECORDS[:2], {**RECORDS[2], "best": 0.95}]
    figure = LossSchedule().draw({"epbt": [run(seed=1), run(better, seed=2)]})
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_title() == "epbt, seed 2"
    assert [line.get_ydata().tolist() for line in axes.lines] == [
        [a, b, c] for a, b, c in zip(BRIER, LINEAR, BRIER, strict=True)
    ]


def test_the_schedule_of_a_hyperparameter_is_the_mean_of_the_ancestors() -> None:
    figure = Schedules().draw({"epbt": [run(), run(best=1)]})
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_ylabel() == "momentum"
    assert axes.lines[0].get_ydata() == pytest.approx([0.6, 0.65, 0.7])
    assert Schedules().draw({"epbt": [run([record(1, [0], [-1], [0.5], {"loss": [BRIER]})], best=0)]}) is None


def test_an_architecture_of_one_block_is_no_hyperparameter() -> None:
    records = [record(1, [0], [-1], [0.5], {"architecture": [[[8, 3, 1, 5, 6]]], "momentum": [[0.5]]})]
    figure = Schedules().draw({"pbt": [run(records, best=0)]})
    assert figure is not None
    assert [axes.get_ylabel() for axes in figure.axes] == ["momentum"]


def test_a_rate_on_a_logarithmic_scale_is_drawn_on_one() -> None:
    records = [record(1, [0], [-1], [0.5], {"learning_rate": [[0.01]]})]
    figure = Schedules().draw({"pbt": [run(records, best=0, learning_rate={"use": "real-vector", "scale": "log"})]})
    assert figure is not None
    assert figure.axes[0].get_yscale() == "log"


def test_rates_of_groups_are_drawn_one_by_one_by_the_names_of_the_groups() -> None:
    genes = {"learning_rate": [[0.01, 0.2, 0.3]], "weight_decay": [[0.1, 0.2]], "momentum": [[0.9, 0.8]]}
    evolved = run([record(1, [0], [-1], [0.5], genes)], best=0, learning_rate={"use": "real-vector", "scale": "log"})
    evolved.config["evaluator"]["groups"] = {"stem": {}, "stages": {}}
    figure = Schedules().draw({"pbt": [evolved]})
    assert figure is not None
    drawn = {axes.get_ylabel(): (axes.lines[0].get_ydata()[0], axes.get_yscale()) for axes in figure.axes if axes.lines}
    assert drawn == {
        "learning rate, stem": (0.01, "log"),
        "learning rate, stages": (0.2, "log"),
        "learning rate, rest": (0.3, "log"),
        "weight decay, stem": (0.1, "linear"),
        "weight decay, stages": (0.2, "linear"),
    }


def test_accuracy_is_drawn_against_the_epochs_of_one_network_with_plain_training_beside_it() -> None:
    plain = run(strategy="gradient-descent")
    figure = Accuracy().draw({"epbt": [run()], "plain": [plain]})
    assert figure is not None
    upper, whole = figure.axes
    assert upper.get_ylim() != whole.get_ylim()
    assert whole.lines[0].get_xydata().tolist() == [[4, 0.5], [8, 0.5], [12, 0.9]]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["epbt (n = 1)", "plain (n = 1)", "test accuracy at the end"]
    assert Accuracy().draw({"plain": [plain]}) is None


def test_a_real_run_gets_them_all(tmp_path: Any) -> None:
    config = {
        "run": {"name": "tiny", "stop": {"generations": 3}},
        "strategy": {"use": "epbt", "population": 4, "elites": 2},
        "genotype": {"use": "composite", "parts": {"loss": {"use": "taylorglo"}}},
        "evaluator": {"use": "train", "dataset": {"use": "digits"}, "network": {"use": "mlp", "hidden": [4]}},
    }
    evoplug.run(config, out=tmp_path / "run")
    drawings = draw(groups.read([tmp_path]))
    assert not drawings.notices
    assert {"epbt-accuracy", "epbt-loss-ancestry", "epbt-loss-schedule"} <= {each.name for each in drawings.figures}
