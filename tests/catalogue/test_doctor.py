"""What the doctor finds: plugins that load or do not, requirements, the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evoplug import ConfigError, api, catalogue
from evoplug.catalogue import conformance, doctor, lookup
from evoplug.catalogue.loading import load
from evoplug.catalogue.remarks import remarks
from strangers import LEVY, Site, visit

POINT = {"mutations/levy": "levy:Levy"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Strangers alone: loading all of evoplug's own takes seconds."""
    entries = lookup.entries

    def others(group: str | None = None) -> tuple[catalogue.Entry, ...]:
        return tuple(entry for entry in entries(group) if entry.distribution not in ("evoplug", "demanding"))

    monkeypatch.setattr(lookup, "entries", others)
    monkeypatch.setattr(catalogue, "entries", others)
    yield from visit(tmp_path)


def test_a_sound_plugin_is_loaded(site: Site) -> None:
    site.add("evoplug-levy", POINT, {"levy.py": LEVY}, requires=["evoplug>=0.1", "numpy"])
    (plugin,) = doctor.plugins(api.check)
    assert (plugin.name, plugin.version, plugin.well, plugin.unmet) == ("evoplug-levy", "1.0", True, ())
    (part,) = plugin.parts
    assert (part.entry.name, part.problem) == ("levy", None)
    assert part.seconds > 0


def test_what_fails_is_said_of_its_part_alone(site: Site) -> None:
    points = {**POINT, "mutations/loud": "loud:Levy", "mutations/none": "levy:Nothing"}
    site.add("evoplug-levy", points, {"levy.py": LEVY, "loud.py": "print('hello')\nimport no_such_library\n"})
    (plugin,) = doctor.plugins(api.check)
    assert not plugin.well
    assert {part.entry.name: part.problem for part in plugin.parts} == {
        "levy": None,
        "loud": "ModuleNotFoundError: No module named 'no_such_library'",
        "none": "AttributeError: module 'levy' has no attribute 'Nothing'",
    }


ODD = """
    from evoplug.contracts import Annotated, ClassVar, Evaluator, Genotype, Mutation, dataclass

    ONE = 1

    @dataclass(kw_only=True)
    class Line(Genotype, genome="real-vector"):
        length: int = 1

    @dataclass(kw_only=True)
    class Odd(Mutation, genome="real-vectr"):
        strength: float = ONE + ONE
        rate: float = 0.5
        constant = 0.1
        label: ClassVar[str] = "a constant"

    @dataclass(kw_only=True)
    class Child(Odd, genome=("real-vector", "tree")):
        rate = 0.7
        label = "another"

    @dataclass(kw_only=True)
    class Sound(Evaluator, genome="real-vector"):
        deterministic = True
        costs = ("epochs",)
        size: int = 3
"""


def test_what_may_not_be_meant_so_is_said_and_is_no_failure(site: Site) -> None:
    groups = {"genotypes/line": "Line", "mutations/odd": "Odd", "mutations/child": "Child", "evaluators/sound": "Sound"}
    site.add("evoplug-odd", {key: f"odd:{name}" for key, name in groups.items()}, {"odd.py": ODD})
    (plugin,) = doctor.plugins(api.check)
    assert plugin.well
    unread = "only an import tells all about its parameters (`strength`)"
    assert {part.entry.name: part.remarks for part in plugin.parts} == {
        "line": (),
        "sound": (),
        "odd": (
            unread,
            "no installed genotype is of kind `real-vectr`; did you mean `real-vector`?",
        ),
        "child": (
            unread,
            "`rate = 0.7` changes no default: its type is missing",
            "no installed genotype is of kind `tree`",
        ),
    }


def test_there_is_nothing_to_remark_on_evoplugs_own() -> None:
    own = [entry for entry in catalogue.entries() if entry.distribution == "evoplug" and entry.group != "presets"]
    assert {entry.name: said for entry in own if (said := [*remarks(entry, load(entry.group, entry.name))])} == {}


def test_what_a_plugin_prints_does_not_get_into_the_output(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("evoplug-loud", {"mutations/loud": "loud:Levy"}, {"loud.py": f"{LEVY}\n    print('hello')\n"})
    assert [plugin.well for plugin in doctor.plugins(api.check)] == [True]
    assert capsys.readouterr() == ("", "hello\n")


def test_presets_are_checked(site: Site) -> None:
    files = {"levy_presets/__init__.py": "", "levy_presets/levy/wide.toml": "evoplug = 1\n[run\n"}
    site.add("levy-presets", {"presets/levy": "levy_presets"}, files)
    (plugin,) = doctor.plugins(api.check)
    (part,) = plugin.parts
    assert part.entry.name == "levy/wide"
    assert part.problem
    assert part.problem.startswith(f"{site.folder}/levy_presets/levy/wide.toml:2: ")


def test_requirements_that_do_not_hold_are_named(site: Site) -> None:
    requires = [
        "torch>=99",
        "a-library-that-is-not-there>=1",
        "another-one; extra == 'test'",
        "a-third; python_version < '3'",
        "numpy>=1",
        "torch ~~ 1",
    ]
    site.add("evoplug-levy", POINT, {"levy.py": LEVY}, requires=requires)
    (plugin,) = doctor.plugins(api.check)
    assert [problem.partition(";")[0] for problem in plugin.unmet] == [
        "needs torch>=99",
        "needs a-library-that-is-not-there>=1, which is not installed",
        "its requirement `torch ~~ 1` cannot be read",
    ]
    assert not plugin.well


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("evoplug.mutation", "; did you mean `evoplug.mutations`?"),
        ("evoplug_mutations", "; did you mean `evoplug.mutations`?"),
        ("evoplug.something", ""),
    ],
)
def test_a_group_that_is_a_typing_error_is_found(site: Site, written: str, meant: str) -> None:
    site.write("levy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: levy\nVersion: 1.0\n")
    site.write("levy-1.0.dist-info/entry_points.txt", f"[{written}]\nlevy = levy:Levy\n")
    catalogue.refresh()
    (plugin,) = doctor.plugins(api.check)
    assert [part.problem for part in plugin.parts] == [f"there is no group `{written}`{meant}"]


def test_the_groups_of_others_are_theirs(site: Site) -> None:
    site.write("levy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: evoplug-levy\nVersion: 1.0\n")
    site.write("levy-1.0.dist-info/entry_points.txt", "[evoplug_levy.kernels]\na = levy:Levy\n[pytest11]\nb = levy\n")
    catalogue.refresh()
    assert list(doctor.plugins(api.check)) == []


def test_the_machine_is_this_one() -> None:
    import torch

    machine = doctor.machine()
    assert machine.torch == torch.__version__
    assert machine.threads == torch.get_num_threads()
    assert machine.cores >= 1
    assert machine.memory is None or machine.memory > 0.1


def test_suites_take_the_name_of_a_distribution_in_any_spelling(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add("Evoplug-levy", POINT, {"levy.py": LEVY})
    asked = []
    monkeypatch.setattr(pytest, "main", lambda arguments, plugins: asked.append(Path(arguments[0]).read_text()))
    assert conformance.conformance("evoplug_Levy", print) == []
    assert "suites('Evoplug-levy')" in asked[0]


def test_suites_of_what_is_not_there_are_refused(site: Site) -> None:
    site.add("evoplug-levy", POINT, {"levy.py": LEVY})
    with pytest.raises(ConfigError, match=r"^no distribution `levy` with components is installed; .* evoplug-levy$"):
        conformance.conformance("levy", print)
