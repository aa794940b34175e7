"""Components that a call from Python gave: their parameters, checked as those of a configuration are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any

from evoplug.config import messages, parameters, tree
from evoplug.config.parameters import Parameter
from evoplug.contracts import Component
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
            yield from _special(schema.parameters[name], value, (*key, name))


def _special(parameter: Parameter, value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """What is wrong with a parameter that holds components or functions."""
    shape = parameter.shape
    if shape.contract:
        if not (value is None and shape.optional):
            yield from _component(shape.contract, value, key)
    elif shape.contract_of_each and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _component(shape.contract_of_each, inner, (*key, name))
    elif shape.known and isinstance(value, str) and value not in shape.known:
        yield key, f"must be a function, or a known name; {messages.suggestion(value, shape.known)}"


def _component(contract: type[Component], value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(value, contract):
        yield from mistakes(value, key)
    elif _is_data(value):
        what = f'must be an object of {contract.__name__}, e.g. evoplug.build("{contract.group}", NAME)'
        yield key, f"{what}, got {messages.given(value)}"


def _is_data(value: Any) -> bool:
    return value is None or not any(tree.unfit(value))
