"""Signals and limits of time, at any moment of a run and whatever an evaluator does."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

import evoplug
from evoplug import Evaluation, EvaluationError
from evoplug.contracts import Evaluator
from evoplug.errors import Interrupted
from evoplug.population.workers import look_up, parallel
from evoplug.running import signals
from evoplug.running.runner import Watch
from evoplug.running.signals import SIGNALS, Stopper

SEARCH = {
    "run": {"name": "x", "stop": {"generations": 4}, "workers": 2},
    "strategy": {"use": "mu-plus-lambda", "population": 4, "offspring": 4},
    "genotype": {"use": "real-vector", "length": 3, "low": -5.0, "high": 5.0},
    "operators": {"mutation": {"use": "gaussian"}},
}


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(signals, "GRACE", 0.2)


class Slow(Evaluator):
    """Calls ``wait`` in one of its methods, once it has been called ``after`` times."""

    def __init__(self, method, wait, after=0):
        self.method, self.wait, self.left = method, wait, after

    def _called(self, method):
        if method == self.method:
            self.left -= 1
            if self.left < 0:
                self.wait()

    def start(self, device, rng):
        self._called("start")

    def evaluate(self, members, rng):
        self._called("evaluate")
        return Evaluation(-members.genomes.square().sum(1))

    def measure(self, members, split, rng):
        self._called("measure")
        return {}

    def close(self):
        self._called("close")


def soon(number, after=0.1):
    """A wait in which this process gets a signal."""

    def wait():
        threading.Timer(after, os.kill, [os.getpid(), number]).start()
        time.sleep(20)

    return wait


def stopped(folder, evaluator, changes=(), error=Interrupted):
    """The error of a run that ends within two seconds; and the run."""
    begin = time.perf_counter()
    with pytest.raises(error) as caught:
        evoplug.run({**SEARCH, "evaluator": evaluator}, changes, out=folder)
    assert time.perf_counter() - begin < 5
    return caught.value, evoplug.Run(folder)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("method", "generations"), [("start", 0), ("evaluate", 2), ("measure", 4)])
def test_a_signal_ends_a_run_whatever_it_is_at(tmp_path, number, method, generations):
    error, run = stopped(tmp_path / "run", Slow(method, soon(number), 2 if method == "evaluate" else 0))
    meant = signal.SIGTERM if number == getattr(signal, "SIGHUP", None) else number  # a closed terminal
    assert error.exit_code == 128 + meant
    assert (run.status, run.result["reason"]) == ("interrupted", f"stopped by signal {meant:d}")
    assert len(run.metrics) == generations
    again = evoplug.resume(run.folder, evaluator=Slow("none", None), allow_changed=True)
    assert (again.status, len(again.metrics)) == ("finished", 4)


def test_a_finished_run_stays_one_where_its_resume_is_stopped_before_it_goes_on(tmp_path):
    run = evoplug.run({**SEARCH, "evaluator": Slow("none", None)}, out=tmp_path / "run")
    before = run.result
    slow = Slow("start", soon(signal.SIGINT))
    with pytest.raises(Interrupted):
        evoplug.resume(run.folder, {"run.stop.generations": 9}, evaluator=slow, allow_changed=True)
    assert run.result == before


def test_pieces_in_other_threads_look_up(tmp_path):
    ended = []

    def piece(_):
        try:
            while True:
                look_up()
                time.sleep(0.001)
        finally:
            ended.append(True)

    def wait():
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        parallel(piece, 2)

    stopped(tmp_path / "run", Slow("evaluate", wait))
    assert ended == [True, True]


def test_generations_that_take_long_are_saved_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr("evoplug.running.runner.LONG", 0.05)
    monkeypatch.setattr("evoplug.running.runner.SHARE", 1.0)
    calls = []

    def wait():
        calls.append(True)
        time.sleep(0.1)
        if len(calls) == 3:
            soon(signal.SIGINT, 0)()

    _, run = stopped(tmp_path / "run", Slow("evaluate", wait))
    assert [path.name[:8] for path in sorted((run.folder / "checkpoints").iterdir())] == ["00000001", "00000002"]


def test_a_second_signal_does_not_lose_the_generation(tmp_path):
    def wait():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    _, run = stopped(tmp_path / "run", Slow("evaluate", wait))
    assert len(run.metrics) == 1
    assert len(list((run.folder / "checkpoints").iterdir())) == 1


def test_the_timers_and_handlers_of_the_host_survive(tmp_path):
    rang = []
    handlers = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGURG)}
    old = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.25)
    try:
        stopped(tmp_path / "run", Slow("evaluate", soon(signal.SIGINT)))
        time.sleep(0.2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert rang == [True]
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("evoplug")] == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_the_handlers_from_before():
    with Stopper():
        child = os.fork()
        if child == 0:
            os._exit(0 if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_an_evaluation_that_takes_longer_than_its_limit_is_given_up(tmp_path):
    error, run = stopped(
        tmp_path / "run", Slow("evaluate", lambda: time.sleep(20), 1), {"run.timeout": 0.2}, EvaluationError
    )
    what = "generation 2: Slow: evaluate of 4 members, ids 4 to 10, took longer than run.timeout allows"
    assert str(error) == run.result["reason"] == what
    assert run.status == "failed"
    assert what in (run.folder / "error.log").read_text()
    again = evoplug.resume(run.folder, {"run.timeout": 10}, evaluator=Slow("none", None), allow_changed=True)
    assert again.status == "finished"


def test_a_limit_that_is_kept_changes_nothing(tmp_path):
    rows = [
        [row["best"] for row in evoplug.run({**SEARCH, "evaluator": "function"}, changes, out=tmp_path / name).metrics]
        for name, changes in (("a", {}), ("b", {"run.timeout": 60}))
    ]
    assert rows[0] == rows[1]


def test_outside_the_main_thread_a_limit_holds_where_work_looks_up(tmp_path):
    def wait():
        while True:
            look_up()
            time.sleep(0.001)

    caught = []

    def run():
        try:
            stopped(tmp_path / "run", Slow("evaluate", wait), {"run.timeout": 0.1}, EvaluationError)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert caught == []


class Told(Watch):
    def __init__(self):
        self.errors = []

    def stuck(self, error):
        self.errors.append(error)


def test_code_that_goes_on_is_said_to_be_stuck(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "LAST", 0.2)
    watch = Told()

    def wait():
        begin = time.perf_counter()
        while time.perf_counter() - begin < 1:
            with suppress(BaseException):
                time.sleep(0.1)

    with pytest.raises(EvaluationError, match="took longer"):
        evoplug.run({**SEARCH, "evaluator": Slow("evaluate", wait)}, {"run.timeout": 0.1}, out=tmp_path, watch=watch)
    assert len(watch.errors) == 1


SWALLOWS = """
import time
def f(x):
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""
SWALLOWING = """
evoplug = 1
strategy = "mu-plus-lambda"
genotype = { use = "real-vector", low = -1, high = 1 }
evaluator = { use = "function", function = "./f.py:f" }
operators = { mutation = "gaussian" }
"""
DRIVER = "import sys; from evoplug.running import signals; signals.GRACE = signals.LAST = 0.3\n\
from evoplug.cli import main; sys.argv[0] = 'evoplug'; main()"


@pytest.mark.parametrize(("setting", "code"), [("run.workers=1", 143), ("run.timeout=0.3", 5)])
def test_the_command_ends_even_where_code_swallows_everything(tmp_path, setting, code):
    (tmp_path / "f.py").write_text(SWALLOWS)
    (tmp_path / "x.toml").write_text(SWALLOWING)
    command = [sys.executable, "-c", DRIVER, "run", "x.toml", "--out", "run", "--set", setting]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    if code == 143:
        while not Path(tmp_path / "run" / "metrics.jsonl").exists():
            time.sleep(0.05)
        time.sleep(0.2)
        process.terminate()
    assert process.wait(30) == code
    assert evoplug.Run(tmp_path / "run").status == ("interrupted" if code == 143 else "failed")
