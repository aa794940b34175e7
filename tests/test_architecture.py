"""Imports point one way, as the layout says."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted(path for path in (ROOT / "evoplug").rglob("*.py") if "templates" not in path.parts)
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in CORE}
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
PUBLIC = ("evoplug", *(f"evoplug.{name}" for name in ("contracts", "backends", "population", "analysis", "testing")))
ROOMS = (
    "errors", "rng", "types", "population", "contracts", "catalogue", "config", "backends", "running", "showing",
    "analysis", "results", "api", "testing", "scaffold", "cli", "__main__",
)  # fmt: skip
"""Each uses only those before it; `evoplug` itself names what is public of them all."""


def imports(path, inside=False):
    """The modules that a file imports, anywhere in it.

    ``inside`` says of ``from evoplug import rng`` that it imports ``evoplug.rng``, and not ``evoplug``.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            modules = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys() if inside else ()
            yield from modules or [str(node.module)]


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_knows_no_plugin(path):
    assert not [module for module in imports(path) if module.startswith("evoplug_")]


@pytest.mark.parametrize("path", PLUGINS, ids=name)
def test_a_plugin_uses_what_evoplug_exports_and_no_other_plugins_inside(path):
    own = path.relative_to(ROOT / "plugins").parts[0]
    for module in imports(path):
        if module.partition(".")[0] == "evoplug":
            public = module == "evoplug" or module.startswith(tuple(f"{package}." for package in PUBLIC[1:]))
            assert public or module in PUBLIC, f"{module} is not public"
        if module.startswith("evoplug_") and module.partition(".")[0] != own:
            assert module == "evoplug_supervised", f"{module} is another plugin's inside"


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_libraries_have_one_door_each(path):
    where = path.relative_to(ROOT / "evoplug").as_posix()
    for module in imports(path):
        top = module.partition(".")[0]
        if top in ("deap", "evotorch"):
            assert where.startswith(f"backends/{top}"), f"{module} outside its backend"
        if top in ("click", "rich") or module.startswith("evoplug.cli"):
            rooms = ("cli/",) if module.startswith("evoplug.cli") or top == "click" else ("cli/", "showing/")
            assert where.startswith(rooms) or where == "__main__.py", f"{module} outside the command line"


def room(module):
    return module.split(".")[1]


def test_every_module_of_the_core_is_in_a_room():
    assert {room(module) for module in MODULES if module != "evoplug"} == set(ROOMS)


@pytest.mark.parametrize("path", CORE, ids=name)
def test_rooms_use_only_those_before_them(path):
    """Those under ``TYPE_CHECKING`` and inside functions too."""
    own = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    if own == "evoplug":
        return
    for module in imports(path, inside=True):
        if module.startswith("evoplug.") and room(module) in ROOMS:
            assert ROOMS.index(room(module)) <= ROOMS.index(room(own)), f"{own} uses {module}, which stands above it"


def test_no_two_modules_of_the_core_need_each_other():
    """Not even for types, or late."""
    graph = {name: set(imports(path, inside=True)) & MODULES.keys() - {"evoplug"} for name, path in MODULES.items()}
    assert tuple(TopologicalSorter(graph).static_order())
