"""The figures of Lamarckian architecture search: whose line it is, what edits lie in it, and what is drawn of both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle

import evoplug
from evoplug.analysis import groups
from evoplug.analysis.plots import draw
from evoplug_lamarck.ancestry import Origin, ancestors, block_counts, lines, origins
from evoplug_lamarck.blocks import Block, genome, line, parse
from evoplug_lamarck.drawing import INHERITED, LABELS, NEW, NICHE, ROW, WIDTH, Row, rows, scale, written
from evoplug_lamarck.edits import edits, sentence
from evoplug_lamarck.plots import Accuracy, Ancestry, Blocks

Stack = list[Block]

FIRST = [Block(16, 3, 1, 1, 2)]
"""Marks are numbers that no other tensor has: here they count on from one stack to the next."""
ADDED = [*FIRST, Block(32, 5, 1, 3, 4)]
WIDER = [Block(32, 3, 1, 5, 6), Block(32, 5, 1, 7, 4)]
STRIDED = [WIDER[0]._replace(stride=2), WIDER[1]]
ANOTHER_KERNEL = [STRIDED[0], Block(32, 3, 1, 8, 4)]
NARROWER = [STRIDED[0], Block(16, 3, 1, 9, 10)]
REMOVED = [Block(16, 3, 1, 11, 10)]
LINE: Sequence[Stack] = (FIRST, ADDED, WIDER, STRIDED, ANOTHER_KERNEL, NARROWER, REMOVED)
"""Every edit once."""
MANY = [Block(16, 5, 2, 40, 2), Block(64, 1, 1, 41, 42), Block(64, 1, 1, 43, 44), ADDED[1]]
"""Four edits after ``ADDED``."""
WORDS = ("", "add block", "more channels", "stride 2", "kernel 5 to 3", "fewer channels", "remove block")


def row(generation: int, id: int, parent: int, fitness: float | None, stack: Stack, niche: int = 0) -> dict[str, Any]:
    return {
        "generations": generation, "epochs": 4 * generation, "id": id, "parent": parent, "child_fitness": fitness,
        "genome": genome(stack), "niche": niche,
    }  # fmt: skip


def told(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a run, with the best so far."""
    best = float("-inf")
    records = []
    for each in rows:
        best = max(best, each["child_fitness"] or best)
        records.append({**each, "best": best})
    return records


RECORDS = told(
    row(1, 0, -1, 0.1, FIRST),
    row(2, 1, 0, 0.05, [Block(64, 3, 1, 90, 91)]),  # worse, and gone
    row(3, 2, 0, 0.2, ADDED),
    row(4, 3, 2, 0.15, WIDER, niche=3),  # worse, and the founder of a niche
    row(5, 4, 3, 0.16, STRIDED, niche=2),
    row(6, 5, 4, None, [*STRIDED, Block(16, 1, 1, 92, 93)], niche=1),
    row(7, 6, 4, 0.3, ANOTHER_KERNEL, niche=0),
    row(8, 7, 6, 0.4, NARROWER),
    row(9, 8, 7, 0.5, REMOVED),
    row(10, 9, 8, 0.45, ADDED),
)


def run(records: Any = RECORDS, best: int = 8, seed: int = 1, inherit: bool = True, **result: Any) -> Any:
    """As a run of the method leaves it, finished."""
    last = next(each for each in records if each["id"] == best)
    description = {"blocks": line(last["genome"]), "parameters": 12_345, "flops": 3_870_144}
    return SimpleNamespace(
        status="finished",
        folder="runs/x",
        metrics=records,
        result={
            "best": {
                "id": best, "generation": last["generations"], "fitness": last["child_fitness"],
                "description": description,
            },
            "test": {"accuracy": 0.6},
            **result,
        },
        config={
            "run": {"seed": seed, "stop": {"epochs": 40}},
            "strategy": {"use": "niching-one-plus-one"},
            "genotype": {"use": "block-stack"},
            "evaluator": {"fitness": "accuracy", "fitness_split": "validation", "inherit": {"weights": inherit}},
        },
    )  # fmt: skip


def population(*, part: str | None) -> Any:
    """A run that records all members, as EPBT does."""

    def genes(*stacks: Stack) -> Any:
        return [genome(stack) for stack in stacks] if part is None else {part: [genome(stack) for stack in stacks]}

    records = [
        {"generations": 1, "epochs": 2, "ids": [0, 1], "parents": [[-1, -1], [-1, -1]], "fitness": [0.1, 0.3],
         "genes": genes([Block(8, 1, 1, 80, 81)], FIRST)},
        {"generations": 2, "epochs": 4, "ids": [2, 1], "parents": [[1, 0], [-1, -1]], "fitness": [0.2, 0.35],
         "genes": genes(ADDED, FIRST)},
        {"generations": 3, "epochs": 6, "ids": [3, 2], "parents": [[2, 1], [1, 0]], "fitness": [0.6, None],
         "genes": genes(ADDED, ADDED)},
    ]  # fmt: skip
    space = {"use": "block-stack"}
    found = run()
    found.metrics = records
    found.result["best"] = {"id": 3, "generation": 3, "fitness": 0.6, "description": None}
    found.config |= {"genotype": space if part is None else {"use": "composite", "parts": {part: space}}}
    return found


