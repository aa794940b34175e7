"""Third-party distributions, most of them broken in one way, installed for real; the command line against them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from evoplug import __version__
from strangers import PROJECTS, Site, install

CONFIG = """
evoplug = 1
[run]
name = "strange"
seed = 1
device = "cpu"
stop = { generations = 2 }
[strategy]
use = "mu-plus-lambda"
population = 4
offspring = 8
[genotype]
use = "real-vector"
[evaluator]
use = "function"
[operators]
mutation = "gaussian"
"""

BY_PIP = ("good", "editable")
BY_HAND = (
    "import-error", "system-exit", "syntax-error", "no-contract", "wrong-shape", "twin-a", "twin-b", "shadow",
    "future", "typing-error",
)  # fmt: skip

REFUSED = {
    "unimportable": "evoplug.mutations: unimportable = stranger_import_error:Unimportable (stranger-import-error 1.0): "
    "ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
    "exiting": "evoplug.mutations: exiting = stranger_system_exit:Exiting (stranger-system-exit 1.0): "
    "SystemExit: no licence",
    "unreadable": "evoplug.mutations: unreadable = stranger_syntax_error:Unreadable (stranger-syntax-error 1.0): "
    "SyntaxError: invalid syntax (stranger_syntax_error.py, line 6)",
    "stray-class": "evoplug.mutations: stray-class = stranger_no_contract:StrayClass (stranger-no-contract 1.0): "
    "`StrayClass` does not extend `Mutation`, the contract of evoplug.mutations",
    "narrowing": "evoplug.mutations: narrowing = stranger_wrong_shape:Narrowing (stranger-wrong-shape 1.0): "
    "must return a tensor float64 (5, 10), got float64 (5, 9)",
    "twin": 'mutation `twin` is in more than one distribution; say "stranger-twin-a/twin" or "stranger-twin-b/twin"',
    "futuristic": "evoplug.mutations: futuristic = stranger_future:Futuristic (stranger-future 1.0): "
    "needs evoplug>=99; this is {version}",
    "misplaced": "evoplug.mutation: misplaced = stranger_typing_error:Misplaced (stranger-typing-error 1.0): "
    "there is no group `evoplug.mutation`; did you mean `evoplug.mutations`?",
}
"""Mutation -> the one line with which a run that uses it ends."""

DRIVER = """
import contextlib, io, json, sys
from evoplug.cli import main
said = {}
for name in sys.argv[2:]:
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
        try:
            main(["run", sys.argv[1], "--set", f"operators.mutation={name}", "--out", f"out-{name.replace('/', '-')}"])
        except SystemExit as end:
            said[name] = [end.code, errors.getvalue()]
