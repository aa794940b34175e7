"""Which solution is reported: the better one on data that did not choose it."""

import pytest
import torch

from evoplug import Evaluation
from evoplug.backends import choice
from evoplug.contracts import Evaluator
from evoplug_basics.searchers import CEM, CMAES, PGPE, SNES, XNES
from fakes import Sphere, problem, steps

SEARCHERS = {"snes": SNES, "xnes": XNES, "pgpe": PGPE, "cem": CEM, "cma-es": CMAES}


class Scripted(Evaluator):
    """Fitness by call; validation metrics as given."""

    headline = "score"

    def __init__(self, *fitness, validation=None, deterministic=False):
        self.fitness, self.validation, self.deterministic = list(fitness), validation, deterministic

    def evaluate(self, members, rng):
        return Evaluation(torch.tensor(self.fitness.pop(0)))

    def measure(self, members, split, rng):
        return {} if split != "validation" or self.validation is None else self.validation


def chosen(evaluator):
    p = problem(evaluator)
    members = p.sample(2)
    p.evaluate(members)
    return choice.best(p, members), p.ledger["evaluations"]


@pytest.mark.parametrize(
    ("evaluator", "row", "evaluations"),
    [
        (Scripted([1.0, 2.0], validation={"score": torch.tensor([0.9, 0.1])}), 0, 2),
        (Scripted([1.0, 2.0], validation={"score": torch.tensor([torch.nan, 0.1])}), 1, 2),
        (Scripted([1.0, 2.0], validation={"other": torch.tensor([0.9, 0.1])}, deterministic=True), 1, 2),
        (Scripted([1.0, 2.0], deterministic=True), 1, 2),
        (Scripted([1.0, 2.0], [4.0, 3.0]), 0, 4),
    ],
    ids=["validation", "nan is never best", "no headline", "exact", "noisy: anew"],
)
def test_what_decides(evaluator, row, evaluations):
    assert chosen(evaluator) == (row, evaluations)


class Noisy(Sphere):
    """Noise that is far larger than what samples differ by; a fitness without noise on validation data."""

    deterministic = False
    headline = "value"

    def measure(self, members, split, rng):
        return {"value": -(members.genomes**2).sum(1)} if split == "validation" else {}


@pytest.mark.parametrize("name", SEARCHERS)
def test_under_noise_the_centre_is_reported_and_not_the_luckiest_sample(name):
    sizes = {} if name in ("snes", "xnes", "cma-es") else {"population": 20}
    centres = 0
    for seed in range(6):
        loop = steps(SEARCHERS[name](sigma=0.4, **sizes).start(problem(Noisy(noise=50.0), seed=seed)), 3)
        outcome = loop.finish()
        ((other, beside),) = outcome.beside.items()
        assert outcome.metrics["validation"]["value"] >= beside["validation"]["value"]
        if other == "best sample":
            centres += 1
            centre = loop._searcher.status["center"].reshape(-1)
            assert torch.allclose(outcome.best.genomes[0], centre.as_subclass(torch.Tensor).clamp(-5, 5))
    assert centres >= 4


@pytest.mark.parametrize("name", SEARCHERS)
def test_where_fitness_is_exact_the_better_one_is_reported(name):
    sizes = {} if name in ("snes", "xnes", "cma-es") else {"population": 20}
    loop = steps(SEARCHERS[name](**sizes).start(problem(Sphere())), 10)
    spent = loop.problem.ledger["evaluations"]
    outcome = loop.finish()
    ((_, other),) = outcome.beside.items()
    assert outcome.best.fitness.item() >= other["best"]["fitness"]
    assert outcome.best.fitness.item() == -(outcome.best.genomes**2).sum().item()
    assert loop.problem.ledger["evaluations"] == spent + 1  # the centre
