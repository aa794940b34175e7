"""Learned weight sharing: an iteration beside the plain double loop over assignments and tasks.

python benchmarks/sharing.py

The network, the tasks and the numbers of samples are those of DKL-MNIST in chapter 8 of the thesis.
"""

from __future__ import annotations

import torch
from leea import Noise
from timing import by_torch, interleaved, show
from torch import nn

from evoplug import Members, Rng
from evoplug_basics.assignment import Assignment
from evoplug_sharing.multitask import Multitask
from evoplug_supervised.networks.convnet import ConvNet

CPU = torch.device("cpu")
TASKS, CHOICES, SAMPLES = 3, 3, 8
ITERATIONS = 8
"""Each with assignments of its own."""
SECONDS = 30.0
DECIDED = {"pi uniform": 1 / CHOICES, "pi = .9 on one set": 0.9}


def main() -> None:
    rows, differences = [], []
    for name, probability in DECIDED.items():
        evaluator, samples = started(), [drawn(probability, seed) for seed in range(ITERATIONS)]
        usual = as_torch_lays_it_out(evaluator)
        differences += [difference(evaluator, usual, each) for each in samples]
        steps = {
            "plain": lambda each, e=usual: plain(e, each),
            "channels last": lambda each, e=evaluator: plain(e, each),
            "ours": lambda each, e=evaluator: ours(e, each),
        }
        variants = {
            name: by_torch(lambda step=step, s=samples: [step(each) for each in s]) for name, step in steps.items()
        }
        timings = interleaved(variants, SECONDS)
        speeds = [f"{ITERATIONS / timings.median(variant):.1f}" for variant in variants]
        ratios = [f"{timings.ratio(variant, 'ours'):.2f}" for variant in ("plain", "channels last")]
        rows.append([name, *speeds, *ratios])
    note = f"losses in evaluation mode differ by at most {max(differences):.1e}"
    columns = ["", "plain /s", "channels last /s", "ours /s", "plain / ours", "channels last / ours"]
    show("an iteration, both steps, 8 + 8 assignments", columns, rows, note)


def started() -> Multitask:
    """On noise in the shape of MNIST."""
    noise = Noise(shape=(1, 28, 28), train=500, validation=10)
    network = ConvNet(channels=(32, 32, 32), dense=(128,), batch_norm=True)
    evaluator = Multitask(tasks={str(task): noise for task in range(TASKS)}, network=network)
    genotype = Assignment(choices=CHOICES)
    genotype.bind(evaluator.task())
    evaluator.bind(genotype)
    evaluator.start(CPU, Rng(1))
    return evaluator


def drawn(probability: float, seed: int) -> Members:
    """Assignments in which each position is set 0 with a probability, else one of the others."""
    positions = TASKS * 4
    pi = torch.full((positions, CHOICES), (1 - probability) / (CHOICES - 1))
    pi[:, 0] = probability
    genomes = torch.multinomial(pi, SAMPLES, replacement=True, generator=Rng(seed).torch).T.contiguous()
    members = Members(genomes, torch.arange(SAMPLES), torch.full((SAMPLES, 2), -1))
    members.columns["pi"] = pi.double().expand(SAMPLES, -1, -1)
    return members


def ours(evaluator: Multitask, samples: Members) -> None:
    evaluator.evaluate(samples, Rng(3))
    evaluator.update(samples, Rng(4))


def plain(evaluator: Multitask, samples: Members) -> None:
    """The same weights and the same step, every network of every assignment by itself."""
    evaluator._sets.eval()
    with torch.no_grad():
        losses(evaluator, samples, Rng(3))
    evaluator._sets.train()
    evaluator._optimizer.zero_grad()
    losses(evaluator, samples, Rng(4)).mean().backward()
    evaluator._optimizer.step()


def losses(evaluator: Multitask, samples: Members, rng: Rng) -> torch.Tensor:
    inputs, labels = evaluator._batch(rng.child("batch"))
    rows = []
    for routes in evaluator._routes(samples):
        for x, y, route in zip(inputs, labels, routes, strict=True):
            for sets, number in zip(evaluator._sets.by_position.values(), route, strict=True):
                x = sets[number](x)
            rows.append(nn.functional.cross_entropy(x, y))
    return torch.stack(rows).view(len(samples), -1)


def as_torch_lays_it_out(evaluator: Multitask) -> Multitask:
    """The same weights and examples, the channels of an image one after the other: what a loop has by default."""
    usual = started()
    usual._sets = usual._building.weight_sets(CHOICES, "cpu")
    usual._sets.load_state_dict(evaluator._sets.state_dict())
    usual._optimizer = usual._new_optimizer()
    for data in usual._data:
        data["train"] = (data["train"][0].clone(memory_format=torch.contiguous_format), data["train"][1])
    return usual


@torch.no_grad()
def difference(evaluator: Multitask, usual: Multitask, samples: Members) -> float:
    """The largest between a fitness of ours and one of the plain loop."""
    usual._sets.eval()
    expected = losses(usual, samples, Rng(3)).mean(1)
    return (evaluator.evaluate(samples, Rng(3)).fitness + expected).abs().max().item()


if __name__ == "__main__":
    main()