# ------------------------------------------------------------------------------------------------------ who and what


class TestAncestors:
    def test_are_found_by_the_parents_into_niches_too(self) -> None:
        line = ancestors(run())
        assert [one.stack for one in line] == list(LINE)
        assert [one.generation for one in line] == [1, 3, 4, 5, 7, 8, 9]
        assert [one.fitness for one in line] == [0.1, 0.2, 0.15, 0.16, 0.3, 0.4, 0.5]

    def test_the_founder_of_a_niche_is_in_it_and_so_is_its_last_child(self) -> None:
        assert [one.niche for one in ancestors(run())] == [None, None, 4, 4, 4, None, None]

    @pytest.mark.parametrize("part", [None, "architecture"])
    def test_of_a_population_an_architecture_counts_once_whoever_carries_it_on(self, part: str | None) -> None:
        """1 was measured again in the generation of its child 2, which had its weights from before."""
        line = ancestors(population(part=part))
        assert [(one.generation, one.fitness, one.stack) for one in line] == [(1, 0.3, FIRST), (2, 0.6, ADDED)]

    def test_every_solution_has_its_line(self) -> None:
        assert [one.stack for one in lines(RECORDS)[1]] == [FIRST, [Block(64, 3, 1, 90, 91)]]


def test_blocks_of_the_best_so_far_what_is_invalid_never_counts() -> None:
    epochs, blocks = block_counts(run(told(row(1, 0, -1, None, ADDED), *RECORDS[1:]), best=8))
    assert epochs == [8, 12, 16, 20, 24, 28, 32, 36, 40]
    assert blocks == [1, 2, 2, 2, 2, 2, 2, 1, 1]


class TestEdits:
    @pytest.mark.parametrize("number", range(1, len(LINE)))
    def test_each_is_told_from_the_two_stacks(self, number: int) -> None:
        assert sentence(edits(LINE[number - 1], LINE[number])) == WORDS[number]

    def test_they_know_the_block(self) -> None:
        assert [edit.block for one, other in pairwise(LINE) for edit in edits(one, other)] == [
            1, 0, 0, 1, 1, None,
        ]  # fmt: skip

    def test_several_are_said_in_the_order_of_the_blocks(self) -> None:
        assert sentence(edits(ADDED, MANY)) == "kernel 3 to 5, stride 2, 2\N{NO-BREAK SPACE}× add block"

    def test_a_block_in_the_place_of_another_with_as_many_channels_is_not_the_same(self) -> None:
        assert sorted(edit.words for edit in edits(FIRST, [Block(16, 3, 1, 40, 41)])) == ["add block", "remove block"]

    def test_new_kernels_behind_an_edit_are_none_of_their_own(self) -> None:
        assert edits(ADDED, [ADDED[0], ADDED[1]._replace(kernel_mark=40)]) == ()


class TestOrigins:
    def test_follow_from_the_marks(self) -> None:
        assert origins(ADDED, WIDER) == ([Origin(None, None), Origin(None, 1)], True)
        assert origins(WIDER, STRIDED) == ([Origin(0, 0), Origin(1, 1)], True)
        assert origins(NARROWER, REMOVED) == ([Origin(None, 1)], True)
        assert origins(FIRST, ADDED) == ([Origin(0, 0), Origin(None, None)], False)

    def test_of_nothing_where_there_is_no_parent(self) -> None:
        assert origins(None, FIRST) == ([Origin(None, None)], False)


class TestRows:
    def test_say_generation_accuracy_and_edits(self) -> None:
        labels = [each.label for each in rows(ancestors(run()), True, 24)]
        assert labels[0] == ["generation 1: 0.100", "first block"]
        assert labels[4] == ["generation 7: 0.300", "kernel 5 to 3"]

    def test_of_a_long_line_some_in_the_middle_are_left_out(self) -> None:
        shown = rows(ancestors(run()), True, 4)
        assert [each.ancestor.generation for each in shown] == [1, 7, 8, 9]
        assert [each.skipped for each in shown] == [0, 3, 0, 0]

    def test_many_edits_take_more_lines_and_so_more_room(self) -> None:
        few, *_ = shown = rows(ancestors(run()), True, 24)
        many = shown[1]._replace(edits=edits(ADDED, MANY))
        assert many.label[1:] == ["kernel 3 to 5, stride 2,", "2\N{NO-BREAK SPACE}× add block"]
        assert many.height > few.height

    @pytest.mark.parametrize("blocks", [1, 12, 200])
    def test_the_longest_stack_fits(self, blocks: int) -> None:
        stack = parse("256k5s1 " * blocks)
        size = scale([Row(ancestors(run())[0]._replace(stack=stack), (), [], dense=False)])
        assert 0 < blocks * (size.width(stack[0]) + size.gap) <= WIDTH - LABELS


