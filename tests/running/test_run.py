"""Runs as a whole, through the Python API: what they leave, and what they refuse."""

import json
import os
import signal
import sys
import threading
import time
import tomllib
from contextlib import nullcontext

import pytest
import torch

import evoplug
from evoplug import ConfigError, Evaluation, EvaluationError, FilesError, PluginError
from evoplug.cli import main
from evoplug.contracts import Evaluator
from evoplug.errors import Interrupted
from evoplug.running.checkpoint import Checkpoints
from evoplug.running.rundir import held
from evoplug.running.runner import Watch

SNES = {
    "run": {"name": "snes", "stop": {"generations": 20}},
    "strategy": {"use": "snes"},
    "genotype": {"use": "real-vector", "length": 3, "low": -5.0, "high": 5.0},
    "evaluator": {"use": "function"},
}


@pytest.fixture
def run(tmp_path):
    return evoplug.run(SNES, out=tmp_path / "run")


def test_the_folder_holds_what_was_asked_and_what_came_out(run):
    assert run.status == "finished"
    assert run.result["reason"] == "generations = 20"
    assert run.result["ledger"]["generations"] == 20
    assert run.result["best"]["generation"] <= 20
    assert run.result["best"]["fitness"] >= max(row["best"] for row in run.metrics)  # the centre may be better
    assert list(run.result["beside"]) in (["centre"], ["best sample"])
    assert [row["generations"] for row in run.metrics] == list(range(1, 21))
    assert {"evaluations", "seconds", "best", "mean", "std", "invalid", "time"} <= run.metrics[0].keys()
    assert tomllib.loads((run.folder / "config.toml").read_text())["strategy"] == {"use": "snes"}
    assert run.config["strategy"]["sigma"] == 0.2
    lock = json.loads((run.folder / "plugins.lock").read_text())
    assert lock["evoplug_basics.searchers:SNES"]["distribution"] == "evoplug"
    assert json.loads((run.folder / "environment.json").read_text())["sessions"][0]["threads"] == 1


def test_files_are_parsed_again_only_where_they_have_changed(run):
    assert run.metrics is run.metrics
    assert run.result is run.result
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"generations": 21}\n')
    (run.folder / "result.json").unlink()
    assert run.metrics[-1] == {"generations": 21}
    assert (run.result, run.status) == ({}, "unfinished")


def test_checkpoints_and_solution_are_plain_data(run):
    (path,) = (run.folder / "checkpoints").glob("*.pt")
    assert torch.load(path, weights_only=True)["problem"]["ledger"]["generations"] == 20
    assert run.best.member.fitness.item() == run.result["best"]["fitness"]


def rows(run):
    return [{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in run.metrics]


def test_the_same_seed_gives_the_same_run_with_any_number_of_workers(run, tmp_path):
    for workers in (1, 3):
        again = evoplug.run(SNES, {"run.workers": workers}, out=tmp_path / str(workers))
        assert rows(again) == rows(run)
    other = evoplug.run(SNES, {"run.seed": 2}, out=tmp_path / "other")
    assert rows(other) != rows(run)


def test_a_finished_run_stays_as_it_is_and_a_larger_budget_goes_on(run, tmp_path):
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    assert evoplug.resume(run.folder).status == "finished"
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before
    longer = evoplug.resume(run.folder, {"run.stop.generations": 30})
    assert rows(longer) == rows(evoplug.run(SNES, {"run.stop.generations": 30}, out=tmp_path / "thirty"))


def test_only_budgets_may_change_on_a_resume(run):
    with pytest.raises(ConfigError, match="evaluator.function: a resume cannot change this"):
        evoplug.resume(run.folder, {"evaluator.function": "ackley"})


def test_an_edited_configuration_is_refused_naming_the_keys(run):
    resolved = run.folder / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('function = "sphere"', 'function = "ackley"'))
    with pytest.raises(FilesError, match="changed since the checkpoint was written: evaluator.function"):
        evoplug.resume(run.folder, {"run.stop.generations": 30})


