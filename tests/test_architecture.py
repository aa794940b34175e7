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
BASE = ("contracts", "types", "errors", "rng", "ledger")
"""What everything may import, and what imports nothing else."""
LATE = (
    ("evoplug.contracts", "evoplug.population.breeding"),  # the default of `into`
    ("evoplug.timing", "evoplug.rehearsal"),  # what a run imports is a part of what is timed
)
"""(module, what it imports when it is called), against the way that imports point."""


def imports(path, at_runtime=False, inside=False):
    """The modules that a file imports.

    ``at_runtime`` leaves out what stands under ``if TYPE_CHECKING``; ``inside`` says of ``from evoplug import rng``
    that it imports ``evoplug.rng``, and not ``evoplug``.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = set()
    if at_runtime:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                hidden |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
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
            assert where.startswith("cli/") or where == "__main__.py", f"{module} outside the command line"


def test_the_cores_imports_form_a_tree():
    """Those inside functions too."""
    graph = {name: set(imports(path, at_runtime=True, inside=True)) & MODULES.keys() for name, path in MODULES.items()}
    for user, used in LATE:
        graph[user].remove(used)
    assert tuple(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("base", BASE)
def test_the_base_imports_nothing_but_itself(base):
    allowed = {f"evoplug.{other}" for other in BASE} | {used for _, used in LATE}
    used = {module for module in imports(ROOT / "evoplug" / f"{base}.py", at_runtime=True) if "evoplug" in module}
    assert used <= allowed
