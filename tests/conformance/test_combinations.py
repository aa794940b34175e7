"""Every strategy with every operator on every genotype: a run that can be resumed, or a refusal by `check`."""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch

from evoplug import ConfigError, Members, catalogue
from evoplug.catalogue.loading import load
from evoplug.config import check
from evoplug.config import load as read
from evoplug.config.fit import Built, fit
from evoplug.contracts import Loop
from evoplug.running.problem import RunProblem
from evoplug.testing.problems import CPU, Judge
from evoplug.testing.values import same

SMALL = {"population": 8, "offspring": 8, "elites": 2}
"""Where a strategy has such a parameter."""
PARENTS = {"elite-reevaluation": 4}
"""A number of them; of cem it is a share of the population."""
SHARES = {"elites": 0.2, "crossover_share": 0.4, "mutation_share": 0.4}
SLOTS = {"selection": "selections", "crossover": "crossovers", "mutation": "mutations"}
REFUSED = {("cma-es", "one gene")}
"""What fits by its kind and is refused all the same."""
RATE = {"use": "real-vector", "length": 1, "low": 0.001, "high": 1.0, "scale": "log"}
ASSIGNMENT = {"use": "assignment", "length": 3, "choices": 4}
SPACES = {
    "real-vector": {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0},
    "one gene": RATE,
    "weights": {"use": "weights", "network": {"use": "mlp", "hidden": [2]}},
    "taylorglo": {"use": "taylorglo"},
    "composite": {"use": "composite", "parts": {"loss": {"use": "taylorglo"}, "rate": RATE}},
    "one part": {"use": "composite", "parts": {"rate": RATE}},
    "block-stack": {"use": "block-stack", "channels": [2, 4], "blocks": 3},
    "assignment": ASSIGNMENT,
    "mixed": {"use": "composite", "parts": {"choice": ASSIGNMENT, "rate": RATE}},
    "joint": {"use": "composite", "parts": {"architecture": {"use": "block-stack"}, "rate": RATE}},
    "seed-chain": {"use": "seed-chain", "network": {"use": "mlp", "hidden": [2]}},
}
KEEPING = "self-adaptive-gaussian"
"""The mutation that keeps a column, which crossovers share with it."""
MUTATIONS = {
    "block-stack": "block-edit",
    "seed-chain": "gaussian-seed",
    "assignment": "categorical-reset",
    "mixed": {"choice": "categorical-reset", "rate": KEEPING},
    "joint": {"architecture": "block-edit", "rate": "gaussian"},
}
"""Of spaces that the strategies' own do not fit."""


def names(group: str) -> list[str]:
    """Evoplug's own and those of strangers that are sound."""
    return [
        catalogue.usable(entry)
        for entry in catalogue.entries(group)
        if not entry.problem and entry.distribution in ("evoplug", "demanding")
    ]


def test_every_genotype_of_the_catalogue_is_among_the_spaces() -> None:
    assert {space["use"] for space in SPACES.values()} == set(names("genotypes"))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("strategy", names("strategies"))
def test_it_runs_or_is_refused(strategy: str, space: str) -> None:
    ran = 0
    for operators in combinations(strategy, space):
        config = configuration(strategy, space, operators)
        try:
            built = fit(check(read(config)))
        except ConfigError:
            continue
        ran += 1
        try:
            runs_and_resumes(built, config)
        except Exception as error:
            raise AssertionError(f"{strategy} on {space} with {operators}") from error
    assert ran or not fits(strategy, space) or (strategy, space) in REFUSED, "no combination of operators is taken"


def combinations(strategy: str, space: str) -> Iterator[dict[str, Any]]:
    """Every operator, with the strategy's own and the space's mutation in the other slots; every crossover with the
    mutation that keeps a column."""
    slots = {name: group for name, group in SLOTS.items() if name in load("strategies", strategy).__dataclass_fields__}
    choices = {slot: ["none", *names(group)] if slot == "crossover" else names(group) for slot, group in slots.items()}
    own = {"mutation": MUTATIONS[space]} if "mutation" in slots and space in MUTATIONS else {}
    yield own
    for slot, found in choices.items():
        yield from ({**own, slot: name} for name in found)
    if {"crossover", "mutation"} <= slots.keys():
        yield from ({"crossover": name, "mutation": KEEPING} for name in choices["crossover"])


def configuration(strategy: str, space: str, operators: Mapping[str, Any]) -> dict[str, Any]:
    fields = load("strategies", strategy).__dataclass_fields__
    sizes = {**SMALL, **(SHARES if "crossover_share" in fields else {})}
    table = {name: value for name, value in sizes.items() if name in fields}
    if strategy in PARENTS:
        table["parents"] = PARENTS[strategy]
    if operators.get("crossover") == "none" and "crossover_probability" in fields:
        table["crossover_probability"] = 0.0
    genotype = {} if load("strategies", strategy).genotype == "none" else {"genotype": SPACES[space]}
    return {
        "strategy": {"use": strategy, **table},
        "evaluator": Judge(provides=("states", "cases", "update")),
        "operators": operators,
        **genotype,
    }


def fits(strategy: str, space: str) -> bool:
    """Whether the strategy works on these genomes at all."""
    kinds = load("strategies", strategy).kinds
    return not kinds or bool(set(kinds) & set(load("genotypes", SPACES[space]["use"]).kinds))


def runs_and_resumes(built: Built, config: Mapping[str, Any]) -> None:
    """Three generations, and the last two of them again from a checkpoint after the first."""
    whole = started(built)
    step(whole)
    kept = stored(whole)
    step(whole)
    step(whole)
    again = started(fit(check(read({**config, "evaluator": Judge(provides=("states", "cases", "update"))}))))
    state = torch.load(io.BytesIO(kept), weights_only=True)
    again.problem.load_state_dict(state["problem"])
    again.load_state_dict(state["loop"])
    step(again)
    step(again)
    assert same(data(whole.members), data(again.members)), "a resumed run goes another way"


def started(built: Built) -> Loop:
    problem = RunProblem(built.genotype, built.evaluator, 1, CPU, built.strategy)
    return built.strategy.start(problem)


def step(loop: Loop) -> None:
    loop.step()
    loop.problem.ledger.add(generations=1)


def stored(loop: Loop) -> bytes:
    buffer = io.BytesIO()
    torch.save({"problem": loop.problem.state_dict(), "loop": loop.state_dict()}, buffer)
    return buffer.getvalue()


def data(members: Members) -> dict[str, Any]:
    return copy.deepcopy(members.state_dict())
