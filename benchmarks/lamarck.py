"""Where a generation of Lamarckian architecture search goes: all that is not training.

python benchmarks/lamarck.py
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from leea import Noise
from timing import show

from evoplug import Rng
from evoplug.population.workers import workers
from evoplug.running.problem import RunProblem
from evoplug_lamarck.block_edit import BlockEdit
from evoplug_lamarck.block_stack import BlockStack
from evoplug_lamarck.niching import EvoNAS, NichingOnePlusOne
from evoplug_supervised import train as trains
from evoplug_supervised.train import Train

GENERATIONS = 12
CPU = torch.device("cpu")
SIZES = {"as lamarck/claim": ((4, 8, 16), (3, 16, 16), 4000), "a tenth of the images": ((4, 8, 16), (3, 16, 16), 400)}


def main() -> None:
    rows = []
    for name, (channels, shape, images) in SIZES.items():
        loop = search(channels, shape, images)
        with workers(1, 1), counted() as inside:
            begin = time.perf_counter()
            for _ in range(GENERATIONS):
                loop.step()
                loop.problem.ledger.add(generations=1)
            whole = time.perf_counter() - begin
        rest = whole - inside["train"] - inside["score"]
        rows.append(
            [name, f"{whole / GENERATIONS:.3f} s", f"{rest / GENERATIONS * 1000:.1f} ms", f"{rest / whole:.1%}"]
        )
    show("Lamarckian architecture search, one worker", ["", "a generation", "not training or scoring", "share"], rows)


def search(channels: tuple[int, ...], shape: tuple[int, int, int], images: int) -> EvoNAS:
    """On noise, not yet stepped."""
    dataset = Noise(shape=shape, train=images, validation=500)
    none = {"optimizer": False}
    evaluator = Train(dataset=dataset, batch=32, optimizer="adam", inherit=none)  # type: ignore[arg-type]
    genotype, mutation = BlockStack(channels=channels), BlockEdit()
    genotype.bind(evaluator.task())
    mutation.bind(genotype)
    evaluator.bind(genotype)
    evaluator.start(CPU, Rng(1))
    strategy = NichingOnePlusOne(mutation=mutation)
    return strategy.start(RunProblem(genotype, evaluator, 1, CPU, strategy))


@contextmanager
def counted() -> Iterator[dict[str, float]]:
    """Seconds inside of the trainer's two functions."""
    spent = {"train": 0.0, "score": 0.0}
    outside = {name: getattr(trains, name) for name in spent}

    def timed(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            begin = time.perf_counter()
            try:
                return outside[name](*arguments, **options)
            finally:
                spent[name] += time.perf_counter() - begin

        return call

    for name in spent:
        setattr(trains, name, timed(name))
    try:
        yield spent
    finally:
        for name, function in outside.items():
            setattr(trains, name, function)


if __name__ == "__main__":
    main()
