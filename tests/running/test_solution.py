"""``evoplug.Run(DIR).best``: what a finished run found, ready for use."""

import subprocess
import sys

import pytest
import torch

import evoplug
from evoplug import FilesError
from finished import GRADIENT, LEEA, SPHERE, digits


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """name -> a finished run."""
    folder = tmp_path_factory.mktemp("runs")
    configs = {"leea": LEEA, "gradient": GRADIENT, "sphere": SPHERE}
    return {name: evoplug.run(config, out=folder / name) for name, config in configs.items()}


@pytest.mark.parametrize("name", ["leea", "gradient"])
def test_the_network_takes_raw_examples_and_has_the_reported_accuracy(runs, name):
    best = evoplug.Run(runs[name].folder).best
    x, y = digits()
    assert not best.module.training
    right = (best.module(x).argmax(1) == y).double().mean().item()
    assert right == pytest.approx(runs[name].test["accuracy"], abs=1e-9)
    assert right > 0.3


def test_what_stands_in_the_result_is_there(runs):
    run = runs["sphere"]
    best = run.best
    assert best.genome.tolist() == best.description == run.result["best"]["description"]
    assert best.fitness == pytest.approx(-sum(x * x for x in best.genome.tolist()))
    assert best.generation == run.result["best"]["generation"]
    assert best.module is None


def test_a_solution_is_read_once_and_its_network_is_its_own(runs):
    run = evoplug.Run(runs["leea"].folder)
    assert run.best is run.best
    before = run.best.genome.clone()
    for parameter in run.best.module.parameters():
        parameter.zero_()
    assert torch.equal(run.best.genome, before)


def test_a_run_is_read_without_torch(runs):
    code = (
        "import sys, evoplug; run = evoplug.Run(sys.argv[1]); run.result, run.config, run.status;"
        "assert 'torch' not in sys.modules; run.best; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(runs["sphere"].folder)], check=True)


def test_weights_that_an_evaluator_owns_come_back_in_another_process(owned):
    code = (
        "import sys, torch; from evoplug import Run; best = Run(sys.argv[1], sys.argv[2:]).best;"
        "print(best.module(torch.ones(3)).sum().item())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, owned.folder, *owned.trusted], check=True, capture_output=True, text=True
    )
    assert float(done.stdout) == pytest.approx(owned.test["output"], abs=1e-4)


def test_a_solution_holds_no_state_that_no_network_needs(runs, owned):
    held = {name: torch.load(run.folder / "solution.pt")["evaluator"] for name, run in (*runs.items(), ("own", owned))}
    assert held["leea"] == held["sphere"] == {}
    assert held["own"]["weight"].shape == (3, 3)


def test_several_networks_are_one_module_by_name(pair):
    best = evoplug.Run(pair.folder, pair.trusted).best
    assert isinstance(best.module, torch.nn.ModuleDict)
    assert list(best.module) == list(best.model) == ["first", "it's/2nd"]
    assert not best.module.training
    assert best.module["first"](torch.ones(2, 4)).sum().item() == pytest.approx(pair.test["first"])
    assert best.module["first"][1].weight is best.module["it's/2nd"][1].weight


def test_an_unfinished_run_has_no_solution(runs, tmp_path):
    (tmp_path / "resolved.toml").write_bytes((runs["sphere"].folder / "resolved.toml").read_bytes())
    with pytest.raises(FilesError, match="has not finished"):
        evoplug.Run(tmp_path).best  # noqa: B018


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"", lambda data: b"\x80\x02]q\x00."])
def test_a_damaged_solution_is_named(runs, tmp_path, damage):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["sphere"].folder / name).read_bytes())
    path = tmp_path / "solution.pt"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FilesError, match=r"solution\.pt: is damaged"):
        evoplug.Run(tmp_path).best  # noqa: B018


def test_a_cuda_run_is_read_on_a_machine_without(runs, tmp_path):
    for name in ("resolved.toml", "result.json", "solution.pt"):
        (tmp_path / name).write_bytes((runs["leea"].folder / name).read_bytes())
    resolved = tmp_path / "resolved.toml"
    resolved.write_text(resolved.read_text().replace('device = "auto"', 'device = "cuda:7"'))
    assert 'device = "cuda:7"' in resolved.read_text()
    assert evoplug.Run(tmp_path).best.module is not None
