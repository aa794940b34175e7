"""The values that flow between components: members, evaluations, tasks, outcomes. Importable without torch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    import torch

    from evoplug.rng import Rng


class Parts(Mapping[str, Any]):
    """Genomes of a composite genotype: part name -> the genomes of that part, all with the same number of rows.

    A part may be a view of some columns of a wider tensor, and then is not contiguous: ``reshape`` it where ``view``
    would refuse.
    """

    def __init__(self, parts: Mapping[str, Genomes]) -> None:
        self._parts = dict(parts)

    def __getitem__(self, name: str) -> Genomes:
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        """The number of parts, not of rows."""
        return len(self._parts)

    def __repr__(self) -> str:
        return f"Parts({', '.join(f'{name} {_outline(part)}' for name, part in self.items())})"


Genomes = Union["torch.Tensor", list[Any], Parts]
"""``(n, d)`` tensor, list of n plain values, or :class:`Parts` of either."""

Rows = Union[slice, "torch.Tensor", Sequence[int]]
"""A slice, row numbers, or a ``(n,)`` bool tensor that says which."""


def count(genomes: Genomes) -> int:
    """How many genomes there are."""
    return count(next(iter(genomes.values()))) if isinstance(genomes, Parts) else len(genomes)


def take(genomes: Genomes, rows: Rows) -> Genomes:
    """The genomes in ``rows``: a view for a slice of a tensor, else a new container of the same values."""
    if isinstance(genomes, Parts):
        return Parts({name: take(part, rows) for name, part in genomes.items()})
    if isinstance(genomes, list):
        return genomes[rows] if isinstance(rows, slice) else [genomes[row] for row in _numbers(rows)]
    return genomes[rows]


def _numbers(rows: torch.Tensor | Sequence[int]) -> list[int]:
    """Row numbers, of a mask too."""
    if isinstance(rows, Sequence):
        return [int(row) for row in rows]
    import torch

    numbers: list[int] = (rows.nonzero().flatten() if rows.dtype == torch.bool else rows).tolist()
    return numbers


def genome(genomes: Genomes, row: int) -> Any:
    """One genome: a ``(d,)`` row, a plain value, or a mapping part -> either."""
    return {name: genome(part, row) for name, part in genomes.items()} if isinstance(genomes, Parts) else genomes[row]


def concatenate(genomes: Sequence[Genomes]) -> Genomes:
    """All the genomes one after the other, in a new container."""
    first = genomes[0]
    if isinstance(first, Parts):
        return Parts({name: concatenate([part[name] for part in genomes]) for name in first})  # type: ignore
    if isinstance(first, list):
        return [genome for part in genomes for genome in part]
    import torch

    return torch.cat(genomes)  # type: ignore[arg-type]


@dataclass
class Members:
    """A population as a struct of arrays; ``members[rows]`` slices them all (a slice of tensors is a view).

    States are kept by reference: whoever changes a state makes a new one.
    """

    genomes: Genomes
    """``(n, d)`` tensor, list of n plain values, or :class:`Parts`."""
    ids: torch.Tensor
    """``(n,)`` int64: unique in a run; a member that is only carried over keeps its own."""
    parents: torch.Tensor
    """``(n, 2)`` int64: the ids of the parents, the one whose state was inherited first; -1 where there is none."""
    fitness: torch.Tensor | None = None
    """``(n,)`` floating: higher is better, -inf where the evaluation gave no finite number."""
    columns: dict[str, torch.Tensor] = field(default_factory=dict)
    """name -> ``(n, ...)``: what a strategy or an operator keeps beside each genome."""
    states: list[Any] | None = None
    """What each member has learned: nested dicts and lists of tensors and plain values, or None. That of a trained
    network is a dict with "weights" and "buffers", each name -> tensor, "optimizer", name of a weight -> slot ->
    tensor, and whatever else its evaluator needs; what is missing there is drawn anew."""
    cases: torch.Tensor | None = None
    """``(n, cases)`` floating: the fitness by case of the last evaluation, -inf where it gave no finite number; None
    unless the strategy has a selection by cases."""

    def __repr__(self) -> str:
        return _outlined(self, "genomes", "fitness", "columns", "states", "cases")

    def __len__(self) -> int:
        return len(self.ids)

    def genome(self, row: int) -> Any:
        """One genome: a ``(d,)`` row, a plain value, or a mapping part -> either."""
        return genome(self.genomes, row)

    def selected(self, selection: Callable[[Any, int, Rng], torch.Tensor], count: int, rng: Rng) -> torch.Tensor:
        """``(count,)`` int64 rows that a :class:`evoplug.contracts.Selection`, or a function of fitness, chooses among
        these: by their cases if it selects by cases, else by their fitness."""
        values = self.cases if getattr(selection, "cases", False) else self.fitness
        return selection(values, count, rng).to(self.ids.device)

    def __getitem__(self, rows: Rows) -> Members:
        return Members(
            take(self.genomes, rows),
            self.ids[rows],
            self.parents[rows],
            None if self.fitness is None else self.fitness[rows],
            {name: column[rows] for name, column in self.columns.items()},
            None if self.states is None else list(take(self.states, rows)),
            None if self.cases is None else self.cases[rows],
        )

    @staticmethod
    def cat(groups: Sequence[Members]) -> Members:
        """One population of several; columns and optional fields survive where every group has them."""
        import torch

        def joined(values: list[Any]) -> Any:
            return None if any(value is None for value in values) else torch.cat(values)

        states = [group.states for group in groups]
        return Members(
            concatenate([group.genomes for group in groups]),
            torch.cat([group.ids for group in groups]),
            torch.cat([group.parents for group in groups]),
            joined([group.fitness for group in groups]),
            {
                name: torch.cat([group.columns[name] for group in groups])
                for name in groups[0].columns
                if all(name in group.columns for group in groups)
            },
            None if any(s is None for s in states) else [state for group in states for state in group],  # type: ignore[union-attr]
            joined([group.cases for group in groups]),
        )

    def state_dict(self) -> dict[str, Any]:
        """The fields as plain data and tensors, by reference; composite genomes as a dict."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data["genomes"] = _parts_as_dict(self.genomes)
        return data

    @staticmethod
    def from_state_dict(data: Mapping[str, Any], device: torch.device | str) -> Members:
        """The inverse of :meth:`state_dict`, on a device: tensors come from a checkpoint on the CPU."""
        if str(device) != "cpu":
            data = _moved(data, device, {})
        return Members(**{**data, "genomes": _dict_as_parts(data["genomes"])})


