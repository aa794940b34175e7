"""What a component's table may hold, from its catalogue entry or its class, and the check of plain values."""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, UNKNOWN, loading
from evoplug.config import messages, tree, typehints
from evoplug.contracts import Component
from evoplug.errors import Key, PluginError

_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


@dataclass(frozen=True)
class Parameter:
    """One key of a table."""

    annotation: Any
    default: Any
    """A plain value, ``contracts.Use``, ``REQUIRED`` or ``UNKNOWN``."""

    @cached_property
    def shape(self) -> typehints.Shape:
        return typehints.shape(self.annotation)

    @property
    def is_plain(self) -> bool:
        """Whether it holds neither components, nor functions, nor a section of its own."""
        shape = self.shape
        own = dataclasses.is_dataclass(shape.core)
        return not (shape.contract or shape.contract_of_each or shape.is_function or own)


@dataclass(frozen=True)
class Schema:
    """What a table may hold."""

    name: str
    parameters: Mapping[str, Parameter]
    kinds: tuple[str, ...] = ()
    """Kinds of genome; empty where it works with any, or where they are not known yet."""
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Class variables: ``needs``, ``provides``, ``costs``, ``genotype``, ``cases``."""
    complete: bool = True
    """False where only the loaded class tells all parameters, types and defaults."""

    @cached_property
    def _model(self) -> type[BaseModel]:
        types = {alias: typehints.accepted(self.parameters[name].annotation) for name, alias in self._aliases.items()}
        fields = {alias: (accepted, None) for alias, accepted in types.items()}
        try:
            return create_model("Parameters", __config__=_STRICT, **fields)  # type: ignore[call-overload]
        except Exception as error:  # pydantic has many ways to refuse an annotation
            reason = str(error).partition("\n")[0]
            raise PluginError(
                f"{self.name}: its parameters have types that no configuration can hold: {reason}"
            ) from error

    def validate(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Key, str]]]:
        """The plain parameters among ``values``, converted; and (key, message) of each that is wrong."""
        given = {name: value for name, value in values.items() if name in self._aliases}
        wrong = [((name, *key), message) for name, value in given.items() for key, message in tree.unfit(value)]
        return ({}, wrong) if wrong else self._converted(given)

    def wrong(self, values: Mapping[str, Any]) -> list[tuple[Key, str]]:
        """(key, message) of each plain parameter among ``values`` that is wrong; None, which TOML lacks, may be one."""
        return self._converted({name: value for name, value in values.items() if name in self._aliases})[1]

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """Name -> field of the model, of each plain parameter.

        Names of our own, so that no parameter collides with what a model has ("json", "copy") or hides ("_x").
        """
        plain = (name for name, parameter in self.parameters.items() if parameter.is_plain)
        return {name: f"p{index}" for index, name in enumerate(plain)}

    def _converted(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[Key, str]]]:
        aliases = self._aliases
        try:
            text = json.dumps({aliases[name]: value for name, value in given.items()})
            model = self._model.model_validate_json(text)
        except ValidationError as error:
            names = {alias: name for name, alias in aliases.items()}
            details = [
                {**detail, "loc": (names[str(detail["loc"][0])], *detail["loc"][1:])} for detail in error.errors()
            ]
            return {}, messages.readable(details, given)
        return {name: getattr(model, aliases[name]) for name in given}, []

    def without(self, names: Iterable[str]) -> Schema:
        """The same with fewer parameters."""
        hidden = set(names)
        rest = {name: parameter for name, parameter in self.parameters.items() if name not in hidden}
        return dataclasses.replace(self, parameters=rest)


def read(group: str, name: str) -> Schema:
    """The schema of a component as its source says, without importing it.

    Raises:
        ConfigError: if there is no such component; the message names the nearest.
    """
    return of_entry(catalogue.find(group, name))


def of_entry(entry: catalogue.Entry) -> Schema:
    """The schema of a catalogue entry."""
    parameters = {
        item.name: Parameter(typehints.evaluate(item.annotation or ""), item.default) for item in entry.parameters
    }
    known = all(item.annotation is not Any and item.default is not UNKNOWN for item in parameters.values())
    complete = entry.complete and not entry.problem and known
    return Schema(entry.name, parameters, tuple(entry.kinds), dict(entry.class_vars), complete)


def load(group: str, name: str) -> Schema:
    """The schema of a component as its class says.

    Raises:
        ConfigError: if there is no such component.
        PluginError: if it cannot be loaded.
    """
    catalogue.find(group, name)
    return of_class(loading.load(group, name), name)


def known(group: str, name: str) -> Schema:
    """The schema as the source says, or as the class says where that is not all.

    Of a class that cannot be loaded it stays incomplete: whoever builds the component says why.

    Raises:
        ConfigError: as :func:`read`.
        PluginError: if its annotations cannot be evaluated.
    """
    schema = read(group, name)
    if schema.complete:
        return schema
    try:
        cls = loading.load(group, name)
    except PluginError:
        return schema
    return of_class(cls, name)


def of_class(cls: type, name: str) -> Schema:
    """The schema of a dataclass: a component's, or a section's of the configuration.

    A component's class that is no dataclass has no parameters.

    Raises:
        PluginError: if its annotations cannot be evaluated.
    """
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception as error:
        raise PluginError(f"{name}: the annotations of {cls.__qualname__} cannot be read: {error}") from error
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    parameters = {item.name: Parameter(hints[item.name], _default(item)) for item in fields if item.init}
    if not issubclass(cls, Component):
        return Schema(name, parameters)
    return Schema(name, parameters, cls.kinds, _facts(cls))


def of_object(component: Component) -> Schema:
    """The schema of a component that was made already: it takes no parameters."""
    return Schema(type(component).__name__, {}, component.kinds, _facts(component))


def _facts(component: Component | type[Component]) -> dict[str, Any]:
    names = ("needs", "provides", "costs", "minimised", "genotype", "cases")
    return {name: getattr(component, name) for name in names if hasattr(component, name)}


def _default(item: dataclasses.Field[Any]) -> Any:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return REQUIRED if item.default is dataclasses.MISSING else item.default
