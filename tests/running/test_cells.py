"""A cell is a process as good as new, whatever the cells before it did; none outlives its sweep."""

import json
import os
import re
import subprocess
import sys
import time
from importlib import import_module

import pytest
import torch

import evoplug
from evoplug import FilesError
from evoplug.running import cells, nursery
from evoplug.running.sweeping import SweepError, SweepWatch

linux = pytest.mark.skipif(sys.platform != "linux", reason="cells are forked on Linux only")

ODD = """
import atexit, json, os, random, signal, sys, threading, time
import numpy, torch
import evoplug.running.records

def vandal(x):
    torch.set_default_dtype(torch.float16)
    torch.manual_seed(1)
    numpy.random.seed(1)
    os.environ["VANDAL"] = "was here"
    sys.path.insert(0, "/vandal")
    evoplug.running.records.plain = None
    torch.zeros(4).requires_grad_().sum().backward()
    raise ValueError("done")

def witness(x):
    state = {
        "dtype": str(torch.get_default_dtype()),
        "environment": "VANDAL" in os.environ,
        "path": "/vandal" in sys.path,
        "patched": evoplug.running.records.plain is None,
        "modules": [name for name in sys.modules if name.startswith("only_here")],
        "cwd": os.getcwd(),
        "argv": sys.argv[1:2],
        "stdin": sys.stdin.read(),
        "session": os.getsid(0) == os.getpid(),
        "cuda": torch.cuda.is_initialized() or torch.cuda._is_in_bad_fork(),
        "numbers": [torch.rand(()).item(), numpy.random.random(), random.random()],
    }
    if sys.platform == "linux":
        state["threads of the parent"] = len(os.listdir(f"/proc/{os.getppid()}/task"))
    with open(os.path.join(HERE, f"{os.getpid()}.state"), "w") as file:
        json.dump(state, file)
    return x[:, 0]

def talks(x):
    global left_open
    print("printed")
    os.write(1, b"written\\n")
    left_open = open(os.path.join(HERE, "left-open"), "a")
    left_open.write("kept ")
    atexit.register(lambda: print("at the end"))
    threading.Thread(target=lambda: (time.sleep(0.05), print("from a thread"))).start()
    return x[:, 0]

def ends(x):
    os._exit(3)

def ends_well(x):
    os._exit(0)

def exits(x):
    sys.exit(7)

def dies(x):
    os.kill(os.getpid(), signal.SIGKILL)

def parent_dies(x):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)

def gated(x):
    import subprocess
    started = subprocess.Popen(["sleep", "600"])
    with open(os.path.join(HERE, f"{os.getpid()}.started"), "w") as file:
        file.write(f"{started.pid}")
    while not os.path.exists(os.path.join(HERE, "gate")):
        time.sleep(0.01)
    started.kill()
    started.wait()
    return x[:, 0]
"""
ORDER = ["vandal", "witness", "talks", "ends", "ends_well", "exits", "dies", "twin-a", "twin-b", "witness-2", "ackley"]
NEW = {
    "dtype": "torch.float32", "environment": False, "path": False, "patched": False, "modules": [], "cwd": os.getcwd(),
    "argv": ["resume"], "stdin": "", "session": True, "cuda": False,
}  # fmt: skip
"""What a witness sees in a process that has run nothing."""


def config(tmp, arms, strategy="random-search"):
    """The arm ``run``, and others by the function that they use: one in ``odd.py``, or ``ackley``, or ``FILE:NAME``."""
    (tmp / "odd.py").write_text(f"HERE = {str(tmp)!r}\n{ODD}")
    functions = {arm: f"{tmp / 'odd.py'}:{name}" if f"def {name}(" in ODD else name for arm, name in arms.items()}
    return {
        "run": {"name": "odd", "stop": {"generations": 3}},
        "strategy": {"use": strategy, "population": 6},
        "genotype": {"use": "real-vector", "length": 3, "low": -1.0, "high": 1.0},
        "evaluator": {"use": "function", "function": "ackley"},
        "sweep": {"arms": {arm: {"evaluator.function": function} for arm, function in functions.items()}},
    }


