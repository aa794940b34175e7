"""Parts without a package: in a file beside the configuration, or as objects from Python."""

import json
import math
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import numpy
import pytest
import torch

import evoplug
from evoplug.catalogue import folders, loading, lookup
from evoplug.cli import main
from evoplug.contracts import (
    Annotated,
    Evaluation,
    Evaluator,
    Function,
    Ge,
    Known,
    Literal,
    Mutation,
    Selection,
    Strategy,
    use,
)
from evoplug.running import lock
from fakes import Interval, Sphere

OPS = '''
    """Operators of mine."""

    from dataclasses import dataclass
    from typing import Annotated

    import torch

    import evoplug
    from evoplug.contracts import Gt, Mutation


    @evoplug.register("mutations", "cauchy")
    @dataclass(kw_only=True)
    class Cauchy(Mutation, genome="real-vector"):
        """Add Cauchy noise."""

        scale: Annotated[float, Gt(0), "of the noise"] = 0.01

        def __call__(self, genomes, rng):
            u = torch.rand(genomes.shape, generator=rng.torch, dtype=genomes.dtype)
            return (genomes + self.scale * torch.tan(torch.pi * (u - 0.5))).clamp(-5.12, 5.12)
'''
CONFIG = """
    evoplug = 1
    plugins = ["./ops.py"]

    [run]
    stop = { generations = 3 }

    [strategy]
    use = "mu-plus-lambda"
    population = 4
    offspring = 4

    [genotype]
    use = "real-vector"
    length = 2

    [evaluator]
    use = "function"

    [operators]
    mutation = { use = "cauchy" }
"""
NEAR = """
    from pathlib import Path

    from evoplug.contracts import Evaluation, Evaluator


    @evoplug.register("evaluators", "near")
    @dataclass(kw_only=True)
    class NearFile(Evaluator, genome="real-vector"):
        target: Path
        images: Path

        def evaluate(self, members, rng):
            return Evaluation(-(members.genomes - float(self.target.read_text())).square().sum(1))
"""
NOTES = """
    from pathlib import Path

    from evoplug.contracts import Recorder


    @evoplug.register("recorders", "notes")
    @dataclass(kw_only=True)
    class Notes(Recorder):
        file: Path

        def row(self, row):
            with self.file.open("a") as file:
                file.write(f"{row['generations']} ")
"""
MORE = {"run.stop.generations": 6}


@pytest.fixture
def beside(tmp_path):
    """A folder with a configuration and a file of operators."""
    (tmp_path / "my.toml").write_text(dedent(CONFIG))
    (tmp_path / "ops.py").write_text(dedent(OPS))
    return tmp_path


@pytest.fixture
def reading(beside):
    """The same, with an evaluator that reads a file."""
    (beside / "ops.py").write_text(dedent(OPS) + dedent(NEAR))
    (beside / "far.txt").write_text("2.0")
    (beside / "folder").mkdir()
    text = dedent(CONFIG).replace('"function"', '"near"\ntarget = "./far.txt"\nimages = "folder"')
    (beside / "my.toml").write_text(text.replace("length = 2", "length = 2\nlow = -5.0\nhigh = 5.0"))
    return beside


def refused(config, **more) -> str:
    with pytest.raises(evoplug.EvoplugError) as caught:
        evoplug.run(config, **more)
    return str(caught.value)


