"""``[sweep]``: many runs from one configuration, by seed and by arm."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from math import prod
from typing import Annotated, Any

from evoplug.config import labels, messages
from evoplug.config.document import Document, replacement
from evoplug.config.schema import Checker
from evoplug.config.settings import bad_folder_name
from evoplug.config.tree import Node
from evoplug.errors import Key

BASE = "run"
"""The arm that changes nothing, unless ``base`` gives it another name."""
FILE = "sweep.toml"
"""In a sweep's folder: its whole configuration, with all that it extends and every override."""
MOST_ARMS = 1_000
"""Each is checked and built before the first one runs."""
MOST_RUNS = 10_000
_SEEDS = 2**63
_OF_SWEEPS = ("sweep", "claim")

Override = tuple[tuple[str, ...], Node]


@dataclass(frozen=True)
class Written:
    """What the section may say."""

    seeds: Annotated[int | list[int], "how many, from `run.seed` on; or which"] = 1
    base: Annotated[str, "what the arm is called that changes nothing"] = BASE
    arms: Annotated[Mapping[str, Mapping[str, Any]], "arm -> what it changes: dotted key -> value"] = field(
        default_factory=dict
    )
    grid: Annotated[
        Mapping[str, list[Any]], "dotted key -> values: each combination is an arm, in the base's place"
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """What to run: every arm with every seed."""

    seeds: tuple[int, ...]
    arms: Mapping[str, tuple[Override, ...]]
    """Name -> what it changes. The base arm is the first of them unless there is a grid, whose combinations are arms
    in its place."""


def read(checker: Checker, table: Any, data: Mapping[str, Any]) -> Sweep | None:
    """The checked section, None where there is none or too much of it; what is wrong is noted."""
    if table is None:
        return None
    if not isinstance(table, Mapping):
        checker.wrong(("sweep",), f"must be a table, got {messages.given(table)}")
        return None
    known = [key.name for key in fields(Written)]
    for name in table:
        if name not in known:
            checker.wrong(("sweep", name), messages.unknown(name, known))
    run = data.get("run")
    first = run.get("seed", 1) if isinstance(run, Mapping) else 1
    base = _base(checker, table)
    seeds = _seeds(checker, table.get("seeds", Written.seeds), first)
    arms = _arms(checker, table.get("arms", {}), base)
    unchanged = {} if table.get("grid") else {base: ()}
    beside = {**unchanged, **arms}
    axes = _axes(checker, table.get("grid", {}))
    if _too_many(checker, beside, axes, len(seeds)):
        return None
    grid = _grid(checker, axes)
    _distinct(checker, unchanged, arms, grid)
    return Sweep(seeds, {**beside, **grid})


def arm_document(document: Document, overrides: Sequence[Override]) -> Document:
    """The document of one arm, a plain run."""
    root = document.root
    # What a paper reports is not what it reports for a changed configuration.
    left_out = (*_OF_SWEEPS, "paper") if overrides else _OF_SWEEPS
    plain = Node({key: node for key, node in root.value.items() if key not in left_out}, root.origin)
    return replace(document, root=plain).override(overrides)


def _base(checker: Checker, table: Mapping[str, Any]) -> str:
    """What the base arm is called."""
    name = table.get("base", Written.base)
    if not isinstance(name, str):
        checker.wrong(("sweep", "base"), f"must be a string, got {messages.given(name)}")
        return BASE
    if problem := bad_folder_name(name):
        checker.wrong(("sweep", "base"), problem)
    if "base" in table and table.get("grid"):
        checker.wrong(("sweep", "base"), "a sweep with a grid has no base arm")
    return name


def _seeds(checker: Checker, value: Any, first: Any) -> tuple[int, ...]:
    """N means N seeds from ``run.seed`` on."""
    key: Key = ("sweep", "seeds")
    count = value if type(value) is int else len(value) if isinstance(value, list) else 0
    if count > MOST_RUNS:
        checker.wrong(key, f"a sweep may have {MOST_RUNS:,} runs, got {count:,} seeds")
    elif type(value) is int and value >= 1:
        if type(first) is not int:
            return ()
        if first + value > _SEEDS:
            checker.wrong(
                key, f"the last of {value:,} from run.seed = {first} on is {first + value - 1}, above 2^63 - 1"
            )
        else:
            return tuple(range(first, first + value))
    elif isinstance(value, list) and value and all(type(seed) is int and 0 <= seed < _SEEDS for seed in value):
        if len(set(value)) == len(value):
            return tuple(value)
        checker.wrong(key, "names a seed twice")
    else:
        checker.wrong(key, f"must be an integer of at least 1 or an array of seeds, got {messages.given(value)}")
    return ()


def _arms(checker: Checker, table: Any, base: str) -> dict[str, tuple[Override, ...]]:
    key: Key = ("sweep", "arms")
    arms = {}
    for name, changes in _entries(checker, table, key):
        if name == base:
            checker.wrong((*key, name), f"`{base}` is the base configuration; take another name")
        elif problem := bad_folder_name(name):
            checker.wrong((*key, name), problem)
        pairs = _entries(checker, changes, (*key, name))
        arms[name] = tuple(_override(checker, path, value, (*key, name, path)) for path, value in pairs)
    return arms


def _axes(checker: Checker, table: Any) -> dict[str, list[Any]]:
    """Path -> values of each axis of the grid."""
    written = _entries(checker, table, ("sweep", "grid"))
    return {path: values for path, values in written if _is_axis(checker, path, values)}


def _too_many(checker: Checker, beside: Collection[str], axes: Mapping[str, Sequence[Any]], seeds: int) -> bool:
    """Whether there are more arms or runs than a sweep may have, counted before any is made; it is noted."""
    combinations = prod(map(len, axes.values())) if axes else 0
    arms = len(beside) + combinations
    runs = arms * max(1, seeds)
    if arms <= MOST_ARMS and runs <= MOST_RUNS:
        return False
    most = f"a sweep may have {MOST_ARMS:,} arms and {MOST_RUNS:,} runs"
    key = ("sweep", "grid") if combinations else ("sweep",)
    checker.wrong(key, f"{most}, this one has {arms:,} arms and {runs:,} runs")
    return True


def _grid(checker: Checker, axes: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Override, ...]]:
    """Every combination of the grid's values, named by them, see :mod:`evoplug.config.labels`."""
    if not axes:
        return {}
    changes = [
        [_override(checker, path, value, ("sweep", "grid", path, i)) for i, value in enumerate(values)]
        for path, values in axes.items()
    ]
    names = labels.labels(list(labels.axes(axes).values()), product(*axes.values()))
    return dict(zip(names, product(*changes), strict=True))