def test_a_folder_in_use_is_refused_naming_who_holds_it(run):
    with held(run.folder), pytest.raises(FilesError, match=r"another run holds this folder \(pid \d+ on "):
        evoplug.resume(run.folder, {"run.stop.generations": 30})


def test_nothing_is_overwritten(run):
    with pytest.raises(FilesError, match="exists and is not empty"):
        evoplug.run(SNES, out=run.folder)


def test_folders_of_the_same_name_get_a_suffix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [evoplug.run(SNES, {"run.stop.generations": 1}).folder for _ in range(3)]
    assert [folder.name for folder in folders] == ["seed-1", "seed-1-2", "seed-1-3"]
    assert {folder.parent for folder in folders} == {tmp_path / "runs" / "snes" / "run"}


@pytest.mark.parametrize("method", ["start", "evaluate", "close"])
def test_a_part_that_leaves_the_working_folder_loses_nothing(tmp_path, monkeypatch, method):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path)
    door = Door()
    door._called = lambda name: os.chdir(tmp_path / "away") if name == method else None
    run = evoplug.run({**SNES, "evaluator": door}, out="run")
    assert (run.folder, run.status, len(run.metrics)) == (tmp_path / "run", "finished", 20)
    assert list((tmp_path / "away").iterdir()) == []
    os.chdir(tmp_path)
    longer = evoplug.resume("run", {"run.stop.generations": 22}, evaluator=door, allow_changed=True)
    assert len(longer.metrics) == 22
    assert not (tmp_path / "run" / ".owner").exists()


def test_a_second_run_in_another_thread_is_refused_and_a_run_inside_a_run_is_fine(tmp_path):
    whole = evoplug.run(SNES, out=tmp_path / "whole")
    refused, inside = [], []

    def second():
        try:
            evoplug.run(SNES, out=tmp_path / "second")
        except evoplug.EvoplugError as error:
            refused.append(str(error))

    class Nest(Watch):
        def generation(self, row):
            if row["generations"] == 3:
                thread = threading.Thread(target=second)
                thread.start()
                thread.join()
                inside.append(evoplug.run(SNES, out=tmp_path / "inside"))

    outer = evoplug.run(SNES, out=tmp_path / "outer", watch=Nest())
    assert rows(outer) == rows(inside[0]) == rows(whole)
    assert refused == ["another thread is at a run, and a process has one at a time; evoplug.sweep has several"]
    assert not (tmp_path / "second").exists()


def test_a_folder_with_odd_characters_and_a_moved_one(tmp_path):
    run = evoplug.run(SNES, out=tmp_path / "é 日本語 🎲")
    moved = run.folder.rename(tmp_path / "moved")
    assert evoplug.resume(moved, {"run.stop.generations": 25}).metrics[-1]["generations"] == 25
    assert not run.folder.exists()


def test_no_run_folder(tmp_path):
    with pytest.raises(FilesError, match="not a run folder"):
        evoplug.resume(tmp_path)


@pytest.mark.parametrize("stop", [{"evaluations": 50}, {"fitness": -1e-3, "generations": 500}, {"seconds": 0.2}])
def test_every_stop_rule_ends_a_run(stop, tmp_path):
    run = evoplug.run({**SNES, "run": {"stop": stop}}, out=tmp_path / "run")
    assert run.result["reason"].split(" = ")[0] in stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_generation_saves_and_can_be_resumed(number, tmp_path):
    class Raise(Watch):
        def generation(self, row):
            if row["generations"] == 7:
                signal.raise_signal(number)

    with pytest.raises(Interrupted) as caught:
        evoplug.run(SNES, out=tmp_path / "run", watch=Raise())
    assert caught.value.exit_code == 128 + number
    run = evoplug.Run(tmp_path / "run")
    assert run.status == "interrupted"
    assert len(run.metrics) == 7
    seen = set()

    class Look(Watch):
        def generation(self, row):
            seen.add(evoplug.Run(run.folder).status)

    resumed = evoplug.resume(run.folder, watch=Look())
    assert rows(resumed) == rows(evoplug.run(SNES, out=tmp_path / "whole"))
    assert seen == {"unfinished"}  # what was written when it was stopped says nothing of a run that goes on


