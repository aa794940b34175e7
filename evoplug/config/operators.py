"""``[operators]``: which operator fills which slot of the strategy, and which fit the genotype."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evoplug import catalogue
from evoplug.config import messages, parameters
from evoplug.config.parameters import Parameter, Schema
from evoplug.config.schema import Checker
from evoplug.config.spec import Spec
from evoplug.contracts import Component, Crossover, Genotype, Mutation, Selection, Use
from evoplug.errors import EvoplugError, Key

Operator = Spec | Mapping[str, Spec | None] | None
"""One operator; part -> operator (None leaves the part alone) for a composite genotype; None where there is none."""

VECTOR = ("real-vector",)
"""The kind of what all parts of a composite are together, if they are together at all."""

_CONTRACTS = (Selection, Crossover, Mutation)


def slots(strategy: Schema) -> dict[str, Parameter]:
    """The strategy's parameters that ``[operators]`` fills."""
    return {name: item for name, item in strategy.parameters.items() if item.shape.contract in _CONTRACTS}


def empty_by_default(strategy: Schema) -> set[str]:
    """The slots that hold nothing unless something is said."""
    return {name for name, slot in slots(strategy).items() if slot.default is None}


def parts(genotype: Spec | None) -> dict[str, Spec]:
    """name -> part of a composite genotype; empty for others."""
    if genotype is None:
        return {}
    if isinstance(genotype.given, Genotype):
        return {name: Spec.of(part, (*genotype.key, "parts", name)) for name, part in genotype.given.parts.items()}
    each = genotype.parameters.get("parts")
    if not _is_composite(genotype) or not isinstance(each, Mapping):
        return {}
    return {name: spec for name, spec in each.items() if spec is not None}


def _is_composite(genotype: Spec) -> bool:
    field = genotype.schema.parameters.get("parts")
    return field is not None and field.shape.contract_of_each is not None


def _is_misread(genotype: Spec) -> bool:
    """Whether a composite has parts that are wrong, so that nothing more can be said of it."""
    each = genotype.parameters.get("parts")
    return _is_composite(genotype) and (not isinstance(each, Mapping) or None in each.values())


def kinds(genotype: Spec) -> tuple[str, ...]:
    """The kinds of genome that it is, as :func:`evoplug.contracts.kinds_of`, as far as they are known."""
    own, inner = genotype.schema.kinds, parts(genotype).values()
    joint = (bool(inner) and all(map(_is_real, inner))) or _is_misread(genotype)
    return (*own, "real-vector") if own and joint else own


def is_joint(spec: Spec, genotype: Spec) -> bool:
    """Whether a component takes the parts of a composite together, as one real vector."""
    return takes_parts_together(spec.schema.kinds, genotype.schema.kinds, kinds(genotype))


def takes_parts_together(works_on: Iterable[str], own: Iterable[str], joint: Iterable[str]) -> bool:
    """Whether a component fits a genotype only by what its parts are together.

    Args:
        works_on: kinds of the component.
        own: kinds of the genotype.
        joint: those, and that of its parts together.
    """
    return set(works_on).isdisjoint(own) and not set(works_on).isdisjoint(joint)


def check(checker: Checker, strategy: Spec, genotype: Spec | None, table: Any) -> dict[str, Operator]:
    """slot -> operator for every slot of the strategy; what is wrong is noted.

    Args:
        checker: notes it.
        strategy: whose slots they are.
        genotype: what the operators are to fit, if it is known.
        table: the section.
    """
    filled = slots(strategy.schema)
    key: Key = ("operators",)
    if not isinstance(table, Mapping):
        checker.wrong(key, f"must be a table, got {messages.given(table)}")
        return {}
    for name in table:
        if strategy.given is not None:
            checker.wrong((*key, name), f"the strategy is an object, `{strategy.name}`, and holds its operators itself")
        elif name not in filled and strategy.schema.complete:
            checker.wrong((*key, name), messages.unknown(name, filled, f"slot of strategy `{strategy.name}`"))
    return {
        name: _Slot(checker, name, slot, strategy, genotype).read(table.get(name, slot.default))
        for name, slot in filled.items()
    }


