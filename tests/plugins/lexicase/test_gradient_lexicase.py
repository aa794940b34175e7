"""Gradient lexicase selection, with children whose cases are written down."""

import copy
import json

import pytest
import torch

import evoplug
from evoplug import ConfigError, Evaluation, EvaluationError, Rng
from evoplug.contracts import Evaluator
from evoplug_basics.lexicase import Lexicase
from evoplug_basics.selections import Best
from evoplug_lexicase.gradient_lexicase import GradientLexicase
from evoplug_lexicase.reading import Watched, released, survivors
from fakes import problem, steps


class Scripted(Evaluator):
    """Every generation has these cases, a row a child; a child's state is its ancestors' ids and its own."""

    provides = ("states", "cases")

    def __init__(self, *cases):
        self.rows = torch.tensor(cases, dtype=torch.float64)
        self.trained = []

    def evaluate(self, members, rng):
        self.trained.append(members)
        past = [[] if state is None else state["past"] for state in members.states or [None] * len(members)]
        states = [{"past": [*before, own]} for before, own in zip(past, members.ids.tolist(), strict=True)]
        return Evaluation(self.rows.mean(1), states, cases=self.rows)


def search(evaluator, **parameters):
    strategy = GradientLexicase(**{"population": len(evaluator.rows), "selection": Lexicase(), **parameters})
    assert not list(strategy.check())
    return strategy.start(problem(evaluator, None, strategy=strategy))


ONE_IS_BEST = ([0, 1, 0], [1, 1, 1], [1, 0, 1])


def test_the_child_that_lexicase_selection_leaves_is_the_next_parent():
    loop = steps(search(Scripted(*ONE_IS_BEST)), 3)
    first, second, third = (members.ids.tolist() for members in loop.problem.evaluator.trained)
    assert loop.members.ids.tolist() == [third[1]]
    assert loop.members.states == [{"past": [first[1], second[1], third[1]]}]
    assert loop.problem.evaluator.trained[1].parents[:, 0].tolist() == [first[1]] * 3
    assert loop.status["chosen"] == 1


def test_the_first_children_have_one_parent_in_the_paper_and_none_in_its_code():
    paper, code = search(Scripted(*ONE_IS_BEST)), search(Scripted(*ONE_IS_BEST), reference=True)
    parents = [steps(loop, 1).problem.evaluator.trained[0].parents[:, 0].tolist() for loop in (paper, code)]
    assert len(set(parents[0])) == 1
    assert parents[0][0] >= 0
    assert parents[1] == [-1, -1, -1]


def test_a_selection_by_fitness_chooses_by_fitness():
    loop = steps(search(Scripted([0, 0, 1, 1], [1, 1, 1, 0]), selection=Best()), 1)
    assert loop.status == {"chosen": 1}


def test_five_cases_of_the_paper():
    """Mean cross-entropy prefers four examples at .99 and one at .1, lexicase selection five at .6."""
    right = torch.tensor([[0.99, 0.99, 0.99, 0.99, 0.1], [0.6] * 5], dtype=torch.float64)
    assert (-right.log()).sum(1).tolist() == pytest.approx([2.343, 2.554], abs=5e-4)
    correct = (right > 0.5).double()
    for seed in range(20):
        assert Lexicase()(correct, 1, Rng(seed)).tolist() == [1]


def test_what_was_read_of_the_cases_by_hand():
    cases = torch.tensor([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 1, 1, 1], [1, 1, 1, 0, 0.0]])
    assert survivors(cases) == [3, 3, 2, 2, 1]  # without 2, without 0, and at last without 3
    watched = Watched(cases)
    watched[:, torch.tensor([1, 0])], watched[:, torch.tensor([2, 3, 4])]
    assert watched.told() == {"cases_read": 5, "decided": 5, "survivors": [4, 3, 2]}  # after 1, 2 and 4 cases
    assert Watched(cases).told() == {"cases_read": 0, "decided": 0, "survivors": []}


class OfOneOrder:
    """Cases in the order in which they stand."""

    class Generator:
        def permutation(self, n):
            return torch.arange(n).numpy()

        def choice(self, candidates):
            return list(candidates)[-1]

    numpy = Generator()


