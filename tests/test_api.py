"""What a call from Python gives: as much as the command line, as plain values."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, replace

import pytest
import torch

import evoplug
from analysis.folders import finished, sweep
from evoplug.config.fit import fit
from evoplug.contracts import Evaluation, Evaluator

SPHERE = {
    "run": {"name": "ball", "stop": {"generations": 3}},
    "strategy": {"use": "random-search", "population": 5},
    "genotype": {"use": "real-vector", "length": 3},
    "evaluator": {"use": "function"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evoplug.run(SPHERE, out=tmp_path_factory.mktemp("ball") / "small" / "seed-1")


class TestRuns:
    def test_a_run_tells_its_arm_and_its_seed(self, run) -> None:
        assert (run.arm, run.seed) == ("small", 1)

    @pytest.mark.parametrize(("folder", "arm"), [("a/seed-3", "a"), ("a/seed-3-2", "a"), ("a/mine", "mine")])
    def test_an_arm_is_named_by_the_folder_above_those_of_its_seeds(self, tmp_path, folder, arm) -> None:
        found = evoplug.Run(finished(tmp_path / folder, seed=3))
        assert (found.arm, found.seed) == (arm, 3)

    def test_records_are_columns(self, run) -> None:
        assert run.records["generations"] == [1, 2, 3]
        assert run.records["best"] == [row["best"] for row in run.metrics]
        assert run.records["time.evaluation"] == [row["time"]["evaluation"] for row in run.metrics]

    def test_a_row_without_a_value_has_none(self, tmp_path) -> None:
        rows = [{"generations": 1}, {"generations": 2, "validation.loss": 0.5}, {"generations": 3}]
        found = evoplug.Run(finished(tmp_path / "run", rows=rows))
        assert found.records == {"generations": [1, 2, 3], "validation.loss": [None, 0.5, None]}

    def test_a_run_without_a_record_has_no_column(self, tmp_path) -> None:
        folder = finished(tmp_path / "run")
        (folder / "metrics.jsonl").unlink()
        assert evoplug.Run(folder).records == {}


class TestWatch:
    def test_a_function_is_called_with_every_line_of_the_records(self, tmp_path) -> None:
        rows: list = []
        run = evoplug.run(SPHERE, out=tmp_path / "run", watch=rows.append)
        assert rows == run.metrics
        evoplug.resume(run, {"run.stop.generations": 5}, watch=rows.append)
        assert [row["generations"] for row in rows] == [1, 2, 3, 4, 5]

    def test_what_a_function_raises_ends_the_run_and_comes_back(self, tmp_path) -> None:
        def enough(row):
            if row["generations"] == 2:
                raise StopIteration("enough")

        with pytest.raises(StopIteration, match="enough"):
            evoplug.run(SPHERE, out=tmp_path / "run", watch=enough)
        assert evoplug.resume(tmp_path / "run").status == "finished"

    def test_a_function_is_called_with_every_run_of_a_sweep(self, tmp_path) -> None:
        ended: list = []
        arms = {"arms": {"more": {"strategy.population": 6}}}
        evoplug.sweep({**SPHERE, "sweep": arms}, out=tmp_path / "s", jobs=1, watch=ended.append)
        assert [(run.arm, run.status) for run in ended] == [("run", "finished"), ("more", "finished")]

    def test_true_shows_what_the_command_line_shows(self, tmp_path, capsys) -> None:
        run = evoplug.run(SPHERE, out=tmp_path / "run", watch=True)
        first, folder, *_, last = capsys.readouterr().out.splitlines()
        assert first == "ball  random-search · real-vector · function  seed 1"
        assert folder == str(run.folder)
        assert last == f"folder   {run.folder}"
        evoplug.sweep(SPHERE, seeds=1, out=tmp_path / "s", watch=True)
        assert "1 of 1 run finished" in capsys.readouterr().out

    @pytest.mark.parametrize("watch", [None, False])
    def test_nothing_is_shown_unless_it_is_asked_for(self, tmp_path, capsys, watch) -> None:
        evoplug.run(SPHERE, out=tmp_path / "run", watch=watch)
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize("watch", ["yes", 1, evoplug.Watch, evoplug.SweepWatch()])
    def test_what_cannot_look_on_is_refused_before_anything_is_written(self, tmp_path, watch) -> None:
        with pytest.raises(evoplug.ConfigError, match=r"^watch: must be True, a function or an evoplug.Watch, got "):
            evoplug.run(SPHERE, out=tmp_path / "run", watch=watch)
        assert not (tmp_path / "run").exists()


class TestWords:
    """What an object says of itself at a prompt: a line, never its tensors or documents."""

    def test_of_an_experiment_and_what_it_is_made_of(self) -> None:
        experiment = evoplug.check(SPHERE, {"run.device": "cpu"})
        assert repr(experiment) == "Experiment(ball: random-search · real-vector · function, seed 1)"
        assert repr(fit(experiment)) == f"Built({experiment} on cpu)"
        assert repr(experiment.genotype) == "Spec(genotype: real-vector)"
        assert repr(replace(experiment.document, name="ball")) == "Document(ball: run, strategy, genotype, evaluator)"

    def test_of_a_sweep(self) -> None:
        sweep = evoplug.check({**SPHERE, "sweep": {"seeds": 6, "arms": {"more": {"strategy.population": 9}}}})
        assert repr(sweep) == "Experiment(ball: random-search · real-vector · function, 2 x 6 runs)"

    def test_of_members_and_their_evaluation(self) -> None:
        parts = evoplug.Parts({"loss": torch.zeros(3, 8), "blocks": [1, 2, 3]})
        members = evoplug.Members(parts, torch.arange(3), torch.zeros(3, 2), torch.zeros(3))
        assert repr(members) == "Members(genomes Parts(loss (3, 8) float32, blocks 3), fitness (3,) float32)"
        evaluation = evoplug.Evaluation(torch.zeros(3), [{}] * 3, {"epochs": 8}, {"noise": torch.zeros(3)})
        assert repr(evaluation) == "Evaluation(fitness (3,) float32, states 3, cost epochs, columns noise)"

    def test_of_an_evaluation_that_breaks_the_contract(self) -> None:
        assert repr(evoplug.Evaluation([1.0, 2.0], cases=7)) == "Evaluation(fitness 2, cases int)"  # type: ignore

    def test_of_a_solution_however_long_its_description(self, tmp_path) -> None:
        long = {**SPHERE, "genotype": {"use": "real-vector", "length": 1000}}
        assert len(repr(evoplug.run(long, out=tmp_path / "run").best)) < 200


CLAIM = {"better": "b", "than": "a", "metric": "test.accuracy"}


@pytest.fixture
def swept(tmp_path):
    return sweep(tmp_path / "swept", {"a": [0.1, 0.2, 0.3], "b": [0.4, 0.5, 0.6]}, [CLAIM])


class TestCompare:
    def test_the_arms_and_the_claims_are_rows_of_plain_values(self, swept) -> None:
        compared = evoplug.compare(swept)
        first, second = compared.rows()
        assert (first["metric"], first["arm"], first["n"], first["median"]) == ("test.accuracy", "a", 3, 0.2)
        assert second["values"] == [0.4, 0.5, 0.6]
        (claim,) = compared.claims()
        assert (claim["family"], claim["better"], claim["than"]) == ("expected to hold", "b", "a")
        assert (claim["A"]["value"], claim["answer"]) == (1.0, "shown")
        assert json.loads(json.dumps([*compared.rows(), claim]))

    def test_it_prints_as_tables(self, swept) -> None:
        evoplug.Run(finished(swept / "b" / "seed-9", 9, status="failed"))
        assert repr(evoplug.compare(swept)).splitlines() == [
            "test.accuracy",
            "arm   n   median   mean   deviation",
            "a     3      0.2    0.2         0.1",
            "b     3      0.5    0.5         0.1",
            "",
            "claims expected to hold",
            "claim   metric             p   p (Holm)   A   A from   A to   answer   expected",
            "b > a   test.accuracy   0.05       0.05   1        1      1   shown    reproduced",
            "",
            "note: 6 of 6 runs began before claims were recorded (a: seed 1, 2, 3; b: seed 1, 2, 3): nothing "
            "shows that the claims were stated first",
            f"note: {swept}/b/seed-9: failed, left out",
        ]

    def test_one_arm_alone_has_nothing_to_be_tested_against(self, tmp_path) -> None:
        alone = evoplug.compare(sweep(tmp_path / "alone", {"a": [0.1, 0.2]}, []))
        assert [line for line in repr(alone).splitlines() if line.startswith(("test.", "every", "claim"))] == [
            "test.accuracy"
        ]
        assert "every pair" not in alone.markdown() + alone.latex() + alone.csv()

    def test_it_takes_what_the_command_line_takes(self, swept) -> None:
        assert [row["values"] for row in evoplug.compare(swept, metric="best", at=("generations", 1)).rows()] == [
            [0.1] * 3
        ] * 2
        (claim,) = evoplug.compare(swept, metric="test.loss", better="b", than="a", goal="min").claims()
        assert (claim["metric"], claim["goal"], claim["answer"]) == ("test.loss", "min", "shown")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"better": "a"}, "better and than go together"),
            ({"margin": 0.1}, "better and than go together"),
            ({"better": "b", "than": "a", "margin": -1}, "margin: must be 0 or more, got -1"),
            ({"metric": "test.acuracy"}, "did you mean `test.accuracy`?"),
        ],
    )
    def test_what_cannot_be_asked_is_a_line(self, swept, asked, message) -> None:
        with pytest.raises(evoplug.ConfigError, match=message.replace("?", r"\?")):
            evoplug.compare(swept, **asked)

    def test_runs_stand_for_their_folders(self, swept) -> None:
        runs = [evoplug.Run(path.parent) for path in sorted(swept.rglob("resolved.toml"))]
        assert repr(evoplug.compare(*runs)) == repr(evoplug.compare(swept))


class TestFiles:
    def test_figures_come_by_name_and_nothing_is_written(self, run) -> None:
        before = sorted(run.folder.rglob("*"))
        figures = evoplug.plot(run, x="evaluations", y="mean")
        assert repr(figures) == "Drawings(mean-by-evaluations)"
        axes = figures["mean-by-evaluations"].axes[0]
        assert [*axes.lines[0].get_ydata()] == run.records["mean"]
        assert figures._repr_html_().startswith('<img src="data:image/svg+xml;base64,')
        assert sorted(run.folder.rglob("*")) == before

    def test_figures_say_what_was_left_out(self, swept) -> None:
        finished(swept / "b" / "seed-9", 9, status="failed")
        figures = evoplug.plot(swept)
        assert [*figures] == ["best-by-generations"]
        assert figures.notices == (f"{swept}/b/seed-9: failed, left out",)

    def test_a_report_goes_beside_the_run_or_where_it_is_wanted(self, run, tmp_path) -> None:
        assert evoplug.report(run) == run.folder / "report.html"
        page = evoplug.report(run, tmp_path / "page.html")
        assert page.read_bytes() == (run.folder / "report.html").read_bytes()

    def test_an_export_says_how_it_is_loaded(self, run, tmp_path) -> None:
        exported = evoplug.export(run, tmp_path / "best.json")
        found = {}
        exec(exported.load, found)
        assert found["solution"]["genome"] == run.best.genome.tolist()


def test_all_names_are_there_and_none_of_them_is_imported_before_it_is_used() -> None:
    heavy = ["numpy", "torch", "matplotlib", "rich", "pydantic"]
    code = f"import evoplug, sys; dir(evoplug); print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert all(getattr(evoplug, name) is not None for name in evoplug.__all__)


def test_every_error_has_a_name_in_evoplug() -> None:
    assert issubclass(evoplug.SweepError, evoplug.EvoplugError)
    assert issubclass(evoplug.Interrupted, KeyboardInterrupt)


class Far(Evaluator, genome="real-vector"):
    """The nearer to a point, the better; it counts what it has evaluated."""

    deterministic = True

    def __init__(self, point: float = 0.0) -> None:
        self.point, self.evaluated = torch.full((3,), point), 0

    def evaluate(self, members, rng) -> Evaluation:
        self.evaluated += len(members)
        return Evaluation(-(members.genomes - self.point).square().sum(1), columns={"evaluated": self.evaluated})


@dataclass(kw_only=True)
class Step(Evaluator, genome="real-vector"):
    """With a parameter; fails where it is negative."""

    size: float = 1.0

    def evaluate(self, members, rng) -> Evaluation:
        if self.size < 0:
            raise ValueError("no such step")
        return Evaluation(members.genomes.sum(1) * self.size)


def away(x):
    return (x - 1).square().sum(1)


class Locked(Far):
    """What cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def swept_with(evaluator, **arms):
    box = {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0}
    return {**SPHERE, "genotype": box, "evaluator": evaluator, "sweep": {"seeds": 2, "arms": arms}}


