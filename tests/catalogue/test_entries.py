"""The catalogue: everything that is installed, whatever state it is in, without importing any of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from evoplug import catalogue
from evoplug.catalogue import REQUIRED, Entry, installed
from evoplug.errors import ConfigError, PluginError
from strangers import LEVY, Site, visit


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield from visit(tmp_path)


POINT = {"mutations/levy": "levy.ops:Levy"}
FILES = {"levy/__init__.py": "raise RuntimeError('imported')", "levy/ops.py": LEVY}


def entry(name: str = "levy", group: str = "mutations") -> Entry:
    return next(entry for entry in catalogue.entries(group) if entry.name == name)


def test_a_strangers_component_is_read_without_running_its_package(site: Site) -> None:
    site.add("evoplug-levy", POINT, FILES)
    levy = entry()
    assert (levy.distribution, levy.version, levy.value) == ("evoplug-levy", "1.0", "levy.ops:Levy")
    assert (levy.file, levy.line) == (site.folder / "levy/ops.py", 5)
    assert levy.doc == "Add Levy flights."
    assert "Mantegna" in levy.docstring
    assert [(p.name, p.default) for p in levy.parameters] == [("alpha", 1.5), ("steps", REQUIRED)]
    assert levy.kinds == ("real-vector",)
    assert levy.problem is None
    assert levy.complete
    assert "levy" not in sys.modules


def test_a_module_and_a_namespace_package_are_found_too(site: Site) -> None:
    site.add("one-file", {"mutations/single": "single:Levy"}, {"single.py": LEVY})
    site.add("no-init", {"mutations/nested": "space.deep.ops:Levy"}, {"space/deep/ops.py": LEVY})
    assert entry("single").problem is None
    assert entry("nested").file == site.folder / "space/deep/ops.py"


def test_a_package_that_a_finder_of_its_own_puts_elsewhere_is_found(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path_factory.mktemp("checkout") / "sources"
    Site(checkout).write("__init__.py", "")
    Site(checkout).write("ops.py", LEVY)

    class Editable:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            return spec_from_file_location(name, checkout / "__init__.py") if name == "levy" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Editable])
    site.add("evoplug-levy", POINT, {})
    assert entry().file == checkout / "ops.py"
    assert entry().problem is None


@pytest.mark.parametrize(
    ("value", "text", "problem"),
    [
        ("broken.ops:Levy", "class Levy(\n", "syntax error in {folder}/broken/ops.py:1: '(' was never closed"),
        ("broken.gone:Levy", "", "there is no module `broken.gone`"),
        ("nowhere.ops:Levy", "", "there is no module `nowhere.ops`"),
        ("broken.ops:Levi", LEVY, "module `broken.ops` has no `Levi`"),
        ("broken.ops", LEVY, "its entry point `broken.ops` names no class: write `module:Class`"),
        (
            "broken.ops:Levy",
            LEVY.replace("Mutation", "Crossover"),
            "`Levy` does not extend `Mutation`, the contract of evoplug.mutations",
        ),
        (
            "broken.ops:Levy",
            LEVY.replace("@dataclass(kw_only=True)", ""),
            "`Levy` is no dataclass, so its fields are no parameters (`alpha`, `steps`): "
            "write @dataclass(kw_only=True) above it",
        ),
        ("broken.ops:Levy", "Levy = lambda: 1\ndef f(): ...", None),
        ("broken.ops:f", "def f(): ...", "`f` does not extend `Mutation`, the contract of evoplug.mutations"),
    ],
)
def test_what_is_broken_is_said_in_its_entry(site: Site, value: str, text: str, problem: str | None) -> None:
    site.add("evoplug-broken", {"mutations/levy": value}, {"broken/__init__.py": "", "broken/ops.py": text})
    assert entry().problem == (problem and problem.format(folder=site.folder))
    assert not entry().complete or entry().problem


def test_source_that_python_itself_cannot_take_is_broken(site: Site) -> None:
    site.add("evoplug-levy", POINT, {"levy/__init__.py": "", "levy/ops.py": "x = " + "-" * 100_000 + "1"})
    assert (entry().problem or "").startswith(f"{site.folder}/levy/ops.py cannot be read: ")


def test_a_class_made_when_imported_is_incomplete_and_not_broken(site: Site) -> None:
    site.add("evoplug-levy", {"mutations/levy": "levy:Levy"}, {"levy/__init__.py": "from torch import Levy"})
    assert (entry().problem, entry().complete) == (None, False)


def test_definitions_are_followed_inside_a_package_and_no_further(site: Site) -> None:
    files = {
        "levy/__init__.py": "from .flights import Heavy as Levy, Light, Foreign",
        "levy/flights/__init__.py": """
            from evoplug.contracts import dataclass
            from ..ops import Levy
            import levy.ops
            from torch import nn

            @dataclass
            class Heavy(Levy, genome="heavy"):
                weight: int = 3

            class Light(levy.ops.Levy): ...
            class Foreign(nn.Module): ...
        """,
        "levy/ops.py": LEVY,
    }
    points = {"mutations/heavy": "levy:Levy", "mutations/light": "levy:Light", "mutations/foreign": "levy:Foreign"}
    site.add("evoplug-levy", points, files)
    heavy = entry("heavy")
    assert (heavy.problem, heavy.complete, heavy.kinds) == (None, True, ("heavy",))
    assert (heavy.file, heavy.line) == (site.folder / "levy/flights/__init__.py", 8)
    assert [p.name for p in heavy.parameters] == ["alpha", "steps", "weight"]
    assert entry("light").kinds == ("real-vector",)
    assert (entry("foreign").problem, entry("foreign").complete) == (None, False)


def test_modules_that_import_a_class_from_each_other_are_no_endless_search(site: Site) -> None:
    files = {"levy/__init__.py": "", "levy/ops.py": "from .b import Levy", "levy/b.py": "from .ops import Levy"}
    site.add("evoplug-levy", POINT, files)
    assert not entry().complete


@pytest.mark.parametrize(
    ("requirement", "problem"),
    [
        ("evoplug>=99", "needs evoplug>=99; this is 0.1.0"),
        ("EvoPlug[test] <0.1", "needs evoplug<0.1; this is 0.1.0"),
        ("evoplug>=0.1,<1", None),
        ("evoplug>=0.1", None),
        ("evoplug>=0.1.0.0", None),
        ("evoplug>=0.10", "needs evoplug>=0.10; this is 0.1.0"),
        ("evoplug>=99; python_version < '3'", None),
        ("evoplug-basics>=99", None),
        ("evoplug >=> 1", "its requirement `evoplug >=> 1` cannot be read"),
    ],
)
def test_a_bound_on_evoplugs_version_is_held(
    site: Site, monkeypatch: pytest.MonkeyPatch, requirement: str, problem: str | None
) -> None:
    monkeypatch.setattr(installed, "__version__", "0.1.0")
    site.add("evoplug-levy", POINT, FILES, requires=["numpy", requirement])
    assert entry().problem == problem


def test_damaged_metadata_of_another_package_disturb_nothing(site: Site) -> None:
    site.add("evoplug-levy", POINT, FILES)
    for index, damage in enumerate((b"[evoplug.mutations]\nno equals sign\n", b"[evoplug.mutations]\n\xff = a:B\n")):
        info = site.folder / f"damaged{index}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_bytes(damage)
    catalogue.refresh()
    assert entry().problem is None


def test_a_bare_name_means_evoplugs_own(site: Site) -> None:
    site.add("a-shadow", {"mutations/gaussian": "levy.ops:Levy"}, FILES)
    own, shadow = (e for e in catalogue.entries("mutations") if e.name == "gaussian")
    assert own.distribution == "evoplug"
    assert catalogue.find("mutations", "gaussian") is own
    assert catalogue.find("mutations", "evoplug/gaussian") is own
    assert catalogue.find("mutations", "A_Shadow/gaussian") is shadow
    assert [catalogue.usable(e) for e in (own, shadow)] == ["gaussian", "a-shadow/gaussian"]


def test_a_name_of_two_others_must_say_whose(site: Site) -> None:
    site.add("dist-a", POINT, FILES)
    site.add("dist-b", POINT, {})
    with pytest.raises(PluginError) as caught:
        catalogue.find("mutations", "levy")
    assert str(caught.value) == ('mutation `levy` is in more than one distribution; say "dist-a/levy" or "dist-b/levy"')
    assert catalogue.find("mutations", "dist-b/levy").distribution == "dist-b"


def test_an_unknown_name_gets_the_nearest_the_right_group_or_the_choices(site: Site) -> None:
    site.add("evoplug-levy", {"mutations/levy-flight": "levy.ops:Levy"}, FILES)
    assert catalogue.unknown("mutations", "levy-fligth") == (
        "there is no mutation `levy-fligth`; did you mean `levy-flight`?"
    )
    assert catalogue.unknown("networks", "levy-flight").startswith(
        "`levy-flight` is a mutation, not a network; choices: "
    )
    assert catalogue.unknown("crossovers", "levy-fligth") == (
        "there is no crossover `levy-fligth`; did you mean the mutation `levy-flight`?"
    )
    assert catalogue.unknown("selections", "qqq").startswith(
        "there is no selection `qqq`; choices: batch-lexicase, best, "
    )
    with pytest.raises(ConfigError) as caught:
        catalogue.find("mutations", "levy-fligth")
    assert caught.value.mistakes[0].key == ()


def test_a_suggestion_is_a_name_that_can_be_used(site: Site) -> None:
    """The nearest may be in two distributions, or the second of its name."""
    site.add("dist-a", POINT, FILES)
    site.add("dist-b", {**POINT, "mutations/gaussian": "levy.ops:Levy"}, {})
    assert catalogue.unknown("mutations", "lewy") == (
        "there is no mutation `lewy`; did you mean `dist-a/levy` or `dist-b/levy`?"
    )
    assert catalogue.unknown("crossovers", "lewy").endswith("did you mean the mutation `dist-a/levy` or `dist-b/levy`?")
    assert "did you mean `gaussian` or `dist-b/gaussian` or" in catalogue.unknown("mutations", "gausian")
    assert catalogue.unknown("mutations", "qqq").endswith(", dist-a/levy, dist-b/levy, dist-b/gaussian")


def test_an_unknown_group_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no group `mutation`; did you mean `mutations`\\?"):
        catalogue.entries("mutation")


def test_presets_are_named_by_their_path_and_described_by_their_first_comment(site: Site) -> None:
    site.add(
        "more-presets",
        {"presets/more": "more_presets", "presets/gone": "gone_presets"},
        {
            "more_presets/__init__.py": "raise RuntimeError('imported')",
            "more_presets/levy/wide.toml": "# Levy flights.\n# Wide ones.\nevoplug = 1\n# not this\n",
            "more_presets/quickstart.toml": "evoplug = 1\n",
        },
    )
    wide = catalogue.find("presets", "levy/wide")
    assert (wide.doc, wide.docstring) == ("Levy flights.", "Levy flights.\nWide ones.")
    assert (
        catalogue.presets()["levy/wide"] == catalogue.preset("levy/wide") == site.folder / "more_presets/levy/wide.toml"
    )
    assert catalogue.preset("quickstart") != site.folder / "more_presets/quickstart.toml"
    assert catalogue.preset("more-presets/quickstart") == site.folder / "more_presets/quickstart.toml"
    with pytest.raises(ConfigError, match="there is no preset `levy/wild`; did you mean `levy/wide`\\?"):
        catalogue.preset("levy/wild")
    with pytest.raises(PluginError, match="there is no package `gone_presets`"):
        catalogue.preset("gone")


def test_every_group_is_listed_in_order() -> None:
    groups = list(dict.fromkeys(entry.group for entry in catalogue.entries()))
    assert groups == [group for group in catalogue.GROUPS if catalogue.entries(group)]


def test_what_is_read_of_evoplugs_own_is_whole() -> None:
    """The rules of ``evoplug.contracts`` are kept: nothing is broken, nothing needs an import to be known."""
    own = [entry for entry in catalogue.entries() if entry.distribution == "evoplug"]
    assert [(e.group, e.name, e.problem) for e in own if e.problem or not e.complete] == []
    assert [(e.group, e.name) for e in own if not e.doc] == []
    assert [(e.group, e.name, p.name) for e in own for p in e.parameters if not p.annotation] == []


def test_the_command_line_finds_plugins_through_pythonpath(site: Site) -> None:
    site.add("evoplug-levy", POINT, FILES)
    site.add("evoplug-broken", {"mutations/broken": "levy.ops:Nothing"}, {})
    done = subprocess.run(
        [sys.executable, "-m", "evoplug", "list", "mutations"],
        env={**os.environ, "PYTHONPATH": str(site.folder)},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = {line.split()[1]: " ".join(line.split()[2:]) for line in done.stdout.splitlines()}
    assert lines["levy"] == "Add Levy flights. (evoplug-levy 1.0) alpha=1.5, steps"
    assert lines["broken"] == "broken: module `levy.ops` has no `Nothing` (evoplug-broken 1.0)"
