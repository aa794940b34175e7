"""What holds for the components of every contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Le

from evoplug import catalogue
from evoplug.catalogue import Entry, loading
from evoplug.config import document, parameters
from evoplug.config.building import build
from evoplug.config.schema import Checker
from evoplug.contracts import Component
from evoplug.errors import ConfigError, EvoplugError, PluginError
from evoplug.population.workers import workers
from evoplug.testing.elsewhere import catalogue_alone
from evoplug.testing.problems import companion
from evoplug.testing.randomness import seeded


class Suite:
    """A subclass names its component; cases come from the component's ``examples``."""

    group: ClassVar[str]
    component: ClassVar[type[Component] | None] = None
    """The class, or"""
    name: ClassVar[str] = ""
    """what ``use = NAME`` calls it."""
    examples: ClassVar[Sequence[Mapping[str, Any]] | None] = None
    """Parameters to build it with, where those of the component are not the ones to test."""

    # ------------------------------------------------------------------------------------- for subclasses

    @classmethod
    def entry(cls) -> Entry:
        """The entry of the component in the catalogue."""
        if cls.name:
            return catalogue.find(cls.group, cls.name)
        assert cls.component is not None, f"{cls.__name__} names no component: component = CLASS, or name = NAME"
        for entry in catalogue.entries(cls.group):
            if _leads_to(entry, cls.component):
                return entry
        value = f"{cls.component.__module__}:{cls.component.__qualname__}"
        pytest.fail(f"no entry point in evoplug.{cls.group} leads to {value}; is its package installed (pip install)?")

    @classmethod
    def used(cls) -> str:
        """The name by which a configuration finds the component."""
        return catalogue.usable(cls.entry())

    @classmethod
    def build(cls, example: Mapping[str, Any]) -> Any:
        """The component from one of the examples, checked as in a configuration."""
        return build(cls.group, cls.used(), **example)

    @classmethod
    def cases(cls) -> Sequence[Mapping[str, Any]]:
        """The examples."""
        if cls.examples is not None:
            return cls.examples
        return (cls.component or loading.load(cls.group, cls.name)).examples

    @classmethod
    def companion(cls, section: str) -> Any:
        """What the component wants beside it in this section of a configuration; None where anything will do."""
        return companion(loading.load(cls.group, cls.used()), section)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give every test that takes an ``example`` all of them."""
        if "example" in metafunc.fixturenames:
            metafunc.parametrize("example", self.cases(), ids=_label)

    @pytest.fixture(autouse=True)
    def _as_in_a_run(self) -> Iterator[None]:
        """On one thread unless a test says otherwise."""
        with workers(1):
            yield

    # ---------------------------------------------------------------------------------------------- tests

    def test_the_catalogue_reads_it_without_importing_it(self) -> None:
        entry, alone = self.entry(), catalogue_alone()
        assert not entry.problem
        assert entry.complete, "only an import tells all of it; see the rules at the top of evoplug.contracts"
        assert entry.doc, "it has no docstring"
        assert (entry.group, entry.value) in alone.components
        assert entry.value.partition(":")[0] not in alone.modules, "reading the catalogue imported it"

    def test_the_catalogue_reads_what_the_class_says(self) -> None:
        cls = loading.load(self.group, self.used())
        read, loaded = (find(self.group, self.used()) for find in (parameters.read, parameters.load))
        assert list(read.parameters) == list(loaded.parameters)
        for name, parameter in loaded.parameters.items():
            assert read.parameters[name].default == parameter.default, f"the default of `{name}`"
        assert read.kinds == cls.kinds
        facts = {name: fact for name, fact in read.facts.items() if hasattr(loading.contract(self.group), name)}
        assert {name: getattr(cls, name) for name in facts} == facts

    def test_its_parameters_allow_their_own_defaults(self) -> None:
        schema = parameters.load(self.group, self.used())
        known = {name: parameter.default for name, parameter in schema.parameters.items()}
        given = {name: default for name, default in known.items() if default is None or _is_literal(default)}
        wrong = [f"{'.'.join(map(str, key))}: {message}" for key, message in schema.wrong(given)]
        assert not wrong, f"a default is refused by its own parameter: {'; '.join(wrong)}"

    def test_wrong_parameters_are_refused_where_they_stand(self, tmp_path: Path) -> None:
        """Each key gets a table that nothing can be made of; one key is unknown."""
        keys = [*parameters.load(self.group, self.used()).parameters, "no-such-parameter"]
        file = tmp_path / "wrong.toml"
        wrong = [f"{key} = {{ no = {{ such = 1 }} }}" for key in keys]
        file.write_text("\n".join(["evoplug = 1", "[part]", f'use = "{self.used()}"', *wrong]), encoding="utf-8")
        read = document.load(file)
        checker = Checker(read.root)
        checker.component(self.group, read.data["part"], ("part",))
        refused = {str(mistake.key[1]): mistake.where for mistake in checker.mistakes}
        for line, key in enumerate(keys, start=4):
            assert key in refused, f"`{key}` takes anything; give it a type"
            assert refused[key] == f"{file}:{line}", f"the mistake at `{key}` is not where it stands"

    def test_its_companions_can_be_built(self) -> None:
        for section in loading.load(self.group, self.used()).companions:
            assert section in ("genotype", "evaluator"), f"nobody can stand beside it as `{section}`"
            assert isinstance(self.companion(section), loading.contract(f"{section}s"))

    def test_it_is_built_without_global_random_numbers(self, example: Mapping[str, Any]) -> None:
        with seeded(1):
            built = self.build(example)
        assert isinstance(built, loading.contract(self.group))

    def test_values_at_the_edge_are_taken_or_refused_in_words(self, example: Mapping[str, Any]) -> None:
        """What the types allow is built, or it is a ConfigError with the key of a parameter."""
        known = parameters.load(self.group, self.used()).parameters
        edges = [(name, value) for name, parameter in known.items() for value in _edges(parameter.annotation)]
        for name, value in edges:
            try:
                self.build({**example, name: value})
            except ConfigError as error:
                unknown = {wrong.key[0] for wrong in error.mistakes if wrong.key} - set(known)
                if unknown:
                    pytest.fail(f"{name} = {value!r}: {error}: there is no parameter {' '.join(map(str, unknown))}")
            except PluginError as error:
                pytest.fail(f"{name} = {value!r}: {error}; refuse it by a bound, or in `check`")


def _is_literal(default: Any) -> bool:
    if isinstance(default, tuple | list):
        return all(map(_is_literal, default))
    return type(default) in (bool, int, float, str)


def _label(example: Mapping[str, Any]) -> str:
    text = ", ".join(f"{name}={value}" for name, value in example.items())
    return text[:40] or "defaults"


def _leads_to(entry: Entry, component: type[Component]) -> bool:
    """Whether an entry point leads to this class, directly or by another module of its package."""
    if entry.value == f"{component.__module__}:{component.__qualname__}":
        return True
    if entry.value.partition(":")[0].partition(".")[0] != component.__module__.partition(".")[0]:
        return False
    try:
        return loading.load(entry.group, catalogue.usable(entry)) is component
    except EvoplugError:
        return False


def _edges(annotation: Any) -> Iterator[Any]:
    """Of a parameter's type, the bounds that are values too, both truth values and all literals."""
    arguments = get_args(annotation)
    if annotation is bool:
        yield from (False, True)
    elif get_origin(annotation) is Literal:
        yield from arguments
    elif get_origin(annotation) is Annotated:
        yield from (bound.ge for bound in arguments[1:] if isinstance(bound, Ge))
        yield from (bound.le for bound in arguments[1:] if isinstance(bound, Le))
        yield from _edges(arguments[0])
    elif get_origin(annotation) in (Union, UnionType):
        yield from (edge for member in arguments for edge in _edges(member))
