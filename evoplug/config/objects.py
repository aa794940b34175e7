"""Components that a call from Python gave: their parameters, checked as those of a configuration are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from evoplug import catalogue
from evoplug.config import messages, parameters, tree
from evoplug.config.parameters import Parameter
from evoplug.config.spec import named
from evoplug.contracts import RUN, Component
from evoplug.errors import Key, PluginError


def mistakes(component: Component, key: Key) -> Iterator[tuple[Key, str]]:
    """(key, message) of each parameter of an object, and of the objects that it holds, that its class rules out.

    Only values that a configuration could hold are looked at, and None: a tensor, a path or a function is the object's
    own affair, and so is a default of its class. Of a class that is no dataclass, or whose annotations cannot be read,
    nothing is known.

    Args:
        component: the object.
        key: where it stands.
    """
    if not is_dataclass(component):
        return
    with suppress(PluginError):
        schema = parameters.of_class(type(component), type(component).__name__)
        held = {name: getattr(component, name, item.default) for name, item in schema.parameters.items()}
        own = {name: value for name, value in held.items() if value is not schema.parameters[name].default}
        for inner, message in schema.wrong({name: value for name, value in own.items() if _is_data(value)}):
            yield (*key, *inner), message
        for name, value in own.items():
            yield from _of_numpy(schema.parameters[name], value, (*key, name))
            yield from _special(schema.parameters[name], value, (*key, name))


def misplaced(group: str, given: Any) -> str | None:
    """What is wrong with an object of another group, or with a class, where an object of ``group`` should stand."""
    cls = given if isinstance(given, type) else type(given)
    if not (issubclass(cls, Component) and hasattr(cls, "group")):
        return None
    if cls.group != group:
        return f"`{cls.__name__}` is {catalogue.a(cls.group)}, not {catalogue.a(group)}"
    return f"`{cls.__name__}` is a class: give an object, {cls.__name__}(...)" if given is cls else None


def settings(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """(key, value) of each field of a dataclass that a configuration could hold, in the order of the fields; of those
    that hold components, what these are and their own fields.

    Args:
        value: the object.
        key: where it stands; that of the outermost is empty.
    """
    if isinstance(value, Component):
        if key:
            yield key, named(value)
        names: list[str] = [item.name for item in fields(value) if item.init] if is_dataclass(value) else []
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from settings(inner, (*key, str(name)))
    elif isinstance(value, Path):
        yield key, str(value)
    elif _is_data(value):
        yield key, value


def _of_numpy(parameter: Parameter, value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """numpy's scalars, which no file of a run can hold, where the class does not ask for them."""
    if isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _of_numpy(parameter, inner, (*key, index))
    elif _is_numpy_scalar(value) and type(value) is not parameter.shape.core:
        yield key, f"must be a value of Python's own, got {messages.given(value)}; take its .item()"


def _is_numpy_scalar(value: Any) -> bool:
    """Told without importing numpy; its float64 is a float of Python's too."""
    return type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and not isinstance(value, float)


def _special(parameter: Parameter, value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """What is wrong with a parameter that holds components or functions, or follows a run."""
    shape = parameter.shape
    if shape.contract:
        if not (value is None and shape.optional):
            yield from _component(shape.contract, value, key)
    elif shape.contract_of_each and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _component(shape.contract_of_each, inner, (*key, name))
    elif shape.is_seed and value == RUN:
        yield key, f'"{RUN}" is for a part that a configuration names; an object takes the number itself'
    elif shape.known and isinstance(value, str) and value not in shape.known:
        yield key, f"must be a function, or a known name; {messages.suggestion(value, shape.known)}"


def _component(contract: type[Component], value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(value, contract):
        yield from mistakes(value, key)
    elif message := misplaced(contract.group, value):
        yield key, message
    elif not isinstance(value, type) and contract.adopt(value) is not None:
        what = f"{contract.__name__}.adopt(...) makes one of a `{type(value).__name__}`"
        yield key, f"must be an object of {contract.__name__}: {what}"
    elif _is_data(value):
        what = f'must be an object of {contract.__name__}, e.g. evoplug.build("{contract.group}", NAME)'
        yield key, f"{what}, got {messages.given(value)}"


def _is_data(value: Any) -> bool:
    return value is None or not any(tree.unfit(value))
