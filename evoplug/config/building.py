"""Specs become components, and so does a name with parameters outside of any configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from evoplug.catalogue import loading
from evoplug.catalogue.blame import place, text
from evoplug.config import parameters as schemas
from evoplug.config import tree
from evoplug.config.functions import Reference
from evoplug.config.schema import Checker
from evoplug.config.spec import Spec
from evoplug.config.tree import Origin
from evoplug.contracts import RUN, Component, Dataset, Use
from evoplug.errors import PASSING, ConfigError, Key, Mistake, PluginError, named, require, split
from evoplug.population import examples


def build(group: str, name: str, /, **parameters: Any) -> Component:
    """Make one component outside any run, checked as in a configuration.

    ``build("selections", "lexicase")(fitness, 4, Rng(1))``; a parameter that is itself a component is given as in a
    configuration, ``build("genotypes", "weights", network={"use": "mlp", "hidden": [8]})``, or as an object.

    Raises:
        ConfigError: all mistakes in the parameters, with keys relative to the component's own table.
        PluginError: if the plugin cannot be loaded, or raises anything of its own.
    """
    here = Origin("", Path.cwd())
    checker = Checker(tree.annotate(parameters, lambda key: here))
    for key, message in tree.unfit(parameters, objects=True):
        checker.wrong(key, message)
    checker.done()
    schema = schemas.known(group, name)
    spec = Spec(group, name, checker.parameters(schema, parameters, ()), (), schema)
    checker.done()
    return make(spec)


def make(spec: Spec, seed: int | None = None, /, **more: Any) -> Component:
    """Import the class, build what its parameters hold, make it, and let it check itself.

    Args:
        spec: what to build; an object is taken as it is.
        seed: of the run; None outside any.
        more: further parameters, as objects.

    Raises:
        ConfigError: all mistakes, with keys relative to ``spec``'s table.
        PluginError: if the plugin cannot be loaded, or raises anything else.
    """
    new = partial(_complete, spec.given) if spec.given is not None else loading.load(spec.group, spec.name)
    mistakes: list[Mistake] = []
    parameters = {name: _value(value, (name,), seed, mistakes) for name, value in _seeded(spec, seed, mistakes)}
    if mistakes:
        raise ConfigError(mistakes=mistakes)
    try:
        component: Component = new(**parameters, **more)
        _promised(component)
        mistakes = [Mistake(split(key), message) for key, message in component.check()]
    except PASSING:
        raise
    except BaseException as error:
        raise blamed(f"{spec.group}: {spec.name}", error) from error
    if mistakes:
        raise ConfigError(mistakes=mistakes)
    return component


def blamed(what: str, error: BaseException) -> PluginError:
    """The error for a plugin's exception that is none of evoplug's own."""
    return PluginError(f"{what}: {type(error).__name__}: {' '.join(text(error).split())} ({place(error)})")


def held(component: Component) -> Iterator[tuple[str, Component]]:
    """The parts of a component by the names of its parameters, those in tables too."""
    for name, value in vars(component).items():
        for part in value.values() if isinstance(value, Mapping) else [value]:
            if isinstance(part, Component):
                yield name, part


def _promised(component: Component) -> None:
    """Before a component asks them: do its data sets say what they are?"""
    for _, part in held(component):
        if isinstance(part, Dataset):
            try:
                info = part.info()
            except PASSING:
                raise
            except BaseException as error:
                raise blamed(f"{named(type(part))}: info", error) from error
            require(part, examples.wrong_info(info))


def under(key: Key, error: ConfigError) -> list[Mistake]:
    """The mistakes of a component that stands at ``key``."""
    return [mistake._replace(key=(*key, *mistake.key)) for mistake in error.mistakes]


def _complete(component: Component) -> Component:
    """An object whose parameters may still be defaults of the form ``use(...)``: these become components."""
    for name, value in vars(component).items():
        if isinstance(value, Use):
            contract = schemas.of_class(type(component), type(component).__name__).parameters[name].shape.contract
            assert contract is not None
            setattr(component, name, build(contract.group, value.name, **value.parameters))
    return component


def _seeded(spec: Spec, seed: int | None, mistakes: list[Mistake]) -> Iterator[tuple[str, Any]]:
    """The parameters, with the run's seed in those that follow it."""
    for name, value in spec.parameters.items():
        declared = spec.schema.parameters.get(name)
        follows = declared is not None and declared.shape.is_seed and value == RUN
        if follows and seed is None:
            mistakes.append(Mistake((name,), f'"{RUN}" is the seed of a run, and here is none: give the number'))
        yield name, seed if follows else value


def _value(value: Any, key: Key, seed: int | None, mistakes: list[Mistake]) -> Any:
    """The object that a parameter stands for."""
    try:
        if isinstance(value, Spec):
            return make(value, seed)
        if isinstance(value, Reference):
            return value.resolve()
    except ConfigError as error:
        mistakes += under(key, error)
    if isinstance(value, Mapping) and any(isinstance(inner, Spec) for inner in value.values()):
        return {name: _value(inner, (*key, name), seed, mistakes) for name, inner in value.items()}
    return value
