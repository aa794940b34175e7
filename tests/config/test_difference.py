"""Where two configurations differ."""

from evoplug.config.difference import differences


def test_tables_are_compared_key_by_key() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "gone": "x", "same": {"d": 0}}
    new = {"a": {"b": 2, "c": [1, 2]}, "came": True, "same": {"d": 0}}
    assert [tuple(d) for d in differences(old, new)] == [("a.b", 1, 2), ("came", None, True), ("gone", "x", None)]
    assert [str(d) for d in differences(old, new)] == [
        "a.b is 2, not 1",
        "came is true, not nothing",
        'gone is nothing, not "x"',
    ]
    assert not list(differences(old, old))


def test_a_table_in_place_of_a_value_is_one_difference() -> None:
    assert [str(d) for d in differences({"a": 1}, {"a": {"b": 1}})] == ["a is a table, not 1"]
