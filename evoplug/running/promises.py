"""What components promise of the values that they give, checked in every run: the first promise that is broken."""

from __future__ import annotations

import copy
import math
import reprlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy
import torch

from evoplug.contracts import Evaluator, Film, Genotype, Model
from evoplug.running.metrics import OF_SOLUTION
from evoplug.running.records import plain
from evoplug.types import COLUMNS, Evaluation, Genomes, Members, Parts, count, genome, unstorable

FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

VECTORS = frozenset({"real-vector", "assignment"})
"""Kinds of genome whose spaces say a ``length`` and a ``dtype``."""

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
    if given.fitness.dtype not in FLOATING:
        width = " of 16, 32 or 64 bits" if given.fitness.is_floating_point() else ""
        return f"fitness must be a floating tensor{width}, got {given.fitness.dtype}"
    if odd := _unreadable(given.fitness):
        return f"fitness must be numbers in memory, got a tensor {odd}"
    return _cost(given.cost, evaluator.costs) or _columns(given.columns, n) or _promised(given, n, evaluator, method)


def _unreadable(values: torch.Tensor) -> str | None:
    """Why the numbers of a tensor cannot be read."""
    if values.is_meta:
        return "on device meta"
    return None if values.layout == torch.strided else f"of layout {values.layout}"


def _cost(cost: Any, declared: tuple[str, ...]) -> str | None:
    if not isinstance(cost, Mapping):
        return f"cost must be a mapping column -> number, got {_kind(cost)}"
    if undeclared := [name for name in cost if name not in declared]:
        return f"costs {undeclared} are not in its `costs`"
    for name, amount in cost.items():
        if not isinstance(amount, int | float) or not 0 <= amount <= sys.float_info.max:
            return f"cost `{name}` must be a number from 0 on, got {reprlib.repr(amount)}"
    return None


def _columns(columns: Any, n: int) -> str | None:
    if not isinstance(columns, Mapping):
        return f"columns must be a mapping name -> value, got {_kind(columns)}"
    for name, value in columns.items():
        if not isinstance(name, str):
            return f"names of columns must be strings, got {reprlib.repr(name)}"
        if name in RECORDED:
            return f"column `{name}` is recorded anyhow; give yours another name"
        if isinstance(value, torch.Tensor):
            if value.shape not in ((), (n,)):
                return f"column `{name}` must be a number or a tensor ({n},), got shape {tuple(value.shape)}"
            if odd := "of complex numbers" if value.is_complex() else _unreadable(value):
                return f"column `{name}` must be numbers in memory, got a tensor {odd}"
        try:
            plain({name: "" if isinstance(value, torch.Tensor) else value})
        except TypeError as error:
            return f"column {error}"
        except RecursionError:
            return f"column `{name}` is nested too deep"
    return None


def _promised(given: Evaluation, n: int, evaluator: Evaluator, method: str) -> str | None:
    """States and cases, as ``provides`` announces them."""
    if given.states is not None and not isinstance(given.states, list):
        return f"states must be a list of {n}, got {_kind(given.states)}"
    if given.states is not None and len(given.states) != n:
        return f"expected {n} states, got {len(given.states)}"
    if method != "evaluate":
        return None
    if "states" in evaluator.provides and given.states is None:
        return "it provides states, and gave none"
    return _cases(given.cases, n, evaluator)


def _cases(given: Any, n: int, evaluator: Evaluator) -> str | None:
    if "cases" not in evaluator.provides or (given is None and not evaluator.reads_cases):
        return None
    shape = tuple(getattr(given, "shape", ()))
    if len(shape) != 2 or shape[0] != n or shape[1] < 1:
        return f"cases must have shape ({n}, cases), got {shape or _kind(given)}"
    if isinstance(given, torch.Tensor) and given.dtype not in FLOATING:
        return f"cases must be a floating tensor, got {given.dtype}"
    return None


def metrics(given: Any, n: int, method: str = "measure") -> str | None:
    """What is wrong with an answer of ``measure``, or of ``ensemble``, which is one of one."""
    return _numbers(given, n, method, "metric")


