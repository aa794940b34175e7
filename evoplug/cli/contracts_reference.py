"""The reference of the contracts as Markdown.

``python -m evoplug.cli.contracts_reference > docs/contracts-reference.md``

The source is read with griffe, which knows the docstrings of attributes; nothing is imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import griffe

import evoplug
from evoplug.cli import markdown

CHAPTERS: Mapping[str, tuple[str, ...]] = {
    "Parameters": (
        "contracts.use", "contracts.Use", "contracts.Function", "contracts.Known",
        "contracts.Seed",
    ),
    "All components": ("contracts.Component", "contracts.ConfigError"),
    "Genotypes": (
        "contracts.Genotype", "contracts.Task", "population.box.RealSpace", "population.assignment.AssignmentSpace",
        "population.network_space.NetworkSpace",
    ),
    "Evaluators": (
        "contracts.Evaluator", "contracts.Evaluation", "types.Metrics", "contracts.Model", "contracts.Film",
    ),
    "Operators": ("contracts.Selection", "contracts.Crossover", "contracts.Mutation"),
    "Strategies": (
        "contracts.Strategy", "contracts.Holding", "contracts.Loop", "Problem", "types.Ledger", "contracts.Outcome",
    ),
    "Loops to build on": (
        "backends.tracked.TrackedLoop", "backends.deap.PopulationLoop", "backends.deap.GenerateUpdateLoop",
        "backends.evotorch.rows.RowsLoop", "backends.evotorch.searcher.SearcherLoop",
    ),
    "Whole populations at once": (
        "population.workers.parallel", "population.workers.look_up", "population.forward.forward",
        "population.forward.map_outputs", "population.forward.each", "population.forward.prepared",
        "population.forward.parameters", "population.network_space.blocks",
        "population.box.Box", "population.memory.require",
    ),
    "Data sets and networks": ("contracts.Dataset", "contracts.DatasetInfo", "contracts.Network"),
    "Recorders and plots": ("contracts.Recorder", "contracts.Plot", "Run"),
    "Values": ("contracts.Members", "contracts.Genomes", "contracts.Parts", "Rng"),
    "Errors": ("FilesError", "PluginError", "EvaluationError"),
}  # fmt: skip
"""What stands on the page, in the order in which an author meets it: names below ``evoplug``."""

_HEAD = """\
# Reference of the contracts

{}

Bounds are those of annotated-types: {}, all to be had from `evoplug.contracts`.

What is marked *no default* has to be written by a part that is asked for it; all else may be left as it is.
[plugins.md](plugins.md) shows how these classes are used, [contracts.md](contracts.md) what stays as it is in later
versions.

