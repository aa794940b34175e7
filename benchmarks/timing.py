"""Variants timed side by side in one process, and the tables of what came out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

import torch
from rich import box
from rich.console import Console
from rich.table import Table

Work = Callable[[], object]

TORCH_THREADS = torch.get_num_threads()
"""What torch uses by itself: every core."""

PAUSE = 0.03
"""Seconds before a variant: OpenMP's threads wait actively for some milliseconds, on cores that the next one needs."""


class Timings:
    """Seconds of each variant in each round.

    A ratio is the median over the rounds of the ratio in a round: what slows a whole round down leaves it alone.
    """

    def __init__(self, seconds: Mapping[str, Sequence[float]]) -> None:
        self._seconds = seconds

    def minimum(self, variant: str) -> float:
        return min(self._seconds[variant])

    def median(self, variant: str) -> float:
        return median(self._seconds[variant])

    def ratio(self, variant: str, to: str) -> float:
        """How many times the seconds of ``to`` a variant takes."""
        return median(a / b for a, b in zip(self._seconds[variant], self._seconds[to], strict=True))


def interleaved(variants: Mapping[str, Work], seconds: float, device: str = "cpu") -> Timings:
    """Time the variants in turn: a round that does not count, then at least 3, and more until ``seconds`` are over."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    end = time.perf_counter() + seconds
    rounds = 0
    while rounds < 4 or time.perf_counter() < end:
        for name, work in variants.items():
            spent[name].append(_time(work, device))
        rounds += 1
    return Timings({name: times[1:] for name, times in spent.items()})


def _time(work: Work, device: str) -> float:
    time.sleep(PAUSE)
    begin = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begin


def by_torch(work: Work) -> Work:
    """The work with torch's own threads on every core; evoplug leaves torch one, and its workers take the cores."""

    def run() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(TORCH_THREADS)
        try:
            work()
        finally:
            torch.set_num_threads(before)

    return run


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print a table, the first column to the left, and under it the machine's load, without which no time says much."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False, width=120)
    console.print(f"[bold]{title}[/bold]", table)
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}"
    console.print(f"[dim]{note}\n{machine}[/dim]\n" if note else f"[dim]{machine}[/dim]\n")
