"""What components promise of the values that they give, checked in every run: the first promise that is broken."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch

from evoplug.contracts import Evaluator, Genotype
from evoplug.running.records import plain
from evoplug.types import COLUMNS, Evaluation, Genomes, Members, Parts, count, genome, unstorable

RECORDED = frozenset({*COLUMNS, "best", "mean", "std", "invalid", "time"})
"""Columns of every line of records, which are not an evaluator's to fill."""


def evaluation(given: Any, n: int, evaluator: Evaluator, method: str) -> str | None:
    """What is wrong with an answer of ``evaluate`` or ``update`` for n members."""
    if not isinstance(given, Evaluation):
        return f"{method} must return an Evaluation, not {_kind(given)}"
    if not isinstance(given.fitness, torch.Tensor):
        return f"fitness must be a tensor ({n},), got {_kind(given.fitness)}"
    if given.fitness.shape != (n,):
        return f"fitness must have shape ({n},), got {tuple(given.fitness.shape)}"
    if not given.fitness.is_floating_point():
        return f"fitness must be a floating tensor, got {given.fitness.dtype}"
    return _cost(given.cost, evaluator.costs) or _columns(given.columns, n) or _promised(given, n, evaluator, method)


def _cost(cost: Mapping[str, Any], declared: tuple[str, ...]) -> str | None:
    if undeclared := set(cost) - set(declared):
        return f"costs {sorted(undeclared)} are not in its `costs`"
    for name, amount in cost.items():
        if not isinstance(amount, int | float) or not (math.isfinite(amount) and amount >= 0):
            return f"cost `{name}` must be a number from 0 on, got {amount!r}"
    return None


def _columns(columns: Mapping[str, Any], n: int) -> str | None:
    for name, value in columns.items():
        if name in RECORDED:
            return f"column `{name}` is recorded anyhow; give yours another name"
        if isinstance(value, torch.Tensor):
            if value.shape not in ((), (n,)):
                return f"column `{name}` must be a number or a tensor ({n},), got shape {tuple(value.shape)}"
            continue
        try:
            plain(value, name)
        except TypeError as error:
            return f"column {error}"
    return None


def _promised(given: Evaluation, n: int, evaluator: Evaluator, method: str) -> str | None:
    """States and cases, as ``provides`` announces them."""
    if given.states is not None and len(given.states) != n:
        return f"expected {n} states, got {len(given.states)}"
    if method != "evaluate":
        return None
    if "states" in evaluator.provides and given.states is None:
        return "it provides states, and gave none"
    shape = tuple(getattr(given.cases, "shape", ()))
    if "cases" in evaluator.provides and (len(shape) != 2 or shape[0] != n):
        return f"cases must have shape ({n}, cases), got {shape or _kind(given.cases)}"
    return None


def metrics(given: Any, n: int) -> str | None:
    """What is wrong with an answer of ``measure``."""
    if not isinstance(given, Mapping):
        return f"measure must return a mapping metric -> ({n},) tensor, not {_kind(given)}"
    for name, values in given.items():
        if not isinstance(values, torch.Tensor) or values.shape != (n,):
            got = tuple(values.shape) if isinstance(values, torch.Tensor) else _kind(values)
            return f"metric `{name}` must be a tensor ({n},), got {got}"
    return None


def genomes(given: Any, n: int) -> str | None:
    """What is wrong with n genomes that a genotype drew."""
    if not isinstance(given, torch.Tensor | list | Parts):
        return f"sample must return a tensor ({n}, d) or a list of {n} genomes, not {_kind(given)}"
    if count(given) != n:
        return f"sample({n}) gave {count(given)} genomes"
    return unstorable(genome(given, 0)) if n and isinstance(given, list) else None


def members(given: Members, space: Genotype | None) -> str | None:
    """What is wrong with members that a strategy wants evaluated: genomes or parents of another shape."""
    n = len(given.ids)
    if count(given.genomes) != n or given.parents.shape != (n, 2):
        shapes = f"{count(given.genomes)} genomes, {n} ids and parents {tuple(given.parents.shape)}"
        return f"gives members with {shapes}: parents must be ({n}, 2)"
    return None if space is None or "real-vector" not in space.kinds else _vectors(given.genomes, n, space)


def _vectors(given: Genomes, n: int, space: Any) -> str | None:
    wanted = f"{space.dtype} ({n}, {space.length})"
    if not isinstance(given, torch.Tensor):
        return f"gives genomes that are a {_kind(given)}, not a tensor {wanted}"
    got = f"{given.dtype}".removeprefix("torch.") + f" {tuple(given.shape)}"
    return None if got == wanted else f"gives genomes {got}, and those of the space are {wanted}"


def inside(space: Genotype, given: Genomes) -> bool:
    """Whether ``repair`` finds nothing to mend."""
    return _equal(given, space.repair(copy.deepcopy(given)))


def _equal(a: Genomes, b: Genomes) -> bool:
    if isinstance(a, Parts):
        return isinstance(b, Parts) and all(_equal(a[name], b[name]) for name in a)
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    return a == b


def _kind(value: Any) -> str:
    module = type(value).__module__
    return "None" if value is None else f"{'' if module == 'builtins' else module + '.'}{type(value).__qualname__}"
