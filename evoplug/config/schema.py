"""Tables checked against the schemas of their components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from evoplug import catalogue
from evoplug.config import functions, messages, objects, parameters, paths
from evoplug.config.parameters import Parameter, Schema
from evoplug.config.spec import OBJECT, Spec
from evoplug.config.tree import Node
from evoplug.contracts import CONTRACTS, Component, Use
from evoplug.errors import ConfigError, Key, Mistake, dotted

S = TypeVar("S")


class Checker:
    """Reads tables and collects what is wrong with them.

    Args:
        root: the whole configuration; tells where its values were written.
    """

    def __init__(self, root: Node) -> None:
        self.root = root
        self.mistakes: list[Mistake] = []

    def wrong(self, key: Key, message: str) -> None:
        """Note a mistake."""
        self.mistakes.append(messages.mistake(key, message, self.root.nearest(key).origin.where))

    def done(self) -> None:
        """Raise ConfigError if there were mistakes."""
        if self.mistakes:
            raise ConfigError(mistakes=dict.fromkeys(self.mistakes))

    # ------------------------------------------------------------------------------------------ sections

    def section(self, cls: type[S], value: Any, key: Key) -> S | None:
        """An instance of a dataclass, whose fields are the section's keys; None where something is wrong."""
        if not isinstance(value, Mapping):
            self.wrong(key, f"must be a table, got {messages.given(value)}")
            return None
        before = len(self.mistakes)
        filled = self.parameters(parameters.of_class(cls, dotted(key)), value, key)
        return cls(**filled) if len(self.mistakes) == before else None

    # ---------------------------------------------------------------------------------------- components

    def component(self, group: str, value: Any, key: Key, without: Iterable[str] = ()) -> Any:
        """A component's table, or its name alone, as :class:`Spec`; None where something is wrong with its name.

        Args:
            group: its group.
            value: what the configuration says, or a default; in a call from Python, possibly a component.
            key: where.
            without: parameters that the table may not have.
        """
        try:
            value = _adopted(group, value)
        except ConfigError as error:
            self.wrong(key, error.mistakes[0].message)
            return None
        if isinstance(value, Component) and value.group == group:
            for inner, message in objects.mistakes(value, key):
                self.wrong(inner, message)
            return Spec.of(value, key)
        if isinstance(value, Use):
            value = {"use": value.name, **value.parameters}
        table = {"use": value} if isinstance(value, str) else value
        if not isinstance(table, Mapping) or not isinstance(table.get("use"), str):
            self.wrong(key, self._no_name(group, table))
            return None
        if self._was_object(table["use"], key):
            return None
        try:
            schema = parameters.known(group, table["use"])
        except ConfigError as error:
            self.wrong((*key, "use") if table is value else key, error.mistakes[0].message)
            return None
        rest = {name: inner for name, inner in table.items() if name != "use"}
        return Spec(group, table["use"], self.parameters(schema.without(without), rest, key), key, schema)

    def parameters(self, schema: Schema, table: Mapping[str, Any], key: Key) -> dict[str, Any]:
        """The parameters of a table, checked, in the order of the schema, with defaults."""
        raw = self._unknown(schema, table, key)
        plain, wrong = schema.validate(table)
        for inner, message in wrong:
            self.wrong((*key, *inner), message)
        filled = {
            name: self._plain(plain[name], (*key, name)) if name in plain else self._parameter(schema, name, table, key)
            for name in schema.parameters
            if name in table or schema.parameters[name].default is not parameters.UNKNOWN
        }
        return {**filled, **raw}

    def _unknown(self, schema: Schema, table: Mapping[str, Any], key: Key) -> dict[str, Any]:
        """What the schema does not know: mistakes, unless the schema is incomplete."""
        strange = {name: value for name, value in table.items() if name not in schema.parameters}
        if schema.complete:
            for name in strange:
                self.wrong((*key, name), messages.unknown(name, schema.parameters))
        return strange

    def _plain(self, value: Any, key: Key) -> Any:
        """A converted value, in which relative paths begin at the file where they are written."""
        try:
            return paths.absolute(value, lambda inner: self.root.nearest(inner).origin.folder, key)
        except (OSError, ValueError, RuntimeError) as error:
            self.wrong(key, f"is no path: {error}")
            return None

    def _parameter(self, schema: Schema, name: str, table: Mapping[str, Any], key: Key) -> Any:
        """The value of a parameter that holds components or functions, or the default of any."""
        parameter = schema.parameters[name]
        if name not in table:
            if parameter.default is parameters.REQUIRED:
                self.wrong((*key, name), "is missing")
            return self._default(parameter, (*key, name))
        if parameter.is_plain:  # and wrong, which has been said
            return None
        return self._special(parameter, table[name], (*key, name))

    def _default(self, parameter: Parameter, key: Key) -> Any:
        default = parameter.default
        if isinstance(default, Use) and parameter.shape.contract:
            return self.component(parameter.shape.contract.group, default, key)
        if parameter.shape.core is Path and isinstance(default, str | Path):
            return Path(default).resolve()
        return default

    def _special(self, parameter: Parameter, value: Any, key: Key) -> Any:
        shape = parameter.shape
        if value is None and shape.optional:
            return None
        if shape.contract:
            if value == "none" and shape.optional:
                return None
            return self.component(shape.contract.group, value, key)
        if shape.contract_of_each:
            return self._components(shape.contract_of_each.group, value, key)
        if isinstance(shape.core, type) and is_dataclass(shape.core):
            return self.section(shape.core, value, key)
        return self._function(shape.known, value, key)

    def _components(self, group: str, value: Any, key: Key) -> dict[str, Any]:
        """A table name -> component."""
        if not isinstance(value, Mapping) or "use" in value:
            what = catalogue.a(group)
            self.wrong(key, f"must be a table NAME = {what}, got {messages.given(value)}")
            return {}
        if not value:
            self.wrong(key, f"needs at least one entry NAME = {catalogue.a(group)}")
        return {name: self.component(group, inner, (*key, name)) for name, inner in value.items()}

    def _function(self, known: tuple[str, ...], value: Any, key: Key) -> Any:
        if callable(value):
            return value
        if self._was_object(value, key):
            return None
        try:
            return functions.read(value, known, self.root.nearest(key).origin.folder)
        except ConfigError as error:
            self.wrong(key, error.mistakes[0].message)
            return None

    def _was_object(self, value: Any, key: Key) -> bool:
        """Whether a run began with an object here, of which only a note is left; that is a mistake."""
        if not (isinstance(value, str) and value.startswith(OBJECT)):
            return False
        again = "..."
        for part in reversed(key[1:]):
            again = f"[{again}]" if isinstance(part, int) else f'{{"{part}": {again}}}'
        what = value.removeprefix(OBJECT)
        self.wrong(key, f"was an object, `{what}`; give it again: evoplug.resume(FOLDER, {key[0]}={again})")
        return True

    def _no_name(self, group: str, value: Any) -> str:
        if message := objects.misplaced(group, value.get("use") if isinstance(value, Mapping) else value):
            return message
        choices = f"choices: {messages.listed(map(catalogue.usable, catalogue.entries(group)))}"
        if isinstance(value, Mapping) and "use" not in value:
            return f"names no component: use = NAME is missing; {choices}"
        got = messages.given(value["use"] if isinstance(value, Mapping) else value)
        return f"must be the name of {catalogue.a(group)}, or a table with use = NAME, got {got}; {choices}"


def _adopted(group: str, value: Any) -> Any:
    """A component made of an object that the group's contract takes; any other value as it is."""
    contract = next(contract for contract in CONTRACTS if contract.group == group)
    return contract.adopt(value) or value
