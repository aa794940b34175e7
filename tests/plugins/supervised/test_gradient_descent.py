"""Strategy ``gradient-descent``: rounds of training, no evolution."""

import io

import pytest
import torch

from evoplug.contracts import Evaluation, Evaluator
from evoplug.running.problem import RunProblem
from evoplug_supervised.gradient_descent import GradientDescent


class Learner(Evaluator):
    """A member learns a random number a round; fitness is what it knows."""

    provides = ("states",)
    costs = ("epochs",)

    def evaluate(self, members, rng):
        states = [
            {"knows": (state["knows"] if state else 0.0) + torch.rand((), generator=rng.child(int(i)).torch)}
            for i, state in zip(members.ids, members.states or [None] * len(members), strict=True)
        ]
        return Evaluation(torch.stack([state["knows"] for state in states]), states, {"epochs": len(members)})

    def measure(self, members, split, rng):
        return {"knows": torch.stack([state["knows"] for state in members.states])}


def start(population=3):
    problem = RunProblem(None, Learner(), seed=1, device=torch.device("cpu"))
    return problem, GradientDescent(population=population).start(problem)


def test_members_keep_their_places_and_go_on_from_their_states():
    problem, loop = start()
    loop.step()
    first, ids = loop.members.fitness, loop.members.ids
    loop.step()
    assert (loop.members.fitness > first).all()
    assert torch.equal(loop.members.ids, ids)
    assert problem.ledger["epochs"] == problem.ledger["evaluations"] == 6


def test_the_best_of_the_last_round_is_reported():
    _, loop = start()
    for _ in range(3):
        loop.step()
    outcome = loop.finish()
    assert outcome.best.fitness.tolist() == [loop.members.fitness.max()]
    assert outcome.metrics["test"] == {"knows": loop.members.fitness.max().item()}


@pytest.mark.parametrize("population", [1, 3])
def test_resuming_from_a_file_gives_the_uninterrupted_run(population):
    problem, loop = start(population)
    for _ in range(2):
        loop.step()
    file = io.BytesIO()
    torch.save({"problem": problem.state_dict(), "loop": loop.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again, resumed = start(population)
    again.load_state_dict(saved["problem"])
    resumed.load_state_dict(saved["loop"])
    for each in (loop, resumed):
        each.step()
        each.step()
    assert torch.equal(resumed.members.fitness, loop.members.fitness)
    assert resumed.members.states == loop.members.states
    assert again.ledger.row() == problem.ledger.row()
