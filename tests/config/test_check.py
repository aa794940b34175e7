"""The first pass: what is right, what is wrong and how it is said."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evoplug.config import Experiment, cells, check, load, resolved
from evoplug.errors import ConfigError, Mistake
from strangers import visit

PARTS = """
    from collections.abc import Mapping
    from pathlib import Path
    from evoplug.contracts import *
    import a_module_that_is_not_there

    Rate = Annotated[float, Ge(0), Le(1)]

    @dataclass(kw_only=True)
    class Vector(Genotype, genome="vector"):
        length: Annotated[int, Ge(1), "genes"] = 5
        low: Annotated[float | list[float], "bound"] = 0.0

    @dataclass(kw_only=True)
    class Tree(Genotype, genome="tree"):
        pass

    @dataclass(kw_only=True)
    class Bag(Genotype, genome="bag"):
        parts: Annotated[Mapping[str, Genotype], "inner"]

    @dataclass(kw_only=True)
    class Score(Evaluator):
        costs = ("epochs",)
        provides = ("states",)
        function: Annotated[Function, Known("one", "two"), "what"] = "one"
        network: Network | None = None
        data: Dataset = use("pictures", size=3)
        layers: tuple[Annotated[int, Ge(1)], ...] = (1, 2)
        switches: Mapping[Literal["left", "right"], bool] = field(default_factory=dict)
        weights: Path | None = None
        images: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    @dataclass(kw_only=True)
    class Pictures(Dataset):
        size: Annotated[int, Gt(0), MultipleOf(3)] = 6

    @dataclass(kw_only=True)
    class Net(Network):
        hidden: Annotated[list[int], MinLen(1)]

    @dataclass(kw_only=True)
    class Search(Strategy):
        population: Annotated[int, Ge(2), "members"] = 10
        share: Rate = 0.5
        mode: Literal["fast", "slow"] = "fast"
        bound: Annotated[int, Ge(1)] | None = None
        selection: Selection = use("pick")
        mutation: Mutation
        crossover: Crossover | None = None

    @dataclass(kw_only=True)
    class Settled(Strategy):
        selection: Selection = use("choose", size=7)
        mutation: Mutation = use("nudge", sigma=0.5)
        crossover: Crossover | None = None

    @dataclass(kw_only=True)
    class Crossing(Strategy):
        mutation: Mutation = use("prune")
        crossover: Crossover | None = use("mix")

    @dataclass(kw_only=True)
    class Lonely(Strategy):
        genotype = "none"
        needs = ("cases",)

    @dataclass(kw_only=True)
    class Casewise(Strategy):
        needs = ("cases",)

    @dataclass(kw_only=True)
    class Astray(Strategy, genome="vectr"):
        pass

    @dataclass(kw_only=True)
    class Lost(Mutation, genome=("vectr", "leaf")):
        pass

    @dataclass(kw_only=True)
    class VectorCases(Evaluator, genome="vector"):
        provides = ("cases",)

    @dataclass(kw_only=True)
    class TreeCases(Evaluator, genome="tree"):
        provides = ("cases",)

    @dataclass(kw_only=True)
    class OnVectors(Strategy, genome="vector"):
        pass

    @dataclass(kw_only=True)
    class Pick(Selection):
        pass

    @dataclass(kw_only=True)
    class Choose(Selection):
        size: Annotated[int, Ge(1)] = 2
        share: Rate = 0.5

    @dataclass(kw_only=True)
    class Nudge(Mutation, genome="vector"):
        sigma: Annotated[float, Gt(0), "strength"] = 0.1

    @dataclass(kw_only=True)
    class Prune(Mutation, genome="tree"):
        pass

    @dataclass(kw_only=True)
    class Mix(Crossover, genome="vector"):
        pass

    @dataclass(kw_only=True)
    class Log(Recorder):
        pass
