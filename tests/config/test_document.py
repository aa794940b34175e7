"""Reading, extending and overriding configurations."""

import os
from pathlib import Path

import pytest

from evoplug.config import load
from evoplug.errors import ConfigError


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def error(config, overrides=()) -> str:
    with pytest.raises(ConfigError) as caught:
        load(config, overrides)
    text = str(caught.value)
    assert len(text.splitlines()) == len(caught.value.mistakes)
    return text


# ------------------------------------------------------------------------------------------------- reading


def test_a_file_is_data_with_places_and_its_own_text(tmp_path: Path) -> None:
    text = '\ufeffevoplug = 1\r\n[strategy]\r\nuse = "leea"\r\n'
    file = tmp_path / "é 日本 🎲.toml"
    file.write_bytes(text.encode())
    document = load(file)
    assert document.data == {"evoplug": 1, "strategy": {"use": "leea"}}
    assert document.name == "é 日本 🎲"
    assert document.text == text.removeprefix("\ufeff")
    assert document.origin(("strategy", "use")) == (f"{file}:3", tmp_path)
    assert document.origin(("strategy", "nothing", "here")).where == f"{file}:2"


BAD_BYTES = {
    "not UTF-8 text (byte 0xe9)": b"evoplug = 1\n# caf\xe9\n",
    "is not TOML": b"evoplug = 1\na = = 2\n",
    "character": b"evoplug = 1\n# \0\n",
    "nested too deeply": b"evoplug = 1\na = " + b"[" * 3000 + b"]" * 3000,
    "thousands of digits": b"evoplug = 1\na = " + b"9" * 5000,
    "64 bits": b"evoplug = 1\na = 99999999999999999999",
    "more than 32 levels": b"evoplug = 1\na = " + b"[" * 40 + b"]" * 40,
    "dates and times have no use": b"evoplug = 1\na = { b = [1979-05-27] }",
    "evoplug: is missing": b"[run]\nseed = 1",
    "a newer evoplug reads it": b"evoplug = 2",
    'must be 1, got "1"': b'evoplug = "1"',
    "must be 1, got true": b"evoplug = true",
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("base", [False, True])
def test_what_never_ends_is_not_read(tmp_path: Path, base: bool) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "device.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "device.toml"):
        file = written(tmp_path, "own.toml", f'evoplug = 1\nextends = "./{name}"') if base else tmp_path / name
        assert error(file).endswith(f"{name}: is a pipe or a device, not a TOML file")


@pytest.mark.parametrize("message", BAD_BYTES)
def test_a_bad_file_is_one_line_that_names_it(tmp_path: Path, message: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(BAD_BYTES[message])
    text = error(file)
    assert text.startswith(f"{file}")
    assert message in text
    assert len(text.splitlines()) == 1


def test_mistakes_of_syntax_have_their_line(tmp_path: Path) -> None:
    assert error(written(tmp_path, "a.toml", "evoplug = 1\n\na = = 2")).startswith(
        f"{tmp_path / 'a.toml'}:3: is not TOML"
    )
    assert error(written(tmp_path, "b.toml", "evoplug = 1\na = [\n1,\n")).startswith(f"{tmp_path / 'b.toml'}:4: is not")
    assert error(written(tmp_path, "c.toml", "evoplug = 1\n\n[x]\nd = 07:00:00")).startswith(
        f"{tmp_path / 'c.toml'}:4: x.d: "
    )


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    assert error(tmp_path / "none.toml") == f"{tmp_path / 'none.toml'}: no such file"
    assert error(tmp_path) == f"{tmp_path}: is a folder, not a TOML file"
    assert error(f"{tmp_path}") == f"{tmp_path}: is a folder, not a TOML file"
    assert "cannot be read" in error("a\0b.toml")
    assert "cannot be read" in error("x" * 5000 + ".toml")
    assert "did you mean `quickstart`?" in error("quikstart")


def test_a_preset_is_found_by_name() -> None:
    assert load("quickstart").data["strategy"]["use"] == "leea"


def test_a_mapping_needs_no_format_and_is_written_as_toml() -> None:
    document = load({"run": {"stop": {"seconds": 1}}, "x": (1, 2)})
    assert (document.name, document.data["x"]) == ("run", [1, 2])
    assert "[run.stop]\nseconds = 1" in document.text
    assert document.origin(("run",)).where == ""


@pytest.mark.parametrize("value", [None, object(), 2**63, {1: 2}, "\ud800", b"x"])
def test_a_mapping_holds_only_what_toml_has(value: object) -> None:
    assert error({"run": {"name": value}}).startswith("run")


# ------------------------------------------------------------------------------------------------- extends


BASE = """evoplug = 1
[strategy]
use = "leea"
population = 10
[genotype]
use = "weights"
network = { use = "mlp", hidden = [8, 8] }
[operators]
mutation = "gaussian"
"""


def test_tables_merge_and_arrays_replace(tmp_path: Path) -> None:
    base = written(tmp_path, "base.toml", BASE)
    (tmp_path / "deep").mkdir()
    over = written(
        tmp_path / "deep", "over.toml", "evoplug = 1\nextends = '../base.toml'\n[genotype]\nnetwork.hidden = [4]\n"
    )
    document = load(over)
    assert document.data["genotype"] == {"use": "weights", "network": {"use": "mlp", "hidden": [4]}}
    assert document.data["strategy"]["population"] == 10
    assert "extends" not in document.data
    assert document.notices == ()
    assert document.origin(("genotype", "network", "hidden")) == (f"{over}:4", over.parent)
    assert document.origin(("strategy", "population")).where.endswith("base.toml:4")
    assert document.origin(("strategy", "population")).folder.resolve() == base.parent.resolve()
    assert document.text == over.read_text()


def test_changing_use_drops_the_inherited_parameters_and_says_so(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\n[strategy]\nuse = 'snes'\nsigma = 1.0\n")
    document = load(over)
    assert document.data["strategy"] == {"use": "snes", "sigma": 1.0}
    (notice,) = document.notices
    assert notice == f"{over}:4: strategy: use = `snes` drops what `leea` had: population"


def test_what_the_file_sets_itself_was_not_dropped(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(
        tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\n[strategy]\nuse = 'snes'\npopulation = 5\n"
    )
    assert load(over).notices == ()
    assert load(tmp_path / "base.toml", ["strategy.use=snes", "strategy.population=5"]).notices == ()


def test_a_component_in_its_short_form_drops_parameters_and_says_so(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\nstrategy = 'snes'\n")
    assert load(over).notices == (f"{over}:3: strategy: use = `snes` drops what `leea` had: population",)


def test_a_section_that_is_none_is_not_there(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\noperators = 'none'\ngenotype = 'none'\n")
    assert load(over).data.keys() == {"evoplug", "strategy"}
    assert load(over).notices == ()
    again = written(tmp_path, "again.toml", "evoplug = 1\nextends = 'over.toml'\n[operators]\nselection = 'best'\n")
    assert load(again).data["operators"] == {"selection": "best"}
    overrides = ["operators=none", "operators.crossover.use=uniform", "genotype=none"]
    assert load(tmp_path / "base.toml", overrides).data["operators"] == {"crossover": {"use": "uniform"}}


def test_what_was_written_for_another_strategy_is_known(tmp_path: Path) -> None:
    base = written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\nstrategy = 'snes'\n")
    assert load(base).left_over == {}
    left = {("genotype",): "leea", ("operators", "mutation"): "leea"}
    assert load(base, ["strategy.use=snes"]).left_over == load(over).left_over == left
    assert load(over, ["strategy=cem", "genotype.init=normal"]).left_over == {("operators", "mutation"): "leea"}
    assert load(over, ["operators=none"]).left_over == {("genotype",): "leea"}
    assert load(over, ["strategy.use=leea"]).left_over == {}


def test_saying_the_same_use_drops_nothing(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\n[strategy]\nuse = 'leea'\n")
    assert load(over).data["strategy"] == {"use": "leea", "population": 10}


def test_parameters_merge_into_a_component_in_its_short_form(tmp_path: Path) -> None:
    written(tmp_path, "base.toml", BASE)
    over = written(tmp_path, "over.toml", "evoplug = 1\nextends = 'base.toml'\n[operators.mutation]\nsigma = 0.1\n")
    assert load(over).data["operators"]["mutation"] == {"use": "gaussian", "sigma": 0.1}


def test_chains_go_all_the_way_and_cycles_end(tmp_path: Path) -> None:
    written(tmp_path, "a.toml", "evoplug = 1\nextends = 'b.toml'\nx.a = 1")
    written(tmp_path, "b.toml", "evoplug = 1\nextends = 'c.toml'\nx.a = 0\nx.b = 2")
    written(tmp_path, "c.toml", "evoplug = 1\nx.c = 3")
    assert load(tmp_path / "a.toml").data["x"] == {"a": 1, "b": 2, "c": 3}
    written(tmp_path, "c.toml", "evoplug = 1\n\nextends = 'a.toml'")
    assert error(tmp_path / "a.toml") == f"{tmp_path / 'c.toml'}:3: extends: 'a.toml' leads back to itself"


def test_a_bad_base_is_named_where_it_is_extended(tmp_path: Path) -> None:
    file = written(tmp_path, "a.toml", "evoplug = 1\nextends = 'none.toml'")
    assert error(file) == f"{file}:2: extends: {tmp_path / 'none.toml'}: no such file"
    file = written(tmp_path, "a.toml", "evoplug = 1\nextends = 'quikstart'")
    assert "quickstart" in error(file)
    assert error(written(tmp_path, "a.toml", "evoplug = 1\nextends = 3")).startswith(f"{file}:2: extends: must be")


def test_a_mapping_extends_a_preset() -> None:
    document = load({"extends": "quickstart", "strategy": {"population": 7}})
    assert document.data["strategy"]["population"] == 7
    assert document.data["strategy"]["use"] == "leea"


# ----------------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("[1, 2]", [1, 2]), ("adam", "adam"), ("a,b", "a,b"), ("true", True), ("", ""),
        ("{ minutes = 10 }", {"minutes": 10}), ("'1'", "1"), ("2024-01-01", "2024-01-01"), ("a=b", "a=b"),
        ("1\nb = 2", "1\nb = 2"), ("01", "01"),
    ],
)  # fmt: skip
def test_a_value_is_toml_or_else_a_string(text: str, value: object) -> None:
    assert load({}, [f"a.b={text}"]).data == {"a": {"b": value}}


def test_overrides_replace_and_make_tables() -> None:
    config = {"run": {"stop": {"hours": 2, "generations": 5}}, "operators": {"mutation": "gaussian"}}
    document = load(
        config, ["run.stop={ minutes = 10 }", "genotype.network.bias=false", "operators.mutation.sigma=1.0"]
    )
    assert document.data == {
        "run": {"stop": {"minutes": 10}},
        "operators": {"mutation": {"use": "gaussian", "sigma": 1.0}},
        "genotype": {"network": {"bias": False}},
    }
    assert document.origin(("run", "stop", "minutes")).where == "--set"
    assert set(document.overridden) == {
        ("run", "stop"),
        ("genotype", "network", "bias"),
        ("operators", "mutation", "sigma"),
    }


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_overrides_does_not_matter(order: int) -> None:
    config = {"strategy": {"use": "leea", "population": 10}}
    overrides = ["strategy.sigma=2.0", "strategy.use=snes"][::order]
    document = load(config, overrides)
    assert document.data == {"strategy": {"use": "snes", "sigma": 2.0}}
    assert document.notices == ("--set: strategy: use = `snes` drops what `leea` had: population",)


def test_overrides_from_python_are_values() -> None:
    assert load({}, {"a.b": (1, 2), 'c."d.e"': "1"}).data == {"a": {"b": [1, 2]}, "c": {"d.e": "1"}}


@pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", "a b=1", "extends=x", "evoplug=2", "a." * 50 + "a=1"])
def test_a_bad_override_names_itself(text: str) -> None:
    assert error({}, [text]).startswith("--set: ")


def test_a_bad_value_of_an_override_has_its_key() -> None:
    assert error({}, ["a.b=[2024-01-01]"]).startswith("--set: a.b[0]: dates")