def has_place(strategy: Spec, slot: str, value: Any, written_for: str) -> bool:
    """Whether a strategy can take over what ``[operators]`` says for another one.

    Args:
        strategy: the one that is there.
        slot: of the other one.
        value: what it says; without ``use``, parameters of the operator that the other one has by default.
        written_for: the other one's name.
    """
    filled = slots(strategy.schema)
    if strategy.given is not None or slot not in filled:
        return strategy.given is None and not strategy.schema.complete
    if not _is_nameless(value):
        return True
    try:
        others = slots(parameters.known("strategies", written_for))
    except EvoplugError:  # an object, or one that is not there
        return True
    return slot not in others or _default_name(others[slot]) == _default_name(filled[slot])


def _default_name(slot: Parameter) -> str | None:
    return slot.default.name if isinstance(slot.default, Use) else None


def fits(kinds: Iterable[str], others: Iterable[str]) -> bool:
    """Whether a component of the first kinds works with one of the others; no kinds mean any."""
    kinds, others = set(kinds), set(others)
    return not kinds or not others or bool(kinds & others)


def misfit(spec: Spec, genotype: Spec) -> str:
    """What to say of a component that works on other genomes; a kind that no genotype has is a likely typing error."""
    works, has = " or ".join(spec.schema.kinds), next(iter(genotype.schema.kinds), "those of no kind")
    message = f"`{spec.name}` works on {works} genomes, not on {has}"
    if "real-vector" in spec.schema.kinds and (others := _not_real(genotype)):
        message += f", whose {' and '.join(others)}"
    installed = catalogue.entries("genotypes")
    if not all(entry.kinds or entry.problem for entry in installed):  # of one, only an import tells
        return message
    there = {kind for entry in installed for kind in entry.kinds}.union(genotype.schema.kinds)
    strange = [catalogue.unknown_kind(kind, there) for kind in spec.schema.kinds if kind not in there]
    return message + (f" ({'; '.join(strange)})" if strange else "")


def _is_real(genotype: Spec) -> bool:
    """Whether it is a real vector, as far as that is known."""
    untold = not genotype.schema.kinds and not genotype.schema.complete
    return untold or "real-vector" in kinds(genotype)


def _not_real(genotype: Spec) -> list[str]:
    """The parts of a composite that keep it from being one real vector, and what they are."""
    others = {name: part for name, part in parts(genotype).items() if not _is_real(part)}
    return [f"part `{name}` is {next(iter(part.schema.kinds), 'of no kind')}" for name, part in others.items()]


