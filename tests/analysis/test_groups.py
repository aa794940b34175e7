"""Run folders become arms; what is unfit is left out and said, or refused."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from analysis.folders import ACKLEY, CONFIG, DATA, arm, finished, sweep
from evoplug import ConfigError, FilesError
from evoplug.analysis.groups import column, curve, numbers, read
from evoplug.running.rundir import Run


def test_arms_are_the_folders_of_seeds(tmp_path: Path) -> None:
    arm(tmp_path / "batch=64", [0.1, 0.2])
    arm(tmp_path / "batch=8", [0.3])
    finished(tmp_path / "mine")
    groups = read([tmp_path])
    assert {name: [run.config["run"]["seed"] for run in runs] for name, runs in groups.arms.items()} == {
        "batch=8": [1],
        "batch=64": [1, 2],
        "mine": [1],
    }
    assert (groups.claims, groups.notices) == ((), ())


def test_a_folder_given_twice_counts_once(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1, 0.2])
    assert len(read([tmp_path, tmp_path / "a", tmp_path / "a" / "seed-1"]).arms["a"]) == 2


def test_arms_of_one_name_are_told_apart_by_the_folders_above(tmp_path: Path) -> None:
    arm(tmp_path / "x" / "run", [0.1])
    arm(tmp_path / "y" / "run", [0.2], strategy={"use": "xnes"})
    assert list(read([tmp_path]).arms) == ["x/run", "y/run"]


def test_a_sweep_gives_its_order_and_its_claims(tmp_path: Path) -> None:
    claim = {"better": "z", "than": "a", "metric": "test.accuracy"}
    sweep(tmp_path, {"z": [0.1], "m": [0.2], "a": [0.3]}, [claim])
    groups = read([tmp_path])
    assert list(groups.arms) == ["z", "m", "a"]
    assert [(c.better, c.than) for c in groups.claims] == [("z", "a")]
    assert [c.better for c in read([tmp_path / "z", tmp_path / "m"]).claims] == ["z"]


def test_claims_follow_arms_that_need_longer_names(tmp_path: Path) -> None:
    claim = {"better": "a", "than": "b", "metric": "test.accuracy"}
    sweep(tmp_path / "x", {"a": [0.1], "b": [0.2]}, [claim])
    arm(tmp_path / "y" / "a", [0.3])
    (claim_,) = read([tmp_path]).claims
    assert (claim_.better, claim_.than) == ("x/a", "x/b")


@pytest.mark.parametrize("status", ["interrupted", "failed"])
def test_unfinished_runs_are_left_out_and_said(status: str, tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1])
    left = finished(tmp_path / "a" / "seed-2", 2, status=status)
    groups = read([tmp_path])
    assert len(groups.arms["a"]) == 1
    assert groups.notices == (f"{left}: {status}, left out",)
    (left / "result.json").unlink()
    assert read([tmp_path]).notices == (f"{left}: unfinished, left out",)
    with pytest.raises(FilesError, match="none of these runs has finished"):
        read([left])


def rows(*best: float) -> list[dict[str, Any]]:
    """Records as a run leaves them; metrics were measured in the first generation."""
    return [
        {"generations": n, "evaluations": 10 * n, "seconds": 0.5 * n, "best": value, "time": {"evaluation": 0.25}}
        | ({"validation.accuracy": 0.75, "test.error.a": 0.5} if n == 1 else {})
        for n, value in enumerate(best, start=1)
    ]


@pytest.mark.parametrize(
    ("status", "stop", "said"),
    [
        ("interrupted", {"generations": 1500}, "generation 2 of 1,500; interrupted: generations = 2"),
        ("", {"generations": 9, "hours": 1}, "generation 2 of 9, until hours = 1"),
        ("", {"epochs": 5, "fitness": 0.5}, "generation 2, until epochs = 5 or fitness = 0.5"),
    ],
)
def test_an_unfinished_run_alone_is_taken_where_one_asks_for_it(
    status: str, stop: dict[str, float], said: str, tmp_path: Path
) -> None:
    config = {"name": "made", "stop": stop}
    run = finished(tmp_path / "a" / "seed-1", status=status, rows=rows(0.1, 0.3), run=config)
    if not status:
        (run / "result.json").unlink()
    groups = read([tmp_path], unfinished=True)
    assert (list(groups.arms), groups.notices) == (["a"], (f"unfinished: {said}",))
    finished(tmp_path / "a" / "seed-2", 2, run=config)
    assert [each.status for each in read([tmp_path], unfinished=True).arms["a"]] == ["finished"]


def test_what_an_unfinished_run_has_reached_is_in_its_records(tmp_path: Path) -> None:
    run = Run(finished(tmp_path / "run", status="failed", rows=rows(0.1, 0.5, 0.3)))
    assert numbers(run) == {
        "best.fitness": 0.3,
        "validation.accuracy": 0.75,
        "test.error.a": 0.5,
        "ledger.generations": 3, "ledger.evaluations": 30, "ledger.seconds": 1.5,
        "seconds.evaluation": 0.75,
    }  # fmt: skip


def test_a_run_without_a_generation_is_refused(tmp_path: Path) -> None:
    run = finished(tmp_path / "run", status="failed")
    (run / "metrics.jsonl").unlink()
    with pytest.raises(FilesError, match="run: failed, before the end of its first generation"):
        read([run], unfinished=True)


def test_a_seed_counts_once(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1])
    finished(tmp_path / "a" / "seed-1-2", 1, 0.9)
    groups = read([tmp_path])
    assert [column(run, "test.accuracy") for run in groups.arms["a"]] == [0.1]
    assert "seed 1 of arm a again" in groups.notices[0]


def test_runs_of_other_settings_are_no_arm(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1])
    finished(tmp_path / "a" / "seed-2", 2, strategy={"use": "snes", "sigma": 0.5})
    with pytest.raises(FilesError, match=r"seed-2: strategy.sigma is 0.5, not nothing as in .*seed-1"):
        read([tmp_path])


@pytest.mark.parametrize(
    ("sections", "difference"),
    [
        (ACKLEY, 'evaluator.function is "ackley", not "sphere"'),
        ({"genotype": {"use": "real-vector", "length": 9}}, "genotype.length is 9, not 3"),
        ({"evaluator": DATA}, 'evaluator.dataset is "mnist", not nothing'),
    ],
)
def test_other_problems_are_refused_naming_the_difference(sections: dict, difference: str, tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1])
    arm(tmp_path / "b", [0.2], **sections)
    with pytest.raises(FilesError) as caught:
        read([tmp_path])
    assert f"another problem: {difference} as in" in str(caught.value)


def test_a_sweep_over_several_problems_is_taken_apart(tmp_path: Path) -> None:
    arms, of = {"a": [0.1], "b": [0.2], "c": [0.3], "d": [0.4]}, {"b": ACKLEY, "d": ACKLEY}
    groups = read([sweep(tmp_path / "x", arms, sections=of)])
    assert list(groups.arms) == ["a", "c", "b", "d"]
    assert {name: list(arms) for name, arms in groups.apart().items()} == {
        "function=sphere": ["a", "c"],
        "function=ackley": ["b", "d"],
    }


def test_problems_that_a_sweep_has_side_by_side_may_be_in_others_too(tmp_path: Path) -> None:
    both = sweep(tmp_path / "x", {"a": [0.1], "b": [0.2]}, sections={"b": ACKLEY})
    one = sweep(tmp_path / "y", {"c": [0.3]}, sections={"c": ACKLEY})
    assert list(read([both, one]).apart()["function=ackley"]) == ["b", "c"]
    other = sweep(tmp_path / "z", {"e": [0.5]}, sections={"e": {"evaluator": DATA}})
    with pytest.raises(FilesError, match="another problem"):
        read([both, other])


def test_data_are_compared_within_a_problem(tmp_path: Path) -> None:
    more = {"evaluator": {**DATA, "dataset": {"use": "mnist", "train": 500}}}
    arms = {"a": [0.1], "b": [0.2], "c": [0.3]}
    groups = read([sweep(tmp_path / "x", arms, sections={"b": {"evaluator": DATA}, "c": more})])
    assert groups.problems == {"a": "function=sphere", "b": "dataset=mnist", "c": "dataset=mnist"}
    assert groups.notices == (
        "the data are not the same: in arm c evaluator.dataset.train is 500, not 1000 as in arm b",
    )


def test_one_data_set_is_one_problem_whoever_evaluates_and_its_settings_are_told(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1], evaluator=DATA)
    other = {"use": "classification", "dataset": {"use": "mnist", "train": 500}}
    arm(tmp_path / "b", [0.1], evaluator=other)
    arm(tmp_path / "c", [0.1], evaluator=other)
    assert read([tmp_path]).notices == (
        "the data are not the same: in arm b evaluator.dataset.train is 500, not 1000 as in arm a",
    )


def test_a_torn_last_line_is_dropped_and_said_and_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    run = finished(tmp_path / "a")
    records = run / "metrics.jsonl"
    whole = records.read_text()
    records.write_text(whole + '{"generations": 3, "be')
    groups = read([run])
    assert groups.notices == (f"{records}:3: the last line is torn and was left out",)
    assert curve(groups.arms["a"][0], "best", "generations") == ([1, 2], [0.1, 0.2])
    records.write_text("{" + whole)
    with pytest.raises(FilesError, match=r"metrics.jsonl:1: this line is damaged"):
        read([run])
    records.unlink()
    with pytest.raises(FilesError, match=r"metrics.jsonl: is missing"):
        read([run])


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FilesError, match="there is no run folder here"):
        read([tmp_path])
    with pytest.raises(FilesError, match="is not there"):
        read([tmp_path / "gone"])


def test_damaged_results_and_sweeps_are_refused(tmp_path: Path) -> None:
    sweep(tmp_path, {"a": [0.1]})
    (tmp_path / "sweep.toml").write_text("[sweep")
    with pytest.raises(FilesError, match=r"sweep.toml:1: is not TOML"):
        read([tmp_path])
    (tmp_path / "sweep.toml").write_text('evoplug = 1\n[sweep]\n[[claim]]\nbetter = "a"\n')
    with pytest.raises(FilesError, match=r"sweep.toml:3: claim\[0\].*is missing"):
        read([tmp_path])


def test_numbers_of_a_run(tmp_path: Path) -> None:
    (run,) = read([finished(tmp_path / "a", accuracy=None)]).arms["a"]
    found = numbers(run)
    assert math.isnan(found.pop("test.accuracy"))
    assert math.isnan(found.pop("test.loss"))
    assert found == {
        "beside.mean of the weights.test.accuracy": 0.25,
        "best.fitness": -1.0,
        "ledger.generations": 2.0,
        "ledger.evaluations": 20.0,
        "ledger.seconds": 3.0,
        "seconds.evaluation": 1.5,
    }


def test_curves_skip_generations_without_the_column(tmp_path: Path) -> None:
    rows = [
        {"generations": 1, "epochs": 3, "genes": [1, 2], "time": {"evaluation": 0.5}},
        {"generations": 2, "epochs": 6, "validation.accuracy": 0.5},
        {"generations": 3, "epochs": 9, "validation.accuracy": 0.75},
    ]
    (run,) = read([finished(tmp_path / "a", rows=rows)]).arms["a"]
    assert curve(run, "validation.accuracy", "epochs") == ([6, 9], [0.5, 0.75])
    assert curve(run, "time.evaluation", "generations") == ([1], [0.5])


def test_unknown_metrics_and_columns_name_the_choices(tmp_path: Path) -> None:
    (run,) = read([finished(tmp_path / "a")]).arms["a"]
    with pytest.raises(ConfigError, match="has no metric `test.acuracy`; did you mean `test.accuracy`?"):
        column(run, "test.acuracy")
    with pytest.raises(ConfigError, match="has no column in its records `x`; choices: `generations`, `best`"):
        curve(run, "x", "generations")


def test_what_the_machine_decides_does_not_part_an_arm(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.1])
    other = {**CONFIG["run"], "workers": 1, "device": "cpu", "name": "other"}
    finished(tmp_path / "a" / "seed-2", 2, run=other)
    assert len(read([tmp_path]).arms["a"]) == 2


def test_a_damaged_result_is_refused(tmp_path: Path) -> None:
    run = finished(tmp_path / "a")
    (run / "result.json").write_text(json.dumps({"status": "finished"})[:-3])
    with pytest.raises(FilesError, match=r"result.json: is damaged"):
        read([run])
