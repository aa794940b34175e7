"""The second pass: components built and bound, and single components built in Python."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w
import torch

import evoplug
from evoplug.config import check, load, resolved
from evoplug.config.building import build
from evoplug.config.fit import fit, fit_all
from evoplug.config.partwise import PartwiseCrossover, PartwiseMutation
from evoplug.errors import ConfigError, PluginError
from strangers import visit

PARTS = """
    from collections.abc import Mapping
    from pathlib import Path
    from evoplug import Task
    from evoplug.contracts import *
    from more_of_the_parts import Inherited

    LOG = []

    @dataclass(kw_only=True)
    class Vector(Genotype, genome="vector"):
        length: Annotated[int, Ge(1)] = 5

        def bind(self, task):
            LOG.append("genotype")
            if task.outputs and self.length < task.outputs:
                raise ConfigError("length", f"must be at least {task.outputs}")

    @dataclass(kw_only=True)
    class Tree(Genotype, genome="tree"):
        pass

    @dataclass(kw_only=True)
    class Bag(Genotype, genome="bag"):
        parts: Mapping[str, Genotype] = field()

    @dataclass(kw_only=True)
    class Score(Evaluator):
        function: Annotated[Function, Known("one")] = "one"
        network: Network = use("net", hidden=[2])
        outputs: int = 3

        def task(self):
            return Task(outputs=self.outputs)

        def bind(self, genotype):
            LOG.append("evaluator")
            if self.outputs == 4:
                raise ConfigError("outputs", "is four")
            if self.outputs == 5:
                raise ZeroDivisionError("five\\nlines")

    @dataclass(kw_only=True)
    class Reading(Evaluator):
        file: Path = Path("words.txt")
        other: Path = "more.txt"

    @dataclass(kw_only=True)
    class Net(Network):
        hidden: list[int]

        def check(self):
            if len(self.hidden) > 2:
                yield "hidden", "is too deep"

    @dataclass(kw_only=True)
    class Search(Strategy):
        population: int = 10
        elites: int = 1
        mutation: Mutation = use("nudge", sigma=0.2)
        crossover: Crossover | None = None

        def check(self):
            if self.elites > self.population:
                yield "elites", f"must be at most {self.population}"

    @dataclass(kw_only=True)
    class Computed(Strategy):
        mutation: Mutation = field(default_factory=lambda: own())

        def check(self):
            if self.mutation.sigma > 1:
                yield "mutation", "is wild"

    def own():
        return use("nudge", sigma=0.3)

    @dataclass(kw_only=True)
    class Nudge(Mutation, genome="vector"):
        sigma: Annotated[float, Gt(0)] = 0.1

        def bind(self, space):
            LOG.append("mutation")
            if self.sigma > space.length:
                raise ConfigError("sigma", "is longer than the genome")

    @dataclass(kw_only=True)
    class Grow(Inherited, genome="tree"):
        rate: "Annotated[float, Gt(0)]" = 0.5

    @dataclass(kw_only=True)
    class Mix(Crossover, genome="vector"):
        pass
"""
BROKEN = """
    from evoplug.contracts import *
    import no_such_module_here

    class Broken(Evaluator):
        pass
"""
MORE = """
    from dataclasses import dataclass
    from typing import Annotated
    from evoplug.contracts import Gt, Mutation

    @dataclass(kw_only=True)
    class Inherited(Mutation):
        depth: Annotated[int, Gt(0)] = 3
