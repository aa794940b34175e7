"""Several agents as one."""

from dataclasses import dataclass, field

import pytest
import torch

import known_environments  # noqa: F401
from evoplug import Evaluation, Task, build
from evoplug.contracts import ConfigError, Evaluator
from evoplug.population.forward import forward
from evoplug.running.problem import RunProblem, start
from evoplug_basics.mutations import Gaussian
from evoplug_rl.elite_reevaluation import EliteReevaluation
from evoplug_rl.ensembles import Ensembles
from fakes import CPU, Interval, problem, reloaded, steps

RIGHT, LEFT, FAR_LEFT = [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 3, 0]
"""Of a layer for the observations of a walk: two weights of each action, and two biases."""


def layers():
    genotype = build("genotypes", "weights", network=build("networks", "mlp", hidden=()))
    genotype.bind(Task((2,), 2))
    return genotype


def test_the_outputs_are_the_means_of_the_networks_outputs():
    ensembles = Ensembles(layers(), 3)
    genomes = [torch.tensor([RIGHT, RIGHT, FAR_LEFT], dtype=torch.float32)]
    weights = ensembles.weights(genomes)
    assert weights.shape == (1, ensembles.length) == (1, 18)
    outputs = forward(ensembles.template, weights, torch.zeros(1, 2))
    torch.testing.assert_close(outputs, torch.tensor([[[1, 2 / 3]]]))
    torch.testing.assert_close(ensembles.module(weights[0])(torch.zeros(1, 2)), outputs[0])


@pytest.mark.parametrize(
    ("members", "like"),
    [([RIGHT, LEFT, RIGHT], RIGHT), ([RIGHT, FAR_LEFT, RIGHT], LEFT), ([LEFT], LEFT)],
)
def test_an_ensemble_acts_by_its_mean_not_by_votes(members, like):
    evaluator = build("evaluators", "gymnasium", environment="Known/Walk-v0", test_episodes=4)
    genotype = layers()
    evaluator.bind(genotype)
    start(evaluator, 1, CPU)
    run = RunProblem(genotype, evaluator, 1, CPU)
    try:
        alone = run.metrics(run.members(torch.tensor([like], dtype=torch.float32)))
        assert run.ensemble(run.members(torch.tensor(members, dtype=torch.float32))) == alone
    finally:
        evaluator.close()


@dataclass(kw_only=True)
class Remembering(Evaluator):
    """Noisy; an ensemble is as good as the mean of what its members got."""

    got: dict[int, float] = field(default_factory=dict)

    def evaluate(self, members, rng):
        fitness = torch.randn(len(members), generator=rng.torch, dtype=torch.float64)
        self.got |= dict(zip(members.ids.tolist(), fitness.tolist(), strict=True))
        return Evaluation(fitness)

    def ensemble(self, members, split, rng):
        assert members.fitness.tolist() == [self.got[number] for number in members.ids.tolist()]
        return {"fitness": members.fitness.mean().reshape(1)} if split == "test" else {}


def started(evaluator, **parameters):
    mutation, space = Gaussian(sigma=0.5), Interval()
    space.bind(Task())
    mutation.bind(space)
    sizes = {"parents": 4, "offspring": 9, "elites": 1, "evaluations": 1}
    strategy = EliteReevaluation(**sizes, mutation=mutation, **parameters)
    return strategy.start(problem(evaluator, strategy=strategy))


@pytest.mark.parametrize("rule", ["keep", "compete"])
def test_an_ensemble_is_of_the_best_of_all_generations(rule):
    evaluator = Remembering()
    loop = steps(started(evaluator, ensemble=3, elite_rule=rule), 12)
    best = sorted(evaluator.got.values(), reverse=True)[:3]
    expected = {"test": {"fitness": pytest.approx(sum(best) / 3)}}
    assert loop.finish().beside["ensemble of 3"] == expected
    again = reloaded(loop, lambda: started(evaluator, ensemble=3, elite_rule=rule))
    assert again.finish().beside["ensemble of 3"] == expected


def test_an_evaluator_without_ensembles_is_refused_one():
    none = type("None", (Remembering,), {"ensemble": Evaluator.ensemble})()
    with pytest.raises(ConfigError, match="is 3, and the evaluator makes no ensembles"):
        started(none, ensemble=3)
    assert set(steps(started(none), 2).finish().beside) == {"top elite", "chosen anew"}
