"""Places of keys in TOML text."""

import tomllib

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from evoplug.config.locate import key_path, lines


def paths(value, path=()):
    """Every key path of plain data, tables and array elements included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} if path else set()
    for key, each in inner:
        found |= paths(each, (*path, key))
    return found


TEXT = '''\
evoplug = 1   # [not.a.table]
title = "a # b = [c]"
"quoted key"."with.dot" = 'lit#eral'
a.b.c = 1
multi = """
[no.table]
key = "value\\""
"""  # after
raw = \'\'\'
it''s = 2\'\'\'
dates = [1979-05-27 07:32:00, 1979-05-27T07:32:00Z, 07:32:00]
nested = [
  [1, 2],   # one
  { x = 1, "y.z" = [3, { w = 4 }] },
]

[strategy]   # comment
use = "leea"

[ genotype . "net work" ]
hidden = [256,
          128]

[[recorders]]
use = "one"
[recorders.options]
deep = { a.b = true }

[[recorders]]
use = "two"
[[recorders.inner]]
x = 1
[[recorders.inner]]
x = 2
'''


def test_the_paths_of_a_text_with_everything_are_tomllibs() -> None:
    assert set(lines(TEXT)) == paths(tomllib.loads(TEXT))


def test_lines_are_where_the_keys_stand() -> None:
    found = lines(TEXT)
    row = dict(enumerate(TEXT.splitlines(), 1))
    assert row[found[("strategy", "use")]] == 'use = "leea"'
    assert row[found[("nested", 1, "y.z")]].strip().startswith("{ x = 1")
    assert row[found[("recorders", 1)]] == "[[recorders]]"
    assert row[found[("recorders", 1, "use")]] == 'use = "two"'
    assert row[found[("recorders", 1, "inner", 1, "x")]] == "x = 2"
    assert row[found[("genotype", "net work", "hidden", 1)]].strip() == "128]"
    assert row[found[("raw",)]] == "raw = '''"


def test_windows_line_ends_count_once() -> None:
    assert lines("a = 1\r\n\r\n[b]\r\nc = 2\r\n") == {("a",): 1, ("b",): 3, ("b", "c"): 4}


def test_broken_text_gives_what_was_found_before_it_breaks() -> None:
    assert lines("a = 1\n= 2\nb = 3") == {("a",): 1}


KEYS = st.text(st.characters(codec="utf-8"), max_size=4)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(['"""', "'''", "a\nb", "[x]", "# no", "k = v", "\\", '"', "}", ","]),
    st.datetimes(),
    st.dates(),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


@settings(max_examples=150)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_the_paths_of_any_written_text_are_tomllibs(data: dict, multiline: bool) -> None:
    text = tomli_w.dumps(data, multiline_strings=multiline)
    assert set(lines(text)) == paths(tomllib.loads(text))


BARE = st.sampled_from(["a", "b", "c-d", "1", '"q.q"', "'l #'", '"\\u00e9"'])
DOTTED = st.lists(BARE, min_size=1, max_size=3).map(" . ".join) | st.lists(BARE, min_size=1, max_size=3).map(".".join)
LITERALS = st.sampled_from(
    ["1", "+1_000", "0xff", "1e-3", "-inf", "true", '"x"', "'#'", '"""a""b"""', '"""\n"a" \\"\\"\\" b"""', "'''''x'''",
     "1979-05-27 07:32:00", "07:32:00.5", "[]", "{}", "[1, # one\n 2,\n]", "{ a = 1, b.c = [ { d = 2 } ] }",
     '[ [ "]" ], { k = "}" } ]']
)  # fmt: skip
BLANKS = st.sampled_from(["", "\n", "# [c]\n", "  # x = 1\n\t\n"])
PAIRS = st.tuples(DOTTED, LITERALS, BLANKS).map(lambda each: f"{each[0]} = {each[1]}\n{each[2]}")
HEADERS = st.tuples(DOTTED, st.booleans(), BLANKS).map(
    lambda each: f"[[{each[0]}]]\n{each[2]}" if each[1] else f"[ {each[0]} ] # c\n{each[2]}"
)


@settings(max_examples=400)
@given(st.lists(PAIRS | HEADERS, max_size=7).map("".join))
def test_the_paths_of_any_valid_text_by_hand_are_tomllibs(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # a key twice
        lines(text)
    else:
        assert set(lines(text)) == paths(data)


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_no_text_is_too_odd(text: str) -> None:
    assert all(line >= 1 for line in lines(text).values())


def test_key_paths_of_overrides() -> None:
    assert key_path("a.b-c.1") == ("a", "b-c", "1")
    assert key_path('sweep.arms.x."evaluator.batch"') == ("sweep", "arms", "x", "evaluator.batch")
    assert [key_path(text) for text in ("", "a.", ".a", "a b", "a=b", '"a')] == [None] * 6