def values(given: Any, n: int) -> str | None:
    """What is wrong with an answer of ``describe``."""
    if wrong := _numbers(given, n, "describe", "value"):
        return wrong
    taken = [name for name in given if name in OF_SOLUTION]
    return f"value `{taken[0]}` is reported anyhow; give yours another name" if taken else None


def _numbers(given: Any, n: int, method: str, what: str) -> str | None:
    if not isinstance(given, Mapping):
        return f"{method} must return a mapping {what} -> ({n},) tensor, not {_kind(given)}"
    for name, values in given.items():
        if not isinstance(name, str):
            return f"names of {what}s must be strings, got {reprlib.repr(name)}"
        if not isinstance(values, torch.Tensor) or values.shape != (n,):
            got = tuple(values.shape) if isinstance(values, torch.Tensor) else _kind(values)
            return f"{what} `{name}` must be a tensor ({n},), got {got}"
        if odd := "of complex numbers" if values.is_complex() else _unreadable(values):
            return f"{what} `{name}` must be numbers in memory, got a tensor {odd}"
        try:
            plain({name: None})
        except TypeError as error:
            return f"{what} {error}"
    return None


def model(given: Any) -> str | None:
    """What is wrong with an answer of ``model``."""
    if given is None or isinstance(given, Model):
        return None
    if not isinstance(given, Mapping) or not given:
        what = "an empty mapping" if isinstance(given, Mapping) else _kind(given)
        return f"model must return a Model, a mapping name -> Model, or None, not {what}"
    for name, network in given.items():
        if not isinstance(network, Model):
            return f"model must return a Model for each name, and of {reprlib.repr(name)} it is {_kind(network)}"
        try:
            torch.nn.ModuleDict({name: torch.nn.Identity()})
        except (KeyError, TypeError) as error:
            return f"model names a network {reprlib.repr(name)}, which torch.nn.ModuleDict refuses: {error.args[0]}"
    return None


def film(given: Any) -> str | None:
    """What is wrong with an answer of ``film``; what an iterator gives is not looked at, see :func:`frame`."""
    if given is None:
        return None
    if not isinstance(given, Film):
        return f"film must return a Film or None, not {_kind(given)}"
    if not isinstance(given.rate, int | float) or not (math.isfinite(given.rate) and given.rate > 0):
        return f"the rate of a film must be a number of frames a second, got {reprlib.repr(given.rate)}"
    if not isinstance(given.score, int | float):
        return f"the score of a film must be a number, got {_kind(given.score)}"
    if not isinstance(given.title, str) or not given.title.isprintable():
        return f"the title of a film must be a line of text, got {reprlib.repr(given.title)}"
    if isinstance(given.frames, numpy.ndarray):
        return frame(given.frames[0]) if len(given.frames.shape) == 4 and len(given.frames) else _no_frames(given)
    return None if isinstance(given.frames, Iterator) else _no_frames(given)


def _no_frames(given: Film) -> str:
    shape = getattr(given.frames, "shape", None)
    got = _kind(given.frames) if shape is None else f"shape {tuple(shape)}"
    return (
        f"the frames of a film must be an array (t, height, width, 3) with a frame at least, or an iterator, got {got}"
    )


def frame(given: Any, size: tuple[int, ...] | None = None) -> str | None:
    """What is wrong with one frame of a film; ``size`` is that of those before it, ``(height, width, 3)``."""
    if not isinstance(given, numpy.ndarray):
        return f"a frame of a film must be an array (height, width, 3), got {_kind(given)}"
    if given.dtype != numpy.uint8:
        return f"a frame of a film must be uint8, got {given.dtype}"
    if given.ndim != 3 or given.shape[2] != 3 or not given.size:
        return f"a frame of a film must have shape (height, width, 3), got {given.shape}"
    if size is not None and given.shape != size:
        return f"the frames of a film must be of one size, got {given.shape} after {size}"
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
    return None if space is None or VECTORS.isdisjoint(space.kinds) else _vectors(given.genomes, n, space)


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
