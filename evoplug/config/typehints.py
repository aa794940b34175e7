"""What the annotation of a parameter says: read from source text without running it, taken apart."""

from __future__ import annotations

import ast
import collections.abc
import types
import typing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from evoplug import contracts
from evoplug.contracts import RUN, Component, Known, OfRun

_BUILTINS = {cls.__name__: cls for cls in (bool, dict, float, int, list, set, str, tuple)}
_TYPING = {name: getattr(typing, name) for name in ("Annotated", "Any", "Literal", "Optional", "Union")}
_COLLECTIONS = {name: getattr(collections.abc, name) for name in ("Callable", "Iterable", "Mapping", "Sequence")}
_BOUNDS = {
    name: getattr(contracts, name)
    for name in ("Ge", "Gt", "Known", "Le", "Len", "Lt", "MaxLen", "MinLen", "MultipleOf")
}
_CONTRACTS = {cls.__name__: cls for cls in contracts.CONTRACTS}
NAMES: dict[str, Any] = {
    **_BUILTINS, **_TYPING, **_COLLECTIONS, **_BOUNDS, **_CONTRACTS, "Function": contracts.Function, "Path": Path,
    "Seed": contracts.Seed,
}  # fmt: skip
"""All that an annotation in source text can refer to."""

_ALLOWED = (
    ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Subscript, ast.Tuple, ast.List, ast.BinOp, ast.BitOr,
    ast.UnaryOp, ast.USub, ast.Call, ast.keyword,
)  # fmt: skip


@cache
def evaluate(source: str) -> Any:
    """The type that an annotation's source text stands for; ``Any`` if that takes more than ``NAMES``.

    Nothing is imported, and nothing called but the bounds.
    """
    try:
        tree = ast.parse(source, mode="eval")
        if all(isinstance(node, _ALLOWED) and _harmless(node) for node in ast.walk(tree)):
            return eval(compile(tree, "<annotation>", "eval"), {"__builtins__": {}}, NAMES)
    except (SyntaxError, TypeError, ValueError, NameError, RecursionError, MemoryError):
        pass
    return Any


def _harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in NAMES
    return not isinstance(node, ast.Call) or (isinstance(node.func, ast.Name) and node.func.id in _BOUNDS)


@dataclass(frozen=True)
class Shape:
    """A parameter's type, taken apart."""

    core: Any
    """The type without ``Annotated`` and ``None``."""
    optional: bool
    """Whether None is allowed."""
    known: tuple[str, ...]
    """The names that a function parameter knows."""
    is_seed: bool = False
    """Whether it may be the run's seed."""

    @property
    def contract(self) -> type[Component] | None:
        """The contract of the component that the parameter holds."""
        return self.core if isinstance(self.core, type) and issubclass(self.core, Component) else None

    @property
    def contract_of_each(self) -> type[Component] | None:
        """The contract of the components in a parameter that is a table name -> component."""
        arguments = get_args(self.core)
        if get_origin(self.core) in (dict, collections.abc.Mapping) and len(arguments) == 2:
            return shape(arguments[1]).contract
        return None

    @property
    def is_function(self) -> bool:
        return any(get_origin(member) is collections.abc.Callable for member in (self.core, *get_args(self.core)))


def shape(annotation: Any) -> Shape:
    """Take an annotation apart."""
    core, optional, known, seed = annotation, False, list[str](), False
    while True:
        if get_origin(core) is Annotated:
            known += [name for extra in core.__metadata__ if isinstance(extra, Known) for name in extra.names]
            seed |= any(isinstance(extra, OfRun) for extra in core.__metadata__)
            core = core.__origin__
        elif get_origin(core) in (Union, types.UnionType) and type(None) in get_args(core):
            optional = True
            members = tuple(member for member in get_args(core) if member is not type(None))
            core = Union[members]  # noqa: UP007 - built from a tuple
        else:
            return Shape(core, optional, tuple(known), seed)


def accepted(annotation: Any) -> Any:
    """The type of what a configuration may give: of a seed, the word for the run's own too."""
    return annotation | Literal[RUN] if shape(annotation).is_seed else annotation