def _parts_as_dict(genomes: Genomes) -> Any:
    """:class:`Parts`, and those inside them, as dicts with the one key ``parts``."""
    if not isinstance(genomes, Parts):
        return genomes
    return {"parts": {name: _parts_as_dict(part) for name, part in genomes.items()}}


def _dict_as_parts(genomes: Any) -> Genomes:
    if not isinstance(genomes, dict):
        return genomes
    return Parts({name: _dict_as_parts(part) for name, part in genomes["parts"].items()})


def _moved(value: Any, device: torch.device | str, moved: dict[int, torch.Tensor]) -> Any:
    """The same value with all tensors in it on a device; those that stand in it twice stay one."""
    if isinstance(value, Mapping):
        return {key: _moved(item, device, moved) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_moved(item, device, moved) for item in value)
    if not hasattr(value, "to"):
        return value
    if id(value) not in moved:
        moved[id(value)] = value.to(device)
    return moved[id(value)]


@dataclass
class Evaluation:
    """What an evaluator says about n members."""

    fitness: torch.Tensor
    """``(n,)`` floating: higher is better."""
    states: list[Any] | None = None
    """n new states, of evaluators that provide "states"."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """What this evaluation spent, by ledger column, e.g. ``{"epochs": 8}``; the names stand in ``Evaluator.costs``."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the records: name -> number, or ``(n,)`` tensor of numbers (recorded as a list). Of several
    evaluations in one step the last counts."""
    cases: Any = None
    """``(n, cases)`` floating, higher is better, of evaluators that provide "cases": a tensor, or any object with
    ``shape`` and ``[:, cases]`` that computes cases when they are read. Read cases are counted in the ledger. None
    will do where nothing in the run reads cases, see ``Evaluator.reads_cases``."""

    def __repr__(self) -> str:
        return _outlined(self, "fitness", "states", "cost", "columns", "cases")


@dataclass(frozen=True)
class Task:
    """What an evaluator tells a genotype about the problem, before any data are loaded."""

    input_shape: tuple[int, ...] | None = None
    """Of one example, without the batch, e.g. ``(1, 28, 28)``."""
    outputs: int | None = None
    """Classes or actions."""
    domain: tuple[float, float] | None = None
    """Natural range of every gene of a numeric problem."""
    names: tuple[str, ...] = ()
    """Tasks, layers or actions by name, where the evaluator has them."""


@dataclass
class Outcome:
    """What a finished loop reports: the solution and its metrics."""

    best: Members
    """One member."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """split ("validation", "test") -> metric -> value, of ``best``."""
    beside: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """The same for other solutions that the method reports, by a name of their own; among it "best" -> "fitness" where
    that can be held against the fitness of ``best``."""
    generation: int | None = None
    """In which ``best`` got its fitness; None for the last."""


Metrics = Mapping[str, "torch.Tensor"]
"""metric -> ``(n,)`` values."""

SPLITS = ("validation", "test")
"""The splits on which members are measured; in records and results, names of metrics begin with theirs."""


# ---------------------------------------------------------------------------------------------- in one line


def _outlined(values: Any, *names: str) -> str:
    """``Members(genomes (4, 92000) float32, states 4)``: those fields of an object that hold something."""
    held = ((name, getattr(values, name)) for name in names)
    said = (f"{name} {_outline(value)}" for name, value in held if not _is_empty(value))
    return f"{type(values).__name__}({', '.join(said)})"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and not value)


def _outline(value: Any) -> str:
    """A value's shape, names or number of entries, never the entries."""
    if hasattr(value, "shape"):
        return f"{tuple(value.shape)} {getattr(value, 'dtype', '')}".replace("torch.", "").strip()
    if isinstance(value, Parts):
        return repr(value)
    if isinstance(value, Mapping):
        return " ".join(map(str, value))
    return str(len(value)) if isinstance(value, list | tuple) else type(value).__name__


