"""A checked component: what to build, as plain data, or the object that a call from Python gave."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evoplug.config import parameters
from evoplug.config.parameters import Schema
from evoplug.contracts import Adopted, Component
from evoplug.errors import ConfigError, Key, dotted

OBJECT = "object of "
"""What stands before the name of a class where a configuration can only say that there was an object."""


@dataclass(frozen=True)
class Spec:
    """One component of a configuration, its parameters checked and its defaults filled in."""

    group: str
    name: str
    parameters: Mapping[str, Any]
    """Plain values with absolute paths, :class:`Spec`, mappings name -> Spec, and
    :class:`evoplug.config.functions.Reference`."""
    key: Key
    """Where it stands in the configuration."""
    schema: Schema = field(repr=False, compare=False)
    given: Component | None = None
    """The component itself, where a call from Python gave it in place of a name."""

    def __repr__(self) -> str:
        return f"Spec({dotted(self.key) or self.group}: {self.name})"

    @classmethod
    def of(cls, component: Component, key: Key) -> Spec:
        """An object that stands in a configuration."""
        schema = parameters.of_object(component)
        return cls(component.group, kind(component).__name__, {}, key, schema, component)

    def apart(self) -> Spec:
        """The same, with a copy of its own of every object that stands in it.

        Raises:
            ConfigError: if one of them cannot be copied.
        """
        if self.given is None:
            return replace(self, parameters={name: _apart(value) for name, value in self.parameters.items()})
        try:
            return replace(self, given=copy.deepcopy(self.given))
        except Exception as error:  # whatever the object holds
            what = f"`{kind(self.given).__qualname__}` cannot be copied, which each run of a sweep needs"
            raise ConfigError(self.key, f"{what}: {' '.join(str(error).split())}") from error

    def table(self) -> dict[str, Any]:
        """As a table of a configuration that says everything; None, which TOML lacks, is left out."""
        if self.given is not None:
            return {"use": named(self.given)}
        filled = {name: as_toml(value) for name, value in self.parameters.items() if value is not None}
        # A component that was switched off would come back as the default if it were left out.
        off = {
            name: "none" for name, value in self.parameters.items() if value is None and self._defaults_to_part(name)
        }
        return {"use": self.name, **filled, **off}

    def inside(self) -> Iterator[Spec]:
        """This component and all that it holds."""
        yield self
        for value in self.parameters.values():
            held = value.values() if isinstance(value, Mapping) else [value]
            for spec in held:
                if isinstance(spec, Spec):
                    yield from spec.inside()

    def _defaults_to_part(self, name: str) -> bool:
        parameter = self.schema.parameters.get(name)
        return parameter is not None and parameter.shape.contract is not None and parameter.default is not None


def _apart(value: Any) -> Any:
    """A parameter's value, as :meth:`Spec.apart`."""
    if isinstance(value, Spec):
        return value.apart()
    return {name: _apart(inner) for name, inner in value.items()} if isinstance(value, Mapping) else value


def as_toml(value: Any) -> Any:
    """A parameter's value with nothing in it but what TOML has."""
    if isinstance(value, Spec):
        return value.table()
    if isinstance(value, Mapping):
        return {name: as_toml(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_toml(inner) for inner in value]
    if isinstance(value, Component) or callable(value):
        return named(value)
    return str(value) if isinstance(value, str | Path) else value


def named(given: Component | Callable[..., Any]) -> str:
    """How a component or a function that is an object is written down: ``"object of MyEvaluator"``.

    Without the module, which is another one where a script is imported.
    """
    return f"{OBJECT}{kind(given).__qualname__}"


def kind(given: Component | Callable[..., Any]) -> Any:
    """An object's class, of one that was adopted that of what it was made of; a function itself."""
    given = given.adopted if isinstance(given, Adopted) else given
    return given if hasattr(given, "__qualname__") else type(given)
