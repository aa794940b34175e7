"""Where a generation of LEEA goes: 1,000 networks of 92k weights evaluated at batch 512, bred, and turned by EvoTorch.

python benchmarks/reproduction.py
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from leea import evolution, stepper
from timing import show

from evoplug import Members, Rng
from evoplug.population.workers import workers

POPULATION, BATCH = 1000, 512
SECONDS = 10


def main() -> None:
    with workers("auto"):
        parts = measured()
    total = parts.pop("generation")
    rows = [[name, f"{1e3 * median(times):.1f}", f"{share(times, total):.1%}"] for name, times in parts.items()]
    show(
        f"A generation of {POPULATION:,} x 92,234 at batch {BATCH}: {1e3 * median(total):.0f} ms",
        ["part", "ms", "share"],
        rows,
    )


def measured() -> dict[str, list[float]]:
    """Part -> seconds in each generation."""
    loop = evolution(POPULATION, BATCH)
    seconds: dict[str, list[float]] = defaultdict(list)
    breed, evaluate, step = loop.breed, loop.problem.evaluate, stepper(loop)

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        seconds[part].append(time.perf_counter() - begin)

    def timed_breed(parents: Members, children: Members, rng: Rng) -> None:
        with timed("selection, crossover, mutation"):
            breed(parents, children, rng)

    def timed_evaluate(members: Members) -> object:
        with timed("evaluation"):
            return evaluate(members)

    step(), step(), step()  # both kept buffers are touched
    loop._breed, loop.problem.evaluate = timed_breed, timed_evaluate  # type: ignore[method-assign,assignment]
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(seconds["generation"]) < 3:
        with timed("generation"):
            step()
    parts = zip(
        *(seconds[part] for part in ("generation", "evaluation", "selection, crossover, mutation")), strict=True
    )
    seconds["EvoTorch's loop around both"] = [whole - evaluation - breeding for whole, evaluation, breeding in parts]
    return seconds


def share(part: list[float], whole: list[float]) -> float:
    return median(a / b for a, b in zip(part, whole, strict=True))


if __name__ == "__main__":
    main()