"""
POINTS = {
    "genotypes/vector": "Vector", "genotypes/tree": "Tree", "genotypes/bag": "Bag", "evaluators/score": "Score",
    "datasets/pictures": "Pictures", "networks/net": "Net", "strategies/search": "Search",
    "strategies/settled": "Settled", "strategies/crossing": "Crossing", "selections/choose": "Choose",
    "strategies/lonely": "Lonely", "strategies/on-vectors": "OnVectors", "selections/pick": "Pick",
    "mutations/nudge": "Nudge", "mutations/prune": "Prune", "crossovers/mix": "Mix", "recorders/log": "Log",
    "strategies/casewise": "Casewise", "strategies/astray": "Astray", "mutations/lost": "Lost",
    "evaluators/vector-cases": "VectorCases", "evaluators/tree-cases": "TreeCases",
}  # fmt: skip

GOOD = {
    "strategy": {"use": "search"},
    "genotype": {"use": "vector"},
    "evaluator": {"use": "score"},
    "operators": {"mutation": "nudge"},
}
TREE = {"genotype": "tree", "evaluator": "tree-cases"}
BAG = {"genotype": {"use": "bag", "parts": {"v": "vector", "t": "tree"}}}


@pytest.fixture(autouse=True, scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Components that cannot be imported: a check that imports fails."""
    for site in visit(tmp_path_factory.mktemp("site")):
        site.add("parts", {key: f"parts_of_tests:{name}" for key, name in POINTS.items()}, {"parts_of_tests.py": PARTS})
        yield


def mistakes(changes: dict, base: dict = GOOD) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check(load(base, changes))
    return str(caught.value).splitlines()


# --------------------------------------------------------------------------------------------- what is right


def test_defaults() -> None:
    experiment = check(load(GOOD))
    run = experiment.run
    assert (run.name, run.seed, run.device, run.threads, run.workers) == ("run", 1, "auto", 1, "auto")
    assert run.stop == {"generations": 100}
    assert (run.checkpoint.minutes, run.checkpoint.every, run.checkpoint.keep) == (5.0, None, 3)
    assert run.measure is None
    assert experiment.strategy.parameters == {"population": 10, "share": 0.5, "mode": "fast", "bound": None}
    assert experiment.operators["selection"].name == "pick"
    assert experiment.operators["mutation"].parameters == {"sigma": 0.1}
    assert experiment.operators["crossover"] is None
    data = experiment.evaluator.parameters["data"]
    assert (data.group, data.name, data.parameters) == ("datasets", "pictures", {"size": 3})


def test_values_are_converted_as_declared() -> None:
    changes = {
        "strategy.share": 1,
        "evaluator.layers": [3],
        "genotype.low": [1, 2.5],
        "evaluator.switches": {"left": True},
    }
    experiment = check(load(GOOD, changes))
    assert type(experiment.strategy.parameters["share"]) is float
    assert experiment.evaluator.parameters["layers"] == (3,)
    assert experiment.genotype.parameters["low"] == [1, 2.5]
    assert experiment.evaluator.parameters["switches"] == {"left": True}


