"""The figures of learned weight sharing: who shares what, how lanes are ordered, and what is drawn of both."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise, permutations, product
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle

from analysis.folders import finished
from evoplug.analysis import groups as read
from evoplug.analysis.plots import draw
from evoplug_sharing.drawing import INK, WIDTH, Panel, lanes, named, width
from evoplug_sharing.groups import groups, positions, sharing, sizes, uniform
from evoplug_sharing.lanes import columns, crossings
from evoplug_sharing.plots import PAGE, Entropy, Errors, Groups, Lanes

FIGURE_8_1 = {
    "digits": {"conv1": 0, "conv2": 2, "dense": 1},
    "letters": {"conv1": 0, "conv2": 1, "dense": 1},
    "kanji": {"conv1": 2, "conv2": 1, "dense": 0},
}
"""As in the thesis's figure: digits and letters share the first and the last position, letters and kanji the second."""
FULL = {task: dict.fromkeys(("conv1", "conv2", "dense"), 0) for task in FIGURE_8_1}
NONE = {task: dict.fromkeys(("conv1", "conv2", "dense"), number) for number, task in enumerate(FIGURE_8_1)}


def run(said: Any = FIGURE_8_1, seed: int = 1, **columns: Sequence[float | None]) -> Any:
    """As a run of the method leaves it, finished; a column's None is a generation that did not record it."""
    count = max(map(len, columns.values()), default=0)
    rows = [
        {"generations": i + 1, **{name: values[i] for name, values in columns.items() if values[i] is not None}}
        for i in range(count)
    ]
    return SimpleNamespace(
        folder="runs/x",
        status="finished",
        metrics=rows,
        result={"best": {"description": said}},
        config={"run": {"seed": seed}, "genotype": {"use": "assignment", "choices": 3}},
    )


def at_random(tasks: int, places: int, choices: int, seed: int = 0) -> dict[str, dict[str, int]]:
    random = Random(seed)
    return {f"task {t}": {f"layer{n}": random.randrange(choices) for n in range(places)} for t in range(tasks)}


# ---------------------------------------------------------------------------------------------------- who shares what


class TestSharing:
    def test_is_the_description_of_the_solution(self) -> None:
        assert sharing(run()) == FIGURE_8_1
        assert positions(FIGURE_8_1) == ["conv1", "conv2", "dense"]

    @pytest.mark.parametrize(
        "said",
        [
            None, {}, [0, 1], {"conv1": 0}, {"digits": {}}, {"digits": {"conv1": 0.5}}, {"digits": {"conv1": True}},
            {"digits": {"conv1": 0}, "letters": {"conv2": 0}}, {"digits": {"conv1": 0}, "letters": 1},
        ],
    )  # fmt: skip
    def test_another_description_is_none(self, said: Any) -> None:
        assert sharing(run(said)) is None

    def test_sets_are_those_of_a_position(self) -> None:
        assert groups(FIGURE_8_1, "conv1") == {0: ["digits", "letters"], 2: ["kanji"]}
        assert groups(FIGURE_8_1, "conv2") == {2: ["digits"], 1: ["letters", "kanji"]}

    def test_all_or_nothing_can_be_said_in_words(self) -> None:
        assert uniform(FULL) == "all tasks share every position"
        assert uniform(NONE) == "no tasks share any position"
        assert uniform(FIGURE_8_1) == ""
        assert uniform({"a": {"x": 0, "y": 0}, "b": {"x": 0, "y": 1}}) == ""


class TestSizes:
    def test_two_share_and_one_is_alone(self) -> None:
        assert sizes([FIGURE_8_1], "conv1") == pytest.approx([1 / 3, 2 / 3, 0])

    def test_over_several_runs(self) -> None:
        assert sizes([FIGURE_8_1, FULL, NONE, NONE], "conv1") == pytest.approx([7 / 12, 2 / 12, 3 / 12])

    def test_at_random_they_are_binomial(self) -> None:
        """A task's set is used by t - 1 of the T - 1 others, each with probability 1 / K."""
        found = sizes([at_random(5, 40, 3, seed) for seed in range(50)], "layer0")
        several = sum(sizes([at_random(5, 40, 3, seed) for seed in range(50)], f"layer{n}") for n in range(40)) / 40
        assert found.sum() == pytest.approx(1)
        assert several == pytest.approx([math.comb(4, t) * 2 ** (4 - t) / 3**4 for t in range(5)], abs=0.03)


# ------------------------------------------------------------------------------------------------------ order of lanes