class TestFiles:
    def test_a_name_that_the_configuration_does_not_list_says_where_it_is(self, beside, monkeypatch) -> None:
        file = (beside / "ops.py").rename(beside / "unlisted_ops.py")
        monkeypatch.syspath_prepend(beside)
        monkeypatch.setattr(lookup, "_decorated", {})
        import_module("unlisted_ops")
        said = refused(beside / "my.toml", overrides={"plugins": "none"})
        there = f"`cauchy` is a mutation in {file}, which the configuration does not list"
        assert said.endswith(f"operators.mutation.use: {there}: add it to `plugins`")

    def test_a_class_without_a_file_says_what_to_do(self, beside, monkeypatch) -> None:
        """As in a cell of a notebook."""
        monkeypatch.setattr(lookup, "_decorated", {})
        names = {"__name__": "__main__", "Mutation": Mutation, "evoplug": evoplug}
        exec('@evoplug.register("mutations", "cell")\nclass Cell(Mutation, genome="real-vector"): pass', names)
        said = refused(beside / "my.toml", overrides={"operators.mutation": "cell"})
        assert "`cell` is a mutation of this session alone, which no other process could find again" in said
        assert "give the object itself, Cell(...), or put the class into a file and list that in `plugins`" in said

    def test_a_registered_part_is_used_by_its_name(self, beside) -> None:
        run = evoplug.run(beside / "my.toml", {"operators.mutation.scale": 0.5}, out=beside / "run")
        assert run.config["operators"]["mutation"] == {"use": "cauchy", "scale": 0.5}
        assert run.config["plugins"] == [str(beside / "ops.py")]
        assert f"{beside / 'ops.py'}:Cauchy" in json.loads((run.folder / "plugins.lock").read_text())

    def test_the_same_operator_makes_the_same_run_by_its_name_and_as_an_object(self, beside) -> None:
        """Where a part comes from is no part of the result."""
        named = evoplug.run(beside / "my.toml", out=beside / "a")
        made = folders.load(beside / "ops.py").Cauchy()
        given = evoplug.run(beside / "my.toml", {"operators.mutation": made}, out=beside / "b")
        assert [row["best"] for row in named.metrics] == [row["best"] for row in given.metrics]

    def test_files_are_relative_to_the_configuration_that_names_them(self, beside, monkeypatch) -> None:
        (beside / "elsewhere").mkdir()
        monkeypatch.chdir(beside / "elsewhere")
        (beside / "elsewhere" / "mine.toml").write_text('evoplug = 1\nextends = "../my.toml"\n')
        assert evoplug.check("mine.toml").plugins[0].file == beside / "ops.py"

    def test_nothing_is_run_by_the_first_pass(self, beside) -> None:
        (beside / "ops.py").write_text(dedent(OPS) + "\nraise RuntimeError('ran')\n")
        experiment = evoplug.check(beside / "my.toml")
        assert [(entry.name, entry.line, entry.doc) for entry in experiment.plugins] == [
            ("cauchy", 15, "Add Cauchy noise.")
        ]

    def test_a_class_without_parameters_need_be_no_dataclass_even_where_only_an_import_tells_all(self, beside) -> None:
        text = dedent(OPS).replace("@dataclass(kw_only=True)", "").replace('genome="real-vector"', "genome=KIND + KIND")
        fields = '    scale: Annotated[float, Gt(0), "of the noise"] = 0.01\n'
        text = text.replace("@evoplug", 'KIND = "kind"\n@evoplug', 1).replace(fields, "")
        (beside / "ops.py").write_text(text)
        assert "`cauchy` works on kindkind genomes, not on real-vector" in refused(beside / "my.toml")

    def test_they_are_gone_outside_of_their_configuration(self, beside) -> None:
        evoplug.check(beside / "my.toml")
        with pytest.raises(evoplug.ConfigError, match="there is no mutation `cauchy`"):
            evoplug.catalogue.find("mutations", "cauchy")

    @pytest.mark.parametrize("length", [2, 2**19])
    def test_an_error_of_a_run_names_the_file_in_whatever_thread(self, beside, length) -> None:
        """Genomes of the second length are bred in several lanes, on the threads of the workers."""
        (beside / "ops.py").write_text(dedent(OPS).rstrip() + "[:, 1:]\n")
        over = {"genotype.length": length, "run.workers": 2}
        name = f"evoplug.mutations: cauchy = {beside / 'ops.py'}:Cauchy"
        assert refused(beside / "my.toml", overrides=over, out=beside / "run").startswith(
            f"{name}: must return a tensor"
        )

    def test_a_changed_file_is_run_anew_in_the_same_process(self, beside) -> None:
        first = evoplug.run(beside / "my.toml", out=beside / "a")
        (beside / "ops.py").write_text(dedent(OPS).replace("0.5)", "0.4)"))
        second = evoplug.run(beside / "my.toml", out=beside / "b")
        assert [row["mean"] for row in first.metrics] != [row["mean"] for row in second.metrics]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('["./ops.py"]', '"./ops.py"', 'my.toml:3: plugins: must be an array of files, e.g. ["./my_ops.py"]'),
            ('"./ops.py"', '"./gone.py"', "my.toml:3: plugins[0]: there is no file {folder}/gone.py"),
            ('"./ops.py"', '"./my.toml"', "my.toml:3: plugins[0]: must be the path of a Python file"),
            ('"./ops.py"', '"./ops.py", "./two.py"', "two.py:Cauchy takes the name `cauchy` that {folder}/ops.py"),
            ('"cauchy"', '"cauchi"', "my.toml:21: operators.mutation.use: there is no mutation `cauchi`; did you mean"),
            ('"cauchy" }', '"cauchy", scale = 0 }', "my.toml:21: operators.mutation.scale: must be greater than 0"),
        ],
    )
    def test_a_mistake_in_the_configuration_is_shown_where_it_is(self, beside, old, new, message) -> None:
        text = (beside / "my.toml").read_text()
        (beside / "two.py").write_text(dedent(OPS))
        (beside / "my.toml").write_text(text.replace(old, new))
        assert message.format(folder=beside) in refused(beside / "my.toml")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('"mutations"', '"mutation"', "{file}:13: @evoplug.register has no group 'mutation'; choices: genotypes, "),
            ('"mutations", "cauchy"', '"presets", "cauchy"', "has no group 'presets'"),
            ('"cauchy")', '"gaussian")', "{file}:13: `gaussian` is a mutation of evoplug itself; register another"),
            ('"cauchy")', '"a/b")', "'a/b' cannot be a name"),
            ('"cauchy")', "NAME)", "{file}: cannot be read: line 13: @evoplug.register takes a group and a name in"),
            ("@evoplug.register", "@evoplug.registered", "{file} registers nothing: write @evoplug.register(GROUP"),
            ("class Cauchy(", "class Cauchy((", "{file}:15: syntax error: "),
            ("(Mutation, genome", "(list, genome", "{file}:Cauchy: "),
            (
                "@dataclass(kw_only=True)",
                "",
                "{file}:Cauchy: `Cauchy` is no dataclass, so its fields are no parameters (`scale`): write @dataclass(",
            ),
            ("import torch", "import torhc", "{file}:Cauchy: ModuleNotFoundError: No module named 'torhc'"),
        ],
    )
    def test_a_mistake_in_the_file_names_its_line_or_its_cause(self, beside, old, new, message) -> None:
        file = beside / "ops.py"
        file.write_text(dedent(OPS).replace(old, new, 1))
        text = refused(beside / "my.toml", out=beside / "run")
        assert message.format(file=file) in text
        assert "\n" not in text
        assert not (beside / "run").exists()


