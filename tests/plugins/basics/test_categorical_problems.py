"""Every strategy that fits finds the known optimum of a small categorical problem."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
import torch

import evoplug
from evoplug import Evaluation, catalogue
from evoplug.catalogue.loading import load
from evoplug.contracts import Evaluator

N, K = 6, 4
BUDGETS = {
    "random-search": 5 * K**N,
    "simple": 1000,
    "mu-plus-lambda": 1000,
    "mu-comma-lambda": 1000,
    "leea": 1000,
    "epbt": 1000,
    "pbt": 2000,
    "niching-one-plus-one": 500,
    "categorical-nes": 2000,
    "elite-reevaluation": 1000,
}
"""Evaluations within which each finds the best of the 4096 genomes."""

SMALL = {"leea": {"population": 100}, "elite-reevaluation": {"parents": 20, "offspring": 100, "elites": 5}}
"""Parameters that are not the strategy's own."""


def tables() -> tuple[torch.Tensor, torch.Tensor]:
    """A worth of each choice ``(N, K)``, and of each choice beside its right neighbour's ``(N - 1, K, K)``."""
    stream = torch.Generator().manual_seed(1)
    return torch.randint(100, (N, K), generator=stream), torch.randint(40, (N - 1, K, K), generator=stream)


def worth(genomes: torch.Tensor) -> torch.Tensor:
    """``(n, N)`` to ``(n,)``."""
    alone, beside = tables()
    positions = torch.arange(N)
    pairs = beside[positions[:-1], genomes[:, :-1], genomes[:, 1:]]
    return (alone[positions, genomes].sum(1) + pairs.sum(1)).double()


EVERY = torch.tensor(list(itertools.product(range(K), repeat=N)))
BEST = worth(EVERY).max().item()


@dataclass(kw_only=True)
class Tables(Evaluator, genome="assignment"):
    """The sum of the tables; nothing is learned."""

    provides = ("states",)
    deterministic = True

    def evaluate(self, members, rng):
        return Evaluation(worth(members.genomes), [{} for _ in range(len(members))])


def fits(strategy) -> bool:
    """Whether it searches assignments, and needs no more of an evaluator than this one provides."""
    works = not strategy.kinds or "assignment" in strategy.kinds
    return works and strategy.genotype != "none" and set(strategy.needs) <= set(Tables.provides)


OWN = [entry.name for entry in catalogue.entries("strategies") if entry.distribution == "evoplug"]


def test_the_optimum_is_hard_to_find_position_by_position():
    """It is one genome, and not that of the best choices alone."""
    assert (worth(EVERY) == BEST).sum() == 1
    assert worth(tables()[0].argmax(1)[None]).item() < BEST


@pytest.mark.parametrize("strategy", [name for name in OWN if fits(load("strategies", name))])
def test_it_finds_the_optimum(strategy, tmp_path):
    config = {
        "run": {"stop": {"fitness": BEST, "evaluations": BUDGETS[strategy]}},
        "strategy": {"use": strategy, **SMALL.get(strategy, {})},
        "genotype": {"use": "assignment", "length": N, "choices": K},
        "evaluator": Tables(),
    }
    if "mutation" in load("strategies", strategy).__dataclass_fields__:
        config["operators"] = {"mutation": "categorical-reset"}
    run = evoplug.run(config, out=tmp_path / "run")
    assert run.best.fitness == BEST
    assert run.best.description == EVERY[worth(EVERY).argmax()].tolist()
