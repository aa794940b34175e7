"""``[sweep]``: many runs from one configuration, by seed and by arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Annotated, Any

from evoplug.config import messages
from evoplug.config.document import Document, replacement
from evoplug.config.schema import Checker
from evoplug.config.settings import bad_folder_name
from evoplug.config.tree import Node
from evoplug.errors import Key

BASE = "run"
"""The arm that changes nothing, unless ``base`` gives it another name."""
FILE = "sweep.toml"
"""In a sweep's folder: its whole configuration, with all that it extends and every override."""
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
    """The checked section, None where there is none; what is wrong is noted."""
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
    grid = dict(_grid(checker, table.get("grid", {})))
    base = _base(checker, table)
    arms = _arms(checker, table.get("arms", {}), base)
    unchanged = {} if "grid" in table else {base: ()}
    return Sweep(_seeds(checker, table.get("seeds", Written.seeds), first), {**unchanged, **arms, **grid})


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
    if "base" in table and "grid" in table:
        checker.wrong(("sweep", "base"), "a sweep with a grid has no base arm")
    return name


def _seeds(checker: Checker, value: Any, first: Any) -> tuple[int, ...]:
    """N means N seeds from ``run.seed`` on."""
    key: Key = ("sweep", "seeds")
    if type(value) is int and value >= 1:
        return tuple(range(first, first + value)) if type(first) is int else ()
    if isinstance(value, list) and value and all(type(seed) is int and 0 <= seed < 2**63 for seed in value):
        if len(set(value)) == len(value):
            return tuple(value)
        checker.wrong(key, "names a seed twice")
        return ()
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


def _grid(checker: Checker, table: Any) -> Iterator[tuple[str, tuple[Override, ...]]]:
    """Every combination of the grid's values, named by them: ``batch=8,sigma=0.1``."""
    axes = []
    for path, values in _entries(checker, table, ("sweep", "grid")):
        key = ("sweep", "grid", path)
        if not isinstance(values, list) or not values:
            checker.wrong(key, f"must be an array of values, got {messages.given(values)}")
            continue
        axes.append(
            [(_label(path, value), _override(checker, path, value, (*key, i))) for i, value in enumerate(values)]
        )
    for combination in product(*axes) if axes else ():
        yield ",".join(label for label, _ in combination), tuple(change for _, change in combination)


def _label(path: str, value: Any) -> str:
    text = value if isinstance(value, str) else messages.given(value)
    return f"{path.rpartition('.')[2]}={text}".replace("/", "-").replace("\\", "-")


def _override(checker: Checker, path: str, value: Any, key: Key) -> Override:
    if isinstance(value, Mapping) and "use" not in value and "." not in path and path != "paper":
        quoted = f'"{path}.{next(iter(value), "KEY")}"'
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