class TestResume:
    def test_it_refuses_a_changed_source_and_says_what_changed(self, beside, capsys) -> None:
        run = evoplug.run(beside / "my.toml", out=beside / "run")
        (beside / "ops.py").write_text(dedent(OPS).replace("0.01", "0.02"))
        with pytest.raises(SystemExit) as ended:
            main(["resume", str(run.folder), "--set", "run.stop.generations=6"])
        assert ended.value.code == 4
        (line,) = capsys.readouterr().err.splitlines()
        assert f"the source has changed since the run began: {beside / 'ops.py'}:Cauchy; --allow-changed" in line
        assert len(run.metrics) == 3

    def test_allow_changed_goes_on_and_locks_what_it_went_on_with(self, beside) -> None:
        run = evoplug.run(beside / "my.toml", out=beside / "run")
        (beside / "ops.py").write_text(dedent(OPS) + "\n# a comment\n")
        assert len(evoplug.resume(run.folder, MORE, allow_changed=True).metrics) == 6
        assert len(evoplug.resume(run.folder, {"run.stop.generations": 7}).metrics) == 7

    def test_an_unchanged_source_goes_on_as_if_never_stopped(self, beside) -> None:
        whole = evoplug.run(beside / "my.toml", MORE, out=beside / "whole")
        halves = evoplug.resume(evoplug.run(beside / "my.toml", out=beside / "half").folder, MORE)
        assert [row["best"] for row in whole.metrics] == [row["best"] for row in halves.metrics]

    def test_a_changed_function_is_a_changed_source_too(self, beside) -> None:
        (beside / "cost.py").write_text("def cost(x):\n    return x.square().sum(1)\n")
        over = {"evaluator.function": f"{beside / 'cost.py'}:cost", "genotype.low": -1.0, "genotype.high": 1.0}
        run = evoplug.run(beside / "my.toml", over, out=beside / "run")
        (beside / "cost.py").write_text("def cost(x):\n    return x.abs().sum(1)\n")
        with pytest.raises(evoplug.FilesError, match=r"changed since the run began: \S+cost.py:cost;"):
            evoplug.resume(run.folder, MORE)

    def test_so_is_a_file_that_a_parameter_names(self, reading) -> None:
        run = evoplug.run(reading / "my.toml", out=reading / "run")
        lock = json.loads((run.folder / "plugins.lock").read_text())
        assert str(reading / "far.txt") in lock
        assert str(reading / "folder") not in lock
        (reading / "far.txt").write_text("9.0")
        with pytest.raises(
            evoplug.FilesError, match=r"the data have changed since the run began: \S+far.txt; --allow-"
        ):
            evoplug.resume(run.folder, MORE)
        assert len(evoplug.resume(run.folder, MORE, allow_changed=True).metrics) == 6
        (reading / "far.txt").unlink()
        with pytest.raises(evoplug.FilesError, match=r"run: \S+far.txt is missing; --allow-changed"):
            evoplug.resume(run.folder, {"run.stop.generations": 7})

    def test_one_that_cannot_be_read_is_an_error_of_files(self, reading, monkeypatch) -> None:
        opened = Path.open

        def denied(file, *arguments, **keywords):
            if file.name == "far.txt":
                raise PermissionError(13, "Permission denied", str(file))
            return opened(file, *arguments, **keywords)

        monkeypatch.setattr(Path, "open", denied)
        with pytest.raises(evoplug.FilesError, match=r"far.txt: cannot be read: Permission denied"):
            lock.lock(evoplug.check(reading / "my.toml"))

    def test_a_run_and_its_resume_find_their_files_from_any_folder(self, reading, tmp_path, monkeypatch) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        evoplug.run("../my.toml", out="run")
        monkeypatch.chdir("/")
        assert len(evoplug.resume(tmp_path / "elsewhere" / "run", MORE).metrics) == 6
        assert evoplug.Run(tmp_path / "elsewhere" / "run").config["evaluator"]["target"] == str(reading / "far.txt")

    def test_what_a_recorder_writes_may_change(self, beside) -> None:
        (beside / "ops.py").write_text(dedent(OPS) + dedent(NOTES))
        (beside / "my.toml").write_text(dedent(CONFIG) + '[[recorders]]\nuse = "notes"\nfile = "notes.txt"\n')
        run = evoplug.run(beside / "my.toml", out=beside / "run")
        evoplug.resume(run.folder, MORE)
        evoplug.resume(run.folder, {"run.stop.generations": 7})
        assert (beside / "notes.txt").read_text() == "1 2 3 4 5 6 7 "

    def test_a_damaged_lock_is_an_error_of_files(self, beside) -> None:
        run = evoplug.run(beside / "my.toml", out=beside / "run")
        (run.folder / "plugins.lock").write_text("[")
        with pytest.raises(evoplug.FilesError, match=r"plugins.lock: is damaged"):
            evoplug.resume(run.folder, MORE)


