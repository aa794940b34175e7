"""Training small populations side by side with the evaluator `train`, against a plain loop over the networks.

python benchmarks/training.py
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from leea import Noise
from timing import TORCH_THREADS, Work, by_torch, interleaved, show
from torch import nn
from torch.nn.functional import cross_entropy

from evoplug import Members, Rng
from evoplug.contracts import Network
from evoplug.population.workers import workers
from evoplug_supervised import losses, teams, trainer
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.mlp import MLP
from evoplug_supervised.networks.resnet import ResNet
from evoplug_supervised.train import Train

SECONDS = 20
CPU = torch.device("cpu")


class Case(NamedTuple):
    """A population to train for an epoch, a network on ``threads`` threads."""

    network: Network
    shape: tuple[int, ...]
    population: int
    batch: int
    steps: int
    """An epoch's."""
    threads: int = 1


CONVNET = ConvNet(channels=(16, 32, 32), batch_norm=True, dense=())
CASES = {
    "convnet 16-32-32": Case(CONVNET, (1, 28, 28), 8, 64, 4),
    "resnet-20": Case(ResNet(depth=20), (3, 32, 32), 4, 128, 3),
    "mlp 196-32-10": Case(MLP(hidden=(32,)), (1, 14, 14), 8, 128, 60),
    "convnet, alone": Case(CONVNET, (1, 28, 28), 1, 64, 16, TORCH_THREADS),
    "mlp, alone": Case(MLP(hidden=(32,)), (1, 14, 14), 1, 128, 240),
}


def main() -> None:
    side_by_side()
    own_share()


def side_by_side() -> None:
    """A generation of training, scores on 256 examples included."""
    rows = []
    for name, case in CASES.items():
        with workers("auto", case.threads):
            timings = interleaved({"ours": ours(case), "loop": by_torch(plain_loop(case))}, SECONDS)
        images = case.population * case.batch * case.steps
        rates = [f"{images / timings.median(variant):,.0f}" for variant in ("ours", "loop")]
        settings = [f"{case.population}", f"{case.threads}", f"{case.batch}"]
        rows.append([name, *settings, *rates, f"{timings.ratio('loop', 'ours'):.2f}"])
    show(
        "Training for an epoch with SGD and momentum",
        ["network", "population", "threads", "batch", "ours, images/s", "loop, images/s", "x loop"],
        rows,
        f"The loop trains one network after the other, on torch's {TORCH_THREADS} threads",
    )


def own_share() -> None:
    """The trainer against the forward passes, backward passes and optimizer steps in it, all on one thread."""
    rows = []
    for name, case in CASES.items():
        if case.population > 1:
            with workers(1):
                timings = interleaved({"trainer": trained(case), "bare": bare(case)}, SECONDS / 2)
            rows.append([name, f"{team(case).k}", f"{1 - timings.ratio('bare', 'trainer'):.1%}"])
    show("The trainer's own share of its time", ["network", "trained as one", "share"], rows)


def ours(case: Case) -> Work:
    """The evaluator, as a strategy calls it."""
    evaluator = Train(dataset=data(case), network=case.network, batch=case.batch)
    evaluator.bind(None)
    evaluator.start(CPU, Rng(1))
    n = case.population
    members = Members([{} for _ in range(n)], torch.arange(n), torch.full((n, 2), -1))
    members.states = evaluator.evaluate(members, Rng(1)).states
    return lambda: evaluator.evaluate(members, Rng(2))


def plain_loop(case: Case) -> Work:
    """What one writes without evoplug: network after network, tensors in memory."""
    networks = [case.network.build(case.shape, 10) for _ in range(case.population)]
    (x, y), validation = data(case).load("train"), data(case).load("validation")

    def epoch() -> None:
        for network in networks:
            optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
            network.train()
            for rows in torch.randperm(len(x)).split(case.batch):
                optimizer.zero_grad()
                cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
            accuracy(network, *validation)

    return epoch


def trained(case: Case) -> Work:
    """The trainer alone, for one team."""
    networks, x, y = prepared(case)
    recipe = trainer.Recipe(epochs=1, batch=case.batch)
    states, rngs = [initial(case)] * networks.k, [Rng(seed) for seed in range(networks.k)]
    return lambda: trainer.train(networks, x, y, losses.cross_entropy, recipe, states, 0, rngs)


def bare(case: Case) -> Work:
    """As many gradient steps of the same team, on batches that are cut already."""
    networks, x, y = prepared(case)
    networks.load([initial(case)] * networks.k)
    optimizer = torch.optim.SGD(networks.weights, lr=0.1, momentum=0.9, fused=True)
    batches = [
        (images.expand(*networks.lead, *images.shape).contiguous(), labels.expand(*networks.lead, -1))
        for images, labels in zip(x.split(case.batch), y.split(case.batch), strict=True)
    ]

    def steps() -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            losses.cross_entropy(networks(images), labels).mean(-1).sum().backward()
            optimizer.step()

    return steps


def prepared(case: Case) -> tuple[teams.Alone | teams.Stack, torch.Tensor, torch.Tensor]:
    """A team and its data as the evaluator lays them out."""
    x, y = data(case).load("train")
    return team(case), x.to(memory_format=layout(case)), y


def team(case: Case) -> teams.Alone | teams.Stack:
    """As many networks as train best as one."""
    best = teams.Teams(case.network.build(case.shape, 10), torch.zeros(2, *case.shape), CPU, case.population)
    return best.team(best.size)


def initial(case: Case) -> teams.State:
    return teams.state_of(case.network.build(case.shape, 10))


def layout(case: Case) -> torch.memory_format:
    return torch.contiguous_format if isinstance(case.network, MLP) else torch.channels_last


def data(case: Case) -> Noise:
    return Noise(shape=case.shape, train=case.batch * case.steps)


@torch.no_grad()
def accuracy(network: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    network.eval()
    return (network(x).argmax(1) == y).double().mean().item()


if __name__ == "__main__":
    main()