def test_a_step_that_does_not_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("evoplug.running.signals.GRACE", 0.1)
    (tmp_path / "slow.py").write_text("import time\ndef slow(x):\n    time.sleep(30)\n    return x[:, 0]\n")
    config = {**SNES, "strategy": {"use": "snes", "population": 9}}

    class Raise(Watch):
        def begin(self, experiment, folder, resumed_at):
            threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()

    begin = time.perf_counter()
    with pytest.raises(Interrupted):
        evoplug.run(config, {"evaluator.function": f"{tmp_path}/slow.py:slow"}, out=tmp_path / "run", watch=Raise())
    assert time.perf_counter() - begin < 10
    assert evoplug.Run(tmp_path / "run").status == "interrupted"


def test_an_evaluation_that_raises_is_reported_in_one_line_with_its_traceback_in_the_log(tmp_path):
    (tmp_path / "bad.py").write_text("def bad(x):\n    raise KeyError('missing')\n")
    with pytest.raises(EvaluationError, match=r"generation 1: .*raised KeyError: 'missing'"):
        evoplug.run(SNES, {"evaluator.function": f"{tmp_path}/bad.py:bad"}, out=tmp_path / "run")
    run = evoplug.Run(tmp_path / "run")
    assert run.status == "failed"
    assert "KeyError" in (run.folder / "error.log").read_text()


class Wordless(Exception):
    def __str__(self):
        raise ValueError("no text")


class Base(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (GeneratorExit(), "GeneratorExit"),
        (Base("b"), "Base: b"),
        (ValueError("a\udcff"), r"ValueError: a\\udcff"),
        (Wordless(), r"Wordless: \(its text cannot be had: ValueError\)"),
        (ValueError("\n\nfirst\nsecond"), "ValueError: first"),
    ],
)
@pytest.mark.parametrize(("method", "kind"), [("start", PluginError), ("evaluate", EvaluationError)])
def test_whatever_a_part_raises_is_laid_at_its_door(tmp_path, method, kind, error, said):
    door = Door()

    def called(name):
        if name == method:
            raise error

    door._called = called
    with pytest.raises(kind, match=rf"Door\b.* raised {said} \(test_run.py:\d+; see error.log\)$"):
        evoplug.run({**SNES, "evaluator": door}, out=tmp_path / "run")
    run = evoplug.Run(tmp_path / "run")
    assert run.status == "failed"
    assert type(error).__name__ in (run.folder / "error.log").read_text()


def test_an_interruption_that_a_part_raises_is_one(tmp_path):
    door = Door()

    def called(name):
        if name == "evaluate":
            raise KeyboardInterrupt

    door._called = called
    with pytest.raises(Interrupted, match="stopped by signal 2"):
        evoplug.run({**SNES, "evaluator": door}, out=tmp_path / "run")
    assert evoplug.Run(tmp_path / "run").status == "interrupted"


def test_a_generation_without_a_valid_member_ends_the_run(tmp_path):
    (tmp_path / "nan.py").write_text("def nan(x):\n    return x[:, 0] * float('nan')\n")
    with pytest.raises(EvaluationError, match=r"generation 1: 0 of \d+ members have a finite fitness"):
        evoplug.run(SNES, {"evaluator.function": f"{tmp_path}/nan.py:nan"}, out=tmp_path / "run")


def test_some_invalid_members_are_counted(tmp_path):
    (tmp_path / "half.py").write_text("def half(x):\n    y = (x**2).sum(1)\n    y[::2] = float('nan')\n    return y\n")
    run = evoplug.run(SNES, {"evaluator.function": f"{tmp_path}/half.py:half"}, out=tmp_path / "run")
    assert all(row["invalid"] == 4 and row["best"] is not None for row in run.metrics)


def test_slow_checkpoints_by_minutes_come_less_often_and_by_generations_as_asked(tmp_path, monkeypatch):
    saved = []

    def slow(self, generation, state):
        saved.append(generation)
        time.sleep(0.05)

    monkeypatch.setattr(Checkpoints, "save", slow)
    evoplug.run(SNES, {"run.checkpoint": {"minutes": 1e-9}}, out=tmp_path / "a")
    assert saved == [1, 20]  # 2.5 s are not over
    saved.clear()
    evoplug.run(SNES, {"run.checkpoint": {"every": 5}}, out=tmp_path / "b")
    assert saved == [5, 10, 15, 20]