# ------------------------------------------------------------------------------------------------ objects


class Near(Evaluator, genome="real-vector"):
    """Written without a thought of configurations: no dataclass."""

    deterministic = True

    def __init__(self, target: torch.Tensor) -> None:
        self.target = target

    def evaluate(self, members, rng) -> Evaluation:
        return Evaluation(-(members.genomes - self.target).square().sum(1))


@dataclass(kw_only=True)
class Shift(Mutation, genome="real-vector"):
    """Move every gene by the same step."""

    step: float = 0.5

    def __call__(self, genomes, rng):
        return genomes + self.step


@dataclass(kw_only=True)
class Nothing(Mutation, genome="no-such-kind"):
    """For other genomes."""


@dataclass(kw_only=True)
class Picky(Evaluator, genome="real-vector"):
    """With parameters of every sort, and with what no configuration can hold."""

    count: Annotated[int, Ge(1)] = 3
    mode: Literal["near", "far"] = "near"
    widths: tuple[int, ...] = ()
    function: Annotated[Function, Known("sphere", "ackley")] = "sphere"
    inner: Mutation | None = None
    others: dict[str, Mutation] = field(default_factory=dict)
    limit: float = math.inf
    nothing: float = math.nan
    target: torch.Tensor | None = None
    single: numpy.float32 = field(default_factory=numpy.float32)
    folder: Path = Path()

    def evaluate(self, members, rng) -> Evaluation:
        return Evaluation(members.genomes.sum(1))