def test_what_is_written_in_a_block() -> None:
    assert [written(block) for block in parse("64k3s1 64k5s2")] == ["k3", "k5s2"]


# ------------------------------------------------------------------------------------------------------------ drawn


def boxes(axes: Any, colour: str) -> list[Rectangle]:
    """Those of a colour that have a size: the others are for the legend."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() and patch.get_fill()]
    return [patch for patch in found if to_hex(patch.get_facecolor()) == colour]


def words(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


class TestAncestry:
    def test_a_row_for_each_ancestor_with_its_words(self) -> None:
        figure = Ancestry().draw({"lamarck": [run()]})
        assert figure is not None
        (axes,) = figure.axes
        said = words(axes)
        assert [each for each in said if each.startswith("generation")][2:4] == [
            "generation 4: 0.150", "generation 5: 0.160",
        ]  # fmt: skip
        assert set(WORDS[1:]) <= set(said)
        assert said.count("dense") == len(LINE)
        assert axes.get_title(loc="left") == "lamarck, seed 1"

    def test_kernel_and_base_in_the_colours_of_what_was_kept(self) -> None:
        """A patch for each block and each dense layer, and one for a base that is not as its kernel."""
        figure = Ancestry().draw({"lamarck": [run()]})
        assert figure is not None
        (axes,) = figure.axes
        blocks = sum(len(stack) for stack in LINE)
        kept = [origins(one, other) for one, other in pairwise(LINE)]
        bases = sum(origin.kernel is None and origin.rest is not None for found, _ in kept for origin in found)
        blue = sum(origin.kernel is not None for found, _ in kept for origin in found) + sum(dense for _, dense in kept)
        assert len(boxes(axes, INHERITED)) == blue + bases
        assert len(boxes(axes, NEW)) == blocks + len(LINE) - blue
        assert (blue, bases) == (5 + 4, 3)  # five kernels, four dense layers
        bands = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
        assert len(bands) == sum(origin != (None, None) for found, _ in kept for origin in found) + sum(
            dense for _, dense in kept
        )

    def test_edited_blocks_have_a_frame_niches_a_line(self) -> None:
        figure = Ancestry().draw({"lamarck": [run()]})
        assert figure is not None
        (axes,) = figure.axes
        frames = [
            patch
            for patch in axes.patches
            if isinstance(patch, Rectangle) and patch.get_width() and not patch.get_fill()
        ]
        assert len(frames) == 5  # what was removed has none
        (niche,) = boxes(axes, NICHE)
        assert niche.get_height() == pytest.approx(3 * ROW, abs=0.1)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "inherited", "new", "edited", "in a niche",
        ]  # fmt: skip

    def test_wide_for_channels_high_for_resolution(self) -> None:
        figure = Ancestry().draw({"lamarck": [run(RECORDS[:5], best=4)]})
        assert figure is not None
        first, behind = boxes(figure.axes[0], NEW)[0], boxes(figure.axes[0], INHERITED)[-3]
        assert behind.get_width() == pytest.approx(first.get_width() * 2 ** (1 / 3))
        assert behind.get_height() == pytest.approx(first.get_height() / 2 ** (1 / 3))

    def test_the_best_has_its_numbers(self) -> None:
        figure = Ancestry().draw({"lamarck": [run(RECORDS[:5], best=4)]})
        assert figure is not None
        said = words(figure.axes[0])
        assert said[-8:] == [
            "channels", "32", "32", "resolution", "1/2", "1/2", "network",
            "12,345 parameters, 3.87 MFLOPs an image",
        ]  # fmt: skip

    def test_without_inheritance_all_is_new_and_nothing_leads_on(self) -> None:
        figure = Ancestry().draw({"none": [run(inherit=False)]})
        assert figure is not None
        (axes,) = figure.axes
        assert not boxes(axes, INHERITED)
        assert not [patch for patch in axes.patches if isinstance(patch, PathPatch)]
        assert axes.get_title(loc="left") == "none, seed 1; weights are not inherited"

    def test_the_best_run_of_each_arm_and_of_few_arms(self) -> None:
        arms = {name: [run(RECORDS[:4], best=2, seed=1), run(seed=2)] for name in "abcd"}
        figure = Ancestry().draw(arms)
        assert figure is not None
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["a, seed 2", "b, seed 2", "c, seed 2"]
        assert figure.legends[0].get_title().get_text().endswith("its validation accuracy; 3 of 4 arms")

    def test_a_long_line_says_how_many_it_leaves_out(self) -> None:
        stacks = [[Block(16, 3, 1, 100 + n, 200 + n)] for n in range(40)]
        records = told(*(row(n + 1, n, n - 1, n / 100, stack) for n, stack in enumerate(stacks)))
        figure = Ancestry().draw({"a": [run(records, best=39)], "b": [run()]})
        assert figure is not None
        assert [each for each in words(figure.axes[0]) if "more" in each] == ["⋮  23 more"]  # 24 - 7 are shown
        assert sum(each.startswith("generation") for each in words(figure.axes[1])) == len(LINE)

    def test_a_population_has_one_too(self) -> None:
        figure = Ancestry().draw({"epbt": [population(part="architecture")]})
        assert figure is not None
        assert "generation 2: 0.600" in words(figure.axes[0])


class TestAccuracy:
    def test_the_mean_as_a_line_a_dot_a_run(self) -> None:
        figure = Accuracy().draw({"a": [run(), run(RECORDS[:-1])]})
        assert figure is not None
        (axes,) = figure.axes
        line, *_ = axes.lines
        assert line.get_xydata()[:3].tolist() == [[4, 0.1], [8, 0.1], [12, 0.2]]
        assert [len(dots.get_offsets()) for dots in axes.collections[:2]] == [10, 9]
        assert axes.get_ylabel() == "validation accuracy of the best so far"

    def test_test_accuracies_at_the_marks_and_at_the_end_side_by_side(self) -> None:
        def marked(first: float, last: float) -> Any:
            found = run(beside={"20 epochs": {"test": {"accuracy": first}}}, test={"accuracy": last})
            found.config["run"]["marks"] = {"epochs": [20]}
            return found

        figure = Accuracy().draw({"a": [marked(0.2, 0.4), marked(0.4, 0.8)], "b": [marked(0.1, 0.3)]})
        assert figure is not None
        means = [box.lines[0].get_xydata()[0].tolist() for box in figure.axes[0].containers[:4]]
        assert [mean for _, mean in means] == pytest.approx([0.3, 0.6, 0.1, 0.3])
        assert [x for x, _ in means] == pytest.approx([19.4, 39.4, 20.6, 40.6])
        (whisker,) = figure.axes[0].containers[0].lines[2]
        assert whisker.get_segments()[0][:, 1] == pytest.approx([0.3 - 0.02**0.5, 0.3 + 0.02**0.5])
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["a (n = 2)", "b (n = 1)", "test accuracy, finished"]

    def test_a_mark_at_the_end_is_the_end(self) -> None:
        found = run(beside={"40 epochs": {"test": {"accuracy": 0.1}}})
        found.config["run"]["marks"] = {"epochs": [40]}
        figure = Accuracy().draw({"a": [found]})
        assert figure is not None
        box, _ = figure.axes[0].containers  # and the one of the legend
        assert box.lines[0].get_xydata().tolist() == [[40, 0.6]]

    def test_another_fitness_is_no_accuracy(self) -> None:
        other = run()
        other.config["evaluator"]["fitness"] = "loss"
        assert Accuracy().draw({"a": [other]}) is None


def test_the_number_of_blocks_is_the_mean_over_runs() -> None:
    figure = Blocks().draw({"a": [run(), run(RECORDS[:2], best=0)]})
    assert figure is not None
    (axes,) = figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[4, 1], [8, 1]]
    figure = Blocks().draw({"a": [run()]})
    assert figure is not None
    assert figure.axes[0].lines[0].get_ydata().tolist() == [1, 1, 2, 2, 2, 2, 2, 2, 1, 1]


@pytest.mark.parametrize("plot", [Accuracy(), Ancestry(), Blocks()], ids=["accuracy", "ancestry", "blocks"])
def test_runs_that_search_for_something_else_have_none(plot: Any) -> None:
    other, silent = run(), run()
    other.config["genotype"] = {"use": "real-vector"}
    silent.metrics = [{"generations": 1, "epochs": 4, "best": 0.5}]
    assert plot.draw({"other": [other]}) is None
    assert plot.draw({"silent": [silent]}) is None


def test_a_real_run_gets_them_all(tmp_path: Any) -> None:
    config = {
        "run": {"name": "tiny", "stop": {"epochs": 4}, "marks": {"epochs": [2]}},
        "strategy": {"use": "niching-one-plus-one"},
        "genotype": {"use": "block-stack", "channels": [2, 4]},
        "evaluator": {"use": "train", "dataset": {"use": "digits"}, "epochs": 1},
    }
    evoplug.run(config, out=tmp_path / "run")
    drawings = draw(groups.read([tmp_path]))
    assert not drawings.notices
    assert {"lamarck-accuracy", "lamarck-ancestry", "lamarck-blocks"} <= {each.name for each in drawings.figures}
