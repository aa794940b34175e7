"""Gradient lexicase selection: a generation beside one whose parent is drawn, which is training alone.

python benchmarks/gradient_lexicase.py

Cases are read until the selection is decided, with networks that are as different as those of real runs are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from leea import Noise
from timing import interleaved, show

from evoplug import Rng
from evoplug.contracts import Loop, Network, Selection
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem
from evoplug_basics.lexicase import Lexicase
from evoplug_basics.selections import Random
from evoplug_lexicase.gradient_lexicase import GradientLexicase
from evoplug_supervised import Train
from evoplug_supervised.networks.convnet import ConvNet
from evoplug_supervised.networks.resnet import ResNet

CPU = torch.device("cpu")
SECONDS = 40.0


class Size(NamedTuple):
    """Of images, examples and networks."""

    name: str
    side: int
    examples: int
    network: Network


SIZES = (
    Size("convolutions 8-16-16, 2,000 of 16 x 16", 16, 2000, ConvNet(channels=(8, 16, 16), dense=(), batch_norm=True)),
    Size("ResNet-20, 1,000 of 32 x 32", 32, 1000, ResNet(depth=20)),
)


def main() -> None:
    rows = []
    for size in SIZES:
        read: list[int] = []
        variants: dict[str, Callable[[], object]] = {
            "lexicase": generations(size, Lexicase(), read),
            "random": generations(size, Random(), []),
        }
        timings = interleaved(variants, SECONDS)
        seconds = [f"{timings.median(variant):.2f}" for variant in variants]
        rows.append([size.name, *seconds, f"{timings.ratio('lexicase', 'random'):.2f}", f"{min(read)} - {max(read)}"])
    show("a generation of four children", ["", "lexicase s", "random s", "ratio", "cases read"], rows)


def generations(size: Size, selection: Selection, read: list[int]) -> Callable[[], None]:
    """One more each time that it is called; ``read`` takes how many cases it read."""
    evaluator = Train(
        dataset=Noise(shape=(3, size.side, size.side), train=size.examples, validation=10),
        network=size.network,
        batch=64,
        share="dealt",
        fitness="training-loss",
        fitness_split="train",
        inherit={"optimizer": False},
    )
    evaluator.reads_cases = selection.cases
    evaluator.bind(None)
    evaluator.start(CPU, Rng(1))
    problem = RunProblem(None, evaluator, 1, CPU)
    loop: Loop = GradientLexicase(selection=selection).start(problem)

    def step() -> None:
        loop.step()
        problem.ledger.add(generations=1)
        read.append(loop.status.get("cases_read", 0))

    return step


if __name__ == "__main__":
    with workers("auto"):
        main()
