"""Members that play: environments and networks stepped together, beside EvoTorch's problems for Gymnasium.

python benchmarks/playing.py

200 networks 4-32-2 play one episode of CartPole each: new ones, most of which fall soon, and skilled ones, all of which
stand until the end.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

import ray
import torch
from timing import interleaved, show
from torch import nn

from evoplug import Members, Rng
from evoplug.population.workers import workers
from evoplug_rl.gymnasium_evaluator import Gymnasium
from evoplug_supervised import Weights
from evoplug_supervised.networks.mlp import MLP

os.environ.setdefault("EVOTORCH_VERBOSE_LEVEL", "-1")
from evotorch import Problem
from evotorch.neuroevolution import GymNE, VecGymNE

NAME, MEMBERS, HIDDEN = "CartPole-v1", 200, 32
CORES = os.cpu_count() or 1
SECONDS = 40.0
SKILL = torch.tensor([0.1, 0.3, 1.0, 1.0])
"""What to push by: place, speed, angle and its speed."""


def main() -> None:
    logging.getLogger("evotorch").setLevel(logging.WARNING)
    ray.init(num_cpus=CORES, include_dashboard=False, log_to_driver=False)
    evaluator, length = started()
    populations = {"new": torch.randn(MEMBERS, length, generator=Rng(1).torch) / 2, "skilled": skilled(length)}
    problems = {"GymNE": GymNE(NAME, network, num_actors=CORES), "VecGymNE": VecGymNE(NAME, network)}
    rows = []
    for name, weights in populations.items():
        steps = evaluator.evaluate(members(weights), Rng(0)).cost["steps"]
        variants: dict[str, Callable[[], object]] = {
            "ours": lambda weights=weights: evaluator.evaluate(members(weights), Rng(2)),
            **{
                key: lambda problem=problem, weights=weights: evaluated(problem, weights)
                for key, problem in problems.items()
            },
        }
        timings = interleaved(variants, SECONDS)
        speeds = [f"{steps / timings.median(variant):,.0f}" for variant in variants]
        rows.append([name, f"{steps:,}", *speeds, *(f"{timings.ratio(key, 'ours'):.1f}" for key in problems)])
    columns = ["", "steps", "ours /s", "GymNE /s", "VecGymNE /s", "GymNE / ours", "VecGymNE / ours"]
    note = f"GymNE with {CORES} actors, ours with {CORES} workers; VecGymNE steps its environments in one process"
    show(f"{MEMBERS} members 4-{HIDDEN}-2, one episode of {NAME} each", columns, rows, note)
    evaluator.close()
    ray.shutdown()


def started() -> tuple[Gymnasium, int]:
    evaluator, genotype = Gymnasium(environment=NAME), Weights(network=MLP(hidden=(HIDDEN,)))
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(torch.device("cpu"), Rng(1))
    return evaluator, genotype.length


def network() -> nn.Module:
    """As ours, for EvoTorch."""
    return nn.Sequential(nn.Linear(4, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))


def skilled(length: int) -> torch.Tensor:
    """Networks that push to the side to which the pole falls: relu(s x) - relu(-s x) = s x."""
    weights = torch.randn(MEMBERS, length, generator=Rng(3).torch) / 1000
    first, last = weights[:, : 4 * HIDDEN].view(-1, HIDDEN, 4), weights[:, -2 * HIDDEN - 2 : -2].view(-1, 2, HIDDEN)
    first[:, 0], first[:, 1] = SKILL, -SKILL
    last[:, 1, 0], last[:, 1, 1] = 1.0, -1.0
    return weights


def members(weights: torch.Tensor) -> Members:
    return Members(weights, torch.arange(MEMBERS), torch.full((MEMBERS, 2), -1))


def evaluated(problem: Problem, weights: torch.Tensor) -> None:
    batch = problem.generate_batch(MEMBERS)
    batch.set_values(weights)
    problem.evaluate(batch)


if __name__ == "__main__":
    with workers("auto"):
        main()
