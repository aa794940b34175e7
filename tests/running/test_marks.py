"""The best at given budgets, and the last training of solutions."""

import pytest
import torch

import evoplug
from evoplug import ConfigError, Evaluation, Members
from evoplug.contracts import Evaluator
from evoplug.running.marks import Marks
from evoplug.types import Ledger


def member(number: int) -> Members:
    ids = torch.tensor([number])
    return Members(torch.zeros(1, 1), ids, torch.full((1, 2), -1), torch.zeros(1), states=[{"of": number}])


def looked(marks: Marks, spent: list[float]) -> Marks:
    ledger = Ledger()
    for number, amount in enumerate(spent):
        ledger.add(epochs=amount)
        marks.look(ledger, lambda number=number: member(number))
    return marks


def kept(marks: Marks) -> dict[str, int]:
    return {name: int(each.ids) for name, each in marks.kept.items()}


def test_the_best_of_the_last_generation_within_each_budget_is_kept() -> None:
    assert kept(looked(Marks({"epochs": [4, 7, 8]}), [4, 2, 2, 2])) == {"4 epochs": 0, "7 epochs": 1, "8 epochs": 2}


def test_a_mark_that_no_generation_is_within_and_one_that_was_not_reached_are_missed() -> None:
    marks = looked(Marks({"epochs": [3, 9], "evaluations": [1_000]}), [4, 2])
    assert kept(marks) == {}
    assert marks.missed == ["3 epochs", "9 epochs", "1,000 evaluations"]


class Learner(Evaluator, genome="real-vector"):
    """Fitness is the sum of the genes; a last training adds 100 to the score, and notes on whom."""

    provides = ("states",)
    costs = ("epochs",)
    headline = "score"

    def __init__(self) -> None:
        self.finished: list[int] = []

    def evaluate(self, members, rng) -> Evaluation:
        fitness = members.genomes.sum(1)
        return Evaluation(fitness, [{"extra": 0.0} for _ in fitness], cost={"epochs": 2 * len(members)})

    def measure(self, members, split, rng):
        extra = torch.tensor([state["extra"] for state in members.states])
        return {"score": members.genomes.sum(1) + extra}

    def finalise(self, member, rng):
        self.finished.append(int(member.ids))
        return {"extra": 100.0}


class Unfinished(Learner):
    """The same without a last training."""

    def finalise(self, member, rng):
        return None


def configuration(evaluator, **run):
    return {
        "run": {"stop": {"epochs": 40}, "checkpoint": {"every": 1}, **run},
        "strategy": {"use": "mu-plus-lambda", "population": 2, "offspring": 4},
        "genotype": {"use": "real-vector", "length": 2, "low": -1.0, "high": 1.0},
        "evaluator": evaluator,
    }


def test_what_is_finished_is_the_solution_and_stands_beside_what_the_search_had_left(tmp_path) -> None:
    evaluator = Learner()
    run = evoplug.run(configuration(evaluator, marks={"epochs": [12, 40]}), out=tmp_path / "run")
    best = run.result["best"]
    assert run.test["score"] == pytest.approx(best["fitness"] + 100)
    beside = run.result["beside"]
    assert list(beside) == [
        "before finishing", "12 epochs", "12 epochs, before finishing", "40 epochs", "40 epochs, before finishing",
    ]  # fmt: skip
    assert beside["before finishing"]["test"]["score"] == pytest.approx(best["fitness"])
    early = run.records["best"][run.records["epochs"].index(12)]
    assert beside["12 epochs, before finishing"]["validation"]["score"] == pytest.approx(early)
    assert beside["12 epochs"]["validation"]["score"] == pytest.approx(early + 100)
    late = run.records["best"][run.records["epochs"].index(36)]
    assert beside["40 epochs, before finishing"]["test"]["score"] == pytest.approx(late)
    assert len(evaluator.finished) == 3
    assert run.best.member.states == [{"extra": 100.0}]
    assert run.result["ledger"]["epochs"] == 44, "no budget pays for it"
    assert run.result["seconds"]["finishing"] > 0


def test_without_a_last_training_marks_stand_alone(tmp_path) -> None:
    run = evoplug.run(configuration(Unfinished(), marks={"epochs": [12]}), out=tmp_path / "run")
    assert list(run.result["beside"]) == ["12 epochs"]
    assert run.test["score"] == pytest.approx(run.result["best"]["fitness"])
    assert "finishing" not in run.result["seconds"]


def test_marks_outlive_an_interruption(tmp_path) -> None:
    def stop(row):
        if row["epochs"] == 28:
            raise KeyError("enough")

    config = configuration(Learner(), marks={"epochs": [12, 30, 40]})
    with pytest.raises(KeyError):
        evoplug.run(config, out=tmp_path / "run", watch=stop)
    resumed = evoplug.resume(tmp_path / "run", evaluator=Learner())
    whole = evoplug.run({**config, "evaluator": Learner()}, out=tmp_path / "whole")
    assert resumed.result["beside"] == whole.result["beside"]


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ({"epochs": [50]}, r"run.marks.epochs\[0\]: 50 is beyond the budget, stop.epochs = 40"),
        ({"epochs": [0]}, r"run.marks.epochs\[0\]: must be greater than 0, got 0"),
        ({"epoch": [5]}, "run.marks.epoch: unknown column; did you mean `epochs`"),
    ],
)
def test_marks_that_cannot_be_are_refused(marks, message) -> None:
    with pytest.raises(ConfigError, match=message):
        evoplug.check(configuration(Learner(), marks=marks))
