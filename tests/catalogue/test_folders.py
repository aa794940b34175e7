"""Files beside a configuration import the modules beside them, of their own folder and as they are now."""

import json
import os
import subprocess
import sys

import pytest

import evoplug
from evoplug.catalogue import folders
from evoplug.cli import main
from evoplug.errors import FilesError

OPS = """
import evoplug
from evoplug.contracts import Mutation, dataclass
from helpers import scale
from tools import deep
import tools.deep as again


@evoplug.register("mutations", "mine")
@dataclass(kw_only=True)
class Mine(Mutation, genome="real-vector"):
    def __call__(self, genomes, rng):
        from late import offset
        import tools.other

        return genomes * scale() + offset() + deep.ZERO + again.ZERO + tools.other.ZERO
"""
CONFIG = """
evoplug = 1
plugins = ["./ops.py"]
run = { stop = { generations = 3 }, device = "cpu" }
strategy = { use = "mu-plus-lambda", population = 4, offspring = 4 }
genotype = { use = "real-vector", length = 2, low = -5.0, high = 5.0 }
evaluator = { use = "function", function = "./own.py:own" }
operators = { mutation = "mine" }
"""


def write(folder, scale="0.5"):
    (folder / "tools").mkdir(parents=True)
    for name, text in {
        "my.toml": CONFIG,
        "ops.py": OPS,
        "own.py": "from helpers import scale\nfrom .late import offset\ndef own(x):\n    return (x - scale()).sum(1)\n",
        "helpers.py": f"import more\ndef scale():\n    return {scale} + more.NOTHING\n",
        "more.py": "NOTHING = 0.0\n",
        "late.py": "def offset():\n    return 0.25\n",
        "tools/__init__.py": "",
        "tools/deep.py": "from .other import ZERO\n",
        "tools/other.py": "ZERO = 0.0\n",
        "unused.py": "raise SystemExit\n",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def beside(tmp_path):
    return write(tmp_path / "one")


def test_they_are_imported_at_the_top_and_late_and_stand_in_the_lock(beside):
    run = evoplug.run(beside / "my.toml", out=beside / "run")
    lock = json.loads((run.folder / "plugins.lock").read_text())
    names = ("helpers.py", "late.py", "more.py", "tools/__init__.py", "tools/deep.py", "tools/other.py")
    assert {str(beside / name) for name in names} <= lock.keys()
    assert str(beside / "unused.py") not in lock
    assert not {"helpers", "late", "more", "tools"} & sys.modules.keys()
    assert str(beside) not in sys.path
    assert not list(beside.rglob("__pycache__"))


@pytest.mark.parametrize("name", ["helpers.py", "more.py", "late.py", "tools/other.py"])
def test_a_resume_is_refused_where_one_has_changed(beside, name):
    run = evoplug.run(beside / "my.toml", out=beside / "run")
    (beside / name).write_text((beside / name).read_text() + "# changed\n")
    with pytest.raises(FilesError, match=rf"source has changed since the run began: {beside / name}"):
        evoplug.resume(run.folder, {"run.stop.generations": 4})
    assert evoplug.resume(run.folder, {"run.stop.generations": 4}, allow_changed=True).status == "finished"


def test_what_has_changed_is_run_anew(beside):
    (beside / "helpers.py").write_text("def scale():\n    return 2\n")
    first = folders.load(beside / "own.py")
    assert folders.load(beside / "own.py") is first
    (beside / "helpers.py").write_text("def scale():\n    return 3\n")  # as long, within the same second
    again = folders.load(beside / "own.py")
    assert (first.scale(), again.scale()) == (2, 3)


def test_two_folders_never_mix_and_two_files_of_a_folder_share(beside, tmp_path):
    other = write(tmp_path / "two", scale="4.0")
    ones, twos = folders.load(beside / "ops.py"), folders.load(other / "ops.py")
    assert (ones.scale(), twos.scale()) == (0.5, 4.0)
    (other / "late.py").write_text("def offset():\n    return 1.0\n")  # not imported yet
    genomes = pytest.importorskip("torch").zeros(1, 1)
    assert (ones.Mine()(genomes, None).item(), twos.Mine()(genomes, None).item()) == (0.25, 1.0)
    assert folders.load(beside / "own.py").scale is ones.scale


def test_the_standard_library_goes_first_and_what_is_missing_is_said(beside):
    (beside / "random.py").write_text("raise SystemExit\n")
    (beside / "own.py").write_text("import random\nimport helpers_that_are_not_there\n")
    with pytest.raises(ModuleNotFoundError, match="No module named 'helpers_that_are_not_there'"):
        folders.load(beside / "own.py")


def test_the_command_and_the_module_do_the_same(beside):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    begin = ["import sys; from evoplug.cli import main; sys.path.remove(''); main()"]
    for name, call in {"command": ["-c", *begin], "module": ["-m", "evoplug"]}.items():
        command = [sys.executable, "-W", "ignore", *call, "run", "my.toml", "--out", name]
        subprocess.run(command, cwd=beside, env=environment, check=True, capture_output=True)
    command, module = (evoplug.Run(beside / name) for name in ("command", "module"))
    assert [row["best"] for row in command.metrics] == [row["best"] for row in module.metrics]
    locks = [json.loads((run.folder / "plugins.lock").read_text()) for run in (command, module)]
    assert locks[0] == locks[1]


def test_an_error_in_one_is_told_in_a_line(beside, capsys):
    (beside / "helpers.py").write_text("def scale(:\n")
    with pytest.raises(SystemExit) as ended:
        main(["run", str(beside / "my.toml"), "--out", str(beside / "run")])
    assert ended.value.code in (2, 3)
    assert "SyntaxError: invalid syntax (helpers.py, line 1)" in capsys.readouterr().err
