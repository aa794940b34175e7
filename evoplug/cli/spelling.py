"""How types, bounds, defaults, tables and claims are spelled for people."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from evoplug.catalogue import REQUIRED, UNKNOWN, Entry, Parameter
from evoplug.contracts import Use

if TYPE_CHECKING:
    from evoplug.config import Claim

_BOUNDS = {
    "Gt": "> {}", "Ge": ">= {}", "Lt": "< {}", "Le": "<= {}", "MultipleOf": "a multiple of {}",
    "MinLen": "at least {} long", "MaxLen": "at most {} long", "Len": "{} long", "Known": "one of {}",
}  # fmt: skip

_TABLES = {
    "genotypes": "[genotype]", "evaluators": "[evaluator]", "strategies": "[strategy]", "recorders": "[[recorders]]",
}  # fmt: skip
_KEYS = {
    "selections": "selection", "crossovers": "crossover", "mutations": "mutation", "datasets": "dataset",
    "networks": "network",
}  # fmt: skip
_SEED = 'Annotated[int, Ge(0), Lt(2**63)] | Literal["run"]'
_OPERATOR = re.compile(r"\b(Selection|Crossover|Mutation)\b")


GENOTYPE_MATTERS = ("evaluators", "strategies", "selections", "crossovers", "mutations")
"""Groups whose components work on some kinds of genomes."""


def plain(text: str) -> str:
    """A docstring without the marks of reStructuredText."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
    return re.sub(r"^::\n\n", "", text, flags=re.MULTILINE).replace("::\n", ":\n").replace("``", "`")


def facts(entry: Entry) -> dict[str, str]:
    """What a component works on, needs, provides, costs and makes small, as far as there is something to say."""
    anything = "any genotype" if entry.complete and entry.group in GENOTYPE_MATTERS else ""
    told = {"kinds" if entry.group == "genotypes" else "works on": ", ".join(entry.kinds) or anything}
    if entry.class_vars.get("genotype") == "none":
        told["works on"] = "no genotype"
    if entry.group == "selections" and entry.class_vars.get("cases"):
        told["selects by"] = "cases, of evaluators that provide them"
    for name in ("needs", "provides", "costs", "minimised"):
        told[name] = ", ".join(map(str, entry.class_vars.get(name, ())))
    return {name: value for name, value in told.items() if value}


def claim(claim: Claim) -> str:
    """What a claim says of its two arms."""
    if claim.margin:
        return f"{claim.better} not worse than {claim.than} by more than {claim.margin:g}"
    return f"{claim.better} better than {claim.than}"


def kind(annotation: str | None) -> tuple[str, tuple[str, ...]]:
    """The plain type and the bounds in an annotation: ``("float", ("> 0", "<= 1"))``."""
    if annotation is None:
        return "?", ()
    bare = _Bare()
    text = ast.unparse(bare.visit(ast.parse(annotation, mode="eval").body))
    return text.replace("'", '"'), tuple(bare.bounds)


def default(parameter: Parameter) -> str:
    """The default as a configuration would say it; ``none`` for None, which no configuration can."""
    if parameter.default is REQUIRED:
        return "required"
    if parameter.default is UNKNOWN:
        return "?"
    return "none" if parameter.default is None else toml(parameter.default)


def toml(value: Any) -> str:
    """A value as TOML, on one line; what TOML has no word for is left out of tables."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case Use(name=name, parameters=parameters):
            return toml({"use": name, **parameters})
        case Mapping():
            return f"{{ {', '.join(_pairs(value))} }}" if value else "{}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
    return str(value)


def table(entry: Entry, name: str) -> str:
    """What to paste into a configuration to use a component under this name; empty where none can name it."""
    defaults = {p.name: p.default for p in entry.parameters if p.default is not REQUIRED and p.default is not UNKNOWN}
    values = {"use": name, **defaults, **next(iter(entry.class_vars.get("examples", ())), {})}
    if entry.group in _KEYS:
        line = f"{_KEYS[entry.group]} = {toml(values)}"
        operator = ["[operators]"] if _OPERATOR.fullmatch(_KEYS[entry.group].capitalize()) else []
        return "\n".join([*operator, line, *_companions(entry)])
    if entry.group not in _TABLES:
        return ""
    slots = {p.name for p in entry.parameters if entry.group == "strategies" and _OPERATOR.search(p.annotation or "")}
    lines = [_TABLES[entry.group], *_pairs({key: value for key, value in values.items() if key not in slots})]
    operators = _pairs({key: value for key, value in values.items() if key in slots})
    return "\n".join([*lines, *(["", "[operators]", *operators] if operators else []), *_companions(entry)])


def _companions(entry: Entry) -> Iterator[str]:
    """The tables of what it wants beside it."""
    companions = entry.class_vars.get("companions", {})
    for section, table in companions.items() if isinstance(companions, Mapping) else ():
        yield from ("", f"[{section}]", *_pairs(table))


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {toml(value)}" for key, value in values.items() if value is not None]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    """JSON's strings are TOML's, but for one control character that JSON does not escape."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


class _Bare(ast.NodeTransformer):
    """Takes ``Annotated``, ``Literal`` and ``Seed`` away and keeps the bounds that stood in the former."""

    def __init__(self) -> None:
        self.bounds: list[str] = []

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A seed as a configuration may give it."""
        return self.visit(ast.parse(_SEED, mode="eval").body) if node.id == "Seed" else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        match node:
            case ast.Subscript(ast.Name("Annotated"), ast.Tuple(elts=[inner, *metadata])):
                self.bounds += [_bound(item) for item in metadata if not isinstance(item, ast.Constant)]
                return self.visit(inner)
            case ast.Subscript(ast.Name("Literal"), ast.Tuple(elts=[first, *others])):
                return reduce(lambda left, right: ast.BinOp(left, ast.BitOr(), right), others, first)
            case ast.Subscript(ast.Name("Literal"), ast.Constant() as only):
                return only
        return self.generic_visit(node)


def _bound(node: ast.expr) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args) if name in _BOUNDS:
            return _BOUNDS[name].format(", ".join(_plain(item) for item in args))
    return ast.unparse(node)


def _plain(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)