def rows(run):
    return [{k: v for k, v in row.items() if k not in ("seconds", "time")} for row in run.metrics]


def timeless(result):
    spent = {key: value for key, value in result["ledger"].items() if key != "seconds"}
    return {**result, "ledger": spent, "seconds": None, "records": None, "checksum": None}


class Journal(SweepWatch):
    def __init__(self):
        self.states, self.codes = {}, {}

    def ended(self, work):
        self.states[work.cell.arm], self.codes[work.cell.arm] = work.state, work.exit_code


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Cells one after another, in this order, most of them odd: their folders, states and reasons by arm."""
    tmp = tmp_path_factory.mktemp("odd")
    arms = {name: name.removesuffix("-2") for name in ORDER}
    for twin in ("a", "b"):
        (tmp / twin).mkdir()
        (tmp / twin / "twin.py").write_text(f"def f(x):\n    print('twin {twin}')\n    return x[:, 0]\n")
        arms[f"twin-{twin}"] = f"{tmp / twin / 'twin.py'}:f"
    for name in nursery.IMPORTED_IF_HERE:
        import_module(name)  # so that cells are forked from a process with all that they may import
    journal = Journal()
    sys.modules["only_here"] = sys  # what the caller has imported stays with the caller
    try:
        with pytest.raises(SweepError) as caught:
            evoplug.sweep(config(tmp, arms, "snes"), out=tmp / "s", jobs=1, watch=journal)
    finally:
        del sys.modules["only_here"]
    journal.reasons = {work.cell.arm: work.reason for work in caught.value.failed}
    journal.folder = tmp
    return journal


def output(odd, arm):
    return (odd.folder / "s" / arm / "seed-1" / "output.log").read_text()


def test_whoever_ends_early_fails_alone(odd):
    assert list(odd.states) == ["run", *ORDER]
    assert {arm for arm, state in odd.states.items() if state != "finished"} == {
        "vandal", "ends", "ends_well", "exits", "dies",
    }  # fmt: skip
    assert odd.reasons["dies"] == "was killed by signal 9"
    assert odd.reasons["ends_well"] == "its process ended without a result: a part must have ended it"
    assert {arm: odd.codes[arm] for arm in ("ends", "ends_well", "exits", "dies")} == {
        "ends": 3, "ends_well": 5, "exits": 5, "dies": 5,
    }  # fmt: skip


def test_a_cell_is_the_run_that_it_would_be_alone_to_the_last_bit(odd, tmp_path):
    alone = {key: value for key, value in config(odd.folder, {}, "snes").items() if key != "sweep"}
    single = evoplug.run(alone, out=tmp_path / "alone")
    for arm in ("run", "ackley"):  # the first and, of the same settings, the last
        cell = evoplug.Run(odd.folder / "s" / arm / "seed-1")
        assert rows(cell) == rows(single)
        assert timeless(cell.result) == timeless(single.result)
        assert torch.equal(cell.best.member.genomes, single.best.member.genomes)


def test_a_cell_begins_as_a_new_process_does(odd):
    seen = [json.loads(path.read_text()) for path in odd.folder.glob("*.state")]
    numbers = [number for state in seen for number in state.pop("numbers")]
    if sys.platform == "linux":  # a fork of a process with threads could hang
        assert [state.pop("threads of the parent") for state in seen] == [1, 1]
    assert seen == [NEW] * 2
    assert len(set(numbers)) == 6, "nobody's global random numbers are another's"


def test_what_a_cell_prints_and_leaves_open_is_kept(odd):
    said = output(odd, "talks")
    for line in ("printed", "written", "from a thread", "at the end", "finished: generations = 3"):
        assert line in said
    assert (odd.folder / "left-open").read_text() == "kept " * 4  # three generations and the centre
    assert "printed" not in output(odd, "run")


def test_files_of_one_name_are_two(odd):
    assert "twin a" in output(odd, "twin-a")
    assert "twin b" in output(odd, "twin-b")
    assert "twin a" not in output(odd, "twin-b")


@linux
def test_where_the_cells_parent_has_died_a_new_one_takes_its_place(tmp_path):
    journal = Journal()
    with pytest.raises(SweepError, match=r"^parent_dies, seed 1: was killed by signal 9"):
        evoplug.sweep(config(tmp_path, {"parent_dies": "parent_dies", "talks": "talks"}), out=tmp_path / "s", jobs=1,
                      watch=journal)  # fmt: skip
    assert journal.states == {"run": "finished", "parent_dies": "failed", "talks": "finished"}


def test_without_forks_a_cell_is_a_python_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(cells, "starter", nursery.Cold)
    journal = Journal()
    with pytest.raises(SweepError, match=r"^dies, seed 1: was killed by signal 9"):
        evoplug.sweep(config(tmp_path, {"dies": "dies", "witness": "witness"}), out=tmp_path / "s", jobs=3,
                      watch=journal)  # fmt: skip
    assert journal.states == {"run": "finished", "dies": "failed", "witness": "finished"}
    assert "finished: generations = 3" in (tmp_path / "s" / "run" / "seed-1" / "output.log").read_text()
    (seen,) = (json.loads(path.read_text()) for path in tmp_path.glob("*.state"))
    assert {key: value for key, value in seen.items() if key in NEW} == NEW


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(") ")[2].startswith("Z")  # nobody asks how it ended


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@linux
def test_no_cell_outlives_a_killed_sweep_and_the_next_call_goes_on(tmp_path):
    arms = {**config(tmp_path, {"gated": "gated", "gated-2": "gated"}), "run": {"stop": {"generations": 1}}}
    arms["evaluator"]["function"] = f"{tmp_path / 'odd.py'}:gated"
    code = f"import evoplug; evoplug.sweep({arms!r}, out={str(tmp_path / 's')!r}, jobs=3)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    sweep = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=environment)
    until(lambda: len(list(tmp_path.glob("*.started"))) == 3 and all(p.read_text() for p in tmp_path.glob("*.started")))
    with pytest.raises(FilesError, match=rf"s: another run holds this folder \(pid {sweep.pid} on"):
        evoplug.sweep(arms, out=tmp_path / "s")
    sweep.kill()
    sweep.wait()
    pids = [int(pid) for path in tmp_path.glob("*.started") for pid in (path.stem, path.read_text())]
    until(lambda: all(gone(pid) for pid in pids))
    (tmp_path / "gate").touch()
    assert [run.status for run in evoplug.sweep(arms, out=tmp_path / "s")] == ["finished"] * 3


def test_a_second_sweep_of_a_folder_ends_with_one_line(tmp_path, capsys):
    from evoplug.cli import main
    from evoplug.running.rundir import held

    (tmp_path / "s").mkdir()
    with held(tmp_path / "s"), pytest.raises(SystemExit) as caught:
        main(["run", "quickstart", "--seeds", "1", "--out", str(tmp_path / "s")])
    assert caught.value.code == 4
    line = re.escape(f"evoplug: error: {tmp_path / 's'}: another run holds this folder (pid {os.getpid()} on ")
    assert re.fullmatch(rf"{line}.*\)\n", capsys.readouterr().err)
    assert not [path for path in (tmp_path / "s").iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs_at_once_is_refused(jobs, tmp_path):
    with pytest.raises(evoplug.ConfigError, match=f"jobs: must be 1 or more, got {jobs}"):
        evoplug.sweep(config(tmp_path, {}), out=tmp_path / "s", jobs=jobs)
    assert not (tmp_path / "s").exists()