class _Slot:
    """One slot, being filled."""

    def __init__(
        self, checker: Checker, name: str, parameter: Parameter, strategy: Spec, genotype: Spec | None
    ) -> None:
        assert parameter.shape.contract is not None
        self.checker = checker
        self.key: Key = ("operators", name)
        self.group = parameter.shape.contract.group
        self.default, self.optional = parameter.default, parameter.shape.optional
        self.genotype = genotype
        self.parts = parts(genotype) if self.group != "selections" else {}
        self.joint = genotype is not None and is_joint(strategy, genotype)
        """Whether the strategy searches the parts together: one operator is then one for all of their genes."""

    def read(self, value: Any) -> Operator:
        if self._names_parts(value):
            return self._by_part(value)
        value = self._named(value, self.key)
        if value is None or value is parameters.UNKNOWN or (value == "none" and self.optional):
            return None
        if value is parameters.REQUIRED or value == "none":
            wrong = "cannot be empty" if value == "none" else "is missing"
            needed = f"the strategy needs {catalogue.a(self.group)}"
            self.checker.wrong(self.key, f"{wrong}: {needed}; {self._fitting_all()}")
            return None
        spec = self.checker.component(self.group, value, self.key)
        if isinstance(spec, Spec) and self.genotype:
            self._check_single(spec, self.genotype)
        return spec

    def _names_parts(self, value: Any) -> bool:
        """Whether it is a table part -> operator, and not parameters of the strategy's own operator."""
        if not self.parts or not _is_nameless(value):
            return False
        operators = any(isinstance(inner, str | Mapping | Component) for inner in value.values())
        return operators or not self.parts.keys().isdisjoint(value)

    def _named(self, value: Any, key: Key) -> Any:
        """What a table without ``use`` stands for: the strategy's own operator with these parameters, if it has one."""
        if not _is_nameless(value):
            return value
        if isinstance(self.default, Use):
            return self.default._replace(parameters={**self.default.parameters, **value})
        if self.default is not parameters.UNKNOWN:
            missing = f"the strategy has no {catalogue.singular(self.group)} by default: add use = NAME"
            self.checker.wrong(key, f"{missing}; {self._fitting_all()}")
        return None

    def _by_part(self, table: Mapping[str, Any]) -> dict[str, Spec | None]:
        for name in table:
            if name not in self.parts:
                self.checker.wrong((*self.key, name), messages.unknown(name, self.parts, "part of the genotype"))
        return {name: self._part(name, genotype, table) for name, genotype in self.parts.items()}

    def _part(self, name: str, genotype: Spec, table: Mapping[str, Any]) -> Spec | None:
        key = (*self.key, name)
        if name not in table:
            if self.group == "mutations":
                fitting = self._fitting(genotype.schema.kinds)
                self.checker.wrong(key, f'is missing: say which mutation changes this part, or "none"; {fitting}')
            return None
        value = self._named(table[name], key)
        if value is None or value == "none":
            return None
        spec: Spec | None = self.checker.component(self.group, value, key)
        if spec and not fits(spec.schema.kinds, genotype.schema.kinds):
            self.checker.wrong(key, self._misfit(spec, genotype))
        return spec

    def _check_single(self, spec: Spec, genotype: Spec) -> None:
        """One operator for the whole genotype: on every part that it fits, or on all genes together."""
        if self.joint and not fits(spec.schema.kinds, VECTOR):
            works = " or ".join(spec.schema.kinds)
            message = f"`{spec.name}` works on {works} genomes, and the strategy takes all parts as one real vector"
            self.checker.wrong(self.key, f"{message}; {self._fitting(VECTOR)}")
        if self.joint:
            return
        if not self.parts:
            if not fits(spec.schema.kinds, genotype.schema.kinds):
                self.checker.wrong(self.key, self._misfit(spec, genotype))
            return
        missed = [part for part, inner in self.parts.items() if not fits(spec.schema.kinds, inner.schema.kinds)]
        for part in missed if self.group == "mutations" else []:
            form = f'say {part} = {{ use = ... }}, or {part} = "none", in a table part -> mutation'
            self.checker.wrong(self.key, f"part `{part}`: {self._misfit(spec, self.parts[part])}; {form}")
        if self.group == "crossovers" and len(missed) == len(self.parts):
            self.checker.wrong(self.key, f"`{spec.name}` fits none of the parts {messages.listed(self.parts)}")

    def _misfit(self, spec: Spec, genotype: Spec) -> str:
        return f"{misfit(spec, genotype)}; {self._fitting(genotype.schema.kinds)}"

    def _fitting_all(self) -> str:
        """The operators that fit the whole genotype; any may do where it has parts that are searched one by one."""
        if self.joint:
            return self._fitting(VECTOR)
        return self._fitting(self.genotype.schema.kinds if self.genotype and not self.parts else ())

    def _fitting(self, kinds: Iterable[str]) -> str:
        names = [catalogue.usable(entry) for entry in catalogue.entries(self.group) if fits(entry.kinds, kinds)]
        there = f"{self.group} that fit: {messages.listed(names)}"
        empty = '; "none" empties the slot' if self.optional else ""
        return (there if names else f"no {self.group} that fit are installed") + empty


def _is_nameless(value: Any) -> bool:
    return isinstance(value, Mapping) and "use" not in value
