"""Small questions to Python's syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any


def statements(body: Sequence[ast.AST]) -> Iterator[Any]:
    """The statements of a module's top level, those under ``if``, ``try`` and ``with`` included."""
    for statement in body:
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            for block in ("body", "handlers", "orelse", "finalbody"):
                yield from statements(getattr(statement, block, ()))
        else:
            yield statement


def forget_code(definition: ast.ClassDef | ast.FunctionDef) -> None:
    """Leave of a function, or of each method, its docstring: the rest is most of a tree, and never read."""
    for statement in definition.body if isinstance(definition, ast.ClassDef) else [definition]:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            del statement.body[1:]


def constants(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """The public class variables among the statements of a class."""
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                yield name, value
            case ast.AnnAssign(ast.Name(id=name), kind, ast.expr() as value) if not name.startswith("_"):
                if is_class_var(kind):
                    yield name, value


def opened(annotation: ast.expr) -> ast.expr:
    """What stands in the quotes of an annotation that is a string."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def help_text(annotation: ast.expr) -> str:
    """The first plain string among the metadata of the outermost ``Annotated``."""
    for node in ast.walk(annotation):
        match node:
            case ast.Subscript(ast.Name(id="Annotated") | ast.Attribute(attr="Annotated"), ast.Tuple(elts=[_, *rest])):
                texts = [item.value for item in rest if isinstance(item, ast.Constant)]
                return next((text for text in texts if isinstance(text, str)), "")
    return ""


def is_class_var(annotation: ast.expr) -> bool:
    """Whether it says ``ClassVar``."""
    kind = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if isinstance(kind, ast.Constant):
        return str(kind.value).startswith("ClassVar")
    return "ClassVar" in (getattr(kind, "id", ""), getattr(kind, "attr", ""))


def has_method(node: ast.ClassDef, *names: str) -> bool:
    """Whether the class itself defines one of the methods."""
    return any(isinstance(item, ast.FunctionDef) and item.name in names for item in node.body)