def test_damaged_checkpoints_fall_back_or_refuse(tmp_path):
    settings = {"run.checkpoint": {"every": 5}}
    run = evoplug.run(SNES, settings, out=tmp_path / "run")
    whole = rows(run)
    *_, newest = sorted((run.folder / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-5])
    notices = []

    class Listen(Watch):
        def notice(self, text):
            notices.append(text)

    (run.folder / "result.json").unlink()
    assert rows(evoplug.resume(run.folder, watch=Listen())) == whole
    assert newest.name in notices[0]
    for path in (run.folder / "checkpoints").iterdir():
        path.write_bytes(b"gone")
    (run.folder / "result.json").unlink()
    with pytest.raises(FilesError, match="every checkpoint is damaged"):
        evoplug.resume(run.folder)


def test_a_resume_without_a_checkpoint_says_that_it_starts_again(tmp_path):
    notices = []

    class Listen(Watch):
        def notice(self, text):
            notices.append(text)

    run = evoplug.run(SNES, out=tmp_path / "run", watch=Listen())
    evoplug.resume(run.folder, {"run.stop.generations": 21}, watch=Listen())
    assert notices == []
    whole = rows(run)
    for path in (run.folder / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(FilesError, match="checkpoints: is empty, so this finished run cannot go on"):
        evoplug.resume(run.folder, {"run.stop.generations": 22})
    assert rows(run) == whole
    (run.folder / "result.json").unlink()
    assert rows(evoplug.resume(run.folder, {"run.stop.generations": 22}, watch=Listen()))[:21] == whole
    assert notices == [f"{run.folder / 'checkpoints'}: no checkpoint yet; the run starts again"]


def test_metrics_are_measured_along_the_way_and_change_nothing(tmp_path):
    config = {
        "run": {"stop": {"generations": 6}, "measure": {"every": 3, "splits": ["test", "validation"]}},
        "strategy": {"use": "leea", "population": 10},
        "genotype": {"use": "weights", "network": {"use": "mlp", "hidden": [4]}},
        "evaluator": {"use": "classification", "dataset": {"use": "digits"}, "batch": 16},
    }
    run = evoplug.run(config, out=tmp_path / "run")
    for column in ("validation.accuracy", "test.accuracy", "test.loss"):
        assert [row["generations"] for row in run.metrics if column in row] == [3, 6]
    resumed = evoplug.run({**config, "run": {**config["run"], "stop": {"generations": 4}}}, out=tmp_path / "resumed")
    assert rows(evoplug.resume(resumed.folder, {"run.stop.generations": 6})) == rows(run)
    by_default = {**config, "run": {"stop": {"generations": 3}, "measure": {"every": 3}}}
    (last,) = evoplug.run(by_default, out=tmp_path / "default").metrics[2:]
    assert [name for name in last if "." in name] == ["validation.accuracy", "validation.loss"]
    unmeasured = {**config, "run": {"stop": {"generations": 6}}}
    again = evoplug.run(unmeasured, out=tmp_path / "again")
    measured = [{k: v for k, v in row.items() if not k.startswith(("validation", "test"))} for row in rows(run)]
    assert measured == rows(again)
    assert run.test == again.test
    assert set(run.result["beside"]) == {"best on the last batch", "mean of the weights"}


FORGETFUL = """
import evoplug
from evoplug.contracts import Loop, Strategy, dataclass

@evoplug.register("strategies", "forgetful")
@dataclass(kw_only=True)
class Forgetful(Strategy):
    def start(self, problem):
        loop = Loop()
        loop.problem = problem
        return loop
"""


def test_a_loop_that_could_not_be_resumed_is_refused_before_it_begins(tmp_path):
    (tmp_path / "forgetful.py").write_text(FORGETFUL)
    config = {**SNES, "plugins": [str(tmp_path / "forgetful.py")], "strategy": {"use": "forgetful"}}
    with pytest.raises(PluginError, match=r"Forgetful: its loop has no state_dict and no load_state_dict"):
        evoplug.run(config, out=tmp_path / "run")


KEEPER = """
import evoplug
from evoplug.contracts import Loop, Members, Strategy, dataclass

class Keeping(Loop):
    def __init__(self, problem):
        self.problem, self.age = problem, 0

    @property
    def best(self):
        return self.members[:1]

    def step(self):
        self.members, self.age = self.problem.sample(4), self.age + 1
        self.problem.evaluate(self.members)

    def state_dict(self):
        return {"members": self.members.state_dict(), "age": self.age}

    def load_state_dict(self, state):
        self.members, self.age = Members.from_state_dict(state["members"], self.problem.device), state["age"]

@evoplug.register("strategies", "keeper")
@dataclass(kw_only=True)
class Keeper(Strategy):
    def start(self, problem):
        return Keeping(problem)
"""


def test_a_changed_source_that_wants_more_of_its_checkpoint_is_named(tmp_path, capsys):
    file = tmp_path / "keeper.py"
    file.write_text(KEEPER)
    config = {**SNES, "plugins": [str(file)], "strategy": {"use": "keeper"}}
    run = evoplug.run(config, {"run.stop.generations": 2}, out=tmp_path / "run")
    file.write_text(KEEPER.replace('state["age"]', 'state["years"]'))
    with pytest.raises(SystemExit) as ended:
        main(["resume", str(run.folder), "--set", "run.stop.generations=3", "--allow-changed"])
    assert ended.value.code == 3
    keeper = f"evoplug.strategies: keeper = {file}:Keeper"
    line = f"{keeper} raised KeyError: 'years' on the state in its checkpoint (keeper.py:21; see error.log)"
    assert capsys.readouterr().err == f"evoplug: error: {line}\n"
    assert evoplug.Run(run.folder).result["reason"] == "generations = 2"  # what it had stays
    assert 'state["years"]' in (run.folder / "error.log").read_text()


class Door(Evaluator):
    """Fails in one of its methods, and knows whether it is open."""

    def __init__(self, fails=None):
        self.fails, self.calls = fails, []

    def _called(self, method):
        self.calls.append(method)
        if self.fails == method:
            raise OSError(28, "no more room")

    def start(self, device, rng):
        self._called("start")

    def evaluate(self, members, rng):
        self._called("evaluate")
        return Evaluation(-members.genomes.square().sum(1))

    def close(self):
        self._called("close")


@pytest.mark.parametrize(
    ("fails", "error"), [(None, None), ("start", PluginError), ("evaluate", EvaluationError), ("close", None)]
)
def test_an_evaluator_is_closed_however_the_run_ends(tmp_path, fails, error):
    door, notices = Door(fails), []

    class Listen(Watch):
        def notice(self, text):
            notices.append(text)

    with pytest.raises(error) if error else nullcontext():
        evoplug.run({**SNES, "evaluator": door}, out=tmp_path / "run", watch=Listen())
    assert (door.calls[0], door.calls[-1]) == ("start", "close")
    assert door.calls.count("close") == 1
    assert evoplug.Run(tmp_path / "run").status == ("failed" if error else "finished")
    assert notices == (["Door: close raised OSError: [Errno 28] no more room"] if fails == "close" else [])


def test_an_evaluator_that_cannot_start_is_named_in_one_line(tmp_path):
    with pytest.raises(PluginError, match=r"^Door raised OSError: \[Errno 28\] no more room \(.*\)$"):
        evoplug.run({**SNES, "evaluator": Door("start")}, out=tmp_path / "run")
    assert evoplug.Run(tmp_path / "run").status == "failed"
    assert "no more room" in (tmp_path / "run" / "error.log").read_text()


@pytest.mark.parametrize("method", ["open", "row"])
def test_a_recorder_that_fails_is_named(tmp_path, method):
    (tmp_path / "broken.py").write_text(f"""
import evoplug
from evoplug.contracts import Recorder, dataclass

@evoplug.register("recorders", "broken")
@dataclass(kw_only=True)
class Broken(Recorder):
    def {method}(self, what):
        raise OSError("no more room")
""")
    config = {**SNES, "plugins": [str(tmp_path / "broken.py")], "recorders": [{"use": "broken"}]}
    with pytest.raises(PluginError, match=r"roken.* raised OSError: no more room \(broken.py:9; see error.log\)$"):
        evoplug.run(config, out=tmp_path / "run")
    assert evoplug.Run(tmp_path / "run").status == "failed"


def test_a_state_that_could_not_be_read_again_ends_the_run(tmp_path):
    (tmp_path / "keeper.py").write_text(KEEPER.replace('"age": self.age', '"age": {self.age}'))
    config = {**SNES, "plugins": [str(tmp_path / "keeper.py")], "strategy": {"use": "keeper"}}
    with pytest.raises(PluginError, match=r"a checkpoint holds tensors and plain data only, and loop.age is a set"):
        evoplug.run(config, out=tmp_path / "run")


def keeper(tmp_path, *changes):
    """A run of the strategy above, changed."""
    source = KEEPER
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    (tmp_path / "keeper.py").write_text(source)
    config = {**SNES, "plugins": [str(tmp_path / "keeper.py")], "strategy": {"use": "keeper"}}
    return evoplug.run(config, {"run.stop": {"generations": 2}}, out=tmp_path / "run")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return Keeping(problem)", "Keeping(problem)", "start must return a Loop, not NoneType"),
        ("    def step(self)", "    def other(self)", "has no `step`"),
        (
            "    def state_dict",
            "    status = 5\n\n    def state_dict",
            "TypeError: 'int' object is not iterable",
        ),
        ("        self.problem.evaluate(self.members)", "", "step left `members` without fitness: call problem.eval"),
        (
            "    def state_dict",
            "    @property\n    def status(self):\n        return {'x': [object()]}\n\n    def state_dict",
            r"x\[0\] is a object: records hold numbers, strings, and lists and tables of them",
        ),
        (
            "problem.sample(4)",
            "problem.members(self.problem.sample(4).genomes[:, :2])",
            r"gives genomes float64 \(4, 2\)",
        ),
        (
            "problem.sample(4)",
            "problem.members(self.problem.sample(4).genomes.float())",
            r"gives genomes float32 \(4, 3\)",
        ),
    ],
)
def test_a_strategy_that_breaks_its_contract_is_named(tmp_path, old, new, message):
    with pytest.raises(PluginError, match=rf"^evoplug.strategies: keeper = .*{message}"):
        keeper(tmp_path, (old, new))
    assert evoplug.Run(tmp_path / "run").status == "failed"


