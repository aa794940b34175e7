"""What is read from source is what an import would say, or is said to be unknown."""

from __future__ import annotations

import ast
import dataclasses
import sys
import types
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoplug.catalogue.definitions import REQUIRED, UNKNOWN, Definition, Source
from evoplug.contracts import Use

HEAD = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal
from evoplug.contracts import *
"""


def define(text: str, name: str = "A", head: str = HEAD) -> Definition:
    found = Source(ast.parse(head + dedent(text))).definition(name)
    assert found is not None
    return found


def parameters(text: str) -> dict[str, tuple[str | None, Any, str]]:
    return {p.name: (p.annotation, p.default, p.help) for p in define(text).parameters}


def test_fields_are_parameters_with_type_default_and_help() -> None:
    text = """
        @dataclass(kw_only=True)
        class A(Mutation):
            sigma: Annotated[float, Gt(0), "strength"] = 0.1
            size: int
            inner: Annotated[Selection, "who"] = use("tournament", size=-2)
            free: "Annotated[int | None, 'quoted']" = None
    """
    assert parameters(text) == {
        "sigma": ("Annotated[float, Gt(0), 'strength']", 0.1, "strength"),
        "size": ("int", REQUIRED, ""),
        "inner": ("Annotated[Selection, 'who']", Use("tournament", {"size": -2}), "who"),
        "free": ("Annotated[int | None, 'quoted']", None, "quoted"),
    }
    assert define(text).complete


def test_class_variables_and_fields_outside_the_constructor_are_no_parameters() -> None:
    found = define("""
        @dataclass(kw_only=True)
        class A(Evaluator):
            costs: ClassVar[tuple[str, ...]] = ("epochs",)
            deterministic = True
            scale = lambda x: x
            seen: list[int] = field(init=False, default_factory=list)
            kept: list[int] = field(default_factory=list)
            listed: list[int] = field(default_factory=lambda: [1, 2])
            plain: int = field(default=3, repr=False)
            needed: int = field(repr=False)
    """)
    assert {p.name: p.default for p in found.parameters} == {
        "kept": [], "listed": [1, 2], "plain": 3, "needed": REQUIRED,
    }  # fmt: skip
    assert found.class_vars == {"costs": ("epochs",), "deterministic": True}
    assert found.complete  # `scale` is nothing that a contract asks for


def test_constants_and_aliases_of_the_module_are_filled_in() -> None:
    text = """
        import typing as t
        from evoplug import contracts as c
        LIMIT = 5
        Rate = Annotated[float, Le(LIMIT), "a rate"]
        NAMES = ("relu", "tanh")
        HELP, OTHER = "not: an expression", 1
        @c.dataclass
        class A(c.Network):
            rate: Rate = LIMIT
            mode: Annotated[Literal[HELP], HELP] = HELP
            names: t.Annotated[c.Function, c.Known(*NAMES)] = "relu"
    """
    assert parameters(text) == {
        "rate": ("Annotated[float, Le(5), 'a rate']", 5, "a rate"),
        "mode": (
            "Annotated[Literal['not: an expression'], 'not: an expression']",
            "not: an expression",
            "not: an expression",
        ),
        "names": ("Annotated[Function, Known(*('relu', 'tanh'))]", "relu", ""),
    }
    assert define(text).contracts == {"Network"}


def test_what_only_an_import_can_tell_is_unknown() -> None:
    found = define("""
        import torch
        from elsewhere import Positive
        LOOP = LOOP
        TWICE = 1
        TWICE = 2
        @dataclass
        class A(Mutation):
            a: Positive = 1
            b: Annotated[torch.Tensor, "a tensor"] = None
            c: float = 1 / 3
            d: int = TWICE
            e: int = LOOP
            f: list[int] = field(default_factory=make)
            g: dict = {**OTHER}
            h: Network = use("mlp", **OTHER)
            i: "not an annotation" = {(1, 2): 3}
    """)
    assert [p.annotation for p in found.parameters] == [
        None, None, "float", "int", "int", "list[int]", "dict", "Network", None,
    ]  # fmt: skip
    assert [p.default for p in found.parameters] == [1, None, *[UNKNOWN] * 7]
    assert found.parameters[1].help == "a tensor"
    assert not found.complete


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("class A(Mutation):\n  a: float = 1.0\n  b: Annotated[int, Gt(0)]", ("a", "b")),
        ("@evoplug.register('mutations', 'a')\nclass A(Mutation):\n  a: float = 1.0", ("a",)),
        ("class Base(Mutation):\n  a: float = 1.0\n@dataclass\nclass A(Base):\n  b: int = 2", ("a",)),
        ("@dataclass\nclass Base(Mutation):\n  a: float = 1.0\nclass A(Base):\n  a: float = 2.0", ("a",)),
        # These are as they should be.
        ("class Base(Mutation):\n  a: float = 1.0\n@dataclass\nclass A(Base):\n  a: float = 2.0", ()),
        ("@dataclass\nclass Base(Mutation):\n  a: float = 1.0\nclass A(Base): ...", ()),
        ("class A(Mutation):\n  a: ClassVar[int] = 1\n  _b: int = 2\n  c: int\n  d = 3", ()),
        ("class A(Evaluator):\n  costs: tuple[str, ...] = ('epochs',)", ()),
        ("import torch\nclass A(Evaluator):\n  a: torch.Tensor | None = None", ()),
        # And of these nobody knows.
        ("class A(Mutation):\n  a: float = 1.0\n  def __init__(self, a): self.a = a", None),
        ("from elsewhere import define\n@define\nclass A(Mutation):\n  a: float = 1.0", None),
        ("from elsewhere import Base\nclass A(Base):\n  a: float = 1.0", None),
    ],
)
def test_fields_of_a_class_that_is_no_dataclass_are_told(text: str, ignored: tuple[str, ...] | None) -> None:
    assert define(f"import evoplug\n{text}").ignored == ignored


def test_bases_in_the_file_hand_down_fields_kinds_and_contract() -> None:
    found = define("""
        @dataclass
        class Base(Mutation, genome=("weights", "real-vector")):
            needs = ("states",)
            costs = ("epochs",)
            a: int = 1
            b: int = 2
        @dataclass
        class A(Base):
            c: int = 3
            a: int = 9
            @property
            def costs(self):
                return ()
    """)
    assert [(p.name, p.default) for p in found.parameters] == [("a", 9), ("b", 2), ("c", 3)]
    assert found.kinds == ("weights", "real-vector")
    assert found.class_vars == {"needs": ("states",)}
    assert found.contracts == {"Mutation"}
    assert found.complete


def test_a_base_of_another_package_leaves_the_class_incomplete() -> None:
    found = define("""
        from elsewhere import A as Base, A
        @dataclass
        class A(A):
            a: int = 1
    """)
    assert [p.name for p in found.parameters] == ["a"]
    assert found.contracts == {"?"}
    assert not found.complete


def test_kinds_that_are_computed_are_unknown() -> None:
    assert not define("class A(Mutation, genome=KINDS): ...").complete
    assert not define("class A(Mutation, genome=3): ...").complete
    assert define("KINDS = 'a', 'b'\nclass A(Mutation, genome=KINDS): ...").kinds == ("a", "b")


def test_definitions_under_conditions_count() -> None:
    assert (
        define("""
        try:
            import fast
        except ImportError:
            class A(Mutation):
                '''Slow.'''
    """).docstring
        == "Slow."
    )


def test_a_module_may_bind_more_than_it_shows() -> None:
    assert not Source(ast.parse("B = 1")).binds("A")
    for text in ("from x import *", "def __getattr__(name): ...", "from x import A", "A = make()", "import x as A"):
        assert Source(ast.parse(text)).binds("A"), text


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(plain)
def test_a_literal_is_read_as_python_evaluates_it(value: Any) -> None:
    read = Source(ast.parse("")).literal(ast.parse(repr(value), mode="eval").body)
    assert read == value
    assert type(read) is type(value)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers()), unique_by=lambda pair: pair[0]), st.data())
def test_fields_and_defaults_are_those_of_the_dataclass(own: list[tuple[str, int]], data: st.DataObject) -> None:
    base = data.draw(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers()), unique_by=lambda pair: pair[0]))
    bodies = ["".join(f"    {name}: int = {value}\n" for name, value in body) + "    pass\n" for body in (base, own)]
    text = f"{HEAD}\n@dataclass\nclass Base:\n{bodies[0]}\n@dataclass\nclass A(Base):\n{bodies[1]}\n"
    module = types.ModuleType("defined_here")
    sys.modules[module.__name__] = module  # where dataclasses looks up annotations
    exec(text, vars(module))
    del sys.modules[module.__name__]
    expected = [(item.name, item.default) for item in dataclasses.fields(module.A)]
    assert [(p.name, p.default) for p in define(text, head="").parameters] == expected