def unreadable(**parameters) -> Evaluator:
    """Of a class whose annotations name what is not there when it runs, as under ``if TYPE_CHECKING``."""
    Hidden = dataclass(type("Hidden", (Near,), {"__annotations__": {"target": "NotThere"}}))
    return Hidden(**parameters)


def parabola(x):
    return x.square().sum(1)


def with_objects(**parts):
    return {
        "run": {"stop": {"generations": 3}},
        "strategy": {"use": "mu-plus-lambda", "population": 4, "offspring": 4},
        "genotype": Interval(length=2),
        "evaluator": Near(torch.ones(2)),
        "operators": {"mutation": Shift()},
        **parts,
    }


class TestObjects:
    def test_parts_may_be_objects_wherever_a_name_may_stand(self, tmp_path) -> None:
        run = evoplug.run(with_objects(), out=tmp_path / "run")
        assert run.status == "finished"
        assert run.config["evaluator"] == {"use": "object of Near"}
        assert 'evaluator = "object of Near"' in (run.folder / "config.toml").read_text()

    def test_the_lock_says_which_parts_cannot_be_rebuilt_from_their_names(self, tmp_path) -> None:
        run = evoplug.run(with_objects(), out=tmp_path / "run")
        lock = json.loads((run.folder / "plugins.lock").read_text())
        given = {key: row["object"] for key, row in lock.items() if "object" in row}
        assert given == {
            "genotype": "fakes:Interval",
            "evaluator": f"{__name__}:Near",
            "operators.mutation": f"{__name__}:Shift",
        }
        assert all(row["sha256"] for row in lock.values())

    def test_resume_asks_for_them_in_words_that_can_be_followed(self, tmp_path) -> None:
        genotype = {"use": "real-vector", "length": 2, "low": 0.0, "high": 1.0}
        run = evoplug.run(with_objects(genotype=genotype), out=tmp_path / "run")
        with pytest.raises(evoplug.ConfigError) as caught:
            evoplug.resume(run.folder, MORE)
        first, second = str(caught.value).splitlines()
        assert first.endswith("evaluator: was an object, `Near`; give it again: evoplug.resume(FOLDER, evaluator=...)")
        assert second.endswith('`Shift`; give it again: evoplug.resume(FOLDER, operators={"mutation": ...})')
        again = evoplug.resume(run.folder, MORE, evaluator=Near(torch.ones(2)), operators={"mutation": Shift()})
        assert len(again.metrics) == 6

    def test_a_resume_with_the_objects_equals_the_uninterrupted_run(self, tmp_path) -> None:
        parts = {"genotype": Interval(length=2), "evaluator": Sphere(noise=0.1), "operators": {"mutation": Shift()}}
        whole = evoplug.run(with_objects(**parts), MORE, out=tmp_path / "whole")
        half = evoplug.run(with_objects(**parts), out=tmp_path / "half")
        halves = evoplug.resume(half.folder, MORE, **parts)
        assert [row["mean"] for row in whole.metrics] == [row["mean"] for row in halves.metrics]

    def test_resume_takes_no_object_where_there_was_none(self, tmp_path) -> None:
        run = evoplug.run(with_objects(), out=tmp_path / "run")
        with pytest.raises(evoplug.ConfigError, match=r"^strategy: was not given as an object when the run began"):
            evoplug.resume(run.folder, MORE, strategy=Strategy())

    def test_resume_takes_no_object_of_another_class(self, tmp_path) -> None:
        run = evoplug.run(with_objects(), out=tmp_path / "run")
        with pytest.raises(evoplug.ConfigError, match="must be an object of Near again, got an object of Sphere"):
            evoplug.resume(run.folder, MORE, evaluator=Sphere())

    def test_a_changed_class_is_a_changed_source(self, tmp_path) -> None:
        run = evoplug.run(with_objects(), out=tmp_path / "run")
        lock = json.loads((run.folder / "plugins.lock").read_text())
        lock["evaluator"]["sha256"] = "of an older source"
        (run.folder / "plugins.lock").write_text(json.dumps(lock))
        parts = {name: part for name, part in with_objects().items() if name in ("genotype", "evaluator", "operators")}
        with pytest.raises(evoplug.FilesError, match=r"changed since the run began: evaluator;"):
            evoplug.resume(run.folder, MORE, **parts)
        assert len(evoplug.resume(run.folder, MORE, allow_changed=True, **parts).metrics) == 6

    @pytest.mark.parametrize(
        ("again", "message"),
        [
            ({"count": 4}, "evaluator.count is 4, not 3"),
            ({"widths": (1, 3)}, "evaluator.widths is [1, 3], not [1, 2]"),
            ({"folder": Path("there")}, 'evaluator.folder is "there", not "here"'),
            ({"inner": Shift(step=0.25)}, "evaluator.inner.step is 0.25, not 0.5"),
            ({"inner": None}, 'evaluator.inner is nothing, not "object of Shift", evaluator.inner.step is nothing, '),
            ({"others": {"a": Shift(step=2.0)}}, "evaluator.others.a.step is 2.0, not 1.0"),
        ],
    )
    def test_a_changed_parameter_is_refused_like_a_changed_source(self, tmp_path, again, message) -> None:
        def picky(**changed):
            first = {"widths": (1, 2), "folder": Path("here"), "inner": Shift(), "others": {"a": Shift(step=1.0)}}
            return Picky(**{**first, "nothing": math.nan, "target": torch.zeros(2), **changed})

        parts = {name: part for name, part in with_objects().items() if name in ("genotype", "operators")}
        run = evoplug.run(with_objects(evaluator=picky()), out=tmp_path / "run")
        assert len(evoplug.resume(run.folder, MORE, **parts, evaluator=picky()).metrics) == 6
        more = {"run.stop.generations": 7}
        with pytest.raises(evoplug.FilesError) as caught:
            evoplug.resume(run.folder, more, **parts, evaluator=picky(**again))
        assert f"parameters have changed since the run began: {message}" in str(caught.value)
        resumed = evoplug.resume(run.folder, more, allow_changed=True, **parts, evaluator=picky(**again))
        assert len(resumed.metrics) == 7

    def test_a_function_may_be_an_object_and_a_part_inside_another(self, tmp_path) -> None:
        evaluator = {"use": "function", "function": parabola}
        run = evoplug.run(with_objects(evaluator=evaluator), out=tmp_path / "run")
        assert "evaluator.function" in json.loads((run.folder / "plugins.lock").read_text())
        with pytest.raises(evoplug.ConfigError, match=r'evoplug.resume\(FOLDER, evaluator=\{"function": ...\}\)'):
            evoplug.resume(run.folder, MORE, genotype=Interval(length=2), operators={"mutation": Shift()})

    def test_an_object_may_stand_in_for_a_part_of_a_file(self, tmp_path) -> None:
        over = {
            "evaluator": Near(torch.zeros(10)),
            "run.stop.generations": 2,
            "genotype.low": 0.0,
            "genotype.high": 1.0,
        }
        assert evoplug.run("basics/cma-es", over, out=tmp_path / "run").status == "finished"

    def test_a_strategy_holds_its_operators_itself_defaults_too(self, tmp_path) -> None:
        @dataclass(kw_only=True)
        class Search(loading.load("strategies", "mu-plus-lambda")):
            """With a default of its own."""

            population: int = 4
            offspring: int = 4
            selection: Selection = use("tournament", size=2)
            mutation: Mutation = use("gaussian", sigma=0.5)

        strategy = Search()
        config = with_objects(strategy=strategy)
        assert "the strategy is an object, `Search`, and holds its operators itself" in refused(config)
        assert evoplug.run({**config, "operators": {}}, out=tmp_path / "run").status == "finished"
        assert strategy.mutation.sigma == 0.5

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            ({"evaluator": Shift()}, "evaluator: `Shift` is a mutation, not an evaluator"),
            ({"evaluator": Shift}, "evaluator: `Shift` is a mutation, not an evaluator"),
            ({"evaluator": Near}, "evaluator: `Near` is a class: give an object, Near(...)"),
            ({"evaluator": {"use": Near}}, "evaluator: `Near` is a class: give an object, Near(...)"),
            (
                {"evaluator": {"use": Sphere()}},
                "evaluator: must be the name of an evaluator, or a table with use = NAME",
            ),
            ({"evaluator": int}, "evaluator: must be the name of an evaluator, or a table with use = NAME"),
            ({"run": {"name": parabola}}, "run.name: must be a string"),
            ({"operators": {"mutation": Nothing()}}, "`Nothing` works on no-such-kind genomes, not on real-vector"),
            ({"evaluator": object()}, "evaluator: must be a string, a number"),
        ],
    )
    def test_an_object_in_the_wrong_place_is_refused(self, parts, message) -> None:
        assert message in refused(with_objects(**parts))