def test_the_headline_comes_first_in_the_results(tmp_path):
    class Scored(Evaluator):
        headline = "score"

        def evaluate(self, members, rng):
            return Evaluation(members.genomes.sum(1))

        def measure(self, members, split, rng):
            return {"loss": members.genomes.sum(1), "score": members.genomes.sum(1)}

    run = evoplug.run({**SNES, "evaluator": Scored()}, {"run.stop.generations": 1}, out=tmp_path / "run")
    assert list(run.test) == list(run.result["validation"]) == ["score", "loss"]


def test_a_doubtful_solution_is_said_to_be_so(tmp_path):
    notices = []

    class Listen(Watch):
        def notice(self, text):
            notices.append(text)

    class Boast(Evaluator):
        headline = "score"

        def evaluate(self, members, rng):
            return Evaluation(members.genomes.sum(1))

        def measure(self, members, split, rng):
            return {"other": members.genomes.sum(1)}

    (tmp_path / "far.py").write_text("""
import evoplug
from evoplug.contracts import Mutation, dataclass

@evoplug.register("mutations", "far")
@dataclass(kw_only=True)
class Far(Mutation, genome="real-vector"):
    def __call__(self, genomes, rng):
        return genomes + 100
""")
    config = {**SNES, "strategy": "mu-plus-lambda", "plugins": [str(tmp_path / "far.py")], "evaluator": Boast()}
    changes = {"operators": {"mutation": "far"}, "run.stop.generations": 2}
    evoplug.run(config, changes, out=tmp_path / "run", watch=Listen())
    outside, headline = notices
    assert outside == "the solution is outside of its space: an operator or the strategy does not repair"
    assert headline.endswith("Boast: `measure` gave no `score`, its headline")


