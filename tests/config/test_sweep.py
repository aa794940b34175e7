"""Sweeps and claims: parsed, and every arm checked."""

from pathlib import Path

import pytest

from evoplug.config import cells, check, load, resolved
from evoplug.errors import ConfigError

BASE = {
    "strategy": {"use": "snes"},
    "genotype": {"use": "real-vector", "length": 2},
    "evaluator": {"use": "function"},
}


def swept(sweep: dict, **more: object):
    return check(load({**BASE, "sweep": sweep, **more}))


def mistakes(sweep: object, **more: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        swept(sweep, **more)
    return str(caught.value).splitlines()


def test_without_a_sweep_there_is_one_cell() -> None:
    (cell,) = cells(check(load(BASE, {"run.seed": 7})))
    assert (cell.arm, cell.seed) == ("run", 7)


def test_every_arm_runs_with_every_seed() -> None:
    experiment = swept({"seeds": 2, "arms": {"long": {"genotype.length": 9}}}, run={"seed": 5})
    made = list(cells(experiment))
    assert [(cell.arm, cell.seed) for cell in made] == [("run", 5), ("run", 6), ("long", 5), ("long", 6)]
    assert [cell.experiment.genotype.parameters["length"] for cell in made] == [2, 2, 9, 9]
    last = made[-1].experiment
    assert last.sweep is None
    assert resolved(last)["run"]["seed"] == 6
    assert resolved(check(last.document)) == resolved(last)


def test_every_combination_of_a_grid_is_an_arm_in_place_of_the_base() -> None:
    grid = {"genotype.length": [3, 4], "evaluator.function": ["sphere", "ackley"]}
    experiment = swept({"seeds": [3, 1], "grid": grid, "arms": {"one": {"genotype.length": 1}}})
    made = list(cells(experiment))
    assert [cell.arm for cell in made[::2]] == [
        "one",
        "length=3,function=sphere",
        "length=3,function=ackley",
        "length=4,function=sphere",
        "length=4,function=ackley",
    ]
    assert [cell.seed for cell in made[:2]] == [3, 1]
    assert made[-1].experiment.evaluator.parameters["function"] == "ackley"


def test_every_value_of_a_grid_has_a_run() -> None:
    networks = [{"use": "mlp", "hidden": [8]}, {"use": "mlp", "hidden": [16]}, {"use": "convnet"}]
    base = {"genotype": {"use": "weights"}, "evaluator": {"use": "classification"}}
    experiment = swept({"grid": {"genotype.network": networks}}, **base)
    assert list(experiment.arms) == ["network=mlp,hidden=[8]", "network=mlp,hidden=[16]", "network=convnet"]
    assert [arm.genotype.parameters["network"].name for arm in experiment.arms.values()] == ["mlp", "mlp", "convnet"]


def test_a_grid_without_axes_is_none() -> None:
    assert list(swept({"grid": {}, "base": "short"}).arms) == ["short"]


def test_the_base_arm_may_have_a_name() -> None:
    experiment = swept({"base": "short", "arms": {"long": {"genotype.length": 9}}})
    assert [cell.arm for cell in cells(experiment)] == ["short", "long"]
    claim = {"better": "short", "than": "long", "metric": "best.fitness"}
    assert swept({"base": "short", "arms": {"long": {}}}, claim=[claim]).claims[0].better == "short"


PAPER = {"metric": "test.accuracy", "value": 0.9, "source": "table 1"}


def test_what_the_paper_reports_holds_for_the_base_and_for_arms_that_say_so() -> None:
    arms = {"other": {"genotype.length": 9}, "row": {"genotype.length": 8, "paper": {**PAPER, "value": 0.8}}}
    run, other, row = (cell.experiment.paper for cell in cells(swept({"arms": arms}, paper=PAPER)))
    assert run is not None
    assert row is not None
    assert (run.value, other, row.value) == (0.9, None, 0.8)


def test_what_the_paper_reports_for_an_arm_holds_for_no_file_that_extends_it(tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text(
        'evoplug = 1\nstrategy = "snes"\nevaluator = "function"\n[genotype]\nuse = "real-vector"\nlength = 2\n'
        '[paper]\nmetric = "m"\nvalue = 0.9\nsource = "s"\n'
        '[sweep.arms.row]\n"genotype.length" = 9\npaper = { metric = "m", value = 0.8, source = "s" }\n'
        '[sweep.arms.other]\n"genotype.length" = 8\npaper = { metric = "m", value = 0.7, source = "s" }\n'
    )
    over = {"extends": str(base), "sweep": {"arms": {"other": {"paper": {**PAPER, "value": 0.6}}}}}
    values = [cell.experiment.paper and cell.experiment.paper.value for cell in cells(check(load(base)))]
    assert values == [0.9, 0.8, 0.7]
    made = [cell.experiment for cell in cells(check(load(over)))]
    assert [each.genotype.parameters["length"] for each in made] == [2, 9, 8]
    assert [each.paper and each.paper.value for each in made] == [None, None, 0.6]


@pytest.mark.parametrize("sweep", ['sweep = "none"', "sweep = 3", "sweep.arms = 3", 'sweep.arms.a = "x"'])
def test_a_sweep_of_any_kind_can_be_extended(sweep: str, tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text(f"evoplug = 1\n{sweep}\n")
    assert check(load({**BASE, "extends": str(base), "sweep": "none"})).sweep is None


def test_a_mistake_in_an_arm_is_found_where_the_arm_says_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        'evoplug = 1\nstrategy = "snes"\nevaluator = "function"\n[genotype]\nuse = "real-vector"\n'
        '[sweep.arms.a]\n"genotype.length" = 0\n[sweep.grid]\n"evaluator.function" = [\n  "sphere",\n  "spher",\n]\n'
    )
    with pytest.raises(ConfigError) as caught:
        check(load(file))
    assert str(caught.value).splitlines() == [
        f"{file}:7: genotype.length: must be at least 1, got 0",
        f'{file}:11: evaluator.function: got "spher"; did you mean `sphere`?',
    ]


def test_a_mistake_of_the_base_is_said_once() -> None:
    assert mistakes({"arms": {"a": {"run.threads": 2}}}, strategy={"use": "snes", "sigma": "x"}) == [
        'strategy.sigma: must be a number, got "x"'
    ]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (3, "sweep: must be a table, got 3"),
        ({"sed": 3}, "sweep.sed: unknown key; did you mean `seeds`?"),
        ({"seeds": 0}, "sweep.seeds: must be an integer of at least 1 or an array of seeds, got 0"),
        ({"seeds": [1, 1]}, "sweep.seeds: names a seed twice"),
        ({"seeds": [-1]}, "sweep.seeds: must be an integer"),
        ({"seeds": True}, "sweep.seeds: must be an integer"),
        ({"arms": {"run": {}}}, "sweep.arms.run: `run` is the base configuration; take another name"),
        ({"base": "b", "arms": {"b": {}}}, "sweep.arms.b: `b` is the base configuration; take another name"),
        ({"base": 3}, "sweep.base: must be a string, got 3"),
        ({"base": "a/b"}, "sweep.base: must be usable as the name of a folder"),
        ({"base": "b", "grid": {"genotype.length": [3]}}, "sweep.base: a sweep with a grid has no base arm"),
        ({"arms": {"a/b": {}}}, "sweep.arms.a/b: must be usable as the name of a folder"),
        ({"arms": {"a": 3}}, "sweep.arms.a: must be a table, got 3"),
        (
            {"arms": {"a": {"genotype": {"length": 3}}}},
            "sweep.arms.a.genotype: would replace a whole section; put dotted",
        ),
        ({"arms": {"a": {"run.seed": 3}}}, "sweep.arms.a.run.seed: cannot be changed by an arm"),
        ({"arms": {"a": {"a b": 3}}}, "sweep.arms.a.a b: 'a b' is not a key that can be set"),
        ({"grid": {"genotype.length": 3}}, "sweep.grid.genotype.length: must be an array of values, got 3"),
        ({"grid": {"genotype.length": [3, 4, 3]}}, "sweep.grid.genotype.length[2]: stands here twice: 3"),
        (
            {"grid": {"genotype.length": [3]}, "arms": {"length=3": {}}},
            "sweep.arms.length=3: may be one folder with `length=3`, a combination of the grid; take another name",
        ),
        ({"arms": {"RUN": {}}}, "sweep.arms.RUN: may be one folder with the base, `run`"),
        ({"arms": {"A": {}, "a": {}}}, "sweep.arms.a: may be one folder with arm `A`"),
        ({"seeds": 10**6}, "sweep.seeds: a sweep may have 10,000 runs, got 1,000,000 seeds"),
        (
            {"grid": {f"a.b{i}": list(range(50)) for i in range(6)}},
            "sweep.grid: a sweep may have 1,000 arms and 10,000 runs, this one has 15,625,000,000 arms and 15,625",
        ),
        (
            {"seeds": 5001, "arms": {"a": {}}},
            "sweep: a sweep may have 1,000 arms and 10,000 runs, this one has 2 arms and 10,002 runs",
        ),
        ({"grid": {"genotype.length": []}}, "sweep.grid.genotype.length: must be an array of values, got []"),
    ],
)
def test_mistakes_in_a_sweep(sweep: object, message: str) -> None:
    assert any(line.startswith(message) for line in mistakes(sweep)), mistakes(sweep)