"""
POINTS = {
    "genotypes/vector": "Vector", "genotypes/tree": "Tree", "genotypes/bag": "Bag", "evaluators/score": "Score",
    "evaluators/reading": "Reading",
    "networks/net": "Net", "strategies/search": "Search", "strategies/computed": "Computed",
    "mutations/nudge": "Nudge", "mutations/grow": "Grow", "crossovers/mix": "Mix",
}  # fmt: skip
GOOD = {"strategy": {"use": "search"}, "genotype": {"use": "vector"}, "evaluator": {"use": "score"}}


@pytest.fixture(autouse=True, scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    for site in visit(tmp_path_factory.mktemp("site")):
        files = {"parts_to_fit.py": PARTS, "more_of_the_parts.py": MORE}
        site.add("parts", {key: f"parts_to_fit:{name}" for key, name in POINTS.items()}, files)
        yield


def built(changes: dict | None = None, base: dict = GOOD):
    return fit(check(load(base, changes or {})))


def mistakes(changes: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        built(changes)
    return str(caught.value).splitlines()


def test_components_are_built_with_what_they_hold_and_bound_in_order() -> None:
    import parts_to_fit

    parts_to_fit.LOG.clear()
    made = built()
    assert made.strategy.mutation == parts_to_fit.Nudge(sigma=0.2)
    assert made.strategy.crossover is None
    assert made.evaluator.network == parts_to_fit.Net(hidden=[2])
    assert made.evaluator.function == "one"
    assert parts_to_fit.LOG == ["genotype", "mutation", "evaluator"]


def test_functions_are_imported_from_files_beside_the_configuration_and_from_modules(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def double(x):\n    return 2 * x\nnumber = 3\n")
    file = tmp_path / "a.toml"

    def write(function: str) -> Path:
        file.write_text(tomli_w.dumps({"evoplug": 1, **GOOD, "evaluator": {"use": "score", "function": function}}))
        return file

    assert fit(check(load(write("./mine.py:double")))).evaluator.function(4) == 8
    assert fit(check(load(write("math:sqrt")))).evaluator.function(4) == 2
    for function, message in {
        "./mine.py:triple": "AttributeError",
        "./mine.py:number": "is not a function but int",
        "no_such_module_here:f": "ModuleNotFoundError",
    }.items():
        with pytest.raises(ConfigError, match=message) as caught:
            fit(check(load(write(function))))
        assert str(caught.value).startswith(f"{file}:")
        assert "evaluator.function: " in str(caught.value)


def test_a_path_that_is_a_default_is_one_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = built(base={**GOOD, "evaluator": "reading"})
    assert (made.evaluator.file, made.evaluator.other) == (tmp_path / "words.txt", tmp_path / "more.txt")
    assert resolved(made.experiment)["evaluator"]["file"] == str(tmp_path / "words.txt")
    assert build("evaluators", "reading", file="a/../b.txt").file == tmp_path / "b.txt"


def test_rules_of_components_have_the_path_of_their_table() -> None:
    changes = {"strategy.elites": 11, "evaluator.network": {"use": "net", "hidden": [1, 2, 3]}}
    assert mistakes(changes) == ["evaluator.network.hidden: is too deep", "strategy.elites: must be at most 10"]


def test_what_binding_finds_has_the_path_of_its_table() -> None:
    assert mistakes({"genotype.length": 2}) == ["genotype.length: must be at least 3"]
    assert mistakes({"operators.mutation": {"use": "nudge", "sigma": 9.0}, "evaluator.outputs": 4}) == [
        "operators.mutation.sigma: is longer than the genome",
        "evaluator.outputs: is four",
    ]


def test_an_odd_exception_is_the_plugins_fault_on_one_line() -> None:
    with pytest.raises(PluginError, match=r"^evaluator: bind: ZeroDivisionError: five lines \(parts_to_fit.py:41\)$"):
        built({"evaluator.outputs": 5})


def test_operators_of_a_composite_work_part_by_part() -> None:
    bag = {"use": "bag", "parts": {"v": "vector", "w": "vector", "t": "tree"}}
    table = {"v": "nudge", "w": "none", "t": "none"}
    made = built({"genotype": bag, "operators.mutation": table, "operators.crossover": "mix"})
    mutation, crossover = made.strategy.mutation, made.strategy.crossover
    assert isinstance(mutation, PartwiseMutation)
    assert {part: type(inner).__name__ for part, inner in mutation.parts.items()} == {
        "v": "Nudge", "w": "NoneType", "t": "NoneType",
    }  # fmt: skip
    assert isinstance(crossover, PartwiseCrossover)
    assert crossover.parts["t"] is None
    assert crossover.parts["v"] is not crossover.parts["w"]
    table = {"v": {"use": "nudge", "sigma": 9.0}, "w": "none", "t": "none"}
    assert mistakes({"genotype": bag, "operators.mutation": table}) == [
        "operators.mutation.v.sigma: is longer than the genome"
    ]


def test_what_only_the_class_tells_is_checked_once_it_is_loaded() -> None:
    grow = {"genotype": "tree", "operators.mutation": {"use": "grow", "depth": 2}}
    made = built(grow)
    assert made.strategy.mutation.depth == 2
    assert made.experiment.operators["mutation"].parameters == {"depth": 2, "rate": 0.5}
    assert resolved(made.experiment)["operators"]["mutation"] == {"use": "grow", "depth": 2, "rate": 0.5}
    assert mistakes({**grow, "operators.mutation.depth": 0}) == [
        "operators.mutation.depth: must be greater than 0, got 0"
    ]
    assert mistakes({**grow, "operators.mutation.dept": 1}) == [
        "operators.mutation.dept: unknown key; did you mean `depth`?"
    ]


def test_an_operator_that_only_the_class_tells_is_filled_in_once_it_is_loaded() -> None:
    computed = {"strategy": "computed"}
    assert built(computed).strategy.mutation.sigma == 0.3
    assert built({**computed, "operators.mutation.sigma": 0.5}).strategy.mutation.sigma == 0.5
    assert mistakes({**computed, "operators.mutation.sgima": 0.5}) == [
        "operators.mutation.sgima: unknown key; did you mean `sigma`?"
    ]


def all_mistakes(changes: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        evoplug.check(GOOD, changes)
    return sorted(str(caught.value).splitlines())


def test_rules_are_told_together_with_the_mistakes_of_the_first_pass() -> None:
    deep = {"use": "net", "hidden": [1, 2, 3]}
    assert all_mistakes({"run.sed": 1, "strategy.elites": 11, "evaluator": "scroe"}) == [
        "evaluator: there is no evaluator `scroe`; did you mean `score`?",
        "run.sed: unknown key; did you mean `seed`?",
        "strategy.elites: must be at most 10",
    ]
    # What is wrong itself cannot be built; what it holds can.
    assert all_mistakes({"strategy.population": "3", "evaluator": {"use": "score", "output": 1, "network": deep}}) == [
        "evaluator.network.hidden: is too deep",
        "evaluator.output: unknown key; did you mean `outputs`?",
        'strategy.population: must be an integer, got "3"',
    ]


def test_a_strategy_without_its_operators_has_no_rules_to_tell() -> None:
    wrong = {"operators.mutation": {"use": "nudge", "sigma": 0}, "strategy.elites": 11}
    assert all_mistakes(wrong) == ["operators.mutation.sigma: must be greater than 0, got 0"]


def test_a_plugin_that_cannot_be_loaded_waits_until_the_mistakes_are_gone() -> None:
    for site in visit(Path(sys.path[0])):
        site.add("broken", {"evaluators/broken": "broken_part:Broken"}, {"broken_part.py": BROKEN})
        assert all_mistakes({"evaluator": "broken", "strategy.elitse": 1}) == [
            "strategy.elitse: unknown key; did you mean `elites`?"
        ]
        with pytest.raises(PluginError, match="no_such_module_here"):
            built({"evaluator": "broken"})


def test_the_mistakes_of_several_come_at_once_each_once() -> None:
    arms = [check(load(GOOD, {"strategy.elites": 11, "genotype.length": n})) for n in (5, 6)]
    arms.append(check(load(GOOD, {"evaluator.outputs": 4})))
    with pytest.raises(ConfigError) as caught:
        fit_all(arms)
    assert str(caught.value).splitlines() == ["strategy.elites: must be at most 10", "evaluator.outputs: is four"]


def test_a_device_that_is_not_there_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert built().device == "cpu"
    assert mistakes({"run.device": "cuda"}) == [
        'run.device: no such CUDA device; there is none; "cpu" and "auto" always work'
    ]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [built({"run.device": name}).device for name in ("auto", "cuda:1")] == ["cuda:0", "cuda:1"]
    assert "there are 2" in mistakes({"run.device": "cuda:2"})[0]


# ----------------------------------------------------------------------------------------------------- build


def test_one_component_from_parameters() -> None:
    score = build("evaluators", "score", network={"use": "net", "hidden": (1, 2)}, function=abs)
    assert score.network.hidden == [1, 2]
    assert score.function is abs
    assert build("evaluators", "score", network=score.network).network is score.network
    assert build("mutations", "grow", depth=5).depth == 5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma": 0}, "sigma: must be greater than 0, got 0"),
        ({"sigma": torch.ones(1)}, "sigma: must be a string, a number, true or false, an array or a table, got Tensor"),
        ({"sgima": 1.0}, "sgima: unknown key; did you mean `sigma`?"),
        ({"name": 1.0, "group": 2}, "name: unknown key; choices: `sigma`\ngroup: unknown key; choices: `sigma`"),
    ],
)
def test_mistakes_in_parameters_have_keys_of_the_components_own(parameters: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build("mutations", "nudge", **parameters)
    assert str(caught.value) == message


def test_rules_hold_in_python_too() -> None:
    with pytest.raises(ConfigError, match=r"^network\.hidden: is too deep$"):
        build("evaluators", "score", network={"use": "net", "hidden": [1, 2, 3]})


def test_files_are_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.py").write_text("def f(): return 7")
    assert build("evaluators", "score", function="./f.py:f").function() == 7


def test_an_unknown_name_has_no_key() -> None:
    with pytest.raises(ConfigError, match="^there is no mutation `nugde`"):
        build("mutations", "nugde")


@pytest.mark.parametrize(
    ("strategy", "changes", "message"),
    [
        ("mu-plus-lambda", {"genotype.low": [0.0, -1e39]}, "genotype.low: gene 1: -1e+39 is infinite in float32"),
        (
            "mu-plus-lambda",
            {"operators.mutation": {"use": "self-adaptive-gaussian", "sigma": 1e-50}},
            "operators.mutation.sigma: 1e-50 is 0 in float32",
        ),
        (
            "mu-plus-lambda",
            {"operators.mutation": {"use": "multiplicative-gaussian", "sigma": 1e39}},
            "operators.mutation.sigma: 1e+39 is infinite in float32",
        ),
        (
            "mu-plus-lambda",
            {"operators.mutation": {"use": "perturb", "factors": [1.2, 1e-50]}},
            "operators.mutation.factors: 1e-50 is 0 in float32",
        ),
        (
            "snes",
            {"strategy.sigma": 1e-50},
            "strategy.sigma: the initial deviation of a gene, 1.024e-49 is 0 in float32",
        ),
        ("cem", {"strategy.sigma": 1e38}, "strategy.sigma: the initial deviation of a gene, 1.024e+39 is infinite in"),
    ],
)
def test_bounds_and_steps_are_those_of_the_genomes_type(strategy: str, changes: dict, message: str) -> None:
    config = {
        "strategy": {"use": strategy},
        "genotype": {"use": "real-vector", "length": 2, "dtype": "float32"},
        "evaluator": {"use": "function"},
    }
    with pytest.raises(ConfigError) as caught:
        fit(check(load(config, changes)))
    assert str(caught.value).startswith(message)
