"""The pages do what they say: every block is saved or run, in order, as a reader would in an empty folder."""

import dataclasses
import json
import os
import re
import site
import subprocess
import typing
import venv
from pathlib import Path

import annotated_types
import pytest

import evoplug
from analysis.folders import sweep
from evoplug import catalogue, config, contracts
from evoplug.cli import contracts_reference, main, reference
from evoplug.cli.listing import data
from evoplug.cli.sections import SECTIONS
from evoplug.config import experiment

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.(?:py|toml))\n")
PIP = "--no-index --no-deps --no-build-isolation --quiet"  # all that is needed is there; nothing is fetched


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block."""
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


@pytest.fixture
def reader(tmp_path):
    """Runs a script as a new user would: an empty folder, an environment of its own that has evoplug."""
    environment, folder = tmp_path / "environment", tmp_path / "folder"
    folder.mkdir()
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/*/site-packages")
    lines = [f"import site; site.addsitedir({place!r})" for place in site.getsitepackages()]
    (packages / "evoplug-of-the-tests.pth").write_text("\n".join(lines))
    commands = {
        "evoplug": 'python -m evoplug "$@"',
        "pytest": 'python -m pytest -q -p no:cacheprovider "$@"',
        "pip": f'python -m pip "$@" {PIP}',
    }
    for name, command in commands.items():
        script = environment / "bin" / name
        script.write_text(f"#!/bin/sh\nexec {command}\n")
        script.chmod(0o755)

    def run(script: str) -> str:
        variables = {**os.environ, "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        variables.pop("PYTHONPATH", None)
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    run.folder = folder
    return run


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        (
            "own-problem.md",
            [
                "amplitude 2.00, damping 0.50, frequency 3.00",
                "pixels  mu-plus-lambda · assignment",
                "rings  snes · weights",
                "hyper  cma-es · composite",
                "test accuracy",
                "many, seed 3",
                "report.html",
                "net: test accuracy",
            ],
        ),
        ("plugins.md", ["(Mantegna, 1994). (evoplug-levy 0.1.0)", "alpha: float, > 0, < 2", "measurements"]),
    ],
)
def test_every_block_does_what_the_page_says(page, seen, reader) -> None:
    output = ""
    for language, text in blocks(page):
        name = FILE.match(text)
        if name:
            file = reader.folder / name[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        elif language == "sh":
            output += reader(text)
        elif language == "text":
            assert output.endswith(text), f"the page shows\n{text}and this is printed\n{output[-len(text) :]}"
        else:
            assert language == "python", f"what is to be done with this?\n{text}"
            output += reader(f"python - <<'END'\n{text}END")
    assert not [words for words in seen if words not in output], output


@pytest.mark.parametrize("page", ["own-problem.md", "plugins.md"])
def test_every_file_of_a_page_is_used_on_it(page) -> None:
    texts = [text for _, text in blocks(page)]
    for name in filter(None, map(FILE.match, texts)):
        others = "".join(text for text in texts if not text.startswith(name[0]))
        assert Path(name[1]).name in others or "evoplug-levy/" in name[1], f"{name[1]} is not used"


PAGES = [("reference.md", reference), ("contracts-reference.md", contracts_reference)]


@pytest.mark.parametrize(("page", "maker"), PAGES)
def test_a_reference_is_up_to_date(page, maker) -> None:
    stale = f"docs/{page} is stale: python -m {maker.__name__} > docs/{page}"
    assert (DOCS / page).read_text(encoding="utf-8") == maker.reference(), stale


def test_the_reference_has_every_section_of_a_configuration() -> None:
    named = [name for section in SECTIONS for name in section.names]
    assert sorted(named) == sorted(["evoplug", "extends", *experiment.SECTIONS])


def test_the_examples_of_all_sections_together_are_a_configuration(tmp_path) -> None:
    file = tmp_path / "whole.toml"
    file.write_text("\n".join(section.example for section in SECTIONS), encoding="utf-8")
    whole = config.check(config.load(file))
    assert (whole.run.name, list(whole.sweep.arms)) == ("my-leea", ["batch-64", "batch-8"])


def test_the_reference_of_the_contracts_has_all_that_is_public() -> None:
    page = (DOCS / "contracts-reference.md").read_text(encoding="utf-8")
    others = {*dir(typing), *dir(dataclasses), *dir(annotated_types)}
    assert not [name for name in contracts.__all__ if name not in others and f"### {name}\n" not in page]
    assert not [name for name in annotated_types.__all__ if name in contracts.__all__ and f"`{name}`" not in page]


def test_the_page_on_json_names_every_key(tmp_path, capsys) -> None:
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", (DOCS / "json.md").read_text(), re.MULTILINE)))
    entry = data(catalogue.find("mutations", "gaussian"))
    folder = sweep(tmp_path / "s", {"a": [0.1], "b": [0.2]}, [{"better": "a", "than": "b", "metric": "test.accuracy"}])
    (result,) = (folder / "a").rglob("result.json")
    result.write_text(result.read_text().replace('"evaluations": 20', '"evaluations": 21'))
    with pytest.raises(SystemExit):
        main(["compare", str(folder), "--json"])
    compared = json.loads(capsys.readouterr().out)
    (arm, *_), (claim,), (earlier,) = compared["arms"]["test.accuracy"], compared["claims"], compared["earlier"]
    (spent,) = compared["spent"]
    run = evoplug.run("quickstart", {"run.stop.generations": 1}, out=tmp_path / "run")
    told = [*entry, *entry["parameters"][0], *compared, *arm, *claim, *earlier, *spent, *run.result]
    assert keys == told


def anchors(page: Path) -> set[str]:
    """What links can lead to inside a page, as GitHub names it."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
            assert not anchor or anchor in anchors(page.parent / target if target else page), f"{target}#{anchor}"
