"""`evoplug list` and `evoplug show`, and what every command shares: lazy, quiet, one line for a mistake."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evoplug import __version__, catalogue
from evoplug.catalogue import REQUIRED, UNKNOWN, Entry, Parameter, lookup
from evoplug.cli import commands, listing, main, spelling
from evoplug.contracts import Use
from evoplug.errors import Interrupted

GAUSSIAN = Entry(
    "mutations", "gaussian", "ops:Gaussian", "evoplug", "1.0", Path("/ops.py"), 7,
    "Add noise [0, 1].\n\nAs ``N(0, 1)``.",
    (
        Parameter("sigma", "Annotated[float | None, Gt(0), Le(1), 'strength']", None, "strength", 9),
        Parameter("mode", "Literal['a', 'b']", "a", "", 10),
        Parameter("steps", "int", REQUIRED, "", 11),
    ),
    ("real-vector",),
    {"examples": ({"steps": 2},)},
)  # fmt: skip
LEVY = Entry(
    "mutations", "levy", "levy:Levy", "evoplug-levy", "2.0", problem="there is no module `levy`", complete=False
)
FREE = Entry(
    "mutations", "free", "ops:Free", "evoplug", "1.0",
    parameters=(Parameter("x", None, UNKNOWN, "", 1),), complete=False,
)  # fmt: skip
PICK = Entry("selections", "pick", "ops:Pick", "evoplug", "1.0", docstring="Pick.")
BLOCKS = Entry("mutations", "blocks", "ops:Blocks", "evoplug", "1.0", docstring="Edit.", kinds=("block-stack",))
VECTOR = Entry(
    "genotypes", "vector", "ops:Vector", "evoplug", "1.0", docstring="A vector.", kinds=("weights", "real-vector")
)
COMPOSITE = Entry(
    "genotypes", "composite", "ops:Composite", "evoplug", "1.0", kinds=("composite",),
    parameters=(Parameter("parts", "Annotated[Mapping[str, Genotype], MinLen(1)]", REQUIRED, "", 1),),
)  # fmt: skip
SEARCH = Entry(
    "strategies", "search", "ops:Search", "evoplug", "1.0", docstring="Search.",
    parameters=(
        Parameter("population", "int", 10, "", 1),
        Parameter("selection", "Annotated[Selection, 'who']", Use("pick", {"size": 2}), "who", 2),
    ),
)  # fmt: skip
TWENTY = Entry(
    "evaluators", "twenty", "ops:Twenty", "evoplug", "1.0",
    class_vars={"companions": {"genotype": {"use": "vector", "length": 20}}},
)  # fmt: skip


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Entry, ...]:
    """A catalogue of a few entries, with two presets."""
    file = tmp_path / "quick.toml"
    file.write_bytes("# Quick, très.\r\nevoplug = 1\n".encode())
    quick = Entry("presets", "quick", "presets", "evoplug", "1.0", file, 1, "Quick.")
    everything = (VECTOR, COMPOSITE, SEARCH, PICK, GAUSSIAN, BLOCKS, FREE, LEVY, quick)

    def entries(group: str | None = None) -> tuple[Entry, ...]:
        if group is not None:
            catalogue.check_group(group)
        return tuple(entry for entry in everything if group in (None, entry.group))

    monkeypatch.setattr(lookup, "entries", entries)
    monkeypatch.setattr(catalogue, "entries", entries)
    return everything


def evoplug(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    output = capfd.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, output.out, output.err


@pytest.mark.usefixtures("installed")
class TestList:
    def test_in_a_pipe_each_component_is_one_line(self, capfd: pytest.CaptureFixture[str]) -> None:
        code, output, _ = evoplug(capfd, "list", "mutations")
        assert code == 0
        assert [re.split("  +", line) for line in output.splitlines()] == [
            ["mutations", "gaussian", "Add noise [0, 1].", 'sigma=none, mode="a", steps'],
            ["mutations", "blocks", "Edit."],
            ["mutations", "free", "x=?, ..."],
            ["mutations", "levy", "broken: there is no module `levy` (evoplug-levy 2.0)"],
        ]

    def test_everything_is_listed_by_default(self, capfd: pytest.CaptureFixture[str]) -> None:
        _, output, _ = evoplug(capfd, "list")
        assert [line.split()[1] for line in output.splitlines()] == [
            "vector", "composite", "search", "pick", "gaussian", "blocks", "free", "levy", "quick",
        ]  # fmt: skip

    def test_for_a_genotype_shows_what_works_with_it(self, capfd: pytest.CaptureFixture[str]) -> None:
        _, output, _ = evoplug(capfd, "list", "--for", "vector")
        assert [line.split()[1] for line in output.splitlines()] == ["search", "pick", "gaussian", "free", "levy"]
        _, output, _ = evoplug(capfd, "list", "mutations", "--for", "vector")
        assert [line.split()[1] for line in output.splitlines()] == ["gaussian", "free", "levy"]

    def test_a_strategy_fits_where_an_evaluator_that_fits_gives_what_it_needs(
        self, installed: tuple[Entry, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        others = tuple(
            Entry(group, name, f"ops:{name}", "evoplug", "1.0", kinds=kinds, class_vars=facts)
            for group, name, kinds, facts in (
                ("strategies", "learner", (), {"needs": ("states",)}),
                ("strategies", "descent", (), {"genotype": "none"}),
                ("genotypes", "blocks", ("block-stack",), {}),
                ("evaluators", "plain", (), {}),
                ("evaluators", "teacher", ("weights",), {"provides": ("states", "cases")}),
            )
        )
        everything = (*installed, *others)

        def entries(group: str | None = None) -> tuple[Entry, ...]:
            return tuple(entry for entry in everything if group in (None, entry.group))

        monkeypatch.setattr(lookup, "entries", entries)
        monkeypatch.setattr(catalogue, "entries", entries)
        names = {}
        for genotype in ("vector", "blocks"):
            _, output, _ = evoplug(capfd, "list", "strategies", "--for", genotype)
            names[genotype] = [line.split()[1] for line in output.splitlines()]
        assert names == {"vector": ["search", "learner"], "blocks": ["search"]}

    def test_operators_fit_the_parts_of_a_genotype_that_is_made_of_others(
        self, capfd: pytest.CaptureFixture[str]
    ) -> None:
        _, output, _ = evoplug(capfd, "list", "mutations", "--for", "composite")
        assert [line.split()[1] for line in output.splitlines()] == ["gaussian", "blocks", "free", "levy"]

    def test_what_searches_real_vectors_may_fit_a_genotype_that_is_made_of_others(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kinds = {"on-vectors": ("real-vector",), "on-blocks": ("block-stack",), "on-any": ()}
        strategies = tuple(Entry("strategies", name, "ops:S", "evoplug", "1.0", kinds=kinds[name]) for name in kinds)

        def entries(group: str | None = None) -> tuple[Entry, ...]:
            return tuple(entry for entry in (COMPOSITE, *strategies) if group in (None, entry.group))

        monkeypatch.setattr(lookup, "entries", entries)
        monkeypatch.setattr(catalogue, "entries", entries)
        _, output, _ = evoplug(capfd, "list", "strategies", "--for", "composite")
        assert [line.split()[1] for line in output.splitlines()] == ["on-vectors", "on-any"]

    def test_an_empty_group_says_so(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert evoplug(capfd, "list", "plots") == (0, "", "No plots here.\n")

    def test_json_has_stable_keys_and_plain_values(self, capfd: pytest.CaptureFixture[str]) -> None:
        _, output, _ = evoplug(capfd, "list", "--json")
        data = json.loads(output)
        assert {tuple(item) for item in data} == {(
            "group", "name", "use", "doc", "docstring", "parameters", "kinds", "class_vars", "value", "distribution",
            "version", "file", "line", "problem", "complete",
        )}  # fmt: skip
        search, gaussian = (next(item for item in data if item["name"] == name) for name in ("search", "gaussian"))
        assert search["parameters"][1]["default"] == {"use": "pick", "size": 2}
        assert gaussian["parameters"][0] == {
            "name": "sigma", "type": "float | None", "bounds": ["> 0", "<= 1"], "required": False, "default": None,
            "default_known": True, "help": "strength", "line": 9,
        }  # fmt: skip
        assert gaussian["parameters"][2]["required"]

    def test_a_terminal_gets_a_table_with_all_words_at_any_width(self, installed: tuple[Entry, ...]) -> None:
        for width in (60, 200):
            terminal = io.StringIO()
            Console(file=terminal, width=width, force_terminal=True, no_color=True).print(listing.listed(installed))
            words = terminal.getvalue().split()
            assert "[0," in words  # brackets are text, not markup
            assert "gaussian" in "".join(words)
            assert "evoplug-levy" in "".join(words)

    def test_mistakes_are_one_line(self, capfd: pytest.CaptureFixture[str]) -> None:
        code, output, error = evoplug(capfd, "list", "mutation")
        assert (code, output) == (2, "")
        assert error == "evoplug: error: there is no group `mutation`; did you mean `mutations`?\n"
        assert evoplug(capfd, "list", "--for", "vectr")[2] == (
            "evoplug: error: there is no genotype `vectr`; did you mean `vector`?\n"
        )


@pytest.mark.usefixtures("installed")
class TestShow:
    def test_a_component_in_full(self, capfd: pytest.CaptureFixture[str]) -> None:
        code, output, _ = evoplug(capfd, "show", "mutations", "gaussian")
        assert code == 0
        assert output == (
            "gaussian, a mutation of evoplug 1.0\n\n"
            "Add noise [0, 1].\n\nAs `N(0, 1)`.\n\n"
            "  sigma: float | None, > 0, <= 1; default none\n"
            "      strength\n"
            '  mode: "a" | "b"; default "a"\n'
            "  steps: int; required\n\n"
            "works on  real-vector\n"
            "source    /ops.py:7\n\n"
            '[operators]\nmutation = { use = "gaussian", mode = "a", steps = 2 }\n'
        )

    def test_what_is_broken_or_unknown_is_said(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert "Broken: there is no module `levy`\n" in evoplug(capfd, "show", "mutations", "levy")[1]
        assert "Not all of it can be read" in evoplug(capfd, "show", "mutations", "free")[1]

    def test_the_operators_of_a_strategy_stand_in_their_own_table(self, capfd: pytest.CaptureFixture[str]) -> None:
        output = evoplug(capfd, "show", "strategies", "search")[1]
        assert tomllib.loads(output[output.index("[strategy]") :]) == {
            "strategy": {"use": "search", "population": 10},
            "operators": {"selection": {"use": "pick", "size": 2}},
        }

    def test_what_a_component_wants_beside_it_stands_there_too(self) -> None:
        assert tomllib.loads(spelling.table(TWENTY, "twenty")) == {
            "evaluator": {"use": "twenty"},
            "genotype": {"use": "vector", "length": 20},
        }

    def test_a_preset_is_printed_byte_by_byte(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        with pytest.raises(SystemExit):
            main(["show", "presets", "quick"])
        assert capfdbinary.readouterr().out == catalogue.preset("quick").read_bytes()

    def test_json_is_an_item_of_the_list(self, capfd: pytest.CaptureFixture[str]) -> None:
        item = json.loads(evoplug(capfd, "show", "selections", "pick", "--json")[1])
        assert item in json.loads(evoplug(capfd, "list", "selections", "--json")[1])

    def test_a_wrong_group_is_explained(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert evoplug(capfd, "show", "selections", "gaussian") == (
            2, "", "evoplug: error: `gaussian` is a mutation, not a selection; choices: pick\n",
        )  # fmt: skip


class TestMain:
    @pytest.mark.parametrize(
        "command",
        [
            ["--help"],
            ["list"],
            ["list", "--json"],
            ["list", "--plugins", "ops.py"],
            ["show", "mutations", "gaussian"],
            ["show", "mutations", "mine", "--plugins", "ops.py"],
        ],
    )
    def test_the_quick_commands_import_nothing_heavy(self, command: list[str], tmp_path: Path) -> None:
        (tmp_path / "ops.py").write_text(
            'import torch\n@evoplug.register("mutations", "mine")\nclass M(Mutation): pass\n'
        )
        script = (
            "import sys; from evoplug.cli import main\n"
            f"try: main({command!r})\n"
            "except SystemExit as end: assert not end.code, end.code\n"
            "heavy = {'torch', 'numpy', 'pydantic', 'evotorch', 'deap', 'scipy'} & set(sys.modules)\n"
            "plugins = {name for name in sys.modules if name.startswith('evoplug_')}\n"
            "assert not heavy | plugins, heavy | plugins\n"
        )
        python = [sys.executable, "-c", script]
        done = subprocess.run(python, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")

    def test_help_says_of_each_command_what_the_command_says(self) -> None:
        with click.Context(commands) as context:
            for name in ("list", "show"):
                assert commands.get_command(context, name).get_short_help_str() in commands.get_help(context)

    def test_version(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert evoplug(capfd, "--version") == (0, f"evoplug {__version__}\n", "")

    def test_usage_errors_exit_with_2(self, capfd: pytest.CaptureFixture[str]) -> None:
        code, _, error = evoplug(capfd, "lst")
        assert code == 2
        assert error.endswith("Error: there is no command `lst`; did you mean `list`?\n")
        assert evoplug(capfd, "list", "--nothing")[0] == 2

    @pytest.mark.parametrize(
        ("raised", "code", "error"),
        [
            (Interrupted(15), 143, "\nevoplug: stopped by signal 15\n"),
            (KeyboardInterrupt(), 130, "\nevoplug: stopped by signal 2\n"),
        ],
    )
    def test_interruptions_have_their_codes(
        self,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        raised: BaseException,
        code: int,
        error: str,
    ) -> None:
        def entries(group: str | None) -> None:
            raise raised

        monkeypatch.setattr(catalogue, "entries", entries)
        assert evoplug(capfd, "list") == (code, "", error)

    def test_a_reader_that_leaves_early_sees_no_traceback(self) -> None:
        with subprocess.Popen(
            [sys.executable, "-m", "evoplug", "list", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 1


values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(values)
def test_values_are_spelled_as_toml(value: Any) -> None:
    assert tomllib.loads(f"value = {spelling.toml(value)}") == {"value": value}


def test_bounds_are_spelled_in_signs_and_words() -> None:
    assert spelling.kind("tuple[Annotated[int, Ge(1), MultipleOf(2)], ...]") == (
        "tuple[int, ...]", (">= 1", "a multiple of 2"),
    )  # fmt: skip
    assert spelling.kind("Annotated[Function, Known('sphere', 'ackley'), 'what']") == (
        "Function", ("one of sphere, ackley",),
    )  # fmt: skip
    assert spelling.kind("Annotated[int, Odd(3)]") == ("int", ("Odd(3)",))
    assert spelling.kind(None) == ("?", ())