def test_the_fitness_that_ends_a_run_is_that_of_the_records_after_a_resume_too(tmp_path):
    """The status of a loop may say another ``best`` than its members have."""
    source = KEEPER.replace(
        "    def state_dict",
        "    @property\n    def status(self):\n        return {'best': 7.0}\n\n    def state_dict",
        1,
    )
    (tmp_path / "keeper.py").write_text(source)
    config = {**SNES, "plugins": [str(tmp_path / "keeper.py")], "strategy": {"use": "keeper"}}
    run = evoplug.run(config, {"run.stop": {"generations": 2}}, out=tmp_path / "run")
    run = evoplug.resume(run.folder, {"run.stop": {"generations": 9, "fitness": 7.0}})
    assert (run.result["reason"], len(run.metrics)) == ("fitness = 7", 2)


def test_what_a_part_finds_wrong_as_it_starts_is_said_where_it_stands(tmp_path):
    (tmp_path / "picky.py").write_text("""
import evoplug
from evoplug.contracts import ConfigError, Strategy, dataclass

@evoplug.register("strategies", "picky")
@dataclass(kw_only=True)
class Picky(Strategy):
    population: int = 3

    def start(self, problem):
        raise ConfigError("population", "must be even")
""")
    (tmp_path / "run.toml").write_text("""evoplug = 1
plugins = ["./picky.py"]
[strategy]
use = "picky"
population = 5
[genotype]
use = "real-vector"
[evaluator]
use = "function"
""")
    with pytest.raises(ConfigError) as caught:
        evoplug.run(tmp_path / "run.toml", out=tmp_path / "run")
    assert str(caught.value) == f"{tmp_path / 'run.toml'}:5: strategy.population: must be even"


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        ({"generations": 5}, "--set: run.stop.generations: 5 is less than what this run has spent, 20"),
        ({"generations": 30, "evaluations": 7}, "evaluations: 7 is less than what this run has spent, "),
        ({"generations": 30, "hours": 1e-9}, "hours: 1e-09 is less than what this run has spent, "),
        ({"generations": 30, "fitness": -1e9}, "fitness: -1e\\+09 is less than the best fitness so far, "),
    ],
)
def test_a_budget_below_what_was_spent_is_refused_and_nothing_changes(stop, message, run):
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=message) as caught:
        evoplug.resume(run.folder, {"run.stop": stop})
    assert len(str(caught.value).splitlines()) == 1
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_a_name_that_no_file_of_a_run_can_hold_is_one_line(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "mine.py").write_text("def mine(x):\n    return x[:, 0]\n")
    (folder / "mine.toml").write_text(
        'evoplug = 1\n[strategy]\nuse = "random-search"\n[genotype]\nuse = "real-vector"\nlow = -1.0\nhigh = 1.0\n'
        '[evaluator]\nuse = "function"\nfunction = "./mine.py:mine"\n'
    )
    with pytest.raises(FilesError, match=r"plugins.lock: cannot be written: .*which is no text: UTF-8"):
        evoplug.run(folder / "mine.toml", out=tmp_path / "run")
    run = evoplug.run(SNES, out=folder / "run")
    assert evoplug.resume(run.folder, {"run.stop.generations": 21}).status == "finished"


def test_a_run_that_lost_generations_may_end_before_them(tmp_path):
    """What counts is the checkpoint from which it goes on, not the records behind it."""
    settings = {"run.checkpoint": {"every": 5}, "run.stop.generations": 7}
    run = evoplug.run(SNES, settings, out=tmp_path / "run")
    (newest,) = (run.folder / "checkpoints").glob("*07-*.pt")
    newest.unlink()
    (run.folder / "result.json").unlink()
    with pytest.raises(ConfigError, match="generations: 4 is less than what this run has spent, 5"):
        evoplug.resume(run.folder, {"run.stop.generations": 4})
    assert len(evoplug.resume(run.folder, {"run.stop.generations": 6}).metrics) == 6
