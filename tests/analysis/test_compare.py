"""Comparisons of arms: values, verdicts, and what they refuse."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.folders import ACKLEY, DATA, arm, finished, recorded, sweep
from evoplug import ConfigError, FilesError, Run
from evoplug.analysis.compare import Comparison, compare, pair
from evoplug.analysis.direction import goal
from evoplug.analysis.groups import read
from evoplug.config import Claim

HIGH, LOW = [0.7, 0.8, 0.9, 0.95], [0.1, 0.2, 0.3, 0.4]
METRIC = "test.accuracy"


def compared(tmp_path: Path, arms: dict[str, Sequence[float | None]], *claims: dict, **options: object) -> Comparison:
    folder = sweep(tmp_path / "s", arms, [{"metric": METRIC, **claim} for claim in claims])
    return compare(read([folder]), **options)


def test_a_claim_of_separate_arms_is_shown(tmp_path: Path) -> None:
    result = compared(tmp_path, {"a": HIGH, "b": LOW}, {"better": "a", "than": "b"})
    (verdict,) = result.verdicts
    assert (verdict.p, verdict.corrected, verdict.least) == pytest.approx((1 / 70, 1 / 70, 1 / 70))
    assert (verdict.exact, verdict.effect.value, verdict.answer) == (True, 1.0, "shown")
    (arms,) = result.arms.values()
    assert [(a.name, a.summary.n, a.summary.median) for a in arms] == [("a", 4, pytest.approx(0.85)), ("b", 4, 0.25)]
    assert result.stated
    assert [(family.name, family.tests) for family in result.families] == [("expected to hold", 1)]


def test_the_other_way_round_it_is_not(tmp_path: Path) -> None:
    (verdict,) = compared(tmp_path, {"a": HIGH, "b": LOW}, {"better": "b", "than": "a"}).verdicts
    assert (verdict.p, verdict.answer) == (1.0, "not shown")


def test_where_less_is_better(tmp_path: Path) -> None:
    (verdict,) = compared(tmp_path, {"a": HIGH, "b": LOW}, {"better": "a", "than": "b", "metric": "test.loss", "goal": "min"}).verdicts  # fmt: skip  # noqa: E501
    assert (verdict.answer, verdict.effect.value) == ("shown", 1.0)


def test_a_margin_makes_it_a_claim_of_not_being_worse(tmp_path: Path) -> None:
    arms = {"a": [0.5, 0.51, 0.52, 0.53], "b": [0.505, 0.515, 0.525, 0.535]}
    claims = [{"better": "a", "than": "b", "margin": margin} for margin in (0.0, 0.1)]
    superior, not_inferior = compared(tmp_path, arms, *claims).verdicts
    assert (superior.answer, not_inferior.answer) == ("not shown", "shown")
    assert not_inferior.p == pytest.approx(1 / 70)
    assert superior.effect.value == not_inferior.effect.value < 0.5


def test_a_margin_in_favour_of_less(tmp_path: Path) -> None:
    claim = Claim("a", "b", "test.loss", "min", 0.1)
    arms = {"a": [0.5, 0.51, 0.52, 0.53], "b": [0.505, 0.515, 0.525, 0.535]}
    (verdict,) = compared(tmp_path, arms, metric="test.loss", claims=[claim]).verdicts
    assert verdict.answer == "shown"


def test_too_few_runs_get_no_verdict(tmp_path: Path) -> None:
    (verdict,) = compared(tmp_path, {"a": HIGH[:2], "b": LOW[:2]}, {"better": "a", "than": "b"}).verdicts
    assert (verdict.least, verdict.answer) == (pytest.approx(1 / 6), "not enough runs")


def test_runs_enough_for_one_claim_may_be_too_few_for_several(tmp_path: Path) -> None:
    arms = {"a": HIGH[:3], "b": LOW[:3], "c": LOW[:3]}
    claims = [{"better": "a", "than": "b"}, {"better": "a", "than": "c"}]
    verdicts = compared(tmp_path, arms, *claims).verdicts
    assert [v.corrected for v in verdicts] == pytest.approx([0.1, 0.1])
    assert {v.answer for v in verdicts} == {"not enough runs"}


NOT = {"expect": "not reproduced", "reason": "a control"}
# One-sided p of four against four runs, counted by hand over the 70 arrangements: HIGH over LOW is complete, 1 / 70;
# MIXED over LOW has the rank sum 25, reached by 2 of them; LOW over MIXED the rank sum 11, reached by all but one.
MIXED = [0.35, 0.5, 0.6, 0.65]
CLAIMS = (
    {"better": "low", "than": "mixed", **NOT},
    {"better": "mixed", "than": "low"},
    {"better": "high", "than": "low", **NOT},
    {"better": "high", "than": "mixed"},
)


def test_each_family_is_corrected_within_itself(tmp_path: Path) -> None:
    """Holm by hand. To hold: 1/70 twice, 2/70 once, so 2/70 and 2/70. Not to hold: 1/70 twice, 69/70 once."""
    result = compared(tmp_path, {"high": HIGH, "mixed": MIXED, "low": LOW}, *CLAIMS)
    found = {
        family.name: [(v.claim.better, v.claim.than, round(70 * v.p), v.corrected) for v in family.verdicts]
        for family in result.families
    }
    assert found == {
        "expected to hold": [
            ("mixed", "low", 2, pytest.approx(2 / 70)),
            ("high", "mixed", 1, pytest.approx(2 / 70)),
        ],
        "expected not to hold": [
            ("low", "mixed", 69, pytest.approx(69 / 70)),
            ("high", "low", 1, pytest.approx(2 / 70)),
        ],
    }
    assert [family.tests for family in result.families] == [2, 2]
    assert [v.claim.than for v in result.verdicts] == ["low", "mixed", "mixed", "low"]


def test_a_control_costs_a_claim_nothing(tmp_path: Path) -> None:
    """With one claim, 1/70 is shown; corrected over these five it would be 5/70, which is not."""
    controls = [{"better": "b", "than": "a", **NOT, "margin": margin} for margin in (0.0, 0.01, 0.02, 0.03)]
    verdict, *others = compared(tmp_path, {"a": HIGH, "b": LOW}, *controls, {"better": "a", "than": "b"}).verdicts
    assert (verdict.corrected, verdict.answer) == (pytest.approx(1 / 70), "shown")
    assert {other.answer for other in others} == {"not enough runs"}  # of four, 4/70 is the least


def test_controls_alone_are_a_family(tmp_path: Path) -> None:
    result = compared(tmp_path, {"a": HIGH, "b": LOW}, {"better": "b", "than": "a", **NOT})
    assert [(family.name, family.tests) for family in result.families] == [("expected not to hold", 1)]


def test_claims_of_an_option_leave_aside_what_was_stated_before(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "s", {"a": HIGH, "b": LOW}, [{"better": "a", "than": "b", "metric": METRIC}])
    groups = read([folder])
    assert len(compare(groups).earlier) == 1
    assert compare(groups, claims=[Claim("a", "b", METRIC)]).earlier == ()
    assert compare(groups, METRIC, claims=()).earlier == ()


def test_a_claim_about_an_arm_without_finished_runs_is_kept(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "s", {"a": HIGH, "b": []}, [{"better": "a", "than": "b", "metric": METRIC}])
    finished(folder / "b" / "seed-1", status="interrupted")
    result = compare(read([folder]))
    assert [(v.p, v.answer) for v in result.verdicts] == [(1.0, "not enough runs")]
    assert "interrupted" in result.notices[0]


def test_without_claims_every_pair_is_tested_both_ways(tmp_path: Path) -> None:
    result = compared(tmp_path, {"a": LOW, "b": HIGH, "c": [0.0, 0.01, 0.02, 0.03]}, metric=METRIC)
    assert [(v.claim.better, v.claim.than) for v in result.verdicts] == [("b", "a"), ("a", "c"), ("b", "c")]
    assert not result.stated
    assert [(family.name, family.tests) for family in result.families] == [("every pair", 6)]
    assert result.verdicts[0].corrected == pytest.approx(6 / 70)


def test_claims_about_other_metrics_do_not_count(tmp_path: Path) -> None:
    claims = [{"better": "a", "than": "b"}, {"better": "a", "than": "b", "metric": "best.fitness"}]
    result = compared(tmp_path, {"a": HIGH, "b": LOW}, *claims)
    assert list(result.arms) == [METRIC, "best.fitness"]
    assert len(result.verdicts) == 2
    only = compare(read([tmp_path / "s"]), "best.fitness")
    assert [v.claim.metric for v in only.verdicts] == ["best.fitness"]


def test_without_a_metric_the_first_on_test_data_is_compared_or_at_a_budget_the_best_fitness(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.5], rows=ROWS)
    assert list(compare(read([tmp_path])).arms) == [METRIC]
    assert list(compare(read([tmp_path]), at=("epochs", 8)).arms) == ["best"]


def test_what_is_not_finite_ranks_last_and_is_said(tmp_path: Path) -> None:
    result = compared(tmp_path, {"a": HIGH, "b": [None, None, 0.1, 0.2]}, {"better": "a", "than": "b"})
    assert result.verdicts[0].answer == "shown"
    assert result.arms[METRIC][1].summary[:2] == (4, pytest.approx(0.15))
    assert result.notices == ("arm b: test.accuracy is not finite for seed 1, 2; it ranks last",)


ROWS = [{"generations": g, "epochs": 4 * g, "best": g / 10} for g in (1, 2, 3)]


def test_arms_are_aligned_on_a_column_of_the_ledger(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.5], rows=ROWS)
    arm(tmp_path / "b", [0.5], rows=[{**row, "epochs": 10 * row["generations"]} for row in ROWS])
    result = compare(read([tmp_path]), "best", at=("epochs", 11))
    assert [a.values.tolist() for a in result.arms["best"]] == [[0.2], [0.1]]
    assert result.notices == ()
    late = compare(read([tmp_path]), "best", at=("epochs", 25))
    assert [a.values.tolist() for a in late.arms["best"]] == [[0.3], [0.2]]
    assert late.notices == ("arm a: a run ended at epochs = 12; its last value counts",)


def test_a_budget_before_the_first_value_is_refused(tmp_path: Path) -> None:
    arm(tmp_path / "a", [0.5], rows=ROWS)
    with pytest.raises(FilesError, match="nothing within epochs = 3: it has best from epochs = 4 on"):
        compare(read([tmp_path]), "best", at=("epochs", 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "test.acc"}, "has no metric `test.acc`; did you mean `test.accuracy`"),
        ({"metric": METRIC, "at": ("generations", 1)}, "has no column in its records `test.accuracy`; choices: `gen"),
        ({"metric": "best", "at": ("epoch", 1)}, "has no column in its records `epoch`; choices"),
        ({"metric": METRIC, "claims": [Claim("a", "bb", METRIC)]}, "`bb`: unknown arm; did you mean `b`"),
    ],
)
def test_what_is_not_there(options: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        compared(tmp_path, {"a": HIGH, "b": LOW}, **options)


PAPER = {"metric": METRIC, "value": 0.976, "source": "table 5.1"}


def test_what_the_paper_reports_stands_beside_ours_with_the_settings_that_differ(tmp_path: Path) -> None:
    row = arm(tmp_path / "row", [0.9], paper=PAPER) / "seed-1"
    resolved = (row / "resolved.toml").read_text()
    (row / "resolved.toml").write_text(resolved.replace('use = "snes"', 'use = "snes"\npopulation = 10'))
    (row / "config.toml").write_text(resolved.replace('use = "snes"', 'use = "snes"\npopulation = 50'))
    arm(tmp_path / "own", [0.8], paper={**PAPER, "value": 0.9})
    (tmp_path / "own" / "seed-1" / "config.toml").write_text((tmp_path / "row" / "seed-1" / "config.toml").read_text())
    arm(tmp_path / "z", [0.7])
    own, here, none = compare(read([tmp_path]), METRIC).arms[METRIC]
    assert (here.paper.value, here.paper.source) == (0.976, "table 5.1")
    assert "strategy.population is 10, not 50" in here.deviations
    assert (own.paper.value, own.deviations) == (0.9, ())
    assert (none.paper, none.deviations) == (None, ())
    assert compare(read([tmp_path]), "best.fitness").arms["best.fitness"][1].paper is None


class TestDirection:
    def best(self, folder: Path, metric: str, **options: object) -> tuple[str, str]:
        (verdict,) = compare(read([folder]), metric, **options).verdicts
        return verdict.claim.better, verdict.claim.goal

    @pytest.mark.parametrize("metric", ["test.loss", "beside.mean of the weights.test.loss", "ledger.generations"])
    def test_less_is_better_where_the_evaluator_says_so(self, metric: str, tmp_path: Path) -> None:
        beside = {"minimised": ["loss"]}
        arm(tmp_path / "good", HIGH, **beside)
        arm(tmp_path / "bad", LOW, **beside, ledger={"generations": 3})
        for run in tmp_path.rglob("result.json"):
            data = json.loads(run.read_text())
            data["beside"]["mean of the weights"]["test"]["loss"] = data["test"]["loss"]
            run.write_text(json.dumps(data))
        assert self.best(tmp_path, metric) == ("good", "min")
        assert self.best(tmp_path, metric, goal="max") == ("bad", "max")
        assert self.best(tmp_path, METRIC) == ("good", "max")
        stated = pair(read([tmp_path]), "good", "bad", metric)
        assert [v.claim.goal for v in compare(read([tmp_path]), claims=stated).verdicts] == ["min"]

    @pytest.mark.parametrize(
        ("metric", "wanted"),
        [
            ("test.error.mnist", "min"),
            ("validation.error", "min"),
            ("beside.128 epochs, before finishing.test.error.a.b", "min"),
            ("error.macro", "min"),
            ("test.score.low", "min"),
            ("best.error", "min"),
            ("best.fitness", "max"),
            ("test.score", "max"),
            ("test.score.lower", "max"),
            ("test.errors", "max"),
            ("test.accuracy.error", "max"),
        ],
    )
    def test_a_part_of_a_metric_goes_its_way(self, metric: str, wanted: str, tmp_path: Path) -> None:
        run = Run(finished(tmp_path / "run", minimised=["error", "score.low"]))
        assert goal([run], metric) == wanted

    def test_runs_that_do_not_say_are_compared_as_before_with_a_word(self, tmp_path: Path) -> None:
        arm(tmp_path / "a", HIGH)
        arm(tmp_path / "b", LOW)
        result = compare(read([tmp_path]), "test.loss")
        assert [v.claim.goal for v in result.verdicts] == ["max"]
        assert result.notices == (
            "these runs do not say whether more or less of test.loss is better: more is taken to be",
        )
        assert compare(read([tmp_path]), "test.loss", goal="min").notices == ()
        assert compare(read([tmp_path]), "best.fitness").notices == ()

    def claimed(self, folder: Path, **keys: str) -> Comparison:
        """Of arms of which a, with less loss, is claimed to be better; the runs began under a claim that says so."""
        claim = {"better": "a", "than": "b", "metric": "test.loss"}
        arm(folder / "a", HIGH, minimised=["loss"])
        arm(folder / "b", LOW, minimised=["loss"])
        sweep(folder, {"a": [], "b": []}, [claim | keys])
        recorded(folder, {**claim, "goal": "min"})
        return compare(read([folder]))

    def test_a_claim_that_does_not_say_it_is_tested_in_the_direction_of_its_metric(self, tmp_path: Path) -> None:
        result = self.claimed(tmp_path / "s")
        (verdict,) = result.verdicts
        assert (str(verdict.claim), verdict.claim.goal, verdict.p) == ("a < b", "min", verdict.least)
        assert result.doubts == result.notices == ()

    def test_a_claim_that_says_more_is_tested_as_it_stands_and_remarked_on(self, tmp_path: Path) -> None:
        result = self.claimed(tmp_path / "s", goal="max")
        assert result.verdicts[0].p == 1.0
        assert result.doubts[0].endswith('a > b on test.loss: goal was "min", is "max"')
        assert result.notices == (
            'a > b on test.loss: less of it is better, and the claim, with goal = "max", says more is',
        )


class TestSpending:
    def test_what_the_runs_have_not_spent_alike_is_said_unless_the_budget_is_equal(self, tmp_path: Path) -> None:
        arm(tmp_path / "a", [0.5, 0.6], rows=ROWS, ledger={"evaluations": 2000, "seconds": 3.0})
        arm(tmp_path / "b", [0.5], rows=ROWS, ledger={"evaluations": 100_000, "seconds": 4.0})
        finished(tmp_path / "b" / "seed-2", 2, rows=ROWS, ledger={"evaluations": 99_000, "seconds": 5.0})
        result = compare(read([tmp_path]), METRIC)
        said = "evaluations: a 2,000, b 99,000 to 100,000"
        assert list(map(str, result.spent)) == [said]
        assert result.doubts == (f"not all runs spent the same: {said}; --at compares at an equal budget",)
        assert compare(read([tmp_path]), "best", at=("epochs", 8)).doubts == ()

    def test_of_many_arms_the_ends_are_said(self, tmp_path: Path) -> None:
        for index, name in enumerate("abcdef"):
            arm(tmp_path / name, [0.5], ledger={"evaluations": 10 + index})
        assert list(map(str, compare(read([tmp_path]), METRIC).spent)) == ["evaluations: from a 10 to f 15"]


class TestSomeOfTheArms:
    CLAIMS = ({"better": "a", "than": "b"}, {"better": "a", "than": "c"})

    def test_a_claim_about_an_arm_that_is_not_here_says_so_and_is_counted(self, tmp_path: Path) -> None:
        stated = [{"metric": METRIC, **claim} for claim in self.CLAIMS]
        folder = sweep(tmp_path / "s", {"a": HIGH, "b": LOW, "c": LOW}, stated)
        for some in (read([folder / "a", folder / "b"]), read([folder], without=["c"])):
            here, absent = compare(some).verdicts
            assert (here.answer, here.corrected) == ("shown", pytest.approx(2 / 70))
            assert (absent.answer, absent.absent) == ("not among these runs", ("c",))

    def test_arms_and_runs_are_left_out_by_name_unread(self, tmp_path: Path) -> None:
        folder = sweep(tmp_path / "s", {"a": HIGH, "b": LOW, "c": LOW})
        (folder / "a" / "seed-2" / "result.json").write_text("{")
        (folder / "b" / "seed-1" / "resolved.toml").write_text("=")
        groups = read([folder], without=["b", "a/seed-2"])
        assert {name: len(runs) for name, runs in groups.arms.items()} == {"a": 3, "c": 4}
        assert groups.notices[0] == "left out, as was asked: b, a/seed-2"
        with pytest.raises(ConfigError, match=r"a/seed-9: no arm or run of this name to leave out; did you mean `a/s"):
            read([folder], without=["a/seed-9"])


class TestSeveralProblems:
    ARMS = {"a": HIGH, "b": LOW, "c": LOW, "d": HIGH}

    def test_only_arms_of_one_are_compared(self, tmp_path: Path) -> None:
        result = compare(read([sweep(tmp_path / "s", self.ARMS, sections={"c": ACKLEY, "d": ACKLEY})]))
        assert [str(verdict.claim) for verdict in result.verdicts] == ["a > b", "d > c"]
        assert [family.tests for family in result.families] == [4]
        assert [(arm.name, arm.problem) for arm in result.arms[METRIC]] == [
            ("a", "function=sphere"), ("b", "function=sphere"), ("c", "function=ackley"), ("d", "function=ackley"),
        ]  # fmt: skip

    def test_each_has_the_metrics_that_its_claims_are_about(self, tmp_path: Path) -> None:
        claims = [
            {"better": "a", "than": "b", "metric": METRIC},
            {"better": "d", "than": "c", "metric": "test.loss", "goal": "min"},
            {"better": "gone", "than": "lost", "metric": "best.fitness"},
        ]
        result = compare(read([sweep(tmp_path / "s", self.ARMS, claims, {"c": ACKLEY, "d": ACKLEY})]))
        assert [verdict.answer for verdict in result.verdicts] == ["shown", "shown", "not among these runs"]
        assert {metric: [arm.name for arm in arms] for metric, arms in result.arms.items()} == {
            METRIC: ["a", "b"], "best.fitness": ["a", "b", "c", "d"], "test.loss": ["c", "d"],
        }  # fmt: skip

    def test_one_without_the_metric_is_left_out_and_that_is_noted(self, tmp_path: Path) -> None:
        folder = sweep(tmp_path / "s", self.ARMS, sections={"c": {"evaluator": DATA}, "d": {"evaluator": DATA}})
        for result in folder.glob("[ab]/*/result.json"):
            result.write_text(json.dumps({**json.loads(result.read_text()), "test": {}}))
        groups = read([folder])
        result = compare(groups, METRIC)
        assert [arm.name for arm in result.arms[METRIC]] == ["c", "d"]
        assert result.notices[0].startswith("function=sphere: left out: ")
        assert [(metric, len(arms)) for metric, arms in compare(groups).arms.items()] == [
            ("best.fitness", 2), (METRIC, 2),
        ]  # fmt: skip
        with pytest.raises(ConfigError, match="has no metric `test.nothing`"):
            compare(groups, "test.nothing")

    def test_a_claim_across_them_is_refused(self, tmp_path: Path) -> None:
        groups = read([sweep(tmp_path / "s", self.ARMS, sections={"c": ACKLEY, "d": ACKLEY})])
        with pytest.raises(ConfigError, match="`a` and `c` cannot be compared: they are of different problems"):
            compare(groups, claims=pair(groups, "a", "c"))

    def test_what_was_spent_is_compared_within_each(self, tmp_path: Path) -> None:
        folder = tmp_path / "s"
        sweep(folder, {"a": [0.1], "b": [0.2]})
        arm(folder / "c", [0.3], ledger={"evaluations": 99}, **ACKLEY)
        assert compare(read([folder])).spent == ()
