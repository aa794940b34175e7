"""Loading: lazy, and whatever a plugin does wrong becomes one line that says whose it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, Entry, loading
from evoplug.contracts import Mutation
from evoplug.errors import ConfigError, PluginError
from strangers import LEVY, Site, visit


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield from visit(tmp_path)


def add(site: Site, text: str, value: str = "levy.ops:Levy") -> None:
    site.add("evoplug-levy", {"mutations/levy": value}, {"levy/__init__.py": "", "levy/ops.py": text})


def test_a_component_is_loaded_by_name(site: Site) -> None:
    add(site, LEVY)
    levy = loading.load("mutations", "levy")
    assert issubclass(levy, Mutation)
    assert levy.kinds == ("real-vector",)


@pytest.mark.parametrize(
    ("text", "cause", "error"),
    [
        (
            "import a_module_that_is_nowhere",
            "ModuleNotFoundError: No module named 'a_module_that_is_nowhere'",
            ImportError,
        ),
        ("class Levy(\n", "SyntaxError: '(' was never closed (ops.py, line 1)", SyntaxError),
        ("import sys\nsys.exit(3)", "SystemExit: 3", SystemExit),
        ("raise ValueError('two\\nlines')", "ValueError: two lines", ValueError),
        ("Levi = 1", "AttributeError: module 'levy.ops' has no attribute 'Levy'", AttributeError),
        ("class Levy: ...", "`Levy` does not extend `Mutation`, the contract of evoplug.mutations", None),
        ("Levy = 3", "`Levy` does not extend `Mutation`, the contract of evoplug.mutations", None),
        (
            LEVY.replace("Mutation", "Crossover"),
            "`Levy` does not extend `Mutation`, the contract of evoplug.mutations",
            None,
        ),
        (
            LEVY.replace("@dataclass(kw_only=True)", ""),
            "`Levy` is no dataclass, so its fields are no parameters (`alpha`, `steps`): "
            "write @dataclass(kw_only=True) above it",
            None,
        ),
    ],
)
def test_a_failure_names_entry_point_distribution_and_cause(
    site: Site, text: str, cause: str, error: type[BaseException] | None
) -> None:
    add(site, text)
    with pytest.raises(PluginError) as caught:
        loading.load("mutations", "levy")
    assert str(caught.value) == f"evoplug.mutations: levy = levy.ops:Levy (evoplug-levy 1.0): {cause}"
    assert isinstance(caught.value.__cause__, error) if error else caught.value.__cause__ is None


def test_an_entry_point_without_a_class_is_refused(site: Site) -> None:
    add(site, LEVY, value="levy.ops")
    with pytest.raises(PluginError, match=r"levy = levy\.ops \(evoplug-levy 1\.0\): "):
        loading.load("mutations", "levy")


def test_a_plugin_for_another_evoplug_is_not_imported(site: Site) -> None:
    files = {"levy/__init__.py": "raise AssertionError('imported')", "levy/ops.py": LEVY}
    site.add("evoplug-levy", {"mutations/levy": "levy.ops:Levy"}, files, requires=["evoplug>=99"])
    with pytest.raises(PluginError, match="needs evoplug>=99; this is"):
        loading.load("mutations", "levy")


def test_a_broken_plugin_does_not_disturb_its_neighbours(site: Site) -> None:
    files = {"bad/__init__.py": "import sys; sys.exit()", "good.py": LEVY}
    site.add("evoplug-levy", {"mutations/bad": "bad:Levy", "mutations/good": "good:Levy"}, files)
    with pytest.raises(PluginError):
        loading.load("mutations", "bad")
    assert loading.load("mutations", "good").__name__ == "Levy"


def test_ctrl_c_during_an_import_is_no_fault_of_the_plugin(site: Site) -> None:
    add(site, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        loading.load("mutations", "levy")


def test_an_unknown_name_or_group_is_a_mistake_of_the_configuration(site: Site) -> None:
    add(site, LEVY)
    with pytest.raises(ConfigError, match="there is no mutation `levi`; did you mean `levy`\\?"):
        loading.load("mutations", "levi")
    with pytest.raises(ConfigError, match="there is no group `mutation`"):
        loading.load("mutation", "levy")
    with pytest.raises(ConfigError, match="`presets` holds no components; choices: genotypes, "):
        loading.load("presets", "quickstart")


@pytest.mark.parametrize(
    "entry",
    [e for e in catalogue.entries() if e.complete and not e.problem and e.parameters],
    ids=lambda entry: f"{entry.group}-{entry.name}",
)
def test_the_catalogue_says_of_evoplugs_own_what_their_classes_say(entry: Entry) -> None:
    loaded = loading.load(entry.group, entry.name)
    assert entry.kinds == loaded.kinds
    fields = {item.name: item for item in dataclasses.fields(loaded) if item.init}
    assert [parameter.name for parameter in entry.parameters] == list(fields)
    for parameter in entry.parameters:
        item = fields[parameter.name]
        made = item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
        assert parameter.default == (REQUIRED if made is dataclasses.MISSING else made)
    assert {name: getattr(loaded, name) for name in entry.class_vars} == dict(entry.class_vars)
