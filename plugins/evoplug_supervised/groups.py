"""Groups of a network's weights, each with rates of its own: ``[evaluator.groups.NAME]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any, NamedTuple

from evoplug.population.bounds import lost

Table = Mapping[str, Mapping[Any, Any]]
"""Name -> ``weights``, and rates where they are given."""

REST = "rest"
"""What the weights are called that no group has."""
RATES = ("learning_rate", "weight_decay")
SHOWN = 12
"""Names in a message, at most."""


class Rates(NamedTuple):
    """Of some weights of one network."""

    weights: tuple[str, ...]
    """Their names."""
    learning_rate: float
    """At the start of the schedule; 0: they stay as they are."""
    weight_decay: float


class Groups:
    """Which weights have rates of their own.

    Where several genes set a rate, each is that of one group, in the order of the table, the last that of the rest, if
    there is a rest. One gene alone sets the evaluator's own rate, which is that of the rest and of every group that
    sets none.

    Args:
        table: name -> patterns of ``weights``, as :mod:`fnmatch` has them, and rates; without mistakes.
        weights: names of all weights of the network.
    """

    def __init__(self, table: Table, weights: Sequence[str]) -> None:
        self._table, self._all = table, weights
        self._weights = {name: tuple(w for w in weights if _matches(group, w)) for name, group in table.items()}
        rest = set(weights).difference(*self._weights.values())
        self.names = (*table, REST) if table and rest else tuple(table)
        """In the order of genes."""

    def misfits(self, genes: Mapping[str, int]) -> Iterator[tuple[str | tuple[str, ...], str]]:
        """(key, message) of each pattern that matches no weight, each two groups that match the same one, and what is
        wrong with how many genes set a rate; ``genes``: rate -> how many."""
        if wrong := [*self._unmatched(), *self._matched_twice()]:
            yield from wrong
            return
        still = [name for name, group in self._table.items() if group.get("learning_rate") == 0]
        if self.names and len(still) == len(self.names):
            yield "groups", "all have learning_rate = 0: nothing would be trained"
        for rate, count in genes.items():
            setting = [name for name, group in self._table.items() if rate in group]
            if count not in (1, len(self.names)):
                yield "", f"the genotype's part `{rate}` has {count} genes, and takes {self._takes()}"
            elif count > 1:
                for name in setting:
                    yield ("groups", name, rate), f"is set by the genotype's {rate} too; leave out one of the two"
            elif self._table and len(setting) == len(self.names):
                yield "", f"the genotype's part `{rate}` sets nothing: every group has a {rate} of its own"

    def rates(self, own: Mapping[str, float], genes: Mapping[str, Sequence[float]]) -> tuple[Rates, ...]:
        """Of the groups; those of the rest are the evaluator's own.

        Args:
            own: rate -> the evaluator's own.
            genes: rate -> those of one member.
        """

        def value(rate: str, place: int, group: Mapping[Any, Any]) -> float:
            several = genes.get(rate, ())
            return several[place] if len(several) > 1 else float(group.get(rate, own[rate]))

        return tuple(
            Rates(self._weights[name], *(value(rate, place, group) for rate in RATES))
            for place, (name, group) in enumerate(self._table.items())
        )

    def _takes(self) -> str:
        if len(self.names) == 1:
            return f"1, of the one group, `{self.names[0]}`"
        return f"{len(self.names)}, one for each of {_listed(self.names)}, or 1 for all that set none"

    def _unmatched(self) -> Iterator[tuple[tuple[str, ...], str]]:
        layers = dict.fromkeys(weight.partition(".")[0] + ".*" * ("." in weight) for weight in self._all)
        for name, group in self._table.items():
            for pattern in group["weights"]:
                if not any(fnmatchcase(weight, pattern) for weight in self._all):
                    yield ("groups", name, "weights"), f"no weight matches `{pattern}`; there are {_listed([*layers])}"

    def _matched_twice(self) -> Iterator[tuple[tuple[str, ...], str]]:
        for first, second in combinations(self._table, 2):
            if both := [weight for weight in self._weights[second] if weight in self._weights[first]]:
                yield ("groups", second, "weights"), f"`{first}` has {_listed(both)} too, and a weight is in one group"


def mistakes(table: Table) -> Iterator[tuple[tuple[str, ...], str]]:
    """(key, message) of each value that cannot be, whatever the network."""
    for name, group in table.items():
        if name == REST:
            yield ("groups", name), "is what the weights are called that no group has; choose another name"
        if not (isinstance(patterns := group.get("weights"), list | tuple) and patterns):
            yield ("groups", name, "weights"), 'must be a list of patterns of weights, such as ["output.*"]'
        for rate in RATES:
            value = group.get(rate, 0.0)
            if not isinstance(value, int | float) or not value >= 0:
                yield ("groups", name, rate), f"must be a number of 0 or more, got {value!r}"
            elif value and (wrong := lost(value, "float32")):
                yield ("groups", name, rate), f"{wrong}, the type of the weights"


def _matches(group: Mapping[str, Any], weight: str) -> bool:
    return any(fnmatchcase(weight, pattern) for pattern in group["weights"])


def _listed(names: Sequence[str]) -> str:
    """`a`, `b` and `c`; of very many the first."""
    shown = [f"`{name}`" for name in names[:SHOWN]]
    if len(names) > SHOWN:
        shown = [*shown[:-1], f"{len(names) - SHOWN + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
