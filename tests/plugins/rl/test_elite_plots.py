"""The figures of re-evaluated elites: what is drawn of what runs recorded."""

from types import SimpleNamespace

import pytest

from evoplug.analysis.plots import style
from evoplug_rl.plots import Overestimation, Score


def run(seed=1, validation=None, beside=None, **columns):
    count = len(next(iter(columns.values())))
    rows = [{"generations": i + 1, **{name: values[i] for name, values in columns.items()}} for i in range(count)]
    return SimpleNamespace(
        folder="runs/x",
        status="finished",
        metrics=[{name: value for name, value in row.items() if value is not None} for row in rows],
        result={
            "best": {"fitness": 9.0},
            "validation": validation or {},
            "beside": {"top elite": beside} if beside else {},
        },
        config={"run": {"seed": seed}},
    )


def drawn(plot, **arms):
    with style():
        return plot.draw(arms)


def lines(figure):
    (axes,) = figure.axes
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


@pytest.mark.parametrize(
    ("columns", "x", "y", "label"),
    [
        ({"test.score": [1.0, 3.0], "frames": [10, 20]}, "frames", [1, 3], "test score of the top elite"),
        ({"validation.score": [1.0, 3.0], "steps": [10, 20]}, "steps", [1, 3], "validation score of the top elite"),
        ({"steps": [10, 20]}, "steps", [5, 4], "recorded fitness of the top elite"),
        ({"evaluations": [10, 20]}, "evaluations", [5, 4], "recorded fitness of the top elite"),
    ],
)
def test_the_score_is_drawn_by_what_was_played(columns, x, y, label):
    """It may fall: no running maximum."""
    figure = drawn(Score(), arm=[run(top_fitness=[5.0, 4.0], **columns)])
    assert lines(figure) == [([10, 20], y)]
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == (x, label)


def test_the_deviation_over_trials_is_the_band_of_a_single_run():
    columns = {"test.score": [1.0, 3.0], "test.deviation": [0.5, 2.0], "frames": [10, 20], "top_fitness": [5.0, 4.0]}
    (axes,) = drawn(Score(), arm=[run(**columns)]).axes
    (band,) = axes.collections
    heights = {round(float(y), 6) for y in band.get_paths()[0].vertices[:, 1]}
    assert {0.5, 1.5, 1.0, 5.0} <= heights


def test_without_the_exact_fitness_there_is_nothing_to_hold_it_against():
    assert drawn(Overestimation(), arm=[run(top_fitness=[5.0, 4.0])]) is None


def test_records_are_drawn_against_the_exact_fitness():
    """Of measured generations, of the last one, and of the solution; and the diagonal."""
    runs = [
        run(
            top_fitness=[5.0, 4.0, 6.0],
            validation={"fitness": 2.0},
            beside={"best": {"fitness": 6.5}, "validation": {"fitness": 3.5}},
            **{"validation.fitness": [1.0, None, 3.0]},
        )
    ]
    dots, cross, diagonal = lines(drawn(Overestimation(), arm=runs))
    assert dots == ([5.0, 6.0, 6.5], [1.0, 3.0, 3.5])
    assert cross == ([9.0], [2.0])
    assert diagonal[0][0] == diagonal[1][0]