def fewest(found: Mapping[str, Mapping[str, int]]) -> int:
    """The fewest crossings that any order of boxes and of lanes in them has."""

    def orders(position: str) -> list[Any]:
        boxes = groups(found, position).values()
        inside = product(*(list(permutations(box)) for box in boxes))
        return [order for chosen in inside for order in permutations(chosen)]

    best = {tuple(map(tuple, order)): 0 for order in orders(positions(found)[0])}
    for position in positions(found)[1:]:
        best = {
            order: min(cost + crossings([before, order]) for before, cost in best.items()) for order in orders(position)
        }
    return min(best.values())


class TestColumns:
    def test_have_a_box_for_each_set_that_is_used_and_all_tasks(self) -> None:
        first, second, last = columns(FIGURE_8_1)
        assert {frozenset(box) for box in first} == {frozenset({"digits", "letters"}), frozenset({"kanji"})}
        assert {frozenset(box) for box in second} == {frozenset({"digits"}), frozenset({"letters", "kanji"})}
        assert len(last) == 2

    @pytest.mark.parametrize("found", [FIGURE_8_1, FULL, NONE, {"a": {"x": 0}, "b": {"x": 1}}])
    def test_where_lanes_need_not_cross_they_do_not(self, found: Any) -> None:
        assert crossings(columns(found)) == 0

    def test_crossings_are_pairs_in_another_order(self) -> None:
        assert crossings([[["a", "b"], ["c"]], [["c"], ["a", "b"]], [["c"], ["b", "a"]]]) == 3

    @pytest.mark.parametrize("seed", range(5))
    def test_cross_as_little_as_can_be_where_tasks_are_few(self, seed: int) -> None:
        found = at_random(4, 4, 3, seed)
        assert crossings(columns(found)) == fewest(found)

    def test_are_the_same_every_time(self) -> None:
        assert columns(at_random(9, 5, 4)) == columns(at_random(9, 5, 4))


# --------------------------------------------------------------------------------------------------------------- drawn


def boxes(axes: Any) -> list[FancyBboxPatch]:
    """Edges of boxes and heads."""
    return [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch) and not patch.get_fill()]


def words(axes: Any) -> list[str]:
    return [found.get_text() for found in axes.texts if found.get_text()]


def drawn(plot: Any, arms: Any) -> Any:
    figure = plot.draw(arms)
    assert figure is not None
    return figure


class TestLanes:
    def test_a_box_for_each_set_and_a_head_for_each_task(self) -> None:
        (axes,) = drawn(Lanes(), {"learned": [run()]}).axes
        assert len(boxes(axes)) == 2 + 2 + 2 + 3
        (axes,) = drawn(Lanes(), {"full": [run(FULL)]}).axes
        assert len(boxes(axes)) == 3 + 3

    def test_tasks_and_positions_are_named(self) -> None:
        (axes,) = drawn(Lanes(), {"learned": [run()]}).axes
        said = set(words(axes))
        assert {"conv1", "conv2", "dense", "head"} < said
        assert {name.split("  ")[0] for name in said if "  " in name} == {"digits", "letters", "kanji"}

    def test_a_lane_runs_through_the_boxes_of_its_sets(self) -> None:
        """In each column its straight part lies inside of the box, and no other box has it."""
        (axes,) = drawn(Lanes(), {"learned": [run()]}).axes
        columns = [panel_boxes for panel_boxes in _by_column(axes) if len(panel_boxes) == 2]
        assert [sorted(map(_lanes_in(axes), column)) for column in columns] == [[1, 2]] * 3

    def test_every_task_has_a_colour_of_its_own_the_same_in_all_panels(self) -> None:
        figure = drawn(Lanes(), {"learned": [run()], "none": [run(NONE)]})
        first, second = ({to_hex(patch.get_facecolor()) for patch in _straight(axes)} for axes in figure.axes)
        assert first == second
        assert len(first) == 3
        bows = [patch for patch in figure.axes[0].patches if isinstance(patch, PathPatch)]
        assert {to_hex(patch.get_edgecolor()) for patch in bows} == {*first, "#ffffff"}

    def test_the_first_run_of_an_arm_with_its_weights(self) -> None:
        figure = drawn(
            Lanes(), {"learned": [run(seed=7, weights=[10.0, 12_345.0]), run(FULL, seed=8)], "full": [run(FULL)]}
        )
        titles = [axes.get_title(loc="left") for axes in figure.axes]
        assert titles == ["learned, seed 7; 12,345 weights", "full, seed 1"]

    def test_its_number_stands_beside_the_name_in_each_box_and_in_the_head(self) -> None:
        (axes,) = drawn(Lanes(), {"learned": [run(at_random(20, 4, 20))]}).axes
        said = words(axes)
        assert [said.count(f"{number}") for number in range(1, 21)] == [4 + 1] * 20
        assert sum(each.startswith("task ") for each in said) == 20
        assert any(each.endswith("  20") for each in said)

    def test_narrow_boxes_have_none(self) -> None:
        (axes,) = drawn(Lanes(), {"learned": [run(at_random(20, 40, 20))]}).axes
        assert words(axes).count("7") == 1  # in the head

    def test_where_a_page_is_too_short_all_or_nothing_is_said_in_words(self) -> None:
        learned = at_random(50, 4, 20)
        full = {task: dict.fromkeys(row, 0) for task, row in learned.items()}
        none = {task: dict.fromkeys(row, number) for number, (task, row) in enumerate(learned.items())}
        figure = drawn(Lanes(), {"full": [run(full)], "learned": [run(learned)], "none": [run(none)]})
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["learned, seed 1"]
        said = "full: all tasks share every position\nnone: no tasks share any position"
        assert figure.get_supxlabel() == said
        assert figure.get_figheight() < PAGE + 1

    def test_and_how_many_other_arms_there_are(self) -> None:
        figure = drawn(Lanes(), {f"arm {seed}": [run(at_random(50, 4, 20, seed))] for seed in range(3)})
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["arm 0, seed 1"]
        assert figure.get_supxlabel() == "1 of 3 arms"


