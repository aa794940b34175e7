"""What a call from Python gives: as much as the command line, as plain values."""

from dataclasses import replace

import pytest
import torch

import evoplug
from analysis.folders import finished
from evoplug.config.fit import fit

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


def test_every_error_has_a_name_in_evoplug() -> None:
    assert issubclass(evoplug.SweepError, evoplug.EvoplugError)
    assert issubclass(evoplug.Interrupted, KeyboardInterrupt)
