"""The pages do what they say: every block is saved or run, in order, as a reader would in an empty folder."""

import os
import re
import site
import subprocess
import venv
from pathlib import Path

import pytest

from evoplug import catalogue
from evoplug.cli.listing import data
from evoplug.cli.reference import reference

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
            ["amplitude 2.00, damping 0.50, frequency 3.00", "rings  snes · weights", "test accuracy"],
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


def test_the_reference_is_up_to_date() -> None:
    stale = "docs/reference.md is stale: python -m evoplug.cli.reference > docs/reference.md"
    assert (DOCS / "reference.md").read_text(encoding="utf-8") == reference(), stale


def test_the_page_on_json_names_every_key() -> None:
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", (DOCS / "json.md").read_text(), re.MULTILINE)))
    entry = data(catalogue.find("mutations", "gaussian"))
    assert keys == [*entry, *entry["parameters"][0]]


def test_links_between_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert target.startswith("http") or (DOCS / target).exists(), f"{page.name}: {target}"