<!-- Made by `python -m evoplug.cli.contracts_reference > docs/contracts-reference.md`; a test fails when it is
stale. -->
"""

_OPERATORS = ("__call__", "__getitem__")
_EMPTY = {"field(default_factory=dict)": "{}", "MappingProxyType({})": "{}"}


def reference() -> str:
    """The whole page."""
    package = griffe.load("evoplug", search_paths=[Path(evoplug.__file__).parents[1]], allow_inspection=False)
    blocks = [_head(package["contracts"])]
    for chapter, names in CHAPTERS.items():
        blocks.append(f"## {chapter}\n")
        for name in names:
            found = package[name]
            blocks += _entry(f"evoplug.{name}", found.final_target if found.is_alias else found)
    return "\n".join(blocks)


def _head(contracts: griffe.Module) -> str:
    bounds = [name for name, path in contracts.imports.items() if path.startswith("annotated_types.")]
    assert contracts.docstring
    return _HEAD.format(markdown.prose(contracts.docstring.value), ", ".join(f"`{name}`" for name in bounds))


def _entry(path: str, found: griffe.Object) -> Iterator[str]:
    yield f"### {found.name}\n"
    match found:
        case griffe.Class():
            yield from _class(path, found)
        case griffe.Function():
            yield f"`{path.removesuffix(found.name)}{_code(found.signature())}`\n"
            yield from _prose(found)
        case griffe.Attribute():
            yield f"`{path} = {_code(found.value)}`\n"
            yield from _prose(found)


def _class(path: str, found: griffe.Class) -> Iterator[str]:
    bases = [str(base) for base in found.bases]
    facts = [f"`{path}`", *(f"extends [{base}](#{base.lower()})" for base in bases if _is_here(base))]
    match found.members.get("group"):
        case griffe.Attribute(value=str(group)):
            facts.append(f"group `evoplug.{ast.literal_eval(group)}`")
    yield f"{', '.join(facts)}\n"
    yield from _prose(found)
    said = {item.name: item.description for kind, items in _sections(found) if kind == "attributes" for item in items}
    if rows := [row for item in _public(found) if isinstance(item, griffe.Attribute) and (row := _row(item, said))]:
        yield markdown.table(("attribute", "meaning"), rows)
    for item in _public(found):
        if isinstance(item, griffe.Function) and item.docstring:
            shared = f"{found.name}." if item.labels & {"staticmethod", "classmethod"} else ""
            yield f"**`{shared}{_code(item.signature())}`**{_no_default(item)}\n"
            yield from _prose(item)


def _is_here(base: str) -> bool:
    return any(base == name.rpartition(".")[2] for names in CHAPTERS.values() for name in names)


def _public(found: griffe.Class) -> Iterator[griffe.Object | griffe.Alias]:
    """What a class defines itself."""
    for name, item in found.members.items():
        if not name.startswith("_") or name in _OPERATORS:
            yield item


def _row(item: griffe.Attribute, said: Mapping[str, str]) -> tuple[str, str] | None:
    """Declaration and meaning; None for what is neither declared nor documented, or documented in a base class.

    Args:
        item: an attribute or a property.
        said: what the docstring of the class says of attributes.
    """
    declared = item.annotation and "property" not in item.labels
    if not (declared or item.docstring or item.name in said):
        return None
    kind = f": {item.annotation}" if item.annotation else ""
    value = str(item.value) if item.value and "class-attribute" in item.labels else ""
    default = f" = {_EMPTY.get(value, value)}" if value else ""
    meaning = item.docstring.value if item.docstring else said.get(item.name, "")
    return f"`{item.name}{_code(kind + default)}`{_no_default(item)}", markdown.prose(_on_one_line(meaning))


def _no_default(item: griffe.Object) -> str:
    is_code = isinstance(item, griffe.Function) or "property" in item.labels
    return " *no default*" if is_code and "raise NotImplementedError" in item.source else ""


def _code(python: object) -> str:
    """griffe writes strings in single quotes, everybody here in double ones."""
    return str(python).replace("'", '"')


# ------------------------------------------------------------------------------------------------- docstrings


def _prose(found: griffe.Object) -> Iterator[str]:
    """A docstring's text, its arguments, what it returns and raises; attributes go into the table of their class."""
    for kind, value in _sections(found):
        match kind:
            case "text":
                yield f"{markdown.prose(value)}\n"
            case "parameters":
                yield _listed((f"`{item.name}`", item.description) for item in value)
            case "returns":
                yield _listed(("Returns", item.description) for item in value)
            case "raises":
                yield _listed((f"Raises `{item.annotation}`", item.description) for item in value)


def _sections(found: griffe.Object) -> Iterator[tuple[str, Any]]:
    """(kind, value) of what a docstring consists of: text, or items with a name."""
    options = {"warnings": False, "returns_multiple_items": False, "returns_named_value": False}
    for section in found.docstring.parse("google", **options) if found.docstring else ():
        yield section.kind.value, section.value


def _listed(items: Iterable[tuple[str, str]]) -> str:
    return "".join(f"- {name}: {markdown.prose(_on_one_line(text))}\n" for name, text in items)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(reference())