def test_seeds_stay_below_their_bound() -> None:
    last = {"run": {"seed": 2**63 - 1}}
    assert swept({"seeds": 1}, **last).sweep.seeds == (2**63 - 1,)
    (line,) = mistakes({"seeds": 2}, **last)
    assert (
        line
        == "sweep.seeds: the last of 2 from run.seed = 9223372036854775807 on is 9223372036854775808, above 2^63 - 1"
    )


DEAP = {
    **BASE,
    "strategy": {"use": "mu-plus-lambda", "offspring": 7},
    "operators": {"selection": "tournament", "mutation": {"use": "gaussian", "sigma": 0.5}},
}


def test_a_grid_over_strategies_keeps_of_the_operators_what_fits_each() -> None:
    experiment = check(load({**DEAP, "sweep": {"grid": {"strategy.use": ["cma-es", "mu-plus-lambda", "simple"]}}}))
    searcher, same, other = experiment.arms.values()
    assert searcher.operators == {}
    assert searcher.document.notices == (
        "strategy: use = `cma-es` drops what `mu-plus-lambda` had: offspring",
        "strategy: use = `cma-es` drops what it has no place for: operators.selection, operators.mutation",
    )
    assert (same.document.notices, same.strategy.parameters["offspring"]) == ((), 7)
    assert other.operators["mutation"].parameters["sigma"] == 0.5