@pytest.mark.parametrize(
    ("cases", "left"),
    [
        ([[0], [0], [0], [0]], 3),  # 0 is taken out, 1 passed over, 2 taken out, 3 passed over: 1 and 3 are left
        ([[0, 0], [0, 0], [0, 0], [0, 1]], 3),  # and of these, 1 is taken out
        ([[0, 1, 1], [1, 0, 0], [1, 1, 1]], 2),  # 0, and 1 is passed over; then 1
        ([[1, 0], [0, 0]], 0),  # 1, and it is decided
    ],
)
def test_the_released_code_passes_over_whoever_follows_one_that_failed(cases, left):
    assert released(torch.tensor(cases), 1, OfOneOrder()).tolist() == [left]


CONFIG = {
    "run": {"name": "small", "stop": {"generations": 4}},
    "strategy": {"use": "gradient-lexicase", "population": 3},
    "evaluator": {
        "use": "train", "dataset": {"use": "digits", "validation": 307, "test": 1400}, "batch": 10,
        "network": {"use": "mlp", "hidden": [8]}, "share": "dealt", "fitness": "training-loss",
        "fitness_split": "train", "inherit": {"optimizer": False}, "schedule": "cosine", "total_epochs": 4,
    },
}  # fmt: skip


def records(folder):
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in ("seconds", "time")} for row in rows]


def run_of(out, run=(), **evaluator):
    config = copy.deepcopy(CONFIG)
    config["run"] |= dict(run)
    config["evaluator"] |= evaluator
    return evoplug.run(config, out=out)


def test_a_run_is_the_same_with_any_number_of_workers_and_after_a_stop(tmp_path):
    run_of(tmp_path / "whole", {"workers": 1})
    run_of(tmp_path / "stopped", {"workers": 2, "stop": {"generations": 2}})
    evoplug.resume(tmp_path / "stopped", {"run.stop.generations": 4})
    assert records(tmp_path / "whole") == records(tmp_path / "stopped")


def test_both_budgets_are_in_the_records(tmp_path):
    """90 examples in batches of 10 are dealt to 3 children: a third of a pass each, one in all."""
    run_of(tmp_path / "run")
    last = records(tmp_path / "run")[-1]
    assert (last["epochs"], last["samples"], last["steps"]) == (4, 360, 36)
    assert last["lineage_epochs"] == pytest.approx([4 / 3] * 3)
    assert last["cases"] == sum(3 * row["cases_read"] for row in records(tmp_path / "run"))
    assert all(0 < row["decided"] <= row["cases_read"] <= 90 for row in records(tmp_path / "run"))


@pytest.mark.parametrize("momentum", [True, False])
def test_momentum_goes_on_where_it_is_inherited(tmp_path, momentum):
    run = run_of(tmp_path / "run", inherit={"optimizer": momentum}, momentum=0.9)
    other = run_of(tmp_path / "other", inherit={"optimizer": momentum}, momentum=0.0)
    assert run.metrics[0]["best"] != other.metrics[0]["best"]
    assert run_of(tmp_path / "again", inherit={"optimizer": not momentum}).metrics[1] != run.metrics[1]


def test_too_many_children_for_the_examples_are_refused_in_one_line(tmp_path):
    with pytest.raises(EvaluationError) as caught:
        run_of(tmp_path / "run", batch=50)
    message = "train: share: 90 training examples in batches of 50 are too few to deal one to each of 3 members"
    assert str(caught.value).startswith(f"{message}: batch may be at most 44")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"strategy.reference": True},
            "strategy.reference: follows the released code, which needs augmented_cases = true",
        ),
        (
            {"strategy.reference": True, "operators.selection": "best"},
            "strategy.reference: is lexicase selection as the",
        ),
        ({"strategy.population": 1}, "strategy.population: must be at least 2"),
        ({"evaluator": {"use": "function"}}, "evaluator: strategy `gradient-lexicase` needs"),
        (
            {"evaluator.augmented_cases": True, "evaluator.fitness": "loss"},
            "evaluator.augmented_cases: belongs to fitness",
        ),
    ],
)
def test_mistakes(tmp_path, changes, message):
    config = copy.deepcopy(CONFIG)
    for path, value in changes.items():
        section, _, key = path.partition(".")
        config.setdefault(section, {})
        config[section] = {**config[section], key: value} if key else value
    with pytest.raises(ConfigError) as caught:
        evoplug.run(config, out=tmp_path / "run")
    assert message in str(caught.value)