def _by_column(axes: Any) -> list[list[FancyBboxPatch]]:
    found: dict[float, list[FancyBboxPatch]] = {}
    for box in boxes(axes):
        found.setdefault(round(box.get_x(), 6), []).append(box)
    return list(found.values())


def _straight(axes: Any) -> list[Rectangle]:
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def _lanes_in(axes: Any) -> Any:
    def count(box: FancyBboxPatch) -> int:
        x, y, high = box.get_x(), box.get_y(), box.get_height()
        inside = [lane for lane in _straight(axes) if lane.get_x() == pytest.approx(x)]
        return sum(y < lane.get_y() and lane.get_y() + lane.get_height() < y + high for lane in inside)

    return count


class TestPanel:
    @pytest.mark.parametrize("letters", [0, 20, 300])
    @pytest.mark.parametrize(("tasks", "places"), [(2, 1), (3, 4), (20, 8), (50, 8), (50, 17)])
    def test_all_that_is_written_fits(self, tasks: int, places: int, letters: int) -> None:
        rows = at_random(tasks, places, tasks).values()
        found = {f"{'W' * letters}{number}": row for number, row in enumerate(rows)}
        panel = Panel(dict(zip(positions(found), columns(found), strict=True)))
        assert max(width(named(task, tasks), panel.letters) for task in found) < panel.labels
        assert 0 < panel.box < panel.pitch
        assert panel.bow < (panel.pitch - panel.box) / 2
        assert panel.left(places - 1) + panel.box < WIDTH
        assert panel.letters < 72 * panel.step  # one line below the other
        for column in panel.columns.values():
            heights = list(panel.places(column).values())
            assert panel.header < min(heights)
            assert max(heights) < panel.height
            assert all(after - before > 0.99 * panel.step for before, after in pairwise(heights))

    def test_colours_of_a_scale_can_be_written_on(self) -> None:
        looks = lanes([f"{number}" for number in range(50)])
        assert len({look.colour for look in looks.values()}) == 50
        assert (looks["0"].ink, looks["49"].ink) == ("white", INK)


class TestGroups:
    def test_a_bar_a_position_of_percentages_by_size(self) -> None:
        (axes,) = drawn(Groups(), {"learned": [run(), run(NONE)]}).axes
        heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
        assert heights == [pytest.approx([200 / 3] * 3), pytest.approx([100 / 3] * 3), [0, 0, 0]]
        assert [bar.get_y() for bar in axes.containers[1]] == pytest.approx([200 / 3] * 3)
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["conv1", "conv2", "dense"]
        assert axes.get_title() == "learned (n = 2)"

    def test_a_panel_an_arm_and_one_legend(self) -> None:
        figure = drawn(Groups(), {"learned": [run()], "full": [run(FULL)], "none": [run(NONE)], "again": [run()]})
        assert [axes.get_title() for axes in figure.axes if axes.axison] == [
            "learned (n = 1)", "full (n = 1)", "none (n = 1)", "again (n = 1)",
        ]  # fmt: skip
        assert [found.get_text() for found in figure.legends[0].get_texts()] == ["1", "2", "3"]

    def test_many_sizes_are_a_scale_of_colours(self) -> None:
        figure = drawn(Groups(), {"learned": [run(at_random(50, 4, 20))]})
        *_, bar = figure.axes
        assert not figure.legends
        assert [tick.get_text() for tick in bar.get_xticklabels()] == ["1", "2", "5", "10", "20", "50"]

    @pytest.mark.parametrize(("places", "across"), [(4, 3), (17, 2), (60, 1)])
    def test_panels_are_as_wide_as_the_names_of_positions_need(self, places: int, across: int) -> None:
        figure = drawn(Groups(), {arm: [run(at_random(3, places, 3))] for arm in "abc"})
        assert figure.axes[0].get_gridspec().ncols == across

    def test_an_arm_of_which_a_run_says_nothing_is_left_out(self) -> None:
        figure = drawn(Groups(), {"learned": [run()], "other": [run(), run(None)]})
        assert len(figure.axes) == 1