def test_a_grid_over_strategies_with_a_genotype_and_without() -> None:
    config = {
        "strategy": {"use": "epbt"},
        "genotype": {"use": "composite", "parts": {"loss": {"use": "taylorglo"}}},
        "evaluator": {"use": "train"},
        "sweep": {"grid": {"strategy.use": ["epbt", "gradient-descent"]}},
    }
    evolved, plain = check(load(config)).arms.values()
    assert evolved.genotype is not None
    assert plain.genotype is None
    assert plain.document.notices == ("strategy: use = `gradient-descent` drops what it has no place for: genotype",)


def test_parameters_of_another_strategys_own_operator_go_with_it() -> None:
    config = {
        "strategy": "pbt",
        "genotype": {"use": "composite", "parts": {"loss": {"use": "taylorglo"}}},
        "evaluator": "train",
        "operators": {"mutation": {"reset": 0.5}, "selection": {"proportion": 0.5}},
    }
    other = check(load(config, {"strategy.use": "epbt"}))
    assert other.operators["mutation"].name == "multiplicative-gaussian"
    assert other.operators["mutation"].parameters["reset"] == 0.2
    assert other.document.notices[-1].endswith("no place for: operators.mutation, operators.selection")


@pytest.mark.parametrize("nothing", ["none", {}])
def test_an_arm_can_drop_all_operators(nothing: object) -> None:
    arms = {"a": {"strategy": "snes", "operators": nothing}, "b": {"operators": nothing}}
    _, searcher, defaults = check(load({**DEAP, "sweep": {"arms": arms}})).arms.values()
    assert (searcher.operators, searcher.document.notices) == ({}, ())
    assert defaults.operators["selection"].name == "best"


def test_operators_that_an_arm_sets_itself_must_fit() -> None:
    arms = {"a": {"strategy.use": "snes", "operators.mutation.sigma": 1.0}}
    with pytest.raises(ConfigError, match=r"operators.mutation: unknown slot of strategy `snes`"):
        check(load({**DEAP, "sweep": {"arms": arms}}))


def test_a_file_that_extends_a_sweep_can_drop_it() -> None:
    assert check(load({**BASE, "sweep": {"seeds": 3}}, {"sweep": "none"})).sweep is None


CLAIM = {"better": "run", "than": "long", "metric": "test.accuracy"}
ARMS = {"arms": {"long": {"strategy.sigma": 0.9}}}


def test_a_claim_names_arms_and_a_metric() -> None:
    (claim,) = swept(ARMS, claim=[CLAIM]).claims
    assert (claim.better, claim.than, claim.margin, claim.expect, claim.reason) == (
        "run",
        "long",
        0.0,
        "reproduced",
        "",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"than": "lnog"}, "claim[0].than: unknown arm; did you mean `long`?"),
        ({"better": "long"}, "claim[0].than: is the same arm as better"),
        ({"expect": "maybe"}, 'claim[0].expect: must be `reproduced` or `not reproduced`, got "maybe"'),
        ({"expect": "not reproduced"}, 'claim[0].reason: is missing: expect = "not reproduced" needs one'),
        ({"metric": 3}, "claim[0].metric: must be a string, got 3"),
        ({"margin": -0.1}, "claim[0].margin: must be at least 0, got -0.1"),
        ({"goal": "less"}, 'claim[0].goal: must be `max` or `min`, got "less"'),
        ({"marign": 3}, "claim[0].marign: unknown key; did you mean `margin`?"),
    ],
)
def test_mistakes_in_a_claim(changes: dict, message: str) -> None:
    assert mistakes(ARMS, claim=[{**CLAIM, **changes}]) == [message]


def test_a_claim_about_arms_of_two_problems_is_refused_before_they_run() -> None:
    other = {"arms": {"long": {"evaluator.function": "ackley"}}}
    assert mistakes(other, claim=[CLAIM]) == [
        'claim[0]: `run` and `long` cannot be compared: evaluator.function is "sphere", not "ackley" as in the other'
    ]
    assert len(mistakes({"arms": {"long": {"genotype.length": 9}}}, claim=[CLAIM])) == 1