def _is_axis(checker: Checker, path: str, values: Any) -> bool:
    """Whether these are different values."""
    key = ("sweep", "grid", path)
    if not isinstance(values, list) or not values:
        checker.wrong(key, f"must be an array of values, got {messages.given(values)}")
        return False
    seen = set[str]()
    for index, value in enumerate(values):
        if (text := labels.exact(value)) in seen:
            checker.wrong((*key, index), f"stands here twice: {messages.given(value)}")
        seen.add(text)
    return len(seen) == len(values)


def _distinct(checker: Checker, base: Iterable[str], arms: Iterable[str], grid: Iterable[str]) -> None:
    """Note arms that are one folder with another arm, where a file system does not tell capitals apart."""
    taken = {labels.folded(name): f"the base, `{name}`" for name in base}
    taken |= {labels.folded(name): f"`{name}`, a combination of the grid" for name in grid}
    for name in arms:
        other = taken.setdefault(labels.folded(name), f"arm `{name}`")
        if other not in (f"arm `{name}`", f"the base, `{name}`"):
            checker.wrong(("sweep", "arms", name), f"may be one folder with {other}; take another name")


def _override(checker: Checker, path: str, value: Any, key: Key) -> Override:
    if isinstance(value, Mapping) and value and "use" not in value and "." not in path and path != "paper":
        quoted = f'"{path}.{next(iter(value))}"'
        checker.wrong(key, f"would replace a whole section; put dotted keys into quotes: {quoted}")
    change, wrong = replacement(path, value, checker.root.nearest(key).origin)
    for mistake in wrong:
        checker.wrong(key, mistake.message)
    if change[0][0] in _OF_SWEEPS or change[0] == ("run", "seed"):
        checker.wrong(key, "cannot be changed by an arm")
    return change


def _entries(checker: Checker, table: Any, key: Key) -> list[tuple[str, Any]]:
    if isinstance(table, Mapping):
        return list(table.items())
    checker.wrong(key, f"must be a table, got {messages.given(table)}")
    return []