class TestSweepsOfObjects:
    def test_each_run_is_the_one_that_it_would_be_alone(self, tmp_path) -> None:
        point = Far()
        config = swept_with(point, far={"evaluator": Far(5.0)})
        runs = evoplug.sweep(config, out=tmp_path / "s")
        assert [(run.arm, run.seed, run.status) for run in runs] == [
            (arm, seed, "finished") for arm in ("run", "far") for seed in (1, 2)
        ]
        assert point.evaluated == 0
        alone = {name: table for name, table in config.items() if name != "sweep"} | {"evaluator": Far(5.0)}
        one = evoplug.run(alone, {"run.seed": 2}, out=tmp_path / "alone")
        assert one.records["evaluated"] == runs[3].records["evaluated"] == [5, 10, 15]
        assert one.records["best"] == runs[3].records["best"]
        assert {row["arm"] for row in evoplug.compare(tmp_path / "s").rows()} == {"run", "far"}

    def test_a_second_call_runs_what_is_missing_and_goes_on_with_what_was_stopped(self, tmp_path) -> None:
        def stop(run):
            raise KeyError("enough")

        with pytest.raises(KeyError, match="enough"):
            evoplug.sweep(swept_with(Step()), out=tmp_path / "s", watch=stop)
        (first,) = (path.parent for path in tmp_path.rglob("result.json"))
        before = (first / "metrics.jsonl").stat().st_mtime_ns
        ended: list = []
        runs = evoplug.sweep(swept_with(Step()), out=tmp_path / "s", watch=ended.append)
        assert [run.seed for run in runs] == [1, 2]
        assert [run.seed for run in ended] == [2]
        assert (first / "metrics.jsonl").stat().st_mtime_ns == before
        with pytest.raises(
            evoplug.FilesError, match=r"parameters have changed .*: evaluator.size is 2.0, not 1.0; name"
        ):
            evoplug.sweep(swept_with(Step(size=2.0)), out=tmp_path / "s")

    def test_a_signal_saves_the_running_one_and_the_same_call_goes_on(self, tmp_path) -> None:
        class Stop(evoplug.SweepWatch):
            def begin(self, experiment, folder, works, jobs):
                self.works, self.jobs, self.told = works, jobs, False

            def look(self):
                if self.works[0].row.get("generations") == 2 and not self.told:
                    self.told = True
                    os.kill(os.getpid(), signal.SIGINT)

        stop = Stop()
        with pytest.raises(evoplug.Interrupted):
            evoplug.sweep(swept_with(Far()), out=tmp_path / "s", watch=stop)
        assert ([work.state for work in stop.works], stop.jobs) == (["interrupted", "waiting"], 1)
        runs = evoplug.sweep(swept_with(Far()), out=tmp_path / "s")
        assert runs[0].records["evaluated"] == [5, 10, 5]  # a new object: only what was saved went on
        assert [run.status for run in runs] == ["finished"] * 2

    def test_a_failed_one_stops_no_other(self, tmp_path) -> None:
        config = swept_with(Step(size=-1.0), good={"evaluator": Step()})
        with pytest.raises(evoplug.SweepError) as caught:
            evoplug.sweep(config, out=tmp_path / "s")
        assert [line.partition(": ")[0] for line in str(caught.value).splitlines()] == ["run, seed 1", "run, seed 2"]
        assert "no such step" in str(caught.value)
        assert caught.value.exit_code == 5
        assert [evoplug.Run(tmp_path / "s" / "good" / f"seed-{seed}").status for seed in (1, 2)] == ["finished"] * 2

    def test_a_function_is_an_object_too_and_progress_is_shown(self, tmp_path, capsys) -> None:
        config = swept_with({"use": "function", "function": away})
        evoplug.sweep(config, out=tmp_path / "s", watch=True)
        assert "2 of 2 runs finished" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("evaluator", "jobs", "message"),
        [
            (Far(), 2, "jobs: objects from Python stay in this process: one run at a time, not 2"),
            (Locked(), None, "evaluator: `Locked` cannot be copied, which each run of a sweep needs: cannot pickle"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_written(self, tmp_path, evaluator, jobs, message) -> None:
        with pytest.raises(evoplug.ConfigError, match=f"^{message}"):
            evoplug.sweep(swept_with(evaluator), out=tmp_path / "s", jobs=jobs)
        assert not (tmp_path / "s").exists()