# ---------------------------------------------------------------------------------------------- what is spent

COLUMNS = ("generations", "evaluations", "seconds")
"""Columns of every run; evaluators add their own (``Evaluator.costs``)."""

TIME_UNITS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}


class Ledger:
    """Running sums by column; counts stay integers as long as only integers are added."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = dict.fromkeys(COLUMNS, 0)

    def add(self, **cost: float) -> None:
        """Add to columns; a new name opens a column."""
        for column, amount in cost.items():
            self._spent[column] = self._spent.get(column, 0) + amount

    def __getitem__(self, column: str) -> float:
        """What has been spent of a column; 0 where nothing has."""
        return self._spent.get(column, 0)

    def row(self) -> dict[str, float]:
        """All columns, for a line of records."""
        return dict(self._spent)

    def reached(self, stop: Mapping[str, float], best: float | None = None) -> str | None:
        """The first rule of ``[run] stop`` that holds, as words, or None.

        Args:
            stop: column -> budget; ``minutes`` and ``hours`` read the seconds; ``fitness`` is a target.
            best: the best fitness of the last generation.
        """
        for rule, budget in stop.items():
            if rule == "fitness":
                reached = best is not None and best >= budget
            elif rule in TIME_UNITS:
                reached = self["seconds"] >= budget * TIME_UNITS[rule]
            else:
                reached = self[rule] >= budget
            if reached:
                return f"{rule} = {budget:g}"
        return None

    def state_dict(self) -> dict[str, Any]:
        return dict(self._spent)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._spent = dict(state)


# ---------------------------------------------------------------------------------------------- what is kept

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def compact(value: Any, place: str = "") -> Any:
    """The same value as a checkpoint takes it: mappings become dicts, and of tensors that show only a part of their
    storage a copy is made, since torch saves whole storages. Lists and tuples in which nothing had to change stay the
    same objects, and those that stand in several places are saved once.

    Raises:
        TypeError: with the place of the first value that is neither a tensor nor plain data.
    """
    import torch

    if isinstance(value, torch.Tensor):
        part = value.numel() * value.element_size() < value.untyped_storage().nbytes()
        return value.clone() if part else value
    if isinstance(value, Mapping):
        return {key: compact(item, f"{place}.{key}") for key, item in value.items()}
    if type(value) in (list, tuple):
        items = [compact(item, f"{place}[{number}]") for number, item in enumerate(value)]
        return value if all(map(operator.is_, items, value)) else type(value)(items)
    # None of their subclasses could be read again.
    if type(value) in (*_PLAIN, torch.dtype, torch.device, torch.Size):
        return value
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    raise TypeError(f"a checkpoint holds tensors and plain data only, and {place.removeprefix('.')} is a {kind}")


def unstorable(value: Any) -> str | None:
    """Why a genome that is no row of a tensor cannot be stored."""
    try:
        compact(value, "a genome")
    except TypeError as error:
        return f"{error} (numpy: .tolist())"
    return None