def test_resolved_says_everything_and_is_a_fixed_point(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(x): return x")
    file = tmp_path / "my run.toml"
    config = {
        "evoplug": 1,
        **GOOD,
        "run": {
            "stop": {"epochs": 3, "fitness": -1},
            "measure": {"every": 2, "splits": ["test"]},
            "checkpoint": {"every": 5},
        },
        "evaluator": {"use": "score", "function": "./mine.py:f", "network": {"use": "net", "hidden": [4]}},
        "recorders": ["log"],
        "paper": {"metric": "test.accuracy", "value": 0.98, "source": "table 1"},
    }
    file.write_text(tomli_w.dumps(config))
    first = resolved(check(load(file)))
    assert first["run"]["name"] == "my run"
    assert first["run"]["checkpoint"] == {"every": 5, "keep": 3}
    assert first["run"]["measure"] == {"every": 2, "splits": ["test"]}
    assert first["evaluator"]["function"] == f"{tmp_path / 'mine.py'}:f"
    assert first["operators"] == {"selection": {"use": "pick"}, "mutation": {"use": "nudge", "sigma": 0.1}}
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    (copy / "resolved.toml").write_text(tomli_w.dumps(first))
    assert resolved(check(load(copy / "resolved.toml"))) == first


def test_a_component_that_is_switched_off_stays_off() -> None:
    config = {
        **GOOD,
        "evaluator": {"use": "score", "network": "none"},
        "operators": {"mutation": "nudge", "crossover": "none"},
    }
    experiment = check(load(config))
    assert experiment.evaluator.parameters["network"] is None
    assert experiment.operators["crossover"] is None
    assert resolved(check(load(resolved(experiment)))) == resolved(experiment)


def test_an_operator_that_stands_there_by_default_and_does_not_fit_can_be_switched_off() -> None:
    config = {**GOOD, "strategy": "crossing", "genotype": "tree", "operators": {}}
    assert mistakes({}, config) == [
        "operators.crossover: `mix` works on vector genomes, not on tree; no crossovers that fit are installed; "
        '"none" empties the slot'
    ]
    experiment = check(load(config, {"operators.crossover": "none"}))
    assert experiment.operators["crossover"] is None
    assert resolved(experiment)["operators"] == {"mutation": {"use": "prune"}, "crossover": "none"}


def test_paths_are_relative_to_the_file_in_which_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("base", "mine", "here"):
        (tmp_path / folder).mkdir()
    evaluator = {"use": "score", "weights": "../trained.pt", "images": {"a": ["x", "/y"], "b": ["z"]}}
    (tmp_path / "base" / "a.toml").write_text(tomli_w.dumps({"evoplug": 1, **GOOD, "evaluator": evaluator}))
    mine = {
        "evoplug": 1,
        "extends": "../base/a.toml",
        "evaluator": {"images": {"b": ["./z"]}},
        "sweep": {"arms": {"other": {"evaluator.weights": "other.pt"}}},
    }
    (tmp_path / "mine" / "b.toml").write_text(tomli_w.dumps(mine))
    monkeypatch.chdir(tmp_path / "here")
    experiment = check(load("../mine/b.toml"))
    found = experiment.evaluator.parameters
    assert found["weights"] == tmp_path / "trained.pt"
    assert found["images"] == {"a": (tmp_path / "base" / "x", Path("/y")), "b": (tmp_path / "mine" / "z",)}
    (other,) = [cell.experiment for cell in cells(experiment) if cell.arm == "other"]
    assert other.evaluator.parameters["weights"] == tmp_path / "mine" / "other.pt"
    for overrides in (["evaluator.weights=w.pt"], {"evaluator.weights": "w.pt"}):
        said = check(load("../mine/b.toml", overrides)).evaluator.parameters["weights"]
        assert said == tmp_path / "here" / "w.pt"


def test_paths_of_a_resolved_configuration_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = resolved(check(load(GOOD, {"evaluator.weights": "w.pt", "evaluator.images.a": ["x"]})))
    assert first["evaluator"]["weights"] == str(tmp_path / "w.pt")
    monkeypatch.chdir("/")
    assert resolved(check(load(first))) == first


SETTLED = {**GOOD, "strategy": "settled", "operators": {}}


def test_parameters_without_a_name_are_those_of_the_strategys_own_operator(tmp_path: Path) -> None:
    whole = resolved(check(load(SETTLED, {"operators.selection.share": 0.25})))["operators"]["selection"]
    assert whole == {"use": "choose", "size": 7, "share": 0.25}
    file = tmp_path / "a.toml"
    file.write_text(tomli_w.dumps({"evoplug": 1, **SETTLED, "operators": {"selection": {"size": 9}}}))
    written = check(load(file, ["operators.selection.share=1", "operators.mutation.sigma=2"])).operators
    assert written["selection"].parameters == {"size": 9, "share": 1.0}
    assert written["mutation"].parameters == {"sigma": 2.0}
    assert check(load(SETTLED, {"operators.selection": {}})).operators["selection"].parameters["size"] == 7


def test_they_may_be_those_of_one_part() -> None:
    vectors = {"genotype": {"use": "bag", "parts": {"v": "vector", "sigma": "vector"}}}
    table = {"v": {"sigma": 0.25}, "sigma": "none"}
    by_part = check(load(SETTLED, {**vectors, "operators.mutation": table})).operators["mutation"]
    assert by_part["v"].parameters == {"sigma": 0.25}
    assert by_part["sigma"] is None
    vectors = {"genotype": {"use": "bag", "parts": {"v": "vector", "w": "vector"}}}
    assert check(load(SETTLED, {**vectors, "operators.mutation.sigma": 0.25})).operators["mutation"].name == "nudge"


def test_fixed_leaves_out_what_changes_no_result() -> None:
    first, second = (
        check(load(GOOD)),
        check(load(GOOD, {"run.stop": {"hours": 1}, "run.workers": 4, "run.measure.every": 1})),
    )
    assert first.fixed() == second.fixed()
    assert first.fixed() != check(load(GOOD, {"run.seed": 2})).fixed()


def test_a_composite_genotype_takes_one_operator_or_one_for_each_part() -> None:
    table = {"v": "nudge", "t": "none"}
    experiment = check(load(GOOD, {**BAG, "operators": {"mutation": table, "crossover": "mix"}}))
    assert experiment.operators["mutation"]["v"].name == "nudge"
    assert experiment.operators["mutation"]["t"] is None
    assert experiment.operators["crossover"].name == "mix"
    assert resolved(experiment)["operators"]["mutation"] == {"v": {"use": "nudge", "sigma": 0.1}, "t": "none"}
    crossover = check(load(GOOD, {**BAG, "operators": {"mutation": table, "crossover": {"v": "mix"}}})).operators[
        "crossover"
    ]
    assert crossover["t"] is None


# --------------------------------------------------------------------------------------------- what is wrong


WRONG = [
    # sections and names
    ({"stratgy": {}}, "stratgy: unknown section; did you mean `strategy`?"),
    ({"strategy": {"use": "serch"}}, "strategy.use: there is no strategy `serch`; did you mean `search`?"),
    ({"operators.mutation": "mix"}, "operators.mutation: `mix` is a crossover, not a mutation"),
    ({"strategy": {}}, "strategy: names no component: use = NAME is missing; choices: "),
    ({"strategy": 3}, "strategy: must be the name of a strategy, or a table with use = NAME, got 3; choices: "),
    ({"evaluator.use": 3}, "evaluator: must be the name of an evaluator, or a table with use = NAME, got 3; choices: "),
    # parameters
    ({"strategy.popluation": 3}, "strategy.popluation: unknown key; did you mean `population`?"),
    ({"genotype.zzz": 3}, "genotype.zzz: unknown key; choices: `length`, `low`"),
    ({"strategy.population": True}, "strategy.population: must be an integer, got true"),
    ({"strategy.population": "1000"}, 'strategy.population: must be an integer, got "1000"'),
    ({"strategy.population": 2.5}, "strategy.population: must be an integer, got 2.5"),
    ({"strategy.population": 1}, "strategy.population: must be at least 2, got 1"),
    ({"strategy.share": 1.5}, "strategy.share: must be at most 1, got 1.5"),
    ({"strategy.share": float("nan")}, "strategy.share: must be finite, got nan"),
    ({"strategy.share": float("-inf")}, "strategy.share: must be finite, got -inf"),
    ({"strategy.share": True}, "strategy.share: must be a number, got true"),
    ({"strategy.mode": "fats"}, 'strategy.mode: must be `fast` or `slow`, got "fats"'),
    ({"strategy.bound": 0}, "strategy.bound: must be at least 1, got 0"),
    ({"genotype.low": "x"}, 'genotype.low: must be a number or an array, got "x"'),
    ({"genotype.low": [1, "x"]}, 'genotype.low[1]: must be a number, got "x"'),
    ({"evaluator.layers": [1, 0]}, "evaluator.layers[1]: must be at least 1, got 0"),
    ({"evaluator.layers": {}}, "evaluator.layers: must be an array, got a table"),
    ({"evaluator.switches": {"up": True}}, "evaluator.switches.up: unknown key; must be `left` or `right`"),
    ({"evaluator.switches": {"left": 1}}, "evaluator.switches.left: must be true or false, got 1"),
    ({"evaluator.data": {"use": "pictures", "size": 4}}, "evaluator.data.size: must be a multiple of 3, got 4"),
    ({"evaluator.network": "net"}, "evaluator.network.hidden: is missing"),
    ({"evaluator.network": {"use": "net", "hidden": []}},
     "evaluator.network.hidden: must be of at least 1 entries, got []"),
    ({"evaluator.function": "tow"}, 'evaluator.function: got "tow"; did you mean `two`?'),
    ({"evaluator.function": 3},
     "evaluator.function: got 3; must be a known name (`one`, `two`), \"./file.py:name\" or"),
    ({"evaluator.function": "./none.py:f"}, "evaluator.function: there is no file /"),
    # operators
    ({"operators.mutaton": "nudge"}, "operators.mutaton: unknown slot of strategy `search`; did you mean `mutation`?"),
    ({"strategy.mutation": "nudge"}, "strategy.mutation: belongs into [operators], as operators.mutation"),
    ({"operators": {}}, "operators.mutation: is missing: the strategy needs a mutation; mutations that fit: "),
    ({"operators.mutation": "prune"},
     "operators.mutation: `prune` works on tree genomes, not on vector; mutations that fit: `nudge`"),
    ({"operators.selection": "none"},
     "operators.selection: cannot be empty: the strategy needs a selection; selections that fit: "),
    ({"strategy.use": "crossing", "operators.selection": "pick"},
     "operators.selection: unknown slot of strategy `crossing`; choices: `mutation`, `crossover`"),
    ({"evaluator.weights": 3}, "evaluator.weights: "),
    ({"evaluator.weights": "a\0b"}, "evaluator.weights: is no path: "),
    ({"operators": 3}, "operators: must be a table, got 3"),
    ({"operators": {"mutation": {"sigma": 1.0}}},
     "operators.mutation: the strategy has no mutation by default: add use = NAME; mutations that fit: `nudge`"),
    ({"operators.crossover": {"rate": 1.0}},
     "operators.crossover: the strategy has no crossover by default: add use = NAME; crossovers that fit: `mix`"),
    ({"strategy": "settled", "operators": {"mutation": {"sgima": 1.0}}},
     "operators.mutation.sgima: unknown key; did you mean `sigma`?"),
    ({"strategy": "settled", "operators": {"mutation": {"sigma": 0}}},
     "operators.mutation.sigma: must be greater than 0, got 0"),
    ({"strategy": "settled", **BAG, "operators": {"mutation": {"u": "nudge"}}},
     "operators.mutation.u: unknown part of the genotype; choices: `v`, `t`"),
    ({"strategy": "settled", **BAG, "operators": {"mutation": {"sgima": 1.0}}},
     "operators.mutation.sgima: unknown key; did you mean `sigma`?"),
    ({**BAG, "operators": {"mutation": {"v": {"sigma": 1.0}, "t": "prune"}}},
     "operators.mutation.v: the strategy has no mutation by default: add use = NAME; mutations that fit: "),
    ({"strategy": "settled", **BAG, "operators": {"mutation": "none", "selection": {"v": "pick"}}},
     "operators.selection.v: unknown key; choices: `size`, `share`"),
    # how they go together
    ({"strategy": "on-vectors", "operators": {}, "genotype": "tree"},
     "strategy: `on-vectors` works on vector genomes, not on tree; "
     "strategies that fit: "),
    ({"strategy": "astray", "operators": {}},
     "strategy: `astray` works on vectr genomes, not on vector "
     "(no installed genotype is of kind `vectr`; did you mean `vector`?); strategies that fit: "),
    ({"operators.mutation": "lost"},
     "operators.mutation: `lost` works on vectr or leaf genomes, not on vector "
     "(no installed genotype is of kind `vectr`; did you mean `vector`?; no installed genotype is of kind `leaf`); "
     "mutations that fit: `nudge`"),
    ({"strategy": "lonely", "operators": {}, "genotype.length": 3},
     "genotype: strategy `lonely` takes no genotype; remove the section"),
    ({"strategy": "lonely", "operators": {}},
     "evaluator: strategy `lonely` needs `cases`, which `score` does not provide; evaluators that fit: "),
    ({"evaluator": "tree-cases"},
     "evaluator: `tree-cases` works on tree genomes, not on vector; evaluators that fit: "),
    ({"strategy": "casewise", "operators": {}, **BAG},
     "evaluator: strategy `casewise` needs `cases`, which `score` does not provide; evaluators that fit: none"),
    ({**BAG, "operators": {"mutation": "nudge"}},
     "operators.mutation: part `t`: `nudge` works on vector genomes, not on tree; "
     "mutations that fit: `prune`; say t = "),
    ({**BAG, "operators": {"mutation": {"v": "nudge"}}},
     "operators.mutation.t: is missing: say which mutation changes this part, or \"none\"; "
     "mutations that fit: `prune`"),
    ({**BAG, "operators": {"mutation": {"v": "prune", "t": "prune"}}},
     "operators.mutation.v: `prune` works on tree genomes, not on vector"),
    ({**BAG, "operators": {"mutation": {"v": "nudge", "t": "prune", "w": "none"}}},
     "operators.mutation.w: unknown part of the genotype; choices: `v`, `t`"),
    ({"genotype": {"use": "bag", "parts": {}}}, "genotype.parts: needs at least one entry NAME = a genotype"),
    ({"genotype": {"use": "bag", "parts": "vector"}}, "genotype.parts: must be a table NAME = a genotype"),
    ({"genotype": {"use": "bag", "parts": {"v": "tre"}}},
     "genotype.parts.v: there is no genotype `tre`; did you mean `tree`?"),
    # run
    ({"run.sed": 1}, "run.sed: unknown key; did you mean `seed`?"),
    ({"run.seed": -1}, "run.seed: must be at least 0, got -1"),
    ({"run.threads": 0}, "run.threads: must be at least 1, got 0"),
    ({"run.threads": "auto"}, 'run.threads: must be an integer, got "auto"'),
    ({"run.workers": 0}, "run.workers: must be at least 1 or `auto`, got 0"),
    ({"run.device": "gpu"}, 'run.device: must be "auto", "cpu", "cuda" or "cuda:N", got "gpu"'),
    ({"run.name": "a/b"}, "run.name: must be usable as the name of a folder"),
    ({"run.name": ""}, "run.name: must be usable as the name of a folder"),
    ({"run.stop": {}}, "run.stop: needs at least one rule"),
    ({"run.stop": {"generation": 1}}, "run.stop.generation: unknown rule; did you mean `generations`?"),
    ({"run.stop": {"frames": 1}},
     "run.stop.frames: unknown rule; "
     "choices: `generations`, `evaluations`, `seconds`, `minutes`, `hours`, `fitness`, `epochs`"),
    ({"run.stop": {"hours": 0}}, "run.stop.hours: must be greater than 0, got 0"),
    ({"run.stop": {"hours": "2"}}, 'run.stop.hours: must be an integer or a number, got "2"'),
    ({"run.stop": {"fitness": float("inf")}}, "run.stop.fitness: must be an integer or finite, got inf"),
    ({"run.checkpoint": {"every": 2, "minutes": 2}}, "run.checkpoint: takes minutes or every, not both"),
    ({"run.checkpoint": {"keep": 0}}, "run.checkpoint.keep: must be at least 1, got 0"),
    ({"run.measure": {}}, "run.measure.every: is missing"),
    ({"run.measure": {"every": 2, "splits": ["train"]}},
     'run.measure.splits[0]: must be `validation` or `test`, got "train"'),
    ({"run.measure": {"every": 2, "splits": []}}, "run.measure.splits: must be of at least 1 entries, got []"),
    ({"run.measure": {"every": 2, "splits": "test"}}, 'run.measure.splits: must be an array, got "test"'),
    ({"run.measure": {"every": 2, "splits": ["test", "test"]}},
     'run.measure.splits: names a split twice, got ["test", "test"]'),
    ({"run": 3}, "run: must be a table, got 3"),
    # the rest
    ({"recorders": "log"}, 'recorders: must be an array of tables, [[recorders]], got "log"'),
    ({"recorders": [{"use": "lgo"}]}, "recorders[0].use: there is no recorder `lgo`; did you mean `log`?"),
    ({"paper": {"metric": "a", "value": 1}}, "paper.source: is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[message.partition(":")[0] for _, message in WRONG])
def test_mistakes_are_one_line_that_says_what_is_allowed(changes: dict, message: str) -> None:
    found = mistakes(changes)
    assert any(line.startswith(message) for line in found), found


@pytest.mark.parametrize(
    ("changes", "fitting"),
    [
        ({"strategy": "on-vectors", "genotype": "tree"}, {"search", "settled", "crossing"}),
        ({"strategy": "on-vectors", **TREE}, {"search", "settled", "crossing", "casewise"}),
        ({"evaluator": "tree-cases"}, {"score", "vector-cases"}),
        ({"strategy": "casewise", "evaluator": "tree-cases"}, {"vector-cases"}),
        ({"strategy": "casewise"}, {"vector-cases"}),
        ({"strategy": "casewise", "genotype": "tree"}, {"tree-cases"}),
    ],
)
def test_what_is_suggested_fits_the_rest(changes: dict, fitting: set) -> None:
    """A strategy that takes no genotype, or needs what the evaluator lacks, is no way out; nor is such an evaluator."""
    (line,) = mistakes({"operators": {}, **changes}, {**GOOD, "strategy": "on-vectors"})
    own = {point.partition("/")[2] for point in POINTS}
    assert {name.strip("`") for name in line.partition(" that fit: ")[2].split(", ")} & own == fitting


def test_missing_sections_are_missed() -> None:
    found = mistakes({}, {})
    assert [line.partition(";")[0] for line in found] == [
        "strategy: the section is missing",
        "evaluator: the section is missing",
    ]
    assert "genotype: the section is missing" in mistakes({}, {k: v for k, v in GOOD.items() if k != "genotype"})[0]


def test_all_mistakes_come_at_once_each_with_its_place(tmp_path: Path) -> None:
    base = tmp_path / "base.toml"
    base.write_text('evoplug = 1\n[run]\nseed = "x"\n[evaluator]\nuse = "score"\nlayers = [\n  1,\n  0,\n]\n')
    file = tmp_path / "my.toml"
    file.write_text(
        'evoplug = 1\nextends = "base.toml"\n[strategy]\nuse = "search"\nshare = 1.5\n[genotype]\nuse = "vector"\n'
    )
    with pytest.raises(ConfigError) as caught:
        check(load(file, ["genotype.length=0", "operators.mutation=prune"]))
    assert sorted(str(caught.value).splitlines()) == sorted([
        f"{file}:5: strategy.share: must be at most 1, got 1.5",
        f"{base}:3: run.seed: must be an integer, got \"x\"",
        f"{base}:8: evaluator.layers[1]: must be at least 1, got 0",
        "--set: genotype.length: must be at least 1, got 0",
        "--set: operators.mutation: `prune` works on tree genomes, not on vector; mutations that fit: `nudge`",
    ])  # fmt: skip


def test_a_component_that_only_an_import_tells_passes_the_first_pass() -> None:
    for site in visit(Path(sys.path[0])):
        source = "from elsewhere import Base, Kind\nclass Odd(Base):\n    kind: Kind = 3\n"
        site.add("odd", {"mutations/odd": "odd_module:Odd"}, {"odd_module.py": source})
        spec = check(load(GOOD, {"operators.mutation": {"use": "odd", "anything": [1]}})).operators["mutation"]
    assert spec.parameters["anything"] == [1]
    assert not spec.schema.complete


# ------------------------------------------------------------------------------------------------- promises


def test_the_first_pass_is_quick() -> None:
    check(load(GOOD))
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        check(load(GOOD))
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05


def test_the_first_pass_imports_neither_torch_nor_numpy_nor_plugins() -> None:
    code = """
import sys
from evoplug.config import check, load
check(load("quickstart"))
print([name for name in sys.modules if name in ("torch", "numpy") or name.startswith("evoplug_")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


ODD = st.one_of(
    st.none().map(lambda _: {}),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(
        ["none", "nudge", "search", "vector", "./a.py:b", "a:b", [], [[]], {"use": "mix"}, {"use": 1}, {"v": 1}]
    ),
    st.lists(st.integers() | st.text(max_size=2), max_size=3).filter(
        lambda items: all(i not in items for i in [2**63])
    ),
)
FULL = {
    **GOOD,
    "run": {"name": "n", "seed": 1, "device": "cpu", "threads": 1, "workers": 2, "stop": {"hours": 1},
            "checkpoint": {"every": 1, "keep": 1}, "measure": {"every": 1}},
    "evaluator": {"use": "score", "function": "one", "network": {"use": "net", "hidden": [1]}, "layers": [1],
                  "data": {"use": "pictures", "size": 3}, "switches": {"left": True}},
    "recorders": [{"use": "log"}],
    "sweep": {"seeds": 2, "arms": {"b": {"strategy.population": 20}}, "grid": {"strategy.share": [0.1, 0.2]}},
    "claim": [{"better": "b", "than": "share=0.1", "metric": "m"}],
    "paper": {"metric": "m", "value": 1.0, "source": "s", "deviation": 0.1},
}  # fmt: skip


def keys(table: dict, path: tuple = ()) -> list[tuple]:
    found = []
    for name, value in table.items():
        found.append((*path, name))
        if isinstance(value, dict):
            found += keys(value, (*path, name))
    return found


def test_the_full_configuration_is_right() -> None:
    check(load(FULL))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(keys(FULL)), ODD, min_size=1, max_size=3),
    st.sets(st.sampled_from(keys(FULL)), max_size=1),
)
def test_no_mutated_configuration_gives_anything_but_lines_with_keys(changes: dict, dropped: set) -> None:
    data = _copy(FULL)
    for path in dropped:
        _table(data, path).pop(path[-1], None)
    for path, value in changes.items():
        _table(data, path)[path[-1]] = value
    experiment = right_or_lines(data)
    if experiment is not None:
        again = resolved(experiment)
        assert resolved(check(load(again))) == again


def right_or_lines(config: dict, overrides: Sequence[str] = ()) -> Experiment | None:
    """The experiment, or None where there is nothing but mistakes of one line with a key each."""
    mistakes: tuple[Mistake, ...] = ()
    experiment = None
    try:
        experiment = check(load(config, overrides))
    except ConfigError as error:
        mistakes = error.mistakes
        text = str(error)
    if experiment is None:
        assert mistakes
        assert len(text.splitlines()) == len(mistakes)
        assert all((mistake.key or mistake.where == "--set") and mistake.message for mistake in mistakes)
    return experiment


def _copy(value):
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


def _table(data: dict, path: tuple) -> dict:
    for name in path[:-1]:
        if not isinstance(data.get(name), dict):
            return {}
        data = data[name]
    return data


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["strategy", "genotype.x", "run.seed", "sweep", "a"]), st.text(max_size=10)),
        max_size=3,
    )
)
def test_no_override_gives_anything_but_lines(pairs: list[tuple[str, str]]) -> None:
    right_or_lines(GOOD, [f"{key}={value}" for key, value in pairs])