class TestEntropy:
    def test_mean_and_deviation_over_runs_below_log_k(self) -> None:
        (axes,) = drawn(Entropy(), {"learned": [run(entropy=[1.0, 0.4]), run(entropy=[1.0, 0.2])]}).axes
        line, start = axes.lines
        assert line.get_xydata().tolist() == [[1, 1.0], [2, pytest.approx(0.3)]]
        edge = axes.collections[0].get_paths()[0].get_extents()
        assert (edge.y0, edge.y1) == pytest.approx((0.3 - 0.02**0.5, 1.0))
        assert start.get_ydata()[0] == pytest.approx(math.log(3))
        assert words(axes) == ["log 3"]
        assert axes.get_ylabel() == "mean entropy [nats]"

    def test_fixed_assignments_have_none(self) -> None:
        figure = drawn(Entropy(), {"full": [run(FULL, entropy=[0.0, 0.0])], "learned": [run(entropy=[1.0, 0.5])]})
        assert [found.get_text() for found in figure.legends[0].get_texts()] == ["learned (n = 1)"]
        assert Entropy().draw({"full": [run(FULL, entropy=[0.0, 0.0])]}) is None

    def test_without_k_there_is_no_line_of_it(self) -> None:
        other = run(entropy=[1.0, 0.5])
        other.config["genotype"] = {"use": "composite", "parts": {}}
        assert len(drawn(Entropy(), {"learned": [other]}).axes[0].lines) == 1


class TestErrors:
    def test_on_test_data_where_they_were_measured_else_on_validation(self) -> None:
        measured: Any = {"test.error": [None, 0.5, None, 0.2], "validation.error": [None, 0.6, None, 0.3]}
        (axes,) = drawn(Errors(), {"learned": [run(**measured)]}).axes
        assert axes.lines[0].get_xydata().tolist() == [[2, 0.5], [4, 0.2]]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("iterations", "test error")
        (axes,) = drawn(Errors(), {"learned": [run(**{"validation.error": measured["validation.error"]})]}).axes
        assert axes.get_ylabel() == "validation error"

    def test_arms_that_did_not_measure_are_left_out(self) -> None:
        figure = drawn(Errors(), {"other": [run(best=[1.0])], "learned": [run(**{"test.error": [0.5]})]})
        assert [found.get_text() for found in figure.legends[0].get_texts()] == ["learned (n = 1)"]


PLOTS = [Lanes(), Groups(), Entropy(), Errors()]


@pytest.mark.parametrize("plot", PLOTS, ids=["lanes", "groups", "entropy", "errors"])
def test_runs_that_recorded_nothing_of_it_have_none(plot: Any) -> None:
    assert plot.draw({"other": [run(None, best=[0.1, 0.2])]}) is None


def test_folders_get_them_all(tmp_path: Path) -> None:
    rows = [{"generations": g, "best": -1 / g, "entropy": 1 / g, "test.error": 0.5 / g} for g in (1, 2)]
    for seed in (1, 2):
        folder = finished(
            tmp_path / "learned" / f"seed-{seed}", seed, rows=rows,
            strategy={"use": "learned-weight-sharing"}, genotype={"use": "assignment", "choices": 3},
        )  # fmt: skip
        result = json.loads((folder / "result.json").read_text())
        result["best"]["description"] = {"$x_{": {"a": 0, "b": 1}, "_hidden": {"a": 0, "b": 0}}
        (folder / "result.json").write_text(json.dumps(result))
    drawings = draw(read.read([tmp_path]))
    assert not drawings.notices
    names = [drawing.name for drawing in drawings.figures if drawing.name.startswith("sharing")]
    assert names == ["sharing-entropy", "sharing-errors", "sharing-groups", "sharing-lanes"]
