"""What a component's source says about it, read with ``ast``: nothing of the plugin is imported or run.

The rules that make this possible stand in :mod:`evoplug.contracts`. What breaks them (a base class of another package,
an annotation from elsewhere, a computed default) is reported as unknown, never guessed.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from evoplug import contracts
from evoplug.catalogue import modules, syntax


class Missing(Enum):
    """Why a parameter has no default to show."""

    REQUIRED = "required"
    UNKNOWN = "unknown"


REQUIRED = Missing.REQUIRED
"""The parameter has no default."""
UNKNOWN = Missing.UNKNOWN
"""The parameter has a default that only an import can tell."""


_DECLARED = {name for contract in (contracts.Component, *contracts.CONTRACTS) for name in contract.__annotations__}


class Parameter(NamedTuple):
    """One field of a component."""

    name: str
    annotation: str | None
    """Its type, written with names of ``builtins``, ``typing``, ``collections.abc``, ``pathlib.Path`` and
    :mod:`evoplug.contracts` alone (aliases and constants of the module are filled in); None where that is not
    possible."""
    default: Any
    """A literal, a :class:`evoplug.contracts.Use`, :data:`REQUIRED` or :data:`UNKNOWN`."""
    help: str
    line: int


class Definition(NamedTuple):
    """One class or function, with what it inherits inside its package."""

    file: Path | None = None
    line: int | None = None
    docstring: str = ""
    contracts: frozenset[str] = frozenset()
    """The classes of :mod:`evoplug.contracts` that it extends; ``"?"`` stands for bases that cannot be read."""
    parameters: tuple[Parameter, ...] = ()
    kinds: tuple[str, ...] = ()
    class_vars: Mapping[str, Any] = {}
    ignored: tuple[str, ...] | None = ()
    """Fields that are no parameters, since no ``@dataclass`` stands above them; None where that cannot be told:
    another decorator, a base that cannot be read or an ``__init__`` may take care of them."""
    complete: bool = True
    """False where something could not be read."""


@cache
def read(module: str, file: Path) -> Source:
    """The source of an installed module, which lies in ``file``; read once in a process.

    Raises:
        As :func:`parse`.
    """
    return parse(file, module if file.stem == "__init__" else module.rpartition(".")[0])


def parse(file: Path, package: str = "") -> Source:
    """The source in a file, a module of ``package``.

    Raises:
        OSError, SyntaxError, ValueError, RecursionError, MemoryError: if it cannot be read or parsed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd escapes in code that is not ours
        tree = ast.parse(file.read_bytes(), str(file))
    return Source(tree, package, file)