class TestParametersOfObjects:
    """They are checked as those of a configuration, before anything is built or run."""

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"count": "high"}, 'evaluator.count: must be an integer, got "high"'),
            ({"count": 0}, "evaluator.count: must be at least 1, got 0"),
            ({"count": None}, "evaluator.count: must be an integer, got None"),
            ({"mode": "wide"}, 'evaluator.mode: must be `near` or `far`, got "wide"'),
            ({"widths": [1, "b"]}, 'evaluator.widths[1]: must be an integer, got "b"'),
            ({"limit": math.nan}, "evaluator.limit: must be finite, got nan"),
            ({"target": [1.0]}, "evaluator.target: must be an object from Python, got [1.0]"),
            ({"function": "spere"}, "evaluator.function: must be a function, or a known name; did you mean `sphere`?"),
            (
                {"inner": "gaussian"},
                'evaluator.inner: must be an object of Mutation, e.g. evoplug.build("mutations", NAME), got "gaussian"',
            ),
            ({"inner": Sphere()}, "evaluator.inner: `Sphere` is an evaluator, not a mutation"),
            ({"inner": Shift}, "evaluator.inner: `Shift` is a class: give an object, Shift(...)"),
            (
                {"count": numpy.int64(3)},
                "evaluator.count: must be a value of Python's own, got np.int64(3); take its .item()",
            ),
            (
                {"widths": (1, numpy.int64(3))},
                "evaluator.widths[1]: must be a value of Python's own, got np.int64(3); take its .item()",
            ),
            (
                {"inner": Shift(step=numpy.float32(0.5))},
                "evaluator.inner.step: must be a value of Python's own, got np.float32(0.5); take its .item()",
            ),
            ({"inner": Shift(step="far")}, 'evaluator.inner.step: must be a number, got "far"'),
            (
                {"others": {"a": Shift(), "b": Shift(step="far")}},
                'evaluator.others.b.step: must be a number, got "far"',
            ),
        ],
    )
    def test_a_wrong_one_is_refused_where_it_stands(self, tmp_path, parameters, message) -> None:
        assert refused(with_objects(evaluator=Picky(**parameters)), out=tmp_path / "run") == message
        assert not (tmp_path / "run").exists()

    def test_all_wrong_ones_are_told_at_once(self) -> None:
        config = with_objects(evaluator=Picky(count=0), operators={"mutation": Shift(step="far")})
        assert refused(config).splitlines() == [
            "evaluator.count: must be at least 1, got 0",
            'operators.mutation.step: must be a number, got "far"',
        ]

    def test_so_are_those_of_an_object_inside_a_component_of_its_own(self) -> None:
        with pytest.raises(evoplug.ConfigError, match=r'^mutation.step: must be a number, got "far"$'):
            evoplug.build("strategies", "mu-plus-lambda", mutation=Shift(step="far"))

    @pytest.mark.parametrize(
        "evaluator",
        [
            Picky(),
            Picky(limit=numpy.float64(0.5), single=numpy.float32(0.5)),
            Picky(widths=[1, 2], function=parabola, inner=Shift(), target=torch.zeros(2), folder=Path("here")),
            Near(target="no dataclass"),
            unreadable(target="of an unknown type"),
        ],
        ids=["defaults", "numpy where it may be", "objects", "no dataclass", "unreadable annotations"],
    )
    def test_what_no_configuration_could_say_is_the_objects_own_affair(self, evaluator) -> None:
        assert evoplug.check(with_objects(evaluator=evaluator)).evaluator.given is evaluator


def test_a_run_folder_can_be_read_without_the_file(beside) -> None:
    run = evoplug.run(beside / "my.toml", out=beside / "run")
    (beside / "ops.py").unlink()
    assert evoplug.Run(run.folder).metrics
    with pytest.raises(evoplug.FilesError, match="ops.py:Cauchy is missing"):
        evoplug.resume(run.folder, MORE)