json.dump(said, sys.stdout)
"""
"""Many runs in one process; no failure may spoil the next."""


class Street(NamedTuple):
    """Where the strangers live."""

    folder: Path
    environment: dict[str, str]

    def python(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    """A sound and an editable distribution installed by pip, the broken ones as pip would leave them."""
    folder = tmp_path_factory.mktemp("street")
    target = folder / "site"
    # Copies: building leaves files behind.
    good, editable = (shutil.copytree(PROJECTS / name, folder / name) for name in BY_PIP)
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, str(good), "-e", str(editable)], check=True, capture_output=True)
    site = Site(target)
    for name in BY_HAND:
        install(site, name)
    # Only folders of packages have their .pth files read, by which an editable one is found.
    site.write("sitecustomize.py", f"import site\n\nsite.addsitedir({str(target)!r})\n")
    (folder / "strange.toml").write_text(CONFIG)
    return Street(folder, {**os.environ, "PYTHONPATH": str(target)})


def test_all_of_them_are_listed_with_what_metadata_and_source_tell(street: Street) -> None:
    lines = street.python("-m", "evoplug", "list", "mutations").stdout.splitlines()
    listed = {line.split()[1]: " ".join(line.split()[2:]) for line in lines if "(stranger-" in line}
    assert listed == {
        "sound": "Add noise, inside the bounds. (stranger-good 1.0) scale=0.01",
        "flip": "Turn one switch in eight; counts the mutations of a line of ancestors. (stranger-good 1.0)",
        "edited": "Add noise, from a checkout. (stranger-editable 1.0) scale=0.01",
        "unimportable": "Needs a library that is not there. (stranger-import-error 1.0) scale=0.01",
        "exiting": "Ends the process that imports it. (stranger-system-exit 1.0) scale=0.01",
        "unreadable": f"broken: syntax error in {street.folder}/site/stranger_syntax_error.py:6: invalid syntax "
        "(stranger-syntax-error 1.0)",
        "stray-class": "broken: `StrayClass` does not extend `Mutation`, the contract of evoplug.mutations "
        "(stranger-no-contract 1.0)",
        "narrowing": "Loses a gene. (stranger-wrong-shape 1.0) scale=0.01",
        "stranger-twin-a/twin": "Twin a. (stranger-twin-a 1.0) scale=0.01",
        "stranger-twin-b/twin": "Twin b. (stranger-twin-b 1.0) scale=0.01",
        "stranger-shadow/gaussian": "Has the name of one of evoplug's own. (stranger-shadow 1.0) scale=0.01",
        "futuristic": f"broken: needs evoplug>=99; this is {__version__} (stranger-future 1.0) scale=0.01",
        "misplaced": "broken: there is no group `evoplug.mutation`; did you mean `evoplug.mutations`? "
        "(stranger-typing-error 1.0)",
    }
    everything = street.python("-m", "evoplug", "list", "--json").stdout
    assert set(listed) <= {entry["use"] for entry in json.loads(everything)}


def test_a_run_that_uses_none_of_the_broken_ones_is_untouched(street: Street) -> None:
    done = street.python("-m", "evoplug", "run", "strange.toml", "--out", "own")
    assert done.stderr == ""
    lock: dict[str, Any] = json.loads((street.folder / "own" / "plugins.lock").read_text())
    assert "stranger" not in json.dumps(lock), "a bare name means evoplug's own"


def test_a_run_that_uses_one_ends_with_its_cause(street: Street) -> None:
    """Exit code 3 and one line; the sound ones work after all the others have failed in the same process."""
    sound = ["sound", "edited", "stranger-twin-b/twin", "stranger-shadow/gaussian"]
    said = json.loads(street.python("-c", DRIVER, "strange.toml", *REFUSED, *sound).stdout)
    assert {name: said[name] for name in REFUSED} == {
        name: [3, f"evoplug: error: {cause.format(version=__version__)}\n"] for name, cause in REFUSED.items()
    }
    assert {name: said[name] for name in sound} == {name: [0, ""] for name in sound}
    lock = json.loads((street.folder / "out-edited" / "plugins.lock").read_text())
    assert "stranger_editable:Edited" in json.dumps(lock)


def test_the_doctor_says_of_each_what_is_wrong(street: Street) -> None:
    done = street.python("-m", "evoplug", "doctor", "--json", code=3)
    found = json.loads(done.stdout)
    assert "a plugin that talks" in done.stderr
    problems = {
        part["name"]: (plugin["well"], part["problem"])
        for plugin in found["plugins"]
        for part in plugin["parts"]
        if plugin["name"].startswith("stranger-")
    }
    assert problems == {
        **dict.fromkeys(("sound", "twenty", "switches", "flip", "swap", "pair"), (True, None)),
        **dict.fromkeys(("edited", "twin", "gaussian", "narrowing"), (True, None)),
        **{
            name: (False, REFUSED[name].partition("): ")[2].format(version=__version__))
            for name in ("unimportable", "exiting", "unreadable", "stray-class", "futuristic", "misplaced")
        },
    }
    assert not found["well"]


def test_the_suites_run_on_an_installed_plugin(street: Street) -> None:
    said = street.python("-m", "evoplug", "doctor", "--suite", "stranger-good").stdout
    assert "mutations/sound" in said
    assert said.endswith("all is well\n")