class Source:
    """The names that one module binds at its top level. Definitions that it imports are followed inside its package."""

    def __init__(self, tree: ast.Module, package: str = "", file: Path | None = None) -> None:
        self._file = file
        self._package = package.split(".")
        self._definitions: dict[str, ast.ClassDef | ast.FunctionDef] = {}
        self._imports: dict[str, str] = {}
        self._assigned: dict[str, list[ast.expr]] = {}
        self._open = False
        for statement in syntax.statements(tree.body):
            self._bind(statement)

    def binds(self, name: str) -> bool:
        """Whether the module has, or may have, this name."""
        known = (self._definitions, self._imports, self._assigned)
        return self._open or "__getattr__" in self._definitions or any(name in names for names in known)

    def definition(self, name: str) -> Definition | None:
        """What is defined under this name; None where the name is bound in another way, or not at all.

        Raises:
            As :func:`read`, of other files.
        """
        match self._definitions.get(name):
            case ast.ClassDef() as node:
                return self._class(node)
            case ast.FunctionDef() as node:
                return Definition(self._file, node.lineno, ast.get_docstring(node) or "")
        return self._elsewhere(self._imports.get(name, ""))

    def registered(self) -> Iterator[tuple[str, str, str, int]]:
        """(class, group, name, line) of each class under ``@evoplug.register(GROUP, NAME)``.

        Raises:
            ValueError: if one of them says anything but two plain strings.
        """
        for cls, node in self._definitions.items():
            for decorator in node.decorator_list:
                match decorator:
                    case ast.Call(args=arguments) if self._registers(decorator):
                        line = decorator.lineno
                        match [*arguments, *decorator.keywords]:
                            case [ast.Constant(value=str(group)), ast.Constant(value=str(name))]:
                                yield cls, group, name, line
                            case _:
                                raise ValueError(f"line {line}: @evoplug.register takes a group and a name in quotes")

    def _registers(self, decorator: ast.expr) -> bool:
        return isinstance(decorator, ast.Call) and self._dotted(decorator.func) == "evoplug.register"

    def _elsewhere(self, name: str) -> Definition | None:
        """A definition in another module of the same package."""
        module, _, last = name.rpartition(".")
        if module.partition(".")[0] != self._package[0]:
            return None
        file, _ = modules.locate(module)
        return read(module, file).definition(last) if file else None

    def _bind(self, statement: ast.stmt) -> None:
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                syntax.forget_code(statement)
                self._definitions[name] = statement
            case ast.Import(names=aliases):
                for alias in aliases:
                    top = alias.name.partition(".")[0]
                    self._imports[alias.asname or top] = alias.name if alias.asname else top
            case ast.ImportFrom(module=module, names=aliases, level=level):
                above = self._package[: len(self._package) - level + 1] if level else []
                self._bind_from(".".join([*above, *([module] if module else [])]), aliases)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AugAssign(ast.Name(id=name), value=value):
                self._assigned.setdefault(name, []).append(value)
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=value):
                values = value.elts if isinstance(value, ast.Tuple) else [value] * len(targets)
                for target, each in zip(targets, values, strict=False):
                    if isinstance(target, ast.Name):
                        self._assigned.setdefault(target.id, []).append(each)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assigned.setdefault(name, []).append(value)

    def _bind_from(self, module: str, aliases: Sequence[ast.alias]) -> None:
        for alias in aliases:
            if alias.name != "*":
                self._imports[alias.asname or alias.name] = f"{module}.{alias.name}"
            elif module == contracts.__name__:
                self._imports |= {name: f"{module}.{name}" for name in contracts.__all__}
            else:
                self._open = True

    # -------------------------------------------------------------------------------------------- classes

    def _class(self, node: ast.ClassDef) -> Definition:
        bases = [self._base(base, node.lineno) for base in node.bases]
        parameters: dict[str, Parameter] = {}
        class_vars: dict[str, Any] = {}
        for base in reversed(bases):
            parameters |= {parameter.name: parameter for parameter in base.parameters}
            class_vars |= base.class_vars
        kinds: tuple[str, ...] | None = next((base.kinds for base in bases if base.kinds), ())
        for keyword in node.keywords:
            if keyword.arg == "genome":
                kinds = self._kinds(keyword.value)
        own = list(self._parameters(node)) if self._is_dataclass(node) else []
        parameters |= {parameter.name: parameter for parameter in own}
        constants, readable = self._class_vars(node)
        inherited = {name: value for name, value in class_vars.items() if not syntax.has_method(node, name)}
        return Definition(
            file=self._file,
            line=node.lineno,
            docstring=ast.get_docstring(node) or "",
            contracts=frozenset().union(*(base.contracts for base in bases)),
            parameters=tuple(parameters.values()),
            kinds=kinds or (),
            class_vars=inherited | constants,
            ignored=self._ignored(node, bases, parameters),
            complete=readable
            and kinds is not None
            and all(base.complete for base in bases)
            and all(parameter.annotation and parameter.default is not UNKNOWN for parameter in own),
        )

    def _base(self, base: ast.expr, line: int) -> Definition:
        if isinstance(base, ast.Subscript):
            base = base.value
        name = self._dotted(base)
        # A base stands above its child, which also rules out endless inheritance.
        if name in self._definitions and self._definitions[name].lineno < line:
            return self.definition(name) or Definition()
        module, _, last = name.rpartition(".")
        if module == contracts.__name__:
            return Definition(contracts=frozenset({last}))
        if name in ("object", "abc.ABC", "typing.Generic"):
            return Definition()
        return self._elsewhere(name) or Definition(contracts=frozenset({"?"}), ignored=None, complete=False)

    def _kinds(self, value: ast.expr) -> tuple[str, ...] | None:
        """What ``genome=`` says; None where that cannot be read."""
        try:
            kinds = self.literal(value)
        except ValueError:
            return None
        if isinstance(kinds, str):
            return (kinds,)
        return tuple(kinds) if isinstance(kinds, tuple | list) else None

    def _is_dataclass(self, node: ast.ClassDef) -> bool:
        makers = [item.func if isinstance(item, ast.Call) else item for item in node.decorator_list]
        return any(self._is(maker, "dataclass") for maker in makers)

    def _ignored(
        self, node: ast.ClassDef, bases: Sequence[Definition], parameters: Mapping[str, Parameter]
    ) -> tuple[str, ...] | None:
        """Fields, inherited ones too, that a missing ``@dataclass`` keeps from being parameters.

        What has neither value nor bounds may be there for a type checker alone.
        """
        decorated = self._is_dataclass(node)
        strange = not decorated and not all(self._registers(item) for item in node.decorator_list)
        if strange or syntax.has_method(node, "__init__", "__init_subclass__"):
            return None
        found = []
        for base in bases:
            if base.ignored is None:
                return None
            found += [name for name in base.ignored if name not in parameters]
        for field in () if decorated else self._parameters(node):
            meant = field.default is not REQUIRED or (field.annotation or "").startswith("Annotated[")
            if field.annotation and meant and not field.name.startswith("_") and field.name not in _DECLARED:
                found.append(field.name)
        return tuple(dict.fromkeys(found))

    def _class_vars(self, node: ast.ClassDef) -> tuple[dict[str, Any], bool]:
        """The class's own public constants that are literals, and whether all are that the contracts speak of."""
        found: dict[str, Any] = {}
        readable = True
        for name, value in syntax.constants(node.body):
            try:
                found[name] = self.literal(value)
            except ValueError:
                readable = readable and name not in _DECLARED
        return found, readable

    # ----------------------------------------------------------------------------------------- parameters

    def _parameters(self, node: ast.ClassDef) -> Iterator[Parameter]:
        for statement in node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=kind) if not syntax.is_class_var(kind):
                    default = self._default(statement.value)
                    if default is not None:
                        annotation, help_text = self._annotation(kind)
                        yield Parameter(name, annotation, self._value(default), help_text, statement.lineno)

    def _default(self, value: ast.expr | None) -> ast.expr | Missing | None:
        """The expression of the default; None where the field is no parameter."""
        if not (isinstance(value, ast.Call) and self._is(value.func, "field")):
            return value or REQUIRED
        options = {keyword.arg: keyword.value for keyword in value.keywords}
        match options:
            case {"init": ast.Constant(value=False)}:
                return None
            case {"default": default}:
                return default
            case {"default_factory": ast.Lambda(body=body)}:
                return body
            case {"default_factory": ast.Name(id="list" | "dict" | "tuple" as name)}:
                return ast.parse({"list": "[]", "dict": "{}", "tuple": "()"}[name], mode="eval").body
            case {"default_factory": _}:
                return UNKNOWN
        return REQUIRED

    def _value(self, default: ast.expr | Missing) -> Any:
        if isinstance(default, Missing):
            return default
        try:
            return self.literal(default)
        except ValueError:
            return UNKNOWN

    def _annotation(self, kind: ast.expr) -> tuple[str | None, str]:
        """The annotation as text (None where it cannot be read) and its help."""
        try:
            kind = syntax.opened(kind)
            whole = self._filled_in(kind)
            return ast.unparse(whole), syntax.help_text(whole)
        except (SyntaxError, ValueError):
            return None, syntax.help_text(kind)

    def _filled_in(self, part: Any, hidden: frozenset[str] = frozenset()) -> Any:
        """A copy of an annotation: aliases and constants of the module filled in, other names without their module.

        Raises:
            ValueError: for a name that cannot be read; ``hidden`` ones are not looked up.
        """
        match part:
            case ast.Name(id=name) if name not in hidden and (assigned := self._constant(name)):
                return self._filled_in(assigned, hidden | {name})
            case ast.Name() | ast.Attribute():
                return ast.Name(self._spelled(part))
            case ast.AST():
                return type(part)(*(self._filled_in(getattr(part, name), hidden) for name in part._fields))
            case list():
                return [self._filled_in(item, hidden) for item in part]
        return part

    # --------------------------------------------------------------------------------------------- values

    def literal(self, node: ast.expr, hidden: frozenset[str] = frozenset()) -> Any:
        """The value of a literal, of ``use(...)`` of literals, or of a constant of the module.

        Raises:
            ValueError: for anything else; ``hidden`` names are not looked up.
        """
        match node:
            case ast.Constant(value=value):
                return value
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
            case ast.Tuple(elts=items):
                return tuple(self.literal(item, hidden) for item in items)
            case ast.List(elts=items):
                return [self.literal(item, hidden) for item in items]
            case ast.Dict(keys=keys, values=values):
                names = [key.value for key in keys if isinstance(key, ast.Constant)]
                if len(names) == len(keys):
                    return dict(zip(names, (self.literal(value, hidden) for value in values), strict=True))
            case ast.Call(func=function, args=[ast.Constant(value=str(name))]) if self._is(function, "use"):
                options = {item.arg: self.literal(item.value, hidden) for item in node.keywords if item.arg}
                if len(options) == len(node.keywords):
                    return contracts.Use(name, options)
            case ast.Name(id=name) if name not in hidden and (assigned := self._constant(name)):
                return self.literal(assigned, hidden | {name})
        raise ValueError(f"line {node.lineno}: not a literal")

    def _constant(self, name: str) -> ast.expr | None:
        """What is assigned to a name of the module, if that happens exactly once."""
        values = self._assigned.get(name, ())
        return values[0] if len(values) == 1 else None

    def _spelled(self, node: ast.Name | ast.Attribute) -> str:
        """The name of a public type or bound as :data:`Parameter.annotation` spells it.

        Raises:
            ValueError: if it is none.
        """
        name = self._dotted(node)
        module, _, last = name.rpartition(".")
        if module in ("typing", "collections.abc", contracts.__name__, "annotated_types") or name == "pathlib.Path":
            return last
        if name not in self._definitions and not module and hasattr(builtins, name):
            return name
        raise ValueError(f"line {node.lineno}: `{name}` is not one of the names that can be read")

    def _dotted(self, node: ast.expr) -> str:
        """``numpy.random`` for ``np.random`` after ``import numpy as np``; empty for what is no name."""
        match node:
            case ast.Name(id=name):
                return self._imports.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                return f"{self._dotted(value)}.{attr}"
        return ""

    def _is(self, node: ast.expr, name: str) -> bool:
        return self._dotted(node) in (f"{contracts.__name__}.{name}", f"dataclasses.{name}")
