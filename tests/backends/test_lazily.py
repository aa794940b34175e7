"""What EvoTorch brings with it is imported by those runs that use it."""

import subprocess
import sys
from importlib import import_module
from threading import Thread

import pytest

from evoplug.backends.evotorch.lazily import imported_lazily

HEAVY = """
from collections import OrderedDict
def mark(kind):
    kind.marked = True
    return kind
"""

USER = """
from typing import Optional
import heavy
import heavy.inner
from heavy.inner import Pool
@heavy.mark
class Actor: pass
def use(pool: Optional[Pool], kind: heavy.OrderedDict): return Pool()
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """``heavy``, ``heavy.inner``, and ``user``, which imports both; all forgotten afterwards."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy" / "__init__.py").write_text(HEAVY)
    (tmp_path / "heavy" / "inner.py").write_text("class Pool: pass")
    (tmp_path / "user.py").write_text(USER)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("heavy", "heavy.inner", "user"):
        sys.modules.pop(name, None)


def user_imported_lazily():
    with imported_lazily("heavy", "heavy.inner"):
        return import_module("user")


@pytest.mark.usefixtures("installed")
def test_a_module_is_imported_when_it_is_used():
    user = user_imported_lazily()
    assert "heavy" not in sys.modules
    assert user.Actor.marked
    assert "heavy" in sys.modules
    assert "heavy.inner" not in sys.modules
    pool = user.use(None, None)
    assert type(pool) is sys.modules["heavy.inner"].Pool
    assert isinstance(pool, user.heavy.inner.Pool)


@pytest.mark.usefixtures("installed")
def test_to_everyone_else_it_is_not_imported_yet():
    user = user_imported_lazily()
    import heavy
    import heavy.inner

    assert type(heavy) is type(sys)
    assert "OrderedDict" in vars(heavy)
    assert user.heavy.OrderedDict is heavy.OrderedDict
    assert set(vars(heavy)) <= set(dir(user.heavy))
    assert not [finder for finder in sys.meta_path if type(finder).__module__.endswith("lazily")]


@pytest.mark.usefixtures("installed")
def test_what_was_imported_before_is_what_is_used():
    heavy = import_module("heavy")
    user = user_imported_lazily()
    assert user.heavy is heavy is sys.modules["heavy"]
    assert "marked" in vars(user.Actor)


@pytest.mark.usefixtures("installed")
def test_another_thread_gets_the_real_one():
    found = []
    with imported_lazily("heavy"):
        ours = import_module("heavy")
        thread = Thread(target=lambda: found.append(ours.OrderedDict))
        thread.start()
        thread.join()
    assert found == [import_module("heavy").OrderedDict]


def test_what_is_not_installed_is_missing():
    with imported_lazily("not_there"), pytest.raises(ModuleNotFoundError, match="not_there"):
        import_module("not_there")


# -------------------------------------------------------------------------------------- EvoTorch, in fresh processes

RUN = """
import sys
from evoplug import run
run("basics/cma-es", {"run.stop": {"generations": 2}}, out=sys.argv[1])
"""

INSIDES = ("ray._private", "pandas.core", "cma.interfaces", "gymnasium.core", "matplotlib.figure", "scipy.stats")
"""Modules that their packages import at once: one that is there only by name does not have it."""

USE = """
import gymnasium, matplotlib.pyplot, pandas, ray
import evotorch, torch
from evotorch.algorithms import PyCMAES, SNES

assert ray.init and matplotlib.pyplot.figure
assert gymnasium.make("CartPole-v1").reset(seed=1)
table = pandas.DataFrame({"a": [1.0, 2.0]})
assert evotorch.tools.TensorFrame(table)["a"].tolist() == [1, 2]
assert evotorch.core.EvaluationActor.options and evotorch.core.ActorPool.submit

problem = evotorch.Problem("min", lambda x: x.square().sum(), solution_length=3, initial_bounds=(-1, 1))
searcher = SNES(problem, stdev_init=1.0)
logger = evotorch.logging.PandasLogger(searcher)
searcher.run(2)
assert type(logger.to_dataframe()) is pandas.DataFrame
PyCMAES(problem, stdev_init=1.0).run(2)

from evotorch.neuroevolution import GymNE
assert GymNE is evotorch.neuroevolution.GymNE
network = "Linear(obs_length, act_length)"
assert isinstance(GymNE("CartPole-v1", network).to_policy(torch.zeros(10)), torch.nn.Module)
"""


def in_a_fresh_process(script, *arguments):
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_run_imports_none_of_it_and_everything_works_afterwards(tmp_path):
    """And the insides are there then: they would be seen."""
    insides = f"{{*{INSIDES}}}"
    none, all_ = f"assert not {insides} & {{*sys.modules}}", f"assert {insides} <= {{*sys.modules}}"
    in_a_fresh_process("\n".join([RUN, none, USE, all_]), tmp_path / "run")


def test_everything_works_where_it_was_imported_before(tmp_path):
    before = "import gymnasium, matplotlib.pyplot, pandas, ray"
    same = "assert evotorch.core.ray is ray"
    in_a_fresh_process("\n".join([before, RUN, USE, same]), tmp_path / "run")


def test_the_door_opens_without_a_sound():
    command = [sys.executable, "-W", "error", "-c", "import evoplug.backends.evotorch"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
